"""What is typed behind `/`."""

import re
from collections.abc import Callable

from dratui.views.query import BadFilter


def line_filter(text: str) -> Callable[[str], bool] | None:
    """What a filter lets through, asked of the cells of a row joined by spaces; None lets all through.

    Raises BadFilter.
    """
    inverse = text.startswith("!")
    pattern = text[1:] if inverse else text
    if not pattern:
        return None
    try:
        search = re.compile(pattern, re.IGNORECASE).search
    except re.error as error:
        raise BadFilter(text, error.msg, (error.pos or 0) + inverse) from error
    except (OverflowError, RecursionError) as error:
        raise BadFilter(text, "too large", 0) from error
    return (lambda line: search(line) is None) if inverse else (lambda line: search(line) is not None)
