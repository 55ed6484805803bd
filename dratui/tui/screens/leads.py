"""What can be under the cursor of the overview."""

from dataclasses import dataclass

from dratui.tui.places import Place
from dratui.tui.screens.face import Chosen


@dataclass(frozen=True, slots=True)
class Leads:
    """An item of the overview: where enter leads from it, and the object it is, if it is one.

    `of` tells items apart that lead to the same place.
    """

    place: Place
    chosen: Chosen | None = None
    of: str = ""


@dataclass(frozen=True, slots=True)
class Rest:
    """An item of the overview: enter shows the devices that are `left_out`, or leaves them out again."""

    left_out: bool
