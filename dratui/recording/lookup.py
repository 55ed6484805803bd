"""One object of a recording as it was at a time.

Someone opens an object now and then; a recording may hold a hundred thousand. So objects are not kept while a
recording plays: the file is read again from where one can begin, further and further back until the object is named,
and of the lines only those are decoded that hold the name.
"""

from collections.abc import Iterable
from itertools import takewhile
from pathlib import Path

import msgspec

from dratui.api.model import ObjectKey
from dratui.recording.decode import name_of
from dratui.recording.format import Line
from dratui.recording.reader import Reader
from dratui.recording.seeking import Marks

_GONE = b""


def last_state(path: Path, marks: Marks, stream: str, namespace: str, name: str, t: float) -> bytes | None:
    """The object as the lines up to and with `t`, unix seconds, left it; None if it is not there then."""
    wanted = ObjectKey(namespace, name)
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


def _at_mark(states: Iterable[Line], stream: str, wanted: ObjectKey) -> tuple[bool, bool]:
    """Whether the object is there, and whether a list under way has named it."""
    there = listed = False
    for line in states:
        if line.stream == stream and line.state is not None:
            there = there or any(_is(line, o, wanted) for o in line.state.rows)
            listed = listed or wanted in (line.state.listed or ())
    return there, listed


def _last(lines: Iterable[Line], stream: str, wanted: ObjectKey, *, listed: bool) -> bytes | None:
    """What the lines say last of the object; _GONE if it is gone, None if they do not name it."""
    found: bytes | None = None
    for line in lines:
        if line.stream != stream:
            continue
        if line.page is not None:
            named = next((bytes(o) for o in line.page if _is(line, o, wanted)), None)
            listed = named is not None or (listed and not line.first)
            if named is not None:
                found = named
            elif line.last and not listed:
                found = _GONE
        elif line.put and _is(line, line.put, wanted):
            found = bytes(line.put)
        elif line.gone and _is(line, line.gone, wanted):
            found = _GONE
    return found


def _is(line: Line, object_: msgspec.Raw, wanted: ObjectKey) -> bool:
    data = bytes(object_)
    return wanted.name.encode() in data and name_of(line, data) == wanted
