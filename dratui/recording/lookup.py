"""One object of a recording as it was at a time.

Someone opens an object now and then; a recording may hold a hundred thousand. So objects are not kept while a
recording plays: the file is read again from where one can begin, further and further back until the object is named,
and of the lines only those are decoded that hold the name.
"""

from collections.abc import Iterable
from itertools import takewhile
from pathlib import Path

import msgspec

from dratui.recording.format import Line
from dratui.recording.reader import Reader
from dratui.recording.seeking import Marks


class _Metadata(msgspec.Struct, frozen=True):
    name: str = ""
    namespace: str = ""


class _Named(msgspec.Struct, frozen=True):
    metadata: _Metadata = _Metadata()


_NAMED = msgspec.json.Decoder(_Named)


_GONE = b""


def last_state(path: Path, marks: Marks, stream: str, namespace: str, name: str, t: float) -> bytes | None:
    """The object as the lines up to and with `t`, unix seconds, left it; None if it is not there then."""
    wanted = _Metadata(name, namespace)
    for number in range(marks.before(t), -1, -1):
        with Reader(path) as reader:
            states, lines = marks.lines(reader, number)
            there, listed = _at_mark(states, stream, wanted)
            found = _last(
                takewhile(lambda line: marks.started + line.t <= t, lines), stream, wanted, listed=listed
            )
        if found is not None:
            return found or None
        if not there:
            return None
    return None


def _at_mark(states: Iterable[Line], stream: str, wanted: _Metadata) -> tuple[bool, bool]:
    """Whether the object is there, and whether a list under way has named it."""
    there = listed = False
    for line in states:
        if line.stream == stream and line.state is not None:
            there = there or any(_is(o, wanted) for o in line.state.rows)
            listed = listed or (wanted.namespace, wanted.name) in (line.state.listed or ())
    return there, listed


def _last(lines: Iterable[Line], stream: str, wanted: _Metadata, *, listed: bool) -> bytes | None:
    """What the lines say last of the object; _GONE if it is gone, None if they do not name it."""
    found: bytes | None = None
    for line in lines:
        if line.stream != stream:
            continue
        if line.page is not None:
            named = next((bytes(o) for o in line.page if _is(o, wanted)), None)
            listed = named is not None or (listed and not line.first)
            if named is not None:
                found = named
            elif line.last and not listed:
                found = _GONE
        elif line.put and _is(line.put, wanted):
            found = bytes(line.put)
        elif line.gone and _is(line.gone, wanted):
            found = _GONE
    return found


def _is(object_: msgspec.Raw, wanted: _Metadata) -> bool:
    data = bytes(object_)
    if wanted.name.encode() not in data:
        return False
    try:
        return _NAMED.decode(data).metadata == wanted
    except (ValueError, RecursionError):
        return False
