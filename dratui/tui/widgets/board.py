"""Blocks of lines in one stack, or in two side by side where there is room, with a cursor over their items."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from rich.style import Style as Ink
from textual import events
from textual.message import Message
from textual.strip import Strip

from dratui.terminal import clean, cut, width
from dratui.tui.lines import Line, Part, line_width
from dratui.tui.themes import Skin
from dratui.tui.widgets.pane import Pane

TWO_STACKS: Final = 130  # columns from which blocks stand side by side
WHEEL: Final = 3


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a block. With an item it can be under the cursor."""

    line: Line
    item: Hashable | None = None


@dataclass(frozen=True, slots=True)
class Fold:
    """How a block gives way: to `least` lines, the last of which is `rest`, told how many of the others show."""

    least: int
    rest: Callable[[int], Entry]


@dataclass(frozen=True, slots=True)
class Block:
    """Lines under a title; `body` makes them for a number of columns.

    Where there is too little room, a block that can `fold` shows fewer lines, and one with a `brief` form only that.
    """

    title: str
    body: Callable[[int], Sequence[Entry]]
    right: int = 0  # its place in the second stack, if there is one; 0: in the first
    boxed: bool = False
    item: Hashable | None = None  # the title itself can be under the cursor
    fold: Fold | None = None
    brief: Entry | None = None


class Board(Pane):
    """Shows blocks. The cursor keeps to its item when the blocks change."""

    class Opened(Message):
        """The item under the cursor was clicked twice."""

    def __init__(self, skin: Skin, *, id: str) -> None:  # noqa: A002 — Textual's word
        super().__init__(skin, id=id)
        self._blocks: Sequence[Block] = ()
        self._stacks: list[list[Entry]] = []
        self._stacked_for = (-1, -1)
        self._item: Hashable | None = None
        self._kept = False  # the cursor was put somewhere; until then it stays on the first item
        self._top = 0

    @property
    def item(self) -> Hashable | None:
        """The item under the cursor."""
        return self._item

    def as_text(self) -> Iterable[tuple[str, ...]]:
        """All lines of one stack, then those of the other."""
        return [("".join(text for text, _ in entry.line),) for stack in self._stacks for entry in stack]

    def set_blocks(self, blocks: Sequence[Block], *, item: Hashable | None = None) -> None:
        """Show these; with `item`, put the cursor there."""
        self._blocks = blocks
        self._stacked_for = (-1, -1)
        if item is not None:
            self._item, self._kept = item, True
        self.repaint()

    def rewind(self) -> None:
        """Forget where the cursor was."""
        self._item, self._kept, self._top = None, False, 0

    def go(self, where: str) -> None:
        """Move the cursor; where nothing can be under it, scroll."""
        page = max(self.size.height - 1, 1)
        match where:
            case "down":
                self._move(1)
            case "up":
                self._move(-1)
            case "page_down":
                self._page(page)
            case "page_up":
                self._page(-page)
            case "top":
                self._move(-1_000_000)
            case "bottom":
                self._move(1_000_000)
            case "left":
                self._cross(0)
            case "right":
                self._cross(1)

    def on_click(self, event: events.Click) -> None:
        """Choose the item that was clicked; open it when clicked again at once."""
        stack = 1 if len(self._stacks) > 1 and event.x >= self._widths(self.size.width)[0] else 0
        line = self._top + event.y
        if stack < len(self._stacks) and line < len(self._stacks[stack]):
            item = self._stacks[stack][line].item
            if item is not None:
                self._item, self._kept = item, True
                self.repaint()
                if event.chain == 2:
                    self.post_message(self.Opened())

    def on_mouse_scroll_down(self) -> None:
        """The wheel moves the cursor along."""
        self._move(WHEEL)

    def on_mouse_scroll_up(self) -> None:
        """The wheel moves the cursor along."""
        self._move(-WHEEL)

    def draw(self, columns: int, lines: int) -> Sequence[Strip]:
        """The stacks, from the top of the window."""
        widths = self._stack(columns, lines)
        height = max(map(len, self._stacks), default=0)
        self._top = max(0, min(self._top, height - lines))
        shown = [stack[self._top : self._top + lines] for stack in self._stacks]
        return [
            Strip.join(self._ink_entry(entry, width) for entry, width in zip(entries, widths, strict=True))
            for entries in zip_longest(*shown)
        ]

    def _ink_entry(self, entry: Entry | None, columns: int) -> Strip:
        if entry is None:
            return self.ink((), columns)
        chosen = entry.item is not None and entry.item == self._item
        return self.ink(entry.line, columns, self.skin.cursor if chosen else None)

    # --- the cursor ------------------------------------------------------------------------------------------------

    def _spots(self, stack: int) -> list[tuple[int, Hashable]]:
        return [(y, entry.item) for y, entry in enumerate(self._stacks[stack]) if entry.item is not None]

    def _spot(self) -> tuple[int, int]:
        """The cursor's stack, and its place among the spots there; the first spot when it is nowhere."""
        for stack in range(len(self._stacks)):
            for at, (_, item) in enumerate(self._spots(stack)):
                if item == self._item:
                    return stack, at
        return next((s for s in range(len(self._stacks)) if self._spots(s)), 0), 0

    def _place(self) -> tuple[int, int]:
        """The cursor's stack and line."""
        for stack in range(len(self._stacks)):
            for y, item in self._spots(stack):
                if item == self._item:
                    return stack, y
        return 0, 0

    def _move(self, by: int) -> None:
        if not self._stacks:
            return
        stack, at = self._spot()
        spots = self._spots(stack)
        if not spots or (by < 0 and at == 0):
            self._top = max(0, self._top + by)
        elif by == 1 and (hidden := self._hidden(stack, at)) > 0:
            self._top += min(hidden, self.size.height - 1)  # what is longer than the window is read first
        else:
            at = max(0, min(at + by, len(spots) - 1))
            self._item, self._kept = spots[at][1], True
            self._reveal(stack, at)
        self.repaint()

    def _page(self, by: int) -> None:
        """Go on by so many lines; where the cursor moves, with the window as far as it stays in sight."""
        item, top = self._item, self._top
        self._move(self._on_page(by))
        if self._item != item:
            _, y = self._place()
            self._top = max(min(top + by, y), y - self.size.height + 1, 0)
            self.repaint()

    def _on_page(self, by: int) -> int:
        """How many spots further the last one is that is at most `by` lines away, but one at least; lines where there
        is none."""
        stack, at = self._spot()
        lines = [y for y, _ in self._spots(stack)] if self._stacks else []
        if not lines or (by < 0 and at == 0):
            return by
        near = sum(0 < (y - lines[at]) * (1 if by > 0 else -1) <= abs(by) for y in lines)
        return max(near, 1) if by > 0 else -max(near, 1)

    def _cross(self, to: int) -> None:
        if len(self._stacks) < 2:
            return
        stack, at = self._spot()
        spots, others = self._spots(stack), self._spots(to)
        if stack != to and others:
            y = spots[at][0] if spots else 0
            there = min(range(len(others)), key=lambda n: abs(others[n][0] - y))
            self._item, self._kept = others[there][1], True
            self._reveal(to, there)
            self.repaint()

    def _lines_of(self, stack: int, at: int) -> range:
        """A spot's line and those below it up to the next one; of the first one also those above."""
        lines = [y for y, _ in self._spots(stack)]
        end = lines[at + 1] if at + 1 < len(lines) else len(self._stacks[stack])
        return range(lines[at] if at else 0, end)

    def _hidden(self, stack: int, at: int) -> int:
        """How many of these are below the window."""
        return self._lines_of(stack, at).stop - self._top - self.size.height if self.size.height else 0

    def _reveal(self, stack: int, at: int) -> None:
        """Scroll to a spot, and to what belongs to it as far as there is room."""
        y, lines, height = self._spots(stack)[at][0], self._lines_of(stack, at), self.size.height
        start = lines.start if y - lines.start < height else y
        self._top = max(min(self._top, start), min(lines.stop, start + height) - height)

    # --- stacking --------------------------------------------------------------------------------------------------

    def _widths(self, columns: int) -> list[int]:
        two = columns >= TWO_STACKS and any(b.right for b in self._blocks)
        left = columns * 3 // 5
        return [left, columns - left] if two else [columns]

    def _stack(self, columns: int, lines: int) -> list[int]:
        widths = self._widths(columns)
        if self._stacked_for != (columns, lines):
            self._stacked_for = (columns, lines)
            stack, line = self._place()
            if len(widths) == 1:
                self._stacks = [self._one_stack(columns, lines)]
            else:
                left = [block for block in self._blocks if not block.right]
                right = sorted((b for b in self._blocks if b.right), key=lambda block: block.right)
                self._stacks = [
                    self._piled(blocks, width, lines)
                    for blocks, width in zip((left, right), widths, strict=True)
                ]
            self._keep(stack, line)
        return widths

    def _keep(self, stack: int, line: int) -> None:
        """Leave the cursor on its item; when that is gone, near where it was."""
        spots = [(at, y, item) for at in range(len(self._stacks)) for y, item in self._spots(at)]
        if not spots:
            self._item = None
        elif not self._kept:
            self._item = spots[0][2]
        elif all(item != self._item for _, _, item in spots):
            self._item = min(spots, key=lambda spot: (abs(spot[0] - stack), abs(spot[1] - line)))[2]

    def _one_stack(self, columns: int, lines: int) -> list[Entry]:
        """All blocks; when they are too long together, the brief forms of those that have one come last."""
        full = self._piled(self._blocks, columns, lines)
        brief = [
            Entry(((" ", self.skin.dim), *b.line), b.item) for block in self._blocks if (b := block.brief)
        ]
        if len(full) <= lines or not brief:
            return full
        rest = [block for block in self._blocks if block.brief is None]
        return [*self._piled(rest, columns, lines - len(brief) - 1), Entry(()), *brief]

    def _piled(self, blocks: Sequence[Block], columns: int, lines: int) -> list[Entry]:
        """The blocks under each other, in `lines` if they fold far enough."""
        piles = [self._entries(block, columns) for block in blocks]
        wanted = [len(pile) for pile in piles]
        least = [
            min(len(pile), block.fold.least + 1) if block.fold else len(pile)
            for block, pile in zip(blocks, piles, strict=True)
        ]
        stack: list[Entry] = []
        for block, pile, room in zip(
            blocks, piles, shares(wanted, least, lines - len(piles) + 1), strict=True
        ):
            if stack:
                stack.append(Entry(()))
            stack += pile if room >= len(pile) or block.fold is None else _folded(pile, block.fold, room)
        return stack

    def _entries(self, block: Block, columns: int) -> list[Entry]:
        """The block's lines with its title and its frame, one column of margin around."""
        dim, strong = self.skin.dim, self.skin.strong
        title = f" {block.title} "
        if not block.boxed:
            rule = "─" * max(0, columns - 2 - line_width(((title, strong),)))
            head: Line = ((title, strong), (rule, dim))
            margin: Part = (" ", dim)
            return [
                Entry(head, block.item),
                *(Entry((margin, *e.line), e.item) for e in block.body(columns - 2)),
            ]
        inner = columns - 6
        rule = "─" * max(0, columns - 4 - line_width(((title, strong),)))
        return [
            Entry(((" ╭", dim), (title, strong), (rule, dim), ("╮", dim)), block.item),
            *(
                Entry(((" │ ", dim), *_filled(e.line, inner, dim), (" │", dim)), e.item)
                for e in block.body(inner)
            ),
            Entry(((" ╰", dim), ("─" * (columns - 4), dim), ("╯", dim))),
        ]


def _folded(pile: Sequence[Entry], fold: Fold, room: int) -> list[Entry]:
    """The title and the first lines of a block, and one that says what is left out."""
    rest = fold.rest(room - 2)
    return [*pile[: room - 1], Entry(((" ", Ink()), *rest.line), rest.item)]


def shares(wanted: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """Room for each: at least its least and at most what it wants; what is left goes round."""
    given = list(least)
    spare = room - sum(given)
    while spare > 0 and given != list(wanted):
        for n, most in enumerate(wanted):
            if given[n] < most and spare > 0:
                given[n] += 1
                spare -= 1
    return given


def _filled(line: Line, columns: int, ink: Ink) -> Line:
    """The line, cut or padded to `columns`, so that the frame's right side stays straight."""
    kept: list[Part] = []
    room = columns
    for raw, part_ink in line:
        text = clean(raw)
        text = text if width(text) <= room else cut(text, room)
        kept.append((text, part_ink))
        room -= width(text)
    return (*kept, (" " * room, ink))
