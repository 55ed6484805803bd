"""What keys do, by the names that the keymap has for it: to where one is, to when one looks, to how it is looked at."""

from collections.abc import Callable, Mapping

from dratui import when
from dratui.events import Source
from dratui.tui.commanding import Commanding
from dratui.tui.guide import Guide
from dratui.tui.looking import Looking
from dratui.tui.places import AliasList, Card, Keys, Why
from dratui.tui.prompting import Prompting
from dratui.tui.replay import Replay
from dratui.tui.screens.face import Typist, World
from dratui.tui.taking import Taking
from dratui.tui.travel import Travel
from dratui.tui.walking import Walking
from dratui.tui.widgets.last_line import LastLine
from dratui.tui.work import Work


class Acting:
    """The steps that keys stand for, and who is typed to. A step that cannot be taken raises Failure.

    `attempt` takes one and says why not; `draw` brings the lines around the body up to date.
    """

    def __init__(
        self,
        world: World,
        source: Source,
        guide: Guide,
        looking: Looking,
        travel: Travel,
        work: Work,
        taking: Taking,
        commanding: Commanding,
        last: LastLine,
        *,
        say: Callable[[str], None],
        draw: Callable[[], None],
        attempt: Callable[[Callable[[], object]], None],
        redraw: Callable[[], object],
        leave: Callable[[], object],
    ) -> None:
        self._source = source
        self._guide = guide
        self._looking = looking
        self._travel = travel
        self._work = work
        self._commanding = commanding
        self._say = say
        self._draw = draw
        self._quit = leave
        self._prompting = Prompting(
            last,
            narrow=self._narrow,
            command=lambda text: attempt(lambda: commanding.do(text)),
            travel=self._travel_to,
        )
        walking = Walking(world, guide, looking, commanding.go_to, say)
        self.open = walking.open
        self.steps: Mapping[str, Callable[..., object]] = {
            "go": lambda where: guide.face.view.go(where),
            "open": walking.open,
            "describe": lambda: walking.enter_chosen(Card),
            "why": walking.why,
            "selector": walking.selector,
            "yaml": walking.yaml,
            "jump": walking.jump,
            "copy": taking.copy_name,
            "copy_namespace": taking.copy_namespace,
            "save": taking.save,
            "back": self._back,
            "step": guide.step,
            "last": guide.last,
            "time_step": travel.step,
            "time": self._prompting.ask_time,
            "now": self._now,
            "help": lambda: walking.enter(Keys()),
            "aliases": lambda: walking.enter(AliasList()),
            "fold": self._fold,
            "leave": self._leave,
            "quit": leave,
            "redraw": redraw,
            "namespace": looking.choose_namespace,
            "choose_column": looking.choose_column,
            "sort": looking.sort,
            "wide": looking.widen,
            "faults": looking.faults_only,
            "command": self._ask_command,
            "filter": self._ask_filter,
            "command_line": commanding.do,
        }

    @property
    def typist(self) -> Typist | None:
        """Who takes what is typed, if anyone: the prompt, or else a face with text."""
        return self._prompting if self._prompting.active else self._guide.face.typist

    # --- places ----------------------------------------------------------------------------------------------------

    def _back(self) -> bool:
        """End what is being done, or else a filter; then back along the trail, where that begins to the present.
        False where all of it begins."""
        if stopped := self._work.stop() or self._guide.face.stop() or self._travel.stop():
            self._say(f"stopped: {stopped}")
        elif self._guide.face.narrowed:
            self._looking.narrow("")
        elif not self._guide.back():
            if self._travel.at is None:
                return False
            self._travel.now()
        return True

    def _leave(self) -> None:
        """Back; from where there is no further back, out."""
        if not self._back():
            self._quit()

    def _fold(self) -> None:
        """Hold a replay; on a card, open or close a section."""
        if isinstance(self._guide.place, Card | Why):
            self._guide.face.toggle()
        elif self._travel.at is not None:
            self._travel.play()
        elif isinstance(self._source, Replay):
            self._source.toggle_pause()

    # --- time ------------------------------------------------------------------------------------------------------

    def _now(self) -> None:
        """Back to the present; who is there goes to the end of what shows."""
        if self._travel.at is None:
            self._guide.face.view.go("bottom")
        else:
            self._travel.now()

    def _travel_to(self, text: str) -> None:
        past = self._travel.past
        self._travel.to(when.parse(text, past.begins, past.ends))

    # --- prompts ---------------------------------------------------------------------------------------------------

    def _ask_command(self) -> None:
        """Ask where to go."""
        self._prompting.ask_command(self._commanding.complete())

    def _ask_filter(self) -> None:
        """Ask for a filter, or for what to look for."""
        if (narrowed := self._guide.face.narrowed) is not None:
            self._prompting.ask_filter(narrowed)

    def _narrow(self, text: str) -> None:
        self._looking.narrow(text)
        self._draw()
