"""What parts of telemetry ask of each other."""

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from dratui.events import Event, Phase
from dratui.failure import Failure
from dratui.samples import NodeSample

MOST: Final = 40
"""Nodes that are followed at a time, whoever measures them."""
KEPT: Final = 200
"""Nodes whose last sample stays, to be shown with its age when one comes back to it."""

Emit = Callable[[Sequence[Event]], None]
Take = Callable[[NodeSample], None]


class Broken(Failure):
    """A node cannot be followed, or no longer. `what` is a NodeSample's `problem`: it fits a cell.

    `phase` is what that means for the stream's health: FORBIDDEN for what only rights change, NOT_SERVED where nobody
    measures, else STALE. The first two are tried again slowly.
    """

    def __init__(self, what: str, *, hint: str = "", phase: Phase = Phase.STALE) -> None:
        super().__init__(what, hint=hint)
        self.phase = phase


class Telemetry(Protocol):
    """Follows the devices of those nodes that are wanted."""

    def want(self, nodes: Sequence[str]) -> None:
        """Names of nodes, most important first, in place of those before. Cheap; called at every paint."""

    async def run(self, emit: Emit) -> None:
        """Emit `Put("samples", NodeSample)` and `HealthChanged("samples", Health)` until cancelled. Raises nothing.

        While nothing is wanted, nobody is asked anything.
        """


class Follower(Protocol):
    """Follows one node. It is kept for as long as the same pod measures the node, so it may remember."""

    async def follow(self, node: str, take: Take) -> None:
        """Hand each sample to `take`, until cancelled. Its `at` is on the dashboard's clock, or None.

        Raises Broken when it cannot go on; after a while it is begun again.
        """


class Finder(Protocol):
    """Knows who measures a node."""

    async def find(self, node: str, *, anew: bool) -> Follower:
        """The same object as long as it is the same pod. `anew`: what was found last has broken.

        Raises Broken where there is none, or no telling.
        """

    async def close(self) -> None:
        """Let go of connections of its own: nobody looks any more."""
