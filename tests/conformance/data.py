"""Where the reference answers are: beside the checkout, or where $DRATUI_CONFORMANCE says. They are not shipped."""

import os
from pathlib import Path

import pytest

FOLDER = Path(os.environ.get("DRATUI_CONFORMANCE", Path(__file__).parents[3] / "shared" / "data"))


def needed(name: str) -> Path:
    """A file of them; skips the test, aloud, where there is none."""
    path = FOLDER / name
    if not path.exists():
        pytest.skip(f"no {path}: the real code's answers are not here")
    return path
