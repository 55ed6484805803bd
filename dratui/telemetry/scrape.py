"""Other exporters: their `/metrics`, read every 15 seconds. Who it is, what is served tells (`dialects`)."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from dratui.events import Phase
from dratui.samples import NodeSample
from dratui.telemetry import devices, exposition
from dratui.telemetry.dialects import BY_SERIES, DIALECTS
from dratui.telemetry.discovery import Exporter
from dratui.telemetry.endpoint import Endpoint
from dratui.telemetry.protocol import Broken, Take

PATH: Final = "/metrics"
EVERY: Final = 15.0
"""Seconds between two readings: as often as Prometheus does, and most exporters measure no oftener."""
PATIENCE: Final = 10.0
"""Seconds for a whole answer; Prometheus's own default."""


class Scraper:
    """Implements `Follower` by asking again and again."""

    def __init__(
        self,
        endpoint: Endpoint,
        now: Callable[[], float],
        *,
        every: float = EVERY,
        patience: float = PATIENCE,
    ) -> None:
        self._endpoint = endpoint
        self._now = now
        self._every = every
        self._patience = patience

    async def follow(self, node: str, take: Take) -> None:
        """See `Follower`."""
        while True:
            body = await self._body()
            at = self._now()
            take(await asyncio.to_thread(sample, body, node=node, at=at, interval=self._every))
            await asyncio.sleep(self._every)

    async def _body(self) -> bytes:
        pieces: list[bytes] = []
        size = 0
        name = self._endpoint.name
        try:
            async with (
                asyncio.timeout(self._patience),
                self._endpoint.stream(PATH, silence=self._patience) as read,
            ):
                while piece := await read():
                    pieces.append(piece)
                    size += len(piece)
                    if size > exposition.LARGEST_BODY:
                        raise Broken(f"{name} answers more than {exposition.LARGEST_BODY >> 20} MiB")
        except TimeoutError as error:
            raise Broken(f"{name} takes longer than {self._patience:g} s to answer") from error
        return b"".join(pieces)


def sample(body: bytes, *, node: str, at: float, interval: float = EVERY) -> NodeSample:
    """What the text of an exporter tells of its node, read `at` (unix seconds). Raises Broken where it is of none."""
    told = devices.read(exposition.read(body.decode(errors="replace"), BY_SERIES.__contains__))
    for dialect, found in told.items():
        if found:
            return NodeSample(
                at=at,
                node=node,
                source=dialect.name,
                interval=interval,
                devices=tuple(found),
                attributed=at if dialect.labels.holder else None,
            )
    raise Broken(
        f"{PATH} tells of no GPU",
        hint=f"no series of {', '.join(each.name for each in DIALECTS)} is there",
        phase=Phase.NOT_SERVED,
    )


EXPORTERS: Final[Sequence[Exporter]] = [
    Exporter(name=each.name, selector=selector, port=each.port, follower=Scraper)
    for each in DIALECTS[1:]  # the agent has a stream
    for selector in each.pods
]
"""Those whose pods are known by their labels."""
