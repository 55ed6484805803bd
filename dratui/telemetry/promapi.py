"""Prometheus's HTTP API: an instant query, its answer and its errors in words.

Source: prometheus.io/docs/prometheus/latest/querying/api: 400 for what it cannot read, 422 for what it cannot compute,
503 for what took too long or was given up, each as JSON with `errorType` and `error`; `warnings` beside an answer
say that it is not all.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from dratui.telemetry.protocol import Broken

if TYPE_CHECKING:
    from dratui.telemetry.endpoint import Endpoint

QUERY: Final = "/api/v1/query"
PATIENCE: Final = 20.0
"""Seconds for an answer; Prometheus is told, so that it gives up too."""
_LONGEST: Final = 60  # characters of what others said, in a cell

Parameters = Sequence[tuple[str, str]]


class Way(Protocol):
    """How to Prometheus."""

    async def ask(self, path: str, parameters: Parameters) -> bytes:
        """The body of an answer that is well. Raises Broken."""

    async def close(self) -> None:
        """No more questions."""


class Value(msgspec.Struct, frozen=True, gc=False):
    """A series, and its value at the moment of the answer (unix seconds on Prometheus's clock)."""

    metric: dict[str, str]
    value: tuple[float, str]

    @property
    def number(self) -> float:
        """NaN for what is none."""
        try:
            return float(self.value[1])
        except ValueError:
            return float("nan")


class _Data(msgspec.Struct, frozen=True, rename="camel"):
    result_type: str = ""
    result: msgspec.Raw = msgspec.Raw(b"[]")


class _Body(msgspec.Struct, frozen=True):
    status: str = ""
    data: _Data | None = None
    error: str = ""
    warnings: list[str] | None = None


_body: Final = msgspec.json.Decoder(_Body)
_vector: Final = msgspec.json.Decoder(list[Value])


@dataclass(frozen=True)
class Answer:
    """`warnings`: why it may not be all."""

    values: Sequence[Value]
    warnings: Sequence[str] = ()


def read(body: bytes) -> Answer:
    """The answer to a query that gives a vector. Raises Broken."""
    try:
        told = _body.decode(body)
        if told.status == "error":
            raise refused(told.error)
        if told.data is None or told.data.result_type != "vector":
            raise Broken("who answers is no Prometheus", hint=f"{QUERY} gives no vector")
        return Answer(_vector.decode(told.data.result), tuple(told.warnings or ()))
    except (ValueError, RecursionError) as error:
        raise Broken("who answers is no Prometheus", hint=str(error)) from error


def refused(said: str) -> Broken:
    """What Prometheus says, as much of it as fits a cell, and all of it."""
    return Broken(f"Prometheus: {said if len(said) <= _LONGEST else f'{said[: _LONGEST - 1]}…'}", hint=said)


def error(body: bytes) -> str:
    """What Prometheus says in a refusal; empty if it is not its own."""
    try:
        return _body.decode(body).error
    except (ValueError, RecursionError):
        return ""


@dataclass(frozen=True)
class Proxied:
    """Implements `Way` through the API server's service proxy: only GET, as all that we ask it."""

    endpoint: "Endpoint"

    async def ask(self, path: str, parameters: Parameters) -> bytes:
        """See `Way`."""
        return await self.endpoint.get(path, parameters, silence=PATIENCE + 5)

    async def close(self) -> None:
        """See `Way`: the connection is the cluster's."""


async def query(way: Way, expression: str) -> Answer:
    """What an expression is now. Raises Broken."""
    parameters = (("query", expression), ("timeout", f"{PATIENCE:g}s"))
    return await asyncio.to_thread(read, await way.ask(QUERY, parameters))
