"""Asking why: in a thread, on a copy of what is known, so that keys go on meanwhile.

What it needs is imported there, too: the compiler of selectors takes a fifth of a second.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from dratui.api.model import Claim, Pod
from dratui.cluster.store import Store

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


class Stopped(Exception):
    """Nobody waits for the answer any more."""


class Asking:
    """One question: `run` answers it, in a thread; all else may be called meanwhile."""

    def __init__(self, store: Store, subject: Pod | Claim, version: str) -> None:
        self._store = store
        self._subject = subject
        self._version = version
        self._stopped = False
        self.far = ""  # how far it is, in words

    def stop(self) -> None:
        """End soon: with the node, or the trial, that is looked at."""
        self._stopped = True

    def run(self) -> Asked | None:
        """The answer; None if it was stopped."""
        from dratui.views import why  # noqa: F401 — imported here, so that showing the answer need not wait for it
        from dratui.why.answer import answer
        from dratui.why.question import about_claim, about_pod

        store, subject, version = self._store, self._subject, self._version
        try:
            self._heed()
            question = (
                about_pod(store, subject, version)
                if isinstance(subject, Pod)
                else about_claim(store, subject, version)
            )
            nodes = list(self._nodes(question))
            self.far = "trying out what would help"
            return Asked(subject, question, answer(store, question, nodes, self._heed))
        except Stopped:
            return None

    def _nodes(self, question: Question) -> Iterator[NodeExplained]:
        from dratui.why.answer import by_node

        total = len(question.nodes)
        for done, node in enumerate(by_node(self._store, question)):
            self.far = f"looking at {done:,} of {total:,} nodes"
            self._heed()
            yield node

    def _heed(self) -> None:
        if self._stopped:
            raise Stopped


def subject_of(store: Store, kind: str, key: Any) -> Pod | Claim | None:
    """The pod or claim, if it is there."""
    tables: dict[str, dict[Any, Any]] = {"pods": store.pods, "claims": store.claims}
    return tables[kind].get(key) if kind in tables else None
