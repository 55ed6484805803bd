"""One object of a recording as it was at a time.

Someone opens an object now and then; a recording may hold a hundred thousand. So objects are not kept while a
recording plays: the file is read again, and of the lines only those are decoded that hold the name.
"""

from pathlib import Path

import msgspec

from dratui.recording.reader import Reader


class _Metadata(msgspec.Struct, frozen=True):
    name: str = ""
    namespace: str = ""


class _Named(msgspec.Struct, frozen=True):
    metadata: _Metadata = _Metadata()


_NAMED = msgspec.json.Decoder(_Named)


def last_state(path: Path, stream: str, namespace: str, name: str, lines: int) -> bytes | None:
    """The object as the first `lines` lines of the recording left it; None if it is not there then."""
    wanted = _Metadata(name, namespace)
    found: bytes | None = None
    listed: bytes | None = None  # by the list that is being read
    with Reader(path) as reader:
        for _, line in zip(range(lines), reader.lines(), strict=False):
            if line.stream != stream:
                continue
            if line.page is not None:
                listed = next((bytes(o) for o in line.page if _is(o, wanted)), None if line.first else listed)
                found = listed if line.last else listed or found
            elif line.put and _is(line.put, wanted):
                found = bytes(line.put)
            elif line.gone and _is(line.gone, wanted):
                found = None
    return found


def _is(object_: msgspec.Raw, wanted: _Metadata) -> bool:
    data = bytes(object_)
    if wanted.name.encode() not in data:
        return False
    try:
        return _NAMED.decode(data).metadata == wanted
    except (ValueError, RecursionError):
        return False
