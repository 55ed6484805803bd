"""`dratui` as a person starts it: a process of its own."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PROGRAM = (sys.executable, "-c", "import sys; from dratui.cli import main; sys.exit(main())")


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """What it printed, line by line."""
        return self.out.splitlines()


def environment(home: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """No kubeconfig but those that a test names, no proxy, UTF-8."""
    own = {k: v for k, v in os.environ.items() if k in ("PATH", "PYTHONPATH", "VIRTUAL_ENV")}
    return {**own, "HOME": str(home), "LANG": "C.UTF-8", "PYTHONUTF8": "1", **(more or {})}


def dratui(*arguments: str, home: Path, env: Mapping[str, str] | None = None) -> Done:
    """Run it to its end."""
    done = subprocess.run(
        [*PROGRAM, *arguments],
        env=environment(home, env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)
