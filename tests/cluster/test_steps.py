"""What a claim goes through: what is known exactly, what only between two times, and where it is stuck."""

from datetime import datetime
from typing import Any

from dratui.api.model import NO_TIMES, Allocation, Claim, Condition, Consumer, ObjectKey, Pod, PodTimes
from dratui.cluster.claims import claim_told
from dratui.cluster.step import Step
from dratui.history import History
from tests.cluster.build import ago, claim, owned_by, pod, put, result, slice_, store, warning

GPU = slice_("node-1", "gpu-0")


def steps(subject: Claim, *others: Any, **more: Any) -> list[Step]:
    found = claim_told(store(subject, GPU, *others, **more), subject.key)
    assert found is not None
    return list(found.steps)


def told(subject: Claim, *others: Any, **more: Any) -> dict[str, tuple[Any, ...]]:
    """Step by step its state and its times, as `(state, at)` or `(state, after, before)`."""
    return {
        s.step: (s.state, s.at) if s.at else (s.state, s.after, s.before)
        for s in steps(subject, *others, **more)
    }


def user(name: str = "train", **more: Any) -> Pod:
    """A pod that was scheduled 3 minutes ago and runs since 1 minute, as kubelet tells it."""
    fields: dict[str, Any] = {
        "node": "node-1",
        "created": ago(minutes=6),
        "scheduled": Condition("PodScheduled", "True", last_transition_time=ago(minutes=3)),
        "started": ago(seconds=170),
        "times": times(),
    }
    return pod(name, "gpu", **fields | more)


def times(**changes: datetime | None) -> PodTimes:
    return PodTimes(**{"ready_to_start": ago(seconds=70), "first_start": ago(minutes=1)} | changes)


def held(*pods: Pod, at: datetime | None = None, **more: Any) -> Claim:
    """A claim of 5 minutes, allocated a minute later and reserved for pods."""
    allocated = Allocation((result("gpu-0"),), "node-1", at=at)
    return claim("gpu", created=ago(minutes=5), allocation=allocated, pods=pods, **more)


def test_what_is_not_told_lies_between_what_is() -> None:
    train = user()
    assert told(held(train, at=ago(minutes=4)), train) == {
        "created": ("done", ago(minutes=5)),
        "allocated": ("done", ago(minutes=4)),
        "reserved": ("done", ago(minutes=4), ago(minutes=3)),
        "pod scheduled": ("done", ago(minutes=3)),
        "prepared": ("done", ago(seconds=170), ago(seconds=70)),
        "running": ("done", ago(minutes=1)),
    }


def test_a_claim_that_was_made_for_a_pod_is_reserved_in_the_write_that_allocates_it() -> None:
    train = user()
    found = told(held(train, at=ago(minutes=4), owner=owned_by(train)), train)
    assert found["reserved"] == ("done", ago(minutes=4))


def test_an_older_server_tells_no_time_of_the_allocation() -> None:
    train = user()
    assert told(held(train), train)["allocated"] == ("done", ago(minutes=5), ago(minutes=3))


def test_a_restarted_container_ran_for_the_first_time_before() -> None:
    train = user(restarts=2)
    assert told(held(train), train)["running"] == ("done", ago(seconds=170), ago(minutes=1))


def test_clocks_that_contradict_each_other_leave_a_time_unknown() -> None:
    train = user(started=ago(seconds=30))  # the node's clock is ahead
    assert told(held(train), train)["prepared"] == ("done", None, None)


def test_a_claim_is_stuck_before_its_allocation_for_the_reason_of_its_pod() -> None:
    waits = pod("train", "gpu", says="0/1 nodes are available: 1 cannot allocate all claims.")
    *_, last = steps(claim("gpu", created=ago(minutes=5)), waits)
    assert (last.step, last.state, last.after) == ("allocated", "waiting", ago(minutes=5))
    assert last.reason == "pod train: 1 node: cannot allocate all claims"


def test_a_pod_that_does_not_get_a_reservation_is_where_it_is_stuck() -> None:
    train, late = user(), pod("late", "gpu", created=ago(minutes=2), says="no place")
    last, *_ = (s for s in steps(held(train, at=ago(minutes=4)), train, late) if s.pod == "late")
    assert (last.step, last.pod, last.state, last.after) == ("reserved", "late", "waiting", ago(minutes=2))
    assert last.reason == "no place"


def test_a_pod_that_waits_for_its_device_to_be_bound_is_reserved_for_and_not_scheduled() -> None:
    train = pod("train", "gpu", says="waiting for binding conditions")
    found = told(held(train, at=ago(minutes=4)), train)
    assert found["reserved"] == ("done", ago(minutes=4), None)
    assert found["pod scheduled"] == ("waiting", ago(minutes=4), None)


def test_kubelet_that_says_it_cannot_prepare_is_where_it_is_stuck() -> None:
    train = user(phase="Pending", times=NO_TIMES)
    said = warning(train, "FailedPrepareDynamicResources", "DRA driver gpu is not registered")
    *_, last = steps(held(train), train, said)
    assert (last.step, last.state, last.after) == ("prepared", "waiting", ago(seconds=170))
    assert last.reason == "DRA driver gpu is not registered"


def test_a_silent_kubelet_may_have_prepared_it_or_not() -> None:
    train = user(phase="Pending", times=NO_TIMES)
    *_, prepared, running = steps(held(train), train)
    assert (prepared.step, prepared.state) == ("prepared", "unknown")
    assert (running.step, running.state, running.reason) == (
        "running",
        "waiting",
        "node node-1 does not exist",
    )


def test_a_sandbox_tells_that_it_was_prepared_though_no_container_started() -> None:
    train = user(phase="Pending", times=times(first_start=None))
    found = told(held(train), train)
    assert found["prepared"] == ("done", ago(seconds=170), ago(seconds=70))
    assert found["running"] == ("waiting", ago(seconds=70), None)


def test_a_pod_that_ended_and_is_reserved_for_no_more_has_released_it() -> None:
    train = user(phase="Succeeded", times=times(ended=ago(seconds=20)))
    found = told(held(at=ago(minutes=4)), train)
    assert found["running"] == ("done", ago(minutes=1))
    assert found["released"] == ("done", ago(seconds=20), None)


def test_a_pod_that_ended_and_keeps_its_reservation_is_where_it_is_stuck() -> None:
    train = user(phase="Succeeded", times=times(ended=ago(seconds=20)))
    *_, last = steps(held(train), train)
    assert (last.step, last.state, last.after) == ("released", "waiting", ago(seconds=20))
    assert last.reason == "the pod has ended, its reservation stays"


def test_a_pod_that_cannot_leave_says_why_it_does_not_release() -> None:
    train = user(deleted=ago(minutes=1), finalizers=("a/b",))
    *_, last = steps(held(train), train)
    assert (last.step, last.state, last.after) == ("released", "waiting", ago(minutes=1))
    assert last.reason.endswith("held by finalizer a/b")


def test_a_reservation_for_a_pod_that_is_gone_is_not_released() -> None:
    *_, last = steps(held(user()))
    assert (last.step, last.pod, last.state) == ("released", "train", "waiting")
    assert last.reason == "the pod is gone, its reservation stays"


def test_where_pods_are_not_known_none_is_called_gone() -> None:
    assert [s.step for s in steps(held(user()), unknown=["pods"])] == ["created", "allocated", "reserved"]


def test_a_reservation_for_what_is_no_pod() -> None:
    group = Consumer("podgroups", "ring", "uid", "scheduling.k8s.io")
    *_, last = steps(claim("gpu", result("gpu-0"), created=ago(minutes=5), consumers=(group,)))
    assert (last.step, last.pod, last.state, last.after) == ("reserved", "ring", "done", ago(minutes=5))


def test_a_pod_is_reserved_for_with_its_group() -> None:
    ring = Consumer("podgroups", "ring", "uid", "scheduling.k8s.io")
    train = user(group="ring")
    found = steps(held(at=ago(minutes=4), consumers=(ring,)), train)
    assert [s.step for s in found if s.pod == "train"] == ["reserved", "pod scheduled", "prepared", "running"]


def test_a_claim_that_is_being_deleted_waits_for_nothing_else() -> None:
    found = told(claim("gpu", created=ago(minutes=5), deleted=ago(minutes=1)))
    assert found == {"created": ("done", ago(minutes=5)), "deleted": ("done", ago(minutes=1))}


# --- what was watched ---------------------------------------------------------------------------------


class Watched:
    """A store whose changes are remembered, on a clock that the test turns."""

    def __init__(self, *rows: Any) -> None:
        self.now = ago(minutes=5)
        self.store = store(GPU, *rows)
        history = History(self.store, lambda: self.now.timestamp(), begins=self.now.timestamp())
        self.store.journal, self.store.seen = history, history.seen

    def at(self, seconds: float, row: Any) -> None:
        """So many seconds before NOW a row came."""
        self.now = ago(seconds=seconds)
        self.store.apply([put(row)])

    def steps(self) -> list[tuple[Any, ...]]:
        found = claim_told(self.store, ObjectKey("default", "gpu"))
        assert found is not None
        return [(s.step, s.pod, s.state, s.at or (s.after, s.before)) for s in found.steps]


def test_what_was_watched_came_no_later_than_it_was_seen() -> None:
    train = user(phase="Succeeded", times=times(ended=ago(seconds=20)))
    watched = Watched(train, claim("gpu", created=ago(minutes=5)))
    watched.at(200, held(train))
    watched.at(12, held())
    assert [s for s in watched.steps() if s[0] in ("allocated", "reserved", "released")] == [
        ("allocated", "", "done", (ago(minutes=5), ago(seconds=200))),
        ("reserved", "train", "done", (ago(minutes=5), ago(seconds=200))),
        ("released", "train", "done", (ago(seconds=20), ago(seconds=12))),
    ]


def test_a_pod_that_is_gone_is_remembered() -> None:
    watched = Watched(claim("gpu", created=ago(minutes=5)))
    watched.at(200, held(user()))
    watched.at(12, claim("gpu", created=ago(minutes=5)))
    assert watched.steps() == [
        ("created", "", "done", ago(minutes=5)),
        ("allocated", "", "waiting", (ago(minutes=5), None)),
        ("reserved", "train", "done", (ago(minutes=5), ago(seconds=200))),
        ("released", "train", "done", (ago(minutes=5), ago(seconds=12))),
    ]


def test_who_watches_with_a_clock_that_is_behind_learns_nothing() -> None:
    train = user()
    watched = Watched(train, claim("gpu", created=ago(minutes=5)))
    watched.at(280, held(train, at=ago(minutes=4)))
    assert ("reserved", "train", "done", (ago(minutes=4), ago(minutes=3))) in watched.steps()


def test_another_claim_of_the_same_name_was_another_claim() -> None:
    watched = Watched(claim("gpu", created=ago(minutes=5), uid="old"))
    watched.at(200, held(user(), uid="old"))
    watched.at(12, claim("gpu", created=ago(seconds=12)))
    assert [s[0] for s in watched.steps()] == ["created", "allocated"]
