"""JSON that others wrote, taken for what it should be: what is of another kind counts as missing."""

from collections.abc import Mapping
from typing import Any


def mapping(value: Any) -> Mapping[str, Any]:
    """An object; empty for what is none."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    """A list; empty for what is none."""
    return value if isinstance(value, list) else []
