"""Blocks of lines in one stack, or in two side by side where there is room, with a cursor over their items."""

from collections.abc import Callable, Hashable, Sequence
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
class Block:
    """Lines under a title. `body` makes them for a number of columns; `right`: in the second stack, if there is one."""

    title: str
    body: Callable[[int], Sequence[Entry]]
    right: bool = False
    boxed: bool = False
    item: Hashable | None = None  # the title itself can be under the cursor


class Board(Pane):
    """Shows blocks. The cursor keeps to its item when the blocks change."""

    class Opened(Message):
        """The item under the cursor was clicked twice."""

    def __init__(self, skin: Skin, *, id: str) -> None:  # noqa: A002 — Textual's word
        super().__init__(skin, id=id)
        self._blocks: Sequence[Block] = ()
        self._stacks: list[list[Entry]] = []
        self._stacked_for = -1
        self._item: Hashable | None = None
        self._top = 0

    @property
    def item(self) -> Hashable | None:
        """The item under the cursor."""
        return self._item

    def set_blocks(self, blocks: Sequence[Block], *, item: Hashable | None = None) -> None:
        """Show these; with `item`, put the cursor there."""
        self._blocks = blocks
        self._stacked_for = -1
        if item is not None:
            self._item = item
        self.repaint()

    def rewind(self) -> None:
        """Forget where the cursor was."""
        self._item, self._top = None, 0

    def go(self, where: str) -> None:
        """Move the cursor; where nothing can be under it, scroll."""
        page = max(self.size.height - 1, 1)
        match where:
            case "down":
                self._move(1)
            case "up":
                self._move(-1)
            case "page_down":
                self._move(page)
            case "page_up":
                self._move(-page)
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
                self._item = item
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
        widths = self._stack(columns)
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

    def _move(self, by: int) -> None:
        if not self._stacks:
            return
        stack, at = self._spot()
        spots = self._spots(stack)
        if not spots or (by < 0 and at == 0):
            self._top = max(0, self._top + by)
        else:
            y, self._item = spots[max(0, min(at + by, len(spots) - 1))]
            self._reveal(y)
        self.repaint()

    def _cross(self, to: int) -> None:
        if len(self._stacks) < 2:
            return
        stack, at = self._spot()
        spots, others = self._spots(stack), self._spots(to)
        if stack != to and others:
            y = spots[at][0] if spots else 0
            y, self._item = min(others, key=lambda spot: abs(spot[0] - y))
            self._reveal(y)
            self.repaint()

    def _reveal(self, y: int) -> None:
        self._top = max(min(self._top, y), y - self.size.height + 1)

    # --- stacking --------------------------------------------------------------------------------------------------

    def _widths(self, columns: int) -> list[int]:
        two = columns >= TWO_STACKS and any(b.right for b in self._blocks)
        left = columns * 3 // 5
        return [left, columns - left] if two else [columns]

    def _stack(self, columns: int) -> list[int]:
        widths = self._widths(columns)
        if self._stacked_for != columns:
            self._stacked_for = columns
            stacks: list[list[Entry]] = [[] for _ in widths]
            for block in self._blocks:
                stack = 1 if block.right and len(widths) > 1 else 0
                if stacks[stack]:
                    stacks[stack].append(Entry(()))
                stacks[stack] += self._entries(block, widths[stack])
            self._stacks = stacks
            items = [e.item for stack in stacks for e in stack if e.item is not None]
            if self._item not in items:
                self._item = items[0] if items else None
        return widths

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
