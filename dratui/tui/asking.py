"""Asking why, on a copy of what is known.

What it needs is imported by the thread, too: the compiler of selectors takes a fifth of a second.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from dratui.api.model import Claim, Pod
from dratui.cluster.store import Store
from dratui.tui.thinking import Thinking

if TYPE_CHECKING:
    from dratui.allocation.explain import NodeExplained
    from dratui.why.answer import Answer
    from dratui.why.question import Question

KINDS: Final = ("pods", "claims")


class Asked(NamedTuple):
    """Who waits, what that asks for, and the answer."""

    subject: Pod | Claim
    question: Question
    answer: Answer


class Asking(Thinking[Asked]):
    """One question. Stopped it ends with the node, or the trial, that is looked at."""

    def __init__(self, store: Store, subject: Pod | Claim, version: str) -> None:
        super().__init__()
        self._store = store
        self._subject = subject
        self._version = version

    def think(self) -> Asked:
        """The answer."""
        from dratui.views import why  # noqa: F401 — imported here, so that showing the answer need not wait for it
        from dratui.why.answer import answer
        from dratui.why.question import about_claim, about_pod

        store, subject, version = self._store, self._subject, self._version
        question = (
            about_pod(store, subject, version)
            if isinstance(subject, Pod)
            else about_claim(store, subject, version)
        )
        nodes = list(self._nodes(question))
        self.far = "trying out what would help"
        return Asked(subject, question, answer(store, question, nodes, self.heed))

    def _nodes(self, question: Question) -> Iterator[NodeExplained]:
        from dratui.why.answer import by_node

        total = len(question.nodes)
        for done, node in enumerate(by_node(self._store, question)):
            self.far = f"looking at {done:,} of {total:,} nodes"
            self.heed()
            yield node


def subject_of(store: Store, kind: str, key: Any) -> Pod | Claim | None:
    """The pod or claim, if it is there."""
    tables: dict[str, dict[Any, Any]] = {"pods": store.pods, "claims": store.claims}
    return tables[kind].get(key) if kind in tables else None
