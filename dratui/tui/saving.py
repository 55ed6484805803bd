"""A view as a text file: whole, not only what fits the screen."""

import asyncio
import os
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final, TextIO

from dratui.failure import Failure
from dratui.terminal import clean, fit, width

PIECE: Final = 200  # rows between which keys are answered
Row = tuple[str, ...]


async def save(rows: Iterable[Row], name: str, folder: Path, tell: Callable[[str], None]) -> Path:
    """Write the rows with their cells under each other; returns the file. Raises Failure.

    `tell` hears how far it is. Nothing is left of a file that was not written to its end.
    """
    taken, widths = await _read(rows, tell)
    try:
        path, file = await _opened(folder, time.strftime(f"{name}-%Y%m%d-%H%M%S"))
        try:
            with file:
                for at in range(0, len(taken), PIECE):
                    text = "".join(f"{_line(row, widths)}\n" for row in taken[at : at + PIECE])
                    await asyncio.to_thread(file.write, text)
                    tell(f"{at / len(taken):.0%} written")
        except BaseException:  # also when it is stopped
            path.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise Failure(f"the view could not be saved to {folder}: {error.strerror}") from error
    return path


async def _opened(folder: Path, stem: str) -> tuple[Path, TextIO]:
    """A new file; who is stopped meanwhile leaves none behind, though the thread that opens it cannot be stopped."""
    opening = asyncio.ensure_future(asyncio.to_thread(_new, folder, stem))
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(_discard)
        raise


def _discard(opening: asyncio.Future[tuple[Path, TextIO]]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        path, file = opening.result()
        file.close()
        path.unlink(missing_ok=True)


async def _read(rows: Iterable[Row], tell: Callable[[str], None]) -> tuple[Sequence[Row], Sequence[int]]:
    """The rows, cleaned, and how wide the cells under each other are; a line of one cell is no row of a table."""
    taken: list[Row] = []
    widths: list[int] = []
    for number, row in enumerate(rows):
        taken.append(tuple(map(clean, row)))
        widths += [0] * (len(row) - len(widths))
        if len(row) > 1:
            widths[: len(row)] = [max(w, width(cell)) for w, cell in zip(widths, taken[-1], strict=False)]
        if number % PIECE == 0:
            tell(f"{number} lines read")
            await asyncio.sleep(0)
    return taken, widths


def _line(row: Row, widths: Sequence[int]) -> str:
    if len(row) == 1:
        return row[0].rstrip()
    return "  ".join(fit(cell, w) for cell, w in zip(row, widths, strict=False)).rstrip()


def _new(folder: Path, stem: str) -> tuple[Path, TextIO]:
    """A file that was not there before."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    number = 1
    while True:
        path = folder / (f"{stem}.txt" if number == 1 else f"{stem}-{number}.txt")
        try:
            return path, open(path, "x", encoding="utf-8", opener=_for_its_owner)
        except FileExistsError:
            number += 1


def _for_its_owner(path: str, flags: int) -> int:
    """Names from the cluster are in it."""
    return os.open(path, flags, 0o600)
