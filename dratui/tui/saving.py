"""A view as a text file: whole, not only what fits the screen."""

import asyncio
import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from dratui.failure import Failure
from dratui.terminal import clean, fit, width

PIECE: Final = 200  # rows between which keys are answered
Row = tuple[str, ...]


async def save(rows: Iterable[Row], name: str, folder: Path) -> Path:
    """Write the rows with their cells under each other; returns the file. Raises Failure."""
    taken: list[Row] = []
    for number, row in enumerate(rows):
        taken.append(row)
        if number % PIECE == 0:
            await asyncio.sleep(0)
    return await asyncio.to_thread(_write, taken, name, folder)


def _write(rows: Sequence[Row], name: str, folder: Path) -> Path:
    stem = time.strftime(f"{name}-%Y%m%d-%H%M%S")
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        file, path = _new(folder, stem)
        with open(file, "w", encoding="utf-8") as out:
            out.writelines(f"{line}\n" for line in _aligned(rows))
    except OSError as error:
        raise Failure(f"the view could not be saved to {folder}: {error.strerror}") from error
    return path


def _new(folder: Path, stem: str) -> tuple[int, Path]:
    """A file that was not there before, for its owner only: names from the cluster are in it."""
    number = 1
    while True:
        path = folder / (f"{stem}.txt" if number == 1 else f"{stem}-{number}.txt")
        try:
            return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), path
        except FileExistsError:
            number += 1


def _aligned(rows: Sequence[Row]) -> Iterable[str]:
    cleaned = [tuple(map(clean, row)) for row in rows]
    widths: list[int] = []
    for row in cleaned:
        widths += [0] * (len(row) - len(widths))
        if len(row) > 1:
            widths[: len(row)] = [max(w, width(cell)) for w, cell in zip(widths, row, strict=False)]
    for row in cleaned:
        if len(row) == 1:
            yield row[0].rstrip()
        else:
            yield "  ".join(fit(cell, w) for cell, w in zip(row, widths, strict=False)).rstrip()
