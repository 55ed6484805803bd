"""The lines around the body: where one is and whether it is live; the title; the keys, or what was just said."""

from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import groupby

from dratui.events import About, Source
from dratui.terminal import clean, cut
from dratui.tui import replay
from dratui.tui.guide import Guide
from dratui.tui.lines import Line, Part, line_width
from dratui.tui.live import live
from dratui.tui.notices import Notice
from dratui.tui.places import Place, crumb
from dratui.tui.screens.face import World
from dratui.tui.screens.messages import Said
from dratui.tui.sums import Sums
from dratui.tui.themes import Skin
from dratui.tui.travel import Travel
from dratui.tui.widgets.bar import Bar
from dratui.tui.widgets.last_line import LastLine
from dratui.tui.widgets.time_bar import TimeBar
from dratui.views import words
from dratui.views.table import Style

LONGEST_CRUMB = 28
MESSAGES = 500  # that are kept
TIME_HINTS = ("earlier", "later", "now", "time")


class Frame:
    """Three lines, and one of the time while that is of interest; `draw` brings them up to date."""

    def __init__(
        self,
        world: World,
        source: Source,
        guide: Guide,
        sums: Callable[[], Sums],
        travel: Travel,
        *,
        headless: bool,
    ) -> None:
        self._world = world
        self._source = source
        self._guide = guide
        self._sums = sums
        self._travel = travel
        self._headless = headless  # no first line; whether what shows is live is told by the title then
        self._saying: Said | None = None
        self._doing = ""  # work that goes on
        self._noticed: Said | None = None  # what was said last without being asked
        self.said: deque[Said] = deque(maxlen=MESSAGES)
        self.first = Bar(world.skin, id="first")
        self.title = Bar(world.skin, id="title")
        self.time = TimeBar(world.skin, travel.past.density, id="time")
        self.last = LastLine(world.skin, id="last")
        self.first.display = not headless

    def say(self, text: str, style: Style = Style.PLAIN) -> None:
        """Tell the person something: on the last line until the next key, and under `:messages`."""
        self._saying = Said(datetime.fromtimestamp(self._source.now(), UTC), text, style)
        self.said.append(self._saying)
        self.draw()

    def notify(self, notices: Sequence[Notice]) -> None:
        """Say what happened by itself, but not over what a person is being told."""
        for notice in notices:
            said = Said(datetime.fromtimestamp(self._source.now(), UTC), notice.text, notice.style)
            self.said.append(said)
            if self._saying is None or self._saying is self._noticed:
                self._saying = self._noticed = None if notice.quiet else said

    def unsay(self) -> None:
        """What was said was read."""
        if self._saying is not None:
            self._saying = None
            self.draw()

    def tell(self, doing: str) -> None:
        """What is being done, for as long as it is done."""
        if doing != self._doing:
            self._doing = doing
            self.draw()

    def draw(self) -> None:
        """All of them."""
        skin, columns, face = self._world.skin, self.last.app.size.width, self._guide.face
        self.first.say(*first_line(self._source.about, self._guide.trail, self._state(), skin, columns))
        self.draw_title()
        said = (self._saying.text, self._saying.style) if self._saying else None
        if self._doing and said is None:
            said = self._doing, Style.WAITING
        counters = self._sums().waiting, self._sums().faults
        hints = self._world.keymap.hints
        if self._travel.at is None:
            keys, note = hints(face.hints), ""
        elif note := self._travel.happened:
            keys, note = hints(TIME_HINTS), f"Δ {note}"
        else:
            keys = hints((*TIME_HINTS, *face.hints))
        self.last.say(*last_line(keys, note, said, counters, skin, columns))
        self.time.display = self._travel.at is not None or self._travel.replays
        if self.time.display:
            self.time.say(*self._travel.span())

    def draw_title(self) -> None:
        """Only the title."""
        left, right = self._guide.face.headline()
        if self._headless:
            word, style = self._state()
            right = (*right, (f" {word} ", self._world.skin.states[style]))
        self.title.say(left, right)

    def _state(self) -> tuple[str, Style]:
        """Whether what one sees is live."""
        if self._travel.at is not None:
            return self._travel.words()
        if isinstance(self._source, replay.Replay):
            return replay.words(self._source)
        return live(self._world.store.health, self._source.now())


def first_line(
    about: About, trail: Sequence[Place], state: tuple[str, Style], skin: Skin, columns: int
) -> tuple[Line, Line]:
    """The left and the right side. Too narrow for all: version and user go first, then the oldest crumbs."""
    word, style = state
    live: Part = (f"{word} ", skin.states[style])
    full: Line = tuple(
        (f"{clean(text)}  ", skin.dim) for text in (about.server_version, about.user, "read-only") if text
    )
    names = [clean(crumb(place)) for place in trail]
    crumbs = [cut(name, LONGEST_CRUMB) for name in names]
    left = _left(about.cluster, crumbs, skin)
    right: Line = (*full, live)
    if line_width(left) + line_width(right) >= columns:
        right = (("read-only  ", skin.dim), live)
    while len(crumbs) > 1 and line_width(left) + line_width(right) >= columns:
        del crumbs[0]
        left = _left(cut(clean(about.cluster), LONGEST_CRUMB), ["…", *crumbs], skin)
    return left, right


def last_line(
    hints: Sequence[tuple[str, str]],
    note: str,
    said: tuple[str, Style] | None,
    counters: tuple[int, int],
    skin: Skin,
    columns: int,
) -> tuple[Line, Line]:
    """The keys that matter, as many as there is room for beside a note; or what was just said. The counters."""
    waiting, faults = counters
    right: Line = (
        (f"  {waiting} waiting ", skin.states[Style.WAITING] if waiting else skin.dim),
        (f" {words.count(faults, 'fault')} ", skin.states[Style.FAULT] if faults else skin.dim),
    )
    if said is not None:
        sentence = said[0].partition("\n")[0].removeprefix("error: ")
        return ((f" {sentence}", skin.states[said[1]]),), right
    left: list[Part] = []
    noted: Line = ((f"  {note}", skin.plain),) if note else ()
    room = columns - line_width(right) - line_width(noted)
    for what, keys in groupby(hints, key=lambda hint: hint[1]):
        shown = "".join(f" {key}" if key in "<>" else f" <{key}>" for key, _ in keys)
        hint = [(shown, skin.accent), (f" {what}", skin.dim)]
        if line_width(left) + line_width(hint) > room and (left or not note):
            break
        left += hint
    return (*left, *noted), right


def _left(cluster: str, crumbs: Sequence[str], skin: Skin) -> Line:
    parts: list[Part] = [(" dratui  ", skin.accent), (clean(cluster), skin.plain)]
    for number, name in enumerate(crumbs, 1):
        parts.append((" › ", skin.dim))
        parts.append((name, skin.strong if number == len(crumbs) else skin.plain))
    return tuple(parts)
