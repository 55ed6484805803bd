"""A way to an exporter: through the API server's pod proxy, for which a kubeconfig is enough, or directly."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import quote

import msgspec

from dratui.events import Phase
from dratui.kube.failure import KubeFailure
from dratui.telemetry.protocol import Broken

if TYPE_CHECKING:
    from dratui.kube.connection import Connection, Read

_LONGEST: Final = 60  # characters of what others said, in a cell


@dataclass(frozen=True)
class Endpoint:
    """`name` says who is there: `agent`, `dcgm-exporter`. `prefix` and `namespace` are those of a proxy of `kind`."""

    connection: "Connection"
    name: str
    prefix: str = ""
    namespace: str = ""
    kind: Literal["pod", "service"] = "pod"

    async def get(
        self, path: str, parameters: Sequence[tuple[str, str]] = (), *, silence: float | None = None
    ) -> bytes:
        """The body, 64 MiB at most. Raises Broken."""
        try:
            return await self.connection.get(
                self.prefix + path, parameters, to=self._to, silence=silence, proxied=True
            )
        except KubeFailure as failure:
            raise self._broken(failure) from failure

    @asynccontextmanager
    async def stream(
        self, path: str, *, silence: float, headers: Sequence[tuple[str, str]] = ()
    ) -> AsyncIterator["Read"]:
        """A body without end, as `Connection.stream` has it. Raises Broken, also out of the block."""
        try:
            async with self.connection.stream(
                self.prefix + path,
                (),
                to=self._to,
                silence=silence,
                headers=headers,
                proxied=True,
            ) as read:
                yield read
        except KubeFailure as failure:
            raise self._broken(failure) from failure

    @property
    def _to(self) -> str:
        return f"read the {self.name}"

    def _broken(self, failure: KubeFailure) -> Broken:
        """What a failure means for who looks at the node."""
        if failure.status is None:
            # The whole sentence names a server, which has no room in a cell.
            what = f"{self.name} is silent" if failure.silent else f"no connection to {self.name}"
            return Broken(what, hint=failure.said)
        if failure.status_reason:
            return self._not_let_through(failure, failure.status)
        said = _short(_words(failure.said.partition(": ")[2]) or failure.said)
        match failure.status:
            case 401:
                return Broken(
                    f"{self.name} wants a log-in",
                    hint=f"the {self.kind} proxy passes none on: read it directly, with --metrics-from"
                    if self.prefix
                    else "put it into --metrics-from: https://USER:PASSWORD@HOST:PORT",
                    phase=Phase.FORBIDDEN,
                )
            case 403:
                return Broken(f"{self.name} refuses: {said}", phase=Phase.FORBIDDEN)
            case 404:
                return Broken(f"{self.name} does not serve this (404)", hint="is it of another version?")
        return Broken(f"{self.name}: {said}")

    def _not_let_through(self, failure: KubeFailure, status: int) -> Broken:
        """The API server answered itself."""
        match status:
            case 401:
                return Broken("the API server does not know us", hint=failure.said)
            case 403:
                where = f" in {self.namespace}" if self.namespace else ""
                return Broken(
                    f"needs get on {self.kind}s/proxy{where}",
                    hint=f"kubectl auth can-i get {self.kind}s --subresource=proxy -n {self.namespace}",
                    phase=Phase.FORBIDDEN,
                )
            case 404:
                gone = f"the {self.name}'s pod is gone"
                return Broken(gone if self.kind == "pod" else "no such service", hint=failure.said)
            case 500 | 502 | 503 | 504:
                why = failure.said.rpartition(": ")[2]
                return Broken(f"{self.name} unreachable: {_short(why)}", hint=failure.said)
        return Broken(f"{self.name}: {_short(failure.said)}", hint=failure.said)


def pod_proxy(
    connection: "Connection", name: str, namespace: str, pod: str, port: int, *, https: bool
) -> Endpoint:
    """The way through the API server; it does not look at the certificate of an exporter that speaks https."""
    target = quote(f"{'https:' if https else ''}{pod}:{port}", safe=":")
    prefix = f"/api/v1/namespaces/{quote(namespace, safe='')}/pods/{target}/proxy"
    return Endpoint(connection, name, prefix, namespace)


def service_proxy(connection: "Connection", name: str, namespace: str, service: str, path: str) -> Endpoint:
    """The way to `service`, `[https:]NAME[:PORT]`, below `path`; its certificate is not looked at either."""
    target = quote(service, safe=":")
    prefix = (
        f"/api/v1/namespaces/{quote(namespace, safe='')}/services/{target}/proxy{quote(path.rstrip('/'))}"
    )
    return Endpoint(connection, name, prefix, namespace, "service")


class _Problem(msgspec.Struct, frozen=True):
    """What the agent says in JSON."""

    problem: str = ""


def _words(body: str) -> str:
    try:
        return msgspec.json.decode(body, type=_Problem).problem
    except ValueError:
        return body


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
