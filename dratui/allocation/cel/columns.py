"""One selector over many devices: evaluated once for each combination of what it reads, not once a device.

Devices of a fleet are alike. Of 300,000 GPUs there are a dozen models and two drivers, so a selector that reads these
has a few dozen answers. What differs on every device (`uuid`) is rarely read, and then nothing is gained or lost.
"""

from collections.abc import Callable, Hashable, Sequence
from functools import lru_cache
from typing import Final, Protocol

from dratui.allocation.cel.errors import EvaluationError, TooLong
from dratui.allocation.cel.selector import Selector
from dratui.allocation.cel.syntax import INDEX, Call, Fold, Ident, Literal, Node, Select, parts
from dratui.allocation.cel.values import Map
from dratui.allocation.cel.work import limited

Path = tuple[str, ...]
"""From the device: `("attributes", "gpu.example.com", "model")`, `("driver",)`; a domain alone is all that is in it."""

Verdict = bool | EvaluationError
"""Whether a device is selected, or the error that it raises."""


MOST_WORK: Final = 500_000
"""Of all evaluations over a fleet: a second. One takes a tenth of that at most, but there may be thousands."""


class Fleet(Protocol):
    """Many devices."""

    def __len__(self) -> int:
        """How many."""

    def keys(self, path: Path) -> Sequence[Hashable]:
        """Of each device what is at a path, equal only where an expression sees no difference."""

    def view(self, index: int) -> Map:
        """A device as expressions see it. Raises EvaluationError where they cannot."""

    @property
    def odd(self) -> Sequence[int]:
        """Those that no expression can see: one by one, whatever the keys say."""


class Columns:
    """A fleet, by what its devices are at each path that a selector has asked for."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._work = 0
        self._odd = frozenset(fleet.odd)
        self._columns: dict[tuple[Path, ...], tuple[list[int], list[int]]] = {}

    def verdicts(self, selector: Selector, heed: Callable[[], None] = lambda: None) -> list[Verdict]:
        """Of each device, in their order. `heed` is called before each evaluation; what it raises ends it."""

        def asked(index: int) -> Verdict:
            heed()
            return self._verdict(selector, index)

        paths = read(selector)
        if paths is None:
            return [asked(index) for index in range(len(self._fleet))]
        codes, examples = self._column(paths)
        answers = {example: asked(example) for example in sorted(examples)}
        verdicts = list(map(answers.__getitem__, codes))
        for index in self._odd:
            verdicts[index] = self._verdict(selector, index)
        return verdicts

    def alike(self, selector: Selector, index: int) -> int:
        """A device that a selector cannot tell from this one: the same for all that are alike."""
        paths = None if index in self._odd else read(selector)
        return index if paths is None else self._column(paths)[0][index]

    def _verdict(self, selector: Selector, index: int) -> Verdict:
        if self._work > MOST_WORK:
            return TooLong("it takes too long to evaluate")
        with limited() as spent:
            try:
                return selector.matches(self._fleet.view(index))
            except EvaluationError as error:
                return error.with_traceback(None)  # there may be one a device, and frames are large
            finally:
                self._work += spent()

    def _column(self, paths: tuple[Path, ...]) -> tuple[list[int], list[int]]:
        """For each device the number of one that has the same at all these paths; and each such number once."""
        found = self._columns.get(paths)
        if found is None:
            keys: Sequence[Hashable]
            if len(paths) == 1:
                keys = self._fleet.keys(paths[0])
            elif paths:
                keys = list(zip(*(self._column((path,))[0] for path in paths), strict=True))
            else:
                keys = [()] * len(self._fleet)
            found = self._columns[paths] = _examples(keys, self._odd)
        return found


def _examples(keys: Sequence[Hashable], odd: frozenset[int]) -> tuple[list[int], list[int]]:
    """Odd ones answer for nobody but themselves."""
    last = len(keys) - 1
    example = dict(zip(reversed(keys), range(last, -1, -1), strict=True))  # of equal keys the first stays
    if odd:
        example |= {keys[index]: index for index in range(last, -1, -1) if index not in odd}
    return list(map(example.__getitem__, keys)), list(example.values())


@lru_cache(maxsize=1024)
def read(selector: Selector) -> tuple[Path, ...] | None:
    """The paths that a selector may look at, none of which leads through another; None if it may look at anything."""
    return read_by(selector.node)


def read_by(node: Node) -> tuple[Path, ...] | None:
    """The same of a part of one."""
    found: set[Path] = set()
    waiting = [node]
    seen: set[int] = set()  # `optMap` has its target twice
    while waiting:
        part = waiting.pop()
        if isinstance(part, Literal) or id(part) in seen:
            continue
        seen.add(id(part))
        root, path = _path(part)
        if isinstance(root, Ident):
            if root.name == "device":
                if len(path) < 2 and path not in (("driver",), ("allowMultipleAllocations",)):
                    return None  # all of the device, or all domains
                found.add(path[:3])
        elif isinstance(root, Fold) and "device" in (root.variable, root.second, root.accumulator):
            return None  # another thing has that name
        else:
            waiting += parts(root)
    return tuple(sorted(path for path in found if not any(path[:n] in found for n in range(len(path)))))


def _path(node: Node) -> tuple[Node, Path]:
    """Where it begins, and the names that lead from there; as far as they are written."""
    names: list[str] = []
    while True:
        if isinstance(node, Select):
            names.append(node.field)
            node = node.operand
        elif (
            isinstance(node, Call)
            and node.function in INDEX
            and isinstance(index := node.arguments[1], Literal)
            and type(index.value) is str
        ):
            names.append(index.value)
            node = node.arguments[0]
        else:
            return node, tuple(reversed(names))
