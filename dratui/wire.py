"""Between bytes and rows: what a decoder (`dratui.api`) offers and a list-and-watch (`dratui.kube`) needs.

Neither knows the other. A `Stream` says what to follow and brings its decoder along; the reader sees of an
object only the row that the decoder made of it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import msgspec

from dratui.events import Row

WatchType = Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"]


class ListPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of a list. An empty `continue_token` means that it is the last one."""

    rows: Sequence[Row]
    resource_version: str
    continue_token: str = ""
    remaining: int | None = (
        None  # objects after this page; the server leaves it out where it filters by selector
    )


class WatchEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a watch.

    `row` is None for BOOKMARK and ERROR. `resource_version` is the object's own, or the bookmark's: where to
    resume. `code` and `message` are those of the Status that an ERROR carries.
    """

    type: WatchType
    row: Row | None = None
    resource_version: str = ""
    code: int | None = None
    message: str = ""


class Codec(Protocol):
    """Decodes one kind as one API version serves it.

    Both methods raise `msgspec.DecodeError` (of which `msgspec.ValidationError` is one) for bytes that are no
    such list or event; an object that is merely odd becomes a row all the same.
    """

    def page(self, data: bytes) -> ListPage:
        """Decode the body of a LIST."""

    def event(self, line: bytes) -> WatchEvent:
        """Decode one line of a WATCH. A BOOKMARK's object has a resourceVersion and nothing else."""


@dataclass(frozen=True, kw_only=True)
class Stream:
    """One list and watch of one kind, as data.

    `versions` are those that `codec` knows, newest first; the newest that the server serves is used. `codec`
    is called with that version (`v1beta2`, without the group). Streams of a lower `priority` are listed
    before those of a higher one start: what a person waits for comes before what is most of the bytes.
    """

    name: str  # the stream's name in `dratui.events`: `resourceclaims`, `events:FailedX`
    group: str  # empty for the core group
    plural: str
    versions: tuple[str, ...]
    namespaced: bool
    codec: Callable[[str], Codec]
    field_selector: str = ""
    priority: int = 0
