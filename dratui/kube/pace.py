"""How fast, how often, how long: every time that list and watch know, in seconds."""

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, kw_only=True)
class Pace:
    page_size: int = 500  # objects; 5 ms of the event loop to decode, where 5,000 are 43 ms
    longest_line: int = 16 << 20  # bytes of one watch event; see `dratui.kube.lines`
    first_delay: float = 0.5  # before the first retry; doubles
    longest_delay: float = 30.0
    largest_page: int = 500_000  # objects; where pages grow because lists expire
    longest_obedience: float = 300.0  # the most that a server's Retry-After is obeyed
    watch_shortest: float = (
        300.0  # a watch is asked to last between these, as client-go does: with many clients,
    )
    watch_longest: float = 600.0  # or many streams, they do not all end at once
    watch_silence: float = (
        90.0  # bookmarks come about once a minute; a quiet stream is then simply asked again
    )
    check_every: float = 20.0  # with one request for all streams, whether the server still answers
    check_silence: float = (
        15.0  # without an answer to it the server is gone; client-go waits as long for a ping
    )
    slow_retry: float = 60.0  # for what only a person changes: rights, kinds that are served
    shortest_watch: float = 1.0  # one that ends sooner, without a word, counts as failed


DEFAULT_PACE = Pace()


class Backoff:
    """Delays that double from `first` to `longest`, each cut by up to half at random so that clients spread."""

    def __init__(self, first: float, longest: float, random: Random) -> None:
        self._first = first
        self._longest = longest
        self._random = random
        self._failures = 0

    def next(self) -> float:
        """Seconds to wait after one more failure."""
        delay = min(self._first * 2.0**self._failures, self._longest)
        self._failures = min(self._failures + 1, 30)
        return delay * self._random.uniform(0.5, 1.0)

    @property
    def at_longest(self) -> bool:
        """Whether the next delay is no longer than the last."""
        return self._first * 2.0**self._failures > self._longest

    def reset(self) -> None:
        self._failures = 0
