"""Finds the way between places: which face shows, and where one was in each."""

from collections.abc import Callable, Mapping
from typing import Any

from dratui.tui.places import History, Overview, Place, Visit
from dratui.tui.screens.face import Face


class Guide:
    """Holds the history. Going to a place that cannot be shown raises Failure, and one stays where one is."""

    def __init__(self, faces: Mapping[type[Any], Face[Any]]) -> None:
        self._faces = faces
        self._history = History(((Visit(Overview()),),))

    @property
    def face(self) -> Face[Any]:
        """What shows."""
        return self._faces[type(self.place)]

    @property
    def place(self) -> Place:
        """Where one is."""
        return self._history.visit.place

    @property
    def trail(self) -> tuple[Place, ...]:
        """How one got there."""
        return tuple(visit.place for visit in self._history.trail)

    def start(self) -> None:
        """Show the first place."""
        self.face.enter(self.place, None)

    def enter(self, place: Place) -> None:
        """Go on from here."""
        self._go(lambda here: here.entered(place))

    def jump(self, place: Place) -> None:
        """Go there as if one had just come: the trail starts anew."""
        root = Visit(Overview())
        self._go(lambda here: here.commanded((root,) if place == root.place else (root, Visit(place))))

    def back(self) -> bool:
        """Go back along the trail; False where it begins."""
        begun = len(self._history.trail) > 1
        self._go(History.left)
        return begun

    def step(self, by: int) -> None:
        """Go through the commands."""
        self._go(lambda here: here.stepped(by))

    def last(self) -> None:
        """Go to where one was before; again: back here."""
        self._go(History.last)

    def look(self, place: Place) -> None:
        """One looks at the same place in another way; its face knows already."""
        self._history = self._history.changed(place)

    def _go(self, step: Callable[[History], History]) -> None:
        here = self._history.marked(self.face.mark())
        there = step(here)
        if (there.at, there.trails) == (here.at, here.trails):
            return
        old, new = self.face, self._faces[type(there.visit.place)]
        new.enter(there.visit.place, there.visit.mark)
        self._history = there
        if new is not old:
            old.leave()
