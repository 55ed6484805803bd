"""Our verdict beside what the real scheduler did, and a disagreement as the least that shows it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Final

from dratui.allocation.rules import Rules
from dratui.allocation.search import GaveUp
from dratui.cluster.store import Store
from dratui.events import Page
from dratui.why.placement import kept_away, place_of
from dratui.why.question import about_pod
from tests.agreement import generator
from tests.agreement.generator import Json
from tests.agreement.real import Outcome, Real
from tests.conformance.allocator import Answer, agrees, answer, answers, recorded
from tests.realparts.releases import USUAL

PODS: Final = 25  # of a cluster

MOST_STEPS: Final = 50_000
"""What takes longer is left out: the scheduler, too, ends what it has no time for, and when depends on the machine."""


@dataclass
class Tally:
    """How it went."""

    scheduled: int = 0
    waiting: int = 0
    failed: int = 0  # with an error of the scheduler
    given_up: int = 0  # by us, before anybody was asked

    @property
    def pods(self) -> int:
        """All that were asked about."""
        return self.scheduled + self.waiting + self.failed


@dataclass(frozen=True)
class Question:
    """What the API server held before a pod came."""

    rules: Rules
    nodes: Sequence[Json]
    slices: Sequence[Json]
    classes: Sequence[Json]
    claims: Sequence[Json]  # of the pod
    allocated: Sequence[Json]

    def case(self, id_: str, node: Json, real: Json) -> Json:
        """One of the schema that tests.conformance.allocator runs."""
        return {
            "id": id_,
            "default": self.rules.implementation,
            "features": {feature.value: True for feature in sorted(self.rules.features)},
            "celFeatures": {"ListTypeAttributes": self.rules.dialect.list_attributes},
            "nodes": [node],
            "classes": list(self.classes),
            "slices": list(self.slices),
            "claims": list(self.claims),
            "allocatedClaims": list(self.allocated),
            "answers": [real],
        }


def compare(server: str, seed: int, count: int, tally: Tally, version: str = USUAL.version) -> Iterator[Json]:
    """Cluster after cluster until there were so many pods: each disagreement, as a case.

    `version`: what the server says it is. What gates are on dratui finds out by itself.
    """
    number = 0
    while tally.pods < count:
        prefix = f"a{seed}-{number}"
        random = Random(f"{seed} {number}")
        cluster = generator.cluster(random, prefix)
        real = Real(server, prefix, cluster)
        with real.made():
            yield from _pods(real, random, prefix, min(PODS, count - tally.pods), tally, version)
        number += 1


def _pods(real: Real, random: Random, prefix: str, count: int, tally: Tally, version: str) -> Iterator[Json]:
    store = Store()
    there = {plural: real.listed(plural) for plural in ("resourceslices", "deviceclasses", "nodes")}
    store.apply([Page(plural, found.rows, first=True, last=True) for plural, found in there.items()])
    running: list[int] = []
    for number in range(count):
        wish = generator.wish(random, prefix)
        names = real.make_claims(number, wish)
        claims = real.listed("resourceclaims")
        store.apply([Page("resourceclaims", claims.rows, first=True, last=True)])
        asked = about_pod(store, real.pod(number, wish), version)
        nodes = [each for each in asked.nodes if kept_away(store, asked, each) is None]
        try:
            ours = {
                each.name: answer(asked.world, place_of(each), asked.wanted, MOST_STEPS) for each in nodes
            }
        except GaveUp:
            tally.given_up += 1
            real.release([number])
            continue

        outcome = real.schedule(number, wish)
        theirs = Answer("none")
        results: list[Json] = []
        if outcome.node:
            after = {each["metadata"]["name"]: each for each in real.listed("resourceclaims").objects}
            results = [after[name]["status"]["allocation"] for name in names]
            theirs = recorded({"outcome": "allocated", "results": results})
            tally.scheduled += 1
        elif outcome.reason == "Unschedulable":
            tally.waiting += 1
        else:
            tally.failed += 1
        where = _disagrees(ours, theirs, outcome)
        if where:
            question = Question(
                asked.world.rules,
                there["nodes"].objects,
                there["resourceslices"].objects,
                there["deviceclasses"].objects,
                [each for name in names for each in claims.objects if each["metadata"]["name"] == name],
                [each for each in claims.objects if each.get("status", {}).get("allocation")],
            )
            yield _least(question, f"{prefix} pod {number}", where, outcome, results)
        if outcome.node:
            running.append(number)
        else:
            real.release([number])
        if running and random.random() < 0.35:
            leaving = random.sample(running, random.randint(1, min(3, len(running))))
            running = [each for each in running if each not in leaving]
            real.release(leaving)


def _disagrees(ours: Mapping[str, Answer], theirs: Answer, outcome: Outcome) -> str:
    """The node on which; empty if there is none."""
    errors = [name for name, each in ours.items() if each.outcome == "error"]
    if outcome.node:
        if errors:
            return errors[0]
        return "" if agrees(ours[outcome.node], theirs) else outcome.node
    if outcome.reason != "Unschedulable":
        told = any(ours[name].error in outcome.words for name in errors)
        return "" if told else next(iter(errors or ours))
    return next(iter(errors or [name for name, each in ours.items() if each.outcome == "allocated"]), "")


def _least(question: Question, id_: str, where: str, outcome: Outcome, results: Sequence[Json]) -> Json:
    """As little of the cluster as gives the same answer of ours, beside theirs."""
    node = next(each for each in question.nodes if each["metadata"]["name"] == where)
    real: Json = {"node": where, "outcome": "none"}
    if outcome.node == where:
        real |= {"outcome": "allocated", "results": list(results)}
    elif outcome.reason not in ("", "Unschedulable"):
        real |= {"outcome": "error", "error": outcome.words}

    def ours(asked: Question) -> Answer:
        ((_, found),) = answers(asked.rules.release, asked.case(id_, node, real))
        return found[0]

    wanted = ours(question)
    for kind in ("slices", "allocated", "classes"):
        for each in list(getattr(question, kind)):
            kept = [other for other in getattr(question, kind) if other is not each]
            fewer: dict[str, Any] = {kind: kept}
            smaller = replace(question, **fewer)
            if ours(smaller) == wanted:
                question = smaller
    return question.case(id_, node, real)
