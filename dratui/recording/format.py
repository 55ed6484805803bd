"""The file: gzip-compressed JSON lines, the first one a header, each other one something that a source said.

    {"dratui": "recording", "format": 1, "started": 1790000000.0, "about": {"cluster": "prod", …}}
    {"t": 0.21, "stream": "resourceclaims", "version": "v1", "page": [{…}, …], "first": true, "last": true}
    {"t": 3.75, "stream": "resourceclaims", "version": "v1", "put": {…}}      or "gone": {…}
    {"t": 9.02, "stream": "resourceclaims", "health": {"phase": "stale", …}}
    {"t": 60.0, "end": true}

`t` is in seconds since `started`, a unix time. Objects are as the API server sent them, without managedFields.

A file may be several gzip members, as `zcat` and Python take for granted. The last line is always a member of its
own: a reader finds it at the end of the file and knows the duration before it has read the rest. A file without it
was cut off. Unknown fields are ignored, unknown lines are skipped and counted, so that a later dratui may say more
within format 1: a member that begins with whole lists again, for instance, is a place to seek to.
"""

from math import isfinite

import msgspec

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


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """Any other line: exactly one of `page`, `put`, `gone`, `health`, `end` is set."""

    t: float
    stream: str = ""
    version: str = ""  # of the API, without its group; empty where there is no object
    page: tuple[msgspec.Raw, ...] | None = None
    first: bool = False
    last: bool = False
    put: msgspec.Raw = NOTHING
    gone: msgspec.Raw = NOTHING
    health: Health | None = None
    end: bool = False


def plausible(seconds: float) -> bool:
    """Whether it can be a time of a recording. What is damaged may hold any number."""
    return isfinite(seconds) and 0 <= seconds <= LATEST
