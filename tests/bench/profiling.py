"""Where the time goes: the functions that took most of it themselves."""

import pstats
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

MOST = 5


def of_module(*argv: str) -> tuple[str, ...]:
    """The profile of `python -m` with these arguments, run once more for it: it is slower then."""
    with TemporaryDirectory(prefix="dratui-bench-") as folder:
        path = Path(folder, "profile")
        command = [sys.executable, "-m", "cProfile", "-o", str(path), "-m", *argv]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return top(path)


def top(path: Path) -> tuple[str, ...]:
    """One line a function, the one that took most first. Waiting for the network or for keys is no work."""
    functions: dict[tuple[str, int, str], Sequence[float]] = pstats.Stats(str(path)).stats  # type: ignore[attr-defined]  # typeshed does not know it
    own = {where: found[2] for where, found in functions.items() if "poll" not in where[2]}
    total = sum(own.values()) or 1.0
    most = sorted(own, key=own.__getitem__, reverse=True)[:MOST]
    return tuple(f"{own[where] / total:4.0%}  {_named(*where)}" for where in most)


def _named(file: str, line: int, name: str) -> str:
    """`dratui/cluster/store.py:120 apply`, from the package on."""
    if file == "~":
        return name
    parts = Path(file).parts
    start = next((n for n, part in enumerate(parts) if part in ("dratui", "tests")), len(parts) - 2)
    if "site-packages" in parts:
        start = parts.index("site-packages") + 1
    elif parts[start] == "dratui" and "dratui" in parts[start + 1 :]:
        start = len(parts) - 1 - parts[::-1].index("dratui")
    return f"{'/'.join(parts[max(start, 0) :])}:{line} {name}"
