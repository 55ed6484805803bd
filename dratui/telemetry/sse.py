"""Server-Sent Events out of chunks, as the WHATWG's HTML standard has them, without a lone CR as the end of a line."""

from typing import Final, NamedTuple

LONGEST: Final = 4 << 20
"""Bytes of one event. A full frame of 56 devices takes 40 KiB."""


class Event(NamedTuple):
    kind: bytes
    id: bytes
    data: bytes


class Events:
    """Splits a stream of bytes, holding back what has no end yet."""

    def __init__(self, longest: int = LONGEST) -> None:
        self._longest = longest
        self._held = b""

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that `chunk` completes; comments are none. Raises ValueError for one that is too long."""
        text = self._held + chunk
        if b"\r" in text:
            text = text.replace(b"\r\n", b"\n")
        *blocks, self._held = text.split(b"\n\n")
        if len(self._held) > self._longest or any(len(block) > self._longest for block in blocks):
            raise ValueError(f"an event is larger than {self._longest >> 20} MiB")
        return [event for block in blocks if (event := _event(block)) is not None]


def _event(block: bytes) -> Event | None:
    kind, id_, data = b"message", b"", []
    for line in block.split(b"\n"):
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            data.append(value)
        elif name == b"event":
            kind = value
        elif name == b"id":
            id_ = value
    return Event(kind, id_, b"\n".join(data)) if data else None
