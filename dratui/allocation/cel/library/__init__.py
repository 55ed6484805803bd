"""What the functions of `declarations` do, by overload. Each raises EvaluationError for what it cannot do."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

Implementation = Callable[..., Any]


@cache
def implementations() -> Mapping[str, Implementation]:
    """Of every overload that needs no evaluation of its own, as `&&` and loops do."""
    from dratui.allocation.cel.library import (
        arithmetic,
        conversion,
        formats,
        kubernetes,
        lists,
        network,
        text,
    )

    return {
        **arithmetic.IMPLEMENTATIONS,
        **conversion.IMPLEMENTATIONS,
        **text.IMPLEMENTATIONS,
        **lists.IMPLEMENTATIONS,
        **kubernetes.IMPLEMENTATIONS,
        **network.IMPLEMENTATIONS,
        **formats.IMPLEMENTATIONS,
    }
