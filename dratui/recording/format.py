"""The file: gzip-compressed JSON lines, the first one a header, each other one something that a source said.

    {"dratui": "recording", "format": 1, "started": 1790000000.0, "about": {"cluster": "prod", …}}
    {"t": 0.21, "stream": "resourceclaims", "version": "v1", "page": [{…}, …], "first": true, "last": true}
    {"t": 3.75, "stream": "resourceclaims", "version": "v1", "put": {…}}      or "gone": {…}
    {"t": 9.02, "stream": "resourceclaims", "health": {"phase": "stale", …}}
    {"t": 60.0, "end": true}

Where devices were measured, the stream `samples` says what they did (`dratui.recording.samples`), thinned.

`t` is in seconds since `started`, a unix time. Objects are as the API server sent them, without managedFields.

A file may be several gzip members, as `zcat` and Python take for granted. The last line is always a member of its
own: a reader finds it at the end of the file and knows the duration before it has read the rest. A file without it
was cut off. Unknown fields are ignored, unknown lines are skipped and counted, so that a later dratui may say more
within format 1.

To seek, a file may have members that begin with the state of all streams, and an index of them in front of the end:

    {"t": 3.9, "stream": "pods", "version": "v1", "page": [], "state": {"rows": [{…}, …], "health": {…}}}
    {"t": 3.9, "stream": "pods", "version": "v1", "page": [], "state": {"rows": [{…}, …], "last": true}}
    {"t": 60.0, "stream": "pods", "page": [], "index": {"marks": [[3.9, 1048577]], "width": 0.1, "counts": [4, …]}}
    {"t": 60.0, "end": true, "index_at": 2097153}

A reader that does not know them takes them for pieces of a page without objects, which say nothing. Objects in a
state are trimmed to the fields that dratui read when it wrote them (`Index.fields`): a pod of real size is a sixth of
itself, so there can be more states, and seeking is faster. One that reads other fields looks at the lines alone.
"""

from math import isfinite

import msgspec

from dratui.api.model import ObjectKey
from dratui.events import About, Health
from dratui.failure import Failure

FORMAT = 1

LONGEST_LINE = 64 << 20
"""Bytes of one line, decompressed: what a reader holds at most, however small the file is. A page is written as lines
of `PIECE` bytes, and an API server takes objects of a few MiB."""

PIECE = 128 << 10
"""Bytes after which a page goes on in a new line: what is read is read in steps of a few milliseconds."""

LATEST = 4e9
"""Unix seconds (the year 2096). A time beyond is damage."""


NOTHING = msgspec.Raw()
"""An absent object; it is false. (msgspec reads no `Raw | None`.)"""


class RecordingFailure(Failure):
    """A recording cannot be read or written."""


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The first line."""

    started: float  # unix seconds
    about: About
    dratui: str = ""  # `recording`: what tells the file from others
    format: int = 0


class State(msgspec.Struct, frozen=True, omit_defaults=True):
    """With an empty `page`: what a stream held at `t`, in part."""

    rows: tuple[msgspec.Raw, ...] = ()  # trimmed to `Index.fields`
    health: Health | None = None  # once a stream
    listed: tuple[ObjectKey, ...] | None = (
        None  # once a stream, while a list is under way: what it named so far
    )
    last: bool = False  # of all streams


class Index(msgspec.Struct, frozen=True, omit_defaults=True):
    """With an empty `page`: where to go to."""

    marks: tuple[tuple[float, int], ...] = ()  # `t`, and where a member begins with the state at that time
    width: float = 0.0  # seconds
    counts: tuple[int, ...] = ()  # changes in each `width` of the time
    # Stream, version: the paths of the fields that states hold
    fields: dict[str, dict[str, tuple[str, ...]]] = {}


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """Any other line: `page`, `put`, `gone`, `health` or `end` is set; with an empty page, `state` or `index`."""

    t: float
    stream: str = ""
    version: str = ""  # of the API, without its group; empty where there is no object
    page: tuple[msgspec.Raw, ...] | None = None
    first: bool = False
    last: bool = False
    put: msgspec.Raw = NOTHING
    gone: msgspec.Raw = NOTHING
    health: Health | None = None
    state: State | None = None  # this and what follows: only for those who seek
    index: Index | None = None
    end: bool = False
    index_at: int | None = None  # with `end`: where the member with the index begins


def plausible(seconds: float) -> bool:
    """Whether it can be a time of a recording. What is damaged may hold any number."""
    return isfinite(seconds) and 0 <= seconds <= LATEST
