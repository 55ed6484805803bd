"""From place to place, by what is under the cursor."""

from collections.abc import Callable

from dratui.tui.guide import Guide
from dratui.tui.looking import Looking
from dratui.tui.places import Card, Place, Rows, Selector, Switch, Why, Yaml
from dratui.tui.screens.face import World
from dratui.tui.screens.selector import SelectorFace
from dratui.views.drafts import KINDS
from dratui.views.having import briefly
from dratui.views.jumps import JUMPS, Single


class Walking:
    """Turns keys into steps, which raise Failure where they lead nowhere. `go_to` leads to another cluster."""

    def __init__(
        self,
        world: World,
        guide: Guide,
        looking: Looking,
        go_to: Callable[[Switch], None],
        say: Callable[[str], None],
    ) -> None:
        self._world = world
        self._guide = guide
        self._looking = looking
        self._go_to = go_to
        self._say = say

    def enter(self, place: Place) -> None:
        """Go on from here, unless one is there."""
        if place != self._guide.place:
            self._guide.enter(place)

    def enter_chosen(self, kind: type[Card] | type[Yaml]) -> None:
        """See the object that is chosen in another way."""
        chosen = self._guide.face.chosen()
        if chosen is not None and not isinstance(self._guide.place, kind):
            self._guide.enter(kind(*chosen))

    def yaml(self) -> None:
        """See the YAML of what is chosen; of a selector that one writes, of an object with it."""
        face = self._guide.face
        if isinstance(face, SelectorFace):
            self._guide.enter(face.yaml())
        else:
            self.enter_chosen(Yaml)

    def why(self) -> None:
        """See why what is chosen waits, or what it has; who sees it already has it looked at anew. Of a device or a
        node a sentence."""
        if isinstance(self._guide.place, Why):
            self._guide.face.anew()
        elif (chosen := self._guide.face.chosen()) is not None:
            if told := briefly(self._world.store, *chosen):
                self._say(told)
            else:
                self._guide.enter(Why(*chosen))

    def selector(self) -> None:
        """Try a selector; where one does, type."""
        face = self._guide.face
        if isinstance(face, SelectorFace):
            face.type()
        else:
            place = face.tried()
            self._guide.enter(place if place.kind in KINDS else Selector())

    def open(self) -> None:
        """Go on, or open what is closed."""
        place = self._guide.face.onward()
        if place is None:
            self._guide.face.toggle()
        elif isinstance(place, Switch):
            self._go_to(place)
        else:
            if isinstance(place, Rows) and place.query.namespace:
                self._looking.came(place)
            self._guide.enter(place)

    def jump(self, what: str) -> None:
        """Sideways: to its node, its owner, what uses it."""
        chosen = self._guide.face.chosen()
        if chosen is not None:
            target = JUMPS[what](self._world.store, *chosen)
            self._guide.enter(Card(*target) if isinstance(target, Single) else Rows(target))
