"""How each stream does: what is known, since when, and why not."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from dratui.cluster.reconciliation import Disagreement
from dratui.cluster.store import Changes, Store
from dratui.events import Health, Phase
from dratui.samples import STREAM as SAMPLES
from dratui.terminal import clean, fit, width
from dratui.tui.lines import Line
from dratui.tui.live import WORDS, absent
from dratui.tui.places import HealthOfStreams
from dratui.tui.screens.face import World
from dratui.tui.screens.reading import Reading
from dratui.tui.widgets.pager import Pager
from dratui.views import words
from dratui.views.table import Style

NAMED: Final = 6  # nodes that have the same problem
HEADINGS = ("STREAM", "STATE", "SINCE", "VERSION")


class HealthFace(Reading):
    """A line a stream."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.view = Pager(world.skin, id="health", fold=True)

    def enter(self, place: HealthOfStreams, mark: int | None) -> None:
        """Show the streams."""
        self.view.set_text(self._text(), top=mark or 0)

    def changed(self, changes: Changes) -> None:
        """A stream does better or worse, or listed more; or what is measured does."""
        if changes.health or changes.live:
            self.view.set_text(self._text())

    def tick(self) -> None:
        """How long it has been so."""
        self.view.set_text(self._text())

    def headline(self) -> tuple[Line, Line]:
        """The title."""
        return (
            (" Health", self._world.skin.strong),
            (" of what is listed and watched", self._world.skin.dim),
        ), ()

    def _text(self) -> list[Line]:
        skin, now = self._world.skin, self._world.now()
        known = self._world.store.health
        # What is amiss first, what this cluster has not last.
        streams = sorted(
            known.items(),
            key=lambda s: (absent(*s), s[1].phase is Phase.LIVE and not s[1].detail, s[0]),
        )
        rows = [_row(stream, health, now) for stream, health in streams]
        widths = [max(map(width, column)) for column in zip(HEADINGS, *rows, strict=True)]
        lines: list[Line] = [((_fitted(HEADINGS, widths), skin.dim),)]
        following = [*(health.detail for _, health in streams[1:]), ""]
        for row, (stream, health), after in zip(rows, streams, following, strict=False):
            lines.append(((_fitted(row, widths), skin.states[WORDS[health.phase][1]]),))
            if health.namespace:
                lines.append(((f"    your rights allow only namespace {health.namespace}", skin.plain),))
            if health.detail and health.detail != after:  # many fail for one reason
                lines.append(((f"    {health.detail}", skin.plain),))
            if stream == SAMPLES:
                lines += [((f"    {text}", skin.plain),) for text in _problems(self._world.store)]
                fault = skin.states[Style.FAULT]
                lines += [((f"    {text}", fault),) for text in _amiss(self._world.store, now)]
        return lines


def _problems(store: Store) -> Iterator[str]:
    """Why nodes tell nothing new, and which; those of one reason together."""
    nodes: defaultdict[str, list[str]] = defaultdict(list)
    for sample in store.samples.values():
        if sample.problem:
            nodes[sample.problem].append(sample.node)
        if sample.attribution_problem:
            nodes[f"not known who holds what: {sample.attribution_problem}"].append(sample.node)
    for problem, named in sorted(nodes.items(), key=lambda found: -len(found[1])):
        more = f" and {len(named) - NAMED} more" if len(named) > NAMED else ""
        yield clean(f"{problem}: {', '.join(sorted(named)[:NAMED])}{more}")


def _amiss(store: Store, now: datetime) -> Iterator[str]:
    """Where kubelet plugins, kubelet and the API disagree: of each kind how often, the oldest, and on which nodes."""
    found: defaultdict[str, list[Disagreement]] = defaultdict(list)
    for amiss in store.amiss.values():
        for each in amiss:
            found[each.what].append(each)
    for what, several in sorted(found.items(), key=lambda kind: -len(kind[1])):
        ages = [(t, each.since is None) for each in several if (t := each.since or each.after)]
        oldest, bound = min(ages, default=(None, False))
        since = f", the oldest for {'at most ' if bound else ''}{words.age(oldest, now)}" if oldest else ""
        nodes = sorted({each.node for each in several})
        more = f" and {len(nodes) - NAMED} more" if len(nodes) > NAMED else ""
        yield clean(f"{what}: {len(several)}{since}, on {', '.join(nodes[:NAMED])}{more}")


def _fitted(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(fit(cell, w) for cell, w in zip(cells, widths, strict=True)).rstrip()


def _row(stream: str, health: Health, now: datetime) -> tuple[str, ...]:
    state = WORDS[health.phase][0]
    if health.phase is Phase.SYNCING:
        state += f" {health.seen}" + ("" if health.total is None else f" of {health.total}")
    since = words.age(datetime.fromtimestamp(health.since, UTC), now)
    return tuple(map(clean, (stream, state, since, health.version.rpartition("/")[2] or words.NONE)))
