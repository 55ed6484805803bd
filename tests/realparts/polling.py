"""The one place where tests wait: for a condition, never for a time."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

INTERVAL = 0.05


def wait(condition: Callable[[], T], timeout: float, what: str) -> T:
    """Poll until `condition` returns something true, and return that.

    `what` completes the sentence "waited 10 s for …". An AssertionError of the condition counts as "not yet",
    and the last one is quoted when time is up.
    """
    deadline = time.monotonic() + timeout
    while True:
        try:
            last: object = (result := condition())
            if result:
                return result
        except AssertionError as not_yet:
            last = not_yet
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {timeout:g} s for {what}; last: {str(last)[:2000]}")
        time.sleep(INTERVAL)
