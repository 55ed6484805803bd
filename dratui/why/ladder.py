"""A change that somebody could make of what a pod or its claims ask for, and several of the same thing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from dratui.allocation.explain import Cause, NodeExplained
from dratui.api.model import Pod, Request

Kind = Literal["free", "limit", "clause", "capacity", "tolerate", "count", "node", "resources", "two"]


@dataclass(frozen=True, slots=True)
class Change:
    """One: of a request by its claim's number and full name, of a part of a selector, or of the pod.

    It may help alone on nodes with these `causes`; `left`: and only where the named request gets so many devices.
    """

    kind: Kind
    what: str
    causes: frozenset[Cause]
    request: Callable[[int, str, Request], Request] | None = None
    source: str = ""
    span: tuple[int, int] = (0, 0)
    text: str = ""
    pod: Callable[[Pod], Pod] | None = None
    left: tuple[str, str, int] | None = None

    def may_help(self, node: NodeExplained) -> bool:
        """Alone, as far as the node's story tells."""
        if node.cause not in self.causes and not any(each.verdict in self.causes for each in node.devices):
            return False
        if self.left is None or not node.request:
            return True
        claim, request, got = self.left
        return (node.claim, node.request) == (claim, request) and node.got >= got


Ladder = Sequence[Change]
"""Changes of one thing: the first that helps is the smallest."""
