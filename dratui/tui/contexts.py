"""The clusters that one can switch to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from dratui.events import Context, Source
from dratui.failure import Failure


@dataclass(slots=True)
class Contexts:
    """What the kubeconfig offers: `read` reads it anew, `connect` makes a source. Both may raise Failure.

    `known` is what was read last: for completing names while one types. `refused` says why those that were tried in
    vain could not be reached.
    """

    read: Callable[[], Sequence[Context]]
    connect: Callable[[str], Source]
    known: Sequence[Context] = ()
    refused: dict[str, str] = field(default_factory=dict)

    def refresh(self) -> Sequence[Context]:
        """Read files: not for the event loop."""
        self.known = self.read()
        return self.known


def no_contexts() -> Failure:
    """For a recording."""
    return Failure(
        "a recording has no contexts to switch to", hint="dratui without a recording watches a cluster"
    )
