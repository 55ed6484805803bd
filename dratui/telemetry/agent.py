"""dratui-agent: a stream of frames, once a second."""

import re
from collections.abc import Callable, Sequence
from typing import Final

from dratui.telemetry.discovery import Exporter
from dratui.telemetry.endpoint import Endpoint
from dratui.telemetry.frames import Frames
from dratui.telemetry.protocol import Broken, Take
from dratui.telemetry.sse import Event, Events

PATH: Final = "/v1/stream"
SILENCE: Final = 40.0
"""Seconds without a byte after which the stream is broken: the agent says every 15 that it lives."""
_FULL: Final = b"full"
_VALUES: Final = b"values"
_ID: Final = re.compile(rb"[0-9-]{1,40}")


class AgentFollower:
    """Follows the stream; one that broke is resumed, so that a layout that is known is not sent again."""

    def __init__(self, endpoint: Endpoint, now: Callable[[], float], *, silence: float = SILENCE) -> None:
        self._endpoint = endpoint
        self._now = now
        self._silence = silence
        self._frames: Frames | None = None
        self._last_id = ""

    async def follow(self, node: str, take: Take) -> None:
        """See `Follower`."""
        if self._frames is None:
            self._frames = Frames(node)
        headers = [("Last-Event-ID", self._last_id)] if self._last_id else []
        async with self._endpoint.stream(PATH, silence=self._silence, headers=headers) as read:
            events = Events()
            try:
                while chunk := await read():
                    for event in _news(events.feed(chunk)):
                        told = self._frames.full if event.kind == _FULL else self._frames.values
                        take(told(event.data, self._now()))
                        self._last_id = event.id.decode() if _ID.fullmatch(event.id) else ""
            except (ValueError, RecursionError) as error:
                self._last_id = ""  # all anew
                raise Broken("what the agent sends cannot be read", hint=str(error)) from error
        raise Broken("the agent ended its stream")


def _news(events: Sequence[Event]) -> Sequence[Event]:
    """Of what came at once the last full frame and the last values behind it: to read all that a hostile agent sends
    would keep the loop busy. `lag`, and what a later agent may tell besides, is none.
    """
    news: list[Event] = []
    for event in events:
        if event.kind == _FULL:
            news = [event]
        elif event.kind == _VALUES:
            news = [*(each for each in news if each.kind == _FULL), event]
    return news


AGENT: Final = Exporter(
    name="agent", selector="app.kubernetes.io/name=dratui-agent", port=9402, follower=AgentFollower
)
