"""A line typed behind the colon: to a place in this cluster, to another cluster, into other colours, or out."""

import asyncio
from collections.abc import Awaitable, Callable

from textual.screen import Screen

from dratui.failure import Failure
from dratui.tui.commands import THEME, Quit, Wear, parse, suggestions
from dratui.tui.contexts import Contexts, no_contexts
from dratui.tui.guide import Guide
from dratui.tui.looking import Looking
from dratui.tui.places import Place, Switch
from dratui.tui.screens.face import World
from dratui.tui.wardrobe import Wardrobe
from dratui.tui.widgets.last_line import Complete
from dratui.tui.work import Tell, Work


class Commanding:
    """Does commands. `switch` goes to another cluster, once that has answered; it raises Failure if it does not."""

    def __init__(
        self,
        screen: Screen[None],
        world: World,
        guide: Guide,
        looking: Looking,
        work: Work,
        *,
        contexts: Contexts | None,
        wardrobe: Wardrobe,
        switch: Callable[[Switch], Awaitable[None]],
    ) -> None:
        self._screen = screen
        self._world = world
        self._guide = guide
        self._looking = looking
        self._work = work
        self._contexts = contexts
        self._wardrobe = wardrobe
        self._switch = switch

    def complete(self) -> Complete:
        """What completes a line that is about to be typed."""
        namespaces = sorted(key.name for key in self._world.store.namespaces)
        classes = sorted(key.name for key in self._world.store.classes)
        contexts, themes, aliases = self._contexts, self._wardrobe.names, self._world.aliases.own
        if contexts is not None and not contexts.known:
            # `:ctx` tells what is wrong
            self._screen.run_worker(contexts.refresh, thread=True, exit_on_error=False)

        def words(text: str) -> list[str]:
            known = [context.name for context in contexts.known] if contexts else ()
            return suggestions(text, namespaces, known, themes, aliases, classes)

        return words

    def do(self, text: str) -> None:
        """Do it. Raises Failure for what is no command, or leads nowhere."""
        match parse(self._world.aliases.expand(text), self._looking.namespace):
            case Quit():
                self._screen.app.exit()
            case Wear(theme):
                self._wear(theme)
            case Switch() as there:
                self.go_to(there)
            case place:
                self._looking.came(place)
                self._guide.jump(place)

    def leads(self, command: str) -> Place | Switch | None:
        """Where a command leads, if to a place."""
        place = parse(command, self._looking.namespace)
        return None if isinstance(place, Quit | Wear) else place

    def go_to(self, there: Switch) -> None:
        """To another cluster. This one stays until that one has answered."""
        contexts = self._contexts
        if contexts is None:
            raise no_contexts()

        async def go(_: Tell) -> str:
            contexts.refused.pop(there.context, None)
            try:
                await self._switch(there)
            except Failure as failure:
                contexts.refused[there.context] = str(failure)
                raise
            return ""

        self._work.start(f"connecting to {there.context}", go)

    def _wear(self, theme: str) -> None:
        """Other colours, at once; which there are, where none is named. A file may be read for them."""

        async def wear(_: Tell) -> str:
            if not theme:
                return f":{THEME} {' '.join(self._wardrobe.names)}"
            self._wardrobe.skin.wear(await asyncio.to_thread(self._wardrobe.fetch, theme))
            self._guide.face.recolour(self._guide.place)
            return self._wardrobe.told(theme)

        self._work.start("changing colours", wear)
