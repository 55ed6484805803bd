"""Whom the scheduler would evict: nobody for devices of claims, as few as need be for the rest."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from dratui.allocation.manifests import Workload
from dratui.api.model import Container, Node, Pod, PriorityClass
from dratui.events import Phase, Row
from dratui.why.priority import Priority, priority_of
from dratui.why.whatif import Outcome, Planner
from tests.cluster.build import claim, health, pod, result, slice_, store
from tests.why.test_answer import VERSION
from tests.why.test_whatif import cluster, where
from tests.why.test_whatif import workload as of_claims

HIGH = PriorityClass(name="high", value=1000)


def node(name: str, cpu: int = 4000, plugin: int = 0) -> Node:
    native = (("cpu", cpu), ("pods", 110))
    return Node(name=name, ready="True", native=native, allocatable=(("example.com/gpu", plugin),))


def there(name: str, cpu: int, priority: int = 0, on: str = "node-1", **more: Any) -> Pod:
    return pod(name, node=on, native=(("cpu", cpu),), priority=priority, **more)


def workload(cpu: int, **more: Any) -> Workload:
    row = Pod(namespace="default", name="train", phase="Pending", native=(("cpu", cpu),), **more)
    return Workload("Deployment", row, 1, priority_class="high")


def asked(of: Workload, replicas: int | None, *rows: Row, given: PriorityClass = HIGH) -> Outcome:
    return Planner(store(given, *rows), VERSION).outcome(of, replicas)


def test_as_few_pods_of_lower_priority_go_as_need_be_the_least_important_ones() -> None:
    rows = (node("node-1"), there("a", 1000, 10), there("b", 2000, 5), there("c", 1000, 5))
    (landing,) = asked(workload(1500), 1, *rows).landed
    assert landing.evicts == ("default/b",)
    (landing,) = asked(workload(3000), 1, *rows).landed
    assert landing.evicts == ("default/b", "default/c")


def test_of_equal_pods_the_one_that_runs_longest_stays() -> None:
    old, young = (datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2))
    rows = (node("node-1"), there("a", 2000, started=young), there("b", 2000, started=old))
    (landing,) = asked(workload(2000), 1, *rows).landed
    assert landing.evicts == ("default/a",)


def test_the_node_where_the_least_important_go() -> None:
    rows = (
        *(node("node-1"), there("a", 4000, 7)),
        *(node("node-2"), there("b", 2000, 3, on="node-2"), there("c", 2000, 3, on="node-2")),
        *(node("node-3"), there("d", 4000, 3, on="node-3")),
    )
    outcome = asked(workload(4000), 3, *rows)
    assert [(each.node, each.evicts) for each in outcome.landed] == [
        ("node-3", ("default/d",)),
        ("node-2", ("default/b", "default/c")),
        ("node-1", ("default/a",)),
    ]
    assert not outcome.anyhow


@pytest.mark.parametrize(
    ("given", "priority"),
    [(HIGH, 1000), (PriorityClass(name="high", value=1000, preempts=False), 0)],
    ids=["not lower", "Never"],
)
def test_nobody_goes_who_is_as_important_or_for_whom_never_preempts(
    given: PriorityClass, priority: int
) -> None:
    outcome = asked(workload(4000), 1, node("node-1"), there("a", 4000, priority), given=given)
    assert outcome.landed == ()


def test_of_a_daemon_set_pods_go_on_each_node_that_it_is_for() -> None:
    rows = (node("node-1"), there("a", 4000), node("node-2"), there("b", 4000, 1000, on="node-2"))
    of = Workload("DaemonSet", workload(2000).pod, 1, priority_class="high")
    outcome = asked(of, 1, *rows)
    assert [(each.node, each.evicts) for each in outcome.landed] == [("node-1", ("default/a",))]


def test_pods_go_for_devices_of_a_device_plugin() -> None:
    gpu = (Container("main", extended=(("example.com/gpu", 1),)),)
    rows = (node("node-1", plugin=1), there("a", 0, containers=gpu))
    (landing,) = asked(workload(0, containers=gpu), 1, *rows).landed
    assert landing.evicts == ("default/a",)


def test_nobody_goes_for_devices_of_claims_and_that_is_said() -> None:
    owner = there("a", 0)
    rows = (node("node-1"), slice_("node-1", "gpu-0"), owner, claim("a-gpu", result("gpu-0"), pods=(owner,)))
    of = of_claims("one")
    urgent = Workload(of.kind, of.pod, 1, priority_class="high")
    outcome = Planner(cluster(HIGH, *rows), VERSION).outcome(urgent, 1)
    assert outcome.landed == ()
    assert outcome.notes == ("for devices of claims the scheduler evicts nobody, whatever the priority",)


def test_devices_of_who_goes_are_free_for_the_next_but_not_before() -> None:
    """One device is free and one is held by who would go: then both can be had."""
    owner = there("a", 4000)
    of = of_claims("one")
    urgent = Workload(of.kind, msgspec.structs.replace(of.pod, native=(("cpu", 1000),)), 1, "high")
    rows = (HIGH, node("node-1"), owner, claim("a-gpu", result("gpu-0"), pods=(owner,)))
    both = cluster(*rows, slice_("node-1", "gpu-0", "gpu-1"))
    outcome = Planner(both, VERSION).outcome(urgent, 2)
    assert where(outcome) == ["node-1: gpu-0", "node-1: gpu-1"]
    assert [each.evicts for each in outcome.landed] == [("default/a",), ()]
    none_free = cluster(*rows, slice_("node-1", "gpu-0"))
    assert Planner(none_free, VERSION).outcome(urgent, 1).landed == ()


LIVE = health(Phase.LIVE, "priorityclasses")


@pytest.mark.parametrize(
    ("of", "given", "priority"),
    [
        ("", (), Priority(0, preempts=True)),
        (
            "",
            (
                PriorityClass(name="d", value=5, default=True, preempts=False),
                PriorityClass(name="e", value=9, default=True),
                PriorityClass(name="f", value=1),
            ),
            Priority(5, preempts=False),
        ),
        ("high", (HIGH,), Priority(1000, preempts=True)),
        (
            "used",
            (),
            Priority(
                0,
                preempts=True,
                refused="priority class used is not in the cluster: give its manifest, too, with -f",
            ),
        ),
    ],
)
def test_the_priority_is_told_by_the_classes(
    of: str, given: tuple[PriorityClass, ...], priority: Priority
) -> None:
    known = store(there("a", 0, 77, priority_class="used"), *given)
    known.apply(LIVE)
    assert priority_of(Workload("Job", Pod(name="train"), 1, priority_class=of), known) == priority


@pytest.mark.parametrize(
    ("of", "priority", "assumed"),
    [
        ("system-node-critical", 2_000_001_000, ""),
        ("used", 77, ""),
        ("", 0, "the default priority class is not known: read as priority 0"),
        (
            "odd",
            0,
            "priority class odd is not known, and read as priority 0: give its manifest, too, with -f",
        ),
    ],
)
def test_where_the_classes_are_not_known_pods_that_name_one_tell_it_or_it_is_said(
    of: str, priority: int, assumed: str
) -> None:
    known = store(there("a", 0, 77, priority_class="used"))
    workload = Workload("Job", Pod(name="train"), 1, priority_class=of)
    assert priority_of(workload, known) == Priority(priority, preempts=True, assumed=assumed)


def test_what_was_assumed_is_said_where_an_eviction_might_make_room() -> None:
    """And only there: all else is the same for every priority."""
    of = Workload("Deployment", workload(3000).pod, 1, priority_class="odd")
    known = store(node("node-1"), there("a", 2000, 10))
    assert "priority class odd is not known" in Planner(known, VERSION).outcome(of, 1).notes[0]
    assert Planner(store(node("node-1")), VERSION).outcome(of, 1).notes == ()


def test_pods_of_a_class_that_is_not_there_are_not_taken() -> None:
    known = store(node("node-1"))
    known.apply(LIVE)
    outcome = Planner(known, VERSION).outcome(workload(1000), 1)
    assert outcome.why == "priority class high is not in the cluster: give its manifest, too, with -f"
    assert outcome.landed == ()
