"""What a node did for a claim, in its place among what the API tells."""

from datetime import datetime, timedelta
from typing import Any

from dratui.api.model import Claim, Condition, Pod, PodTimes
from dratui.cluster.claims import claim_told
from dratui.cluster.step import Step
from dratui.prepared import Done, Plugin, Prepared
from tests.cluster.build import DRIVER, NOW, ago, claim, pod, put, result, sample, slice_, store

NODE = "node-1"
UID = "uid of claim gpu"
KNOWN = ago(seconds=170)  # when kubelet saw the pod


def user(**more: Any) -> Pod:
    """A pod that was scheduled 3 minutes ago and runs since 1 minute."""
    fields: dict[str, Any] = {
        "node": NODE,
        "created": ago(minutes=6),
        "scheduled": Condition("PodScheduled", "True", last_transition_time=ago(minutes=3)),
        "started": KNOWN,
        "times": PodTimes(ready_to_start=ago(seconds=70), first_start=ago(minutes=1)),
    }
    return pod("train", "gpu", **fields | more)


def waits(**more: Any) -> Pod:
    return user(phase="Pending", times=PodTimes(), **more)


def held(its_pod: Pod, *more: Any) -> Claim:
    return claim("gpu", result("gpu-0"), *more, node=NODE, created=ago(minutes=5), pods=[its_pod])


def done(what: str, at: datetime, **more: Any) -> Done:
    return Done(at=at.timestamp(), claim=UID, what=what, **more)


def told(subject: Claim, its_pod: Pod, *steps: Done, **more: Any) -> list[Step]:
    believes = Plugin(driver=DRIVER, steps=steps, **more)
    made = store(slice_(NODE, "gpu-0"), subject, its_pod)
    made.apply([put(sample(NODE, plugin=believes, believed=NOW.timestamp()))])
    found = claim_told(made, subject.key)
    assert found is not None
    return list(found.steps)


def names(steps: list[Step]) -> list[str]:
    return [f"{s.step} {s.state}" if s.state != "done" else s.step for s in steps]


def test_preparing_is_told_exactly_where_it_belongs() -> None:
    steps = told(
        held(user()),
        user(),
        done("mig_created", KNOWN + timedelta(seconds=1.5), took=1.2, detail="gpu-0-mig MIG-7"),
        done("prepare", KNOWN + timedelta(seconds=1.6), took=1.4),
    )
    assert names(steps) == [
        *("created", "allocated", "reserved", "pod scheduled"),
        *("MIG device made", "prepared", "running"),
    ]
    made, prepared = steps[4:6]
    assert (made.took, made.reason) == (1.2, "gpu-0-mig MIG-7")
    assert (prepared.at, prepared.took) == (KNOWN + timedelta(seconds=1.6), 1.4)


def test_within_a_second_what_comes_first_comes_first() -> None:
    """The API has whole seconds: the container started at 1.9 s and is said to have at 1."""
    began = ago(minutes=1)
    steps = told(held(user()), user(), done("prepare", began + timedelta(seconds=0.8)))
    assert names(steps)[-2:] == ["prepared", "running"]
    ends = user(phase="Succeeded", times=PodTimes(first_start=began, ended=began))
    steps = told(
        held(ends),
        ends,
        done("prepare", began + timedelta(seconds=0.1)),
        done("unprepare", began + timedelta(seconds=0.8)),
        done("mig_destroyed", began + timedelta(seconds=0.8)),
    )
    assert names(steps)[-5:] == [
        *("prepared", "running", "unprepared", "MIG device destroyed", "released waiting"),
    ]


def test_a_checkpoint_remembers_when_steps_are_forgotten() -> None:
    entry = Prepared(uid=UID, state="completed", started=KNOWN.timestamp(), completed=KNOWN.timestamp() + 0.5)
    steps = told(held(user()), user(), claims=(entry,))
    (prepared,) = (s for s in steps if s.step == "prepared")
    assert (prepared.at, prepared.took) == (KNOWN + timedelta(seconds=0.5), 0.5)


def test_what_fails_is_what_the_claim_waits_for_and_for_how_long() -> None:
    first = KNOWN + timedelta(seconds=2)
    failing = done("prepare", NOW, error="gpu-0 is lost", times=3, first=first.timestamp())
    steps = told(held(waits()), waits(), failing)
    assert names(steps)[-2:] == ["pod scheduled", "prepared waiting"]
    assert (steps[-1].after, steps[-1].reason) == (first, "gpu-0 is lost (3 times)")


def test_what_failed_and_then_went_well_is_told_as_both() -> None:
    steps = told(
        held(user()),
        user(),
        done("prepare", KNOWN + timedelta(seconds=1), error="no answer", took=40.0),
        done("prepare", KNOWN + timedelta(seconds=90), took=0.1),
    )
    assert names(steps)[-3:] == ["prepared failed", "prepared", "running"]


def test_a_second_pod_has_it_prepared_again() -> None:
    steps = told(
        held(user()),
        user(),
        done("prepare", KNOWN + timedelta(seconds=1)),
        done("unprepare", KNOWN + timedelta(seconds=2)),
        done("prepare", KNOWN + timedelta(seconds=3)),
    )
    assert names(steps)[-4:] == ["prepared", "unprepared", "prepared", "running"]


def test_what_another_driver_prepares_beside_stays_as_kubelet_tells_it() -> None:
    both = held(user(), result("nic-0", driver="nic.example.com"))
    steps = told(both, user(), done("prepare", KNOWN + timedelta(seconds=1)))
    prepared = [s for s in steps if s.step == "prepared"]
    assert [bool(s.at) for s in prepared] == [False, True]
    assert prepared[0].before == ago(seconds=70)


def test_steps_of_other_claims_and_of_unknown_kinds_are_none_of_it() -> None:
    other = Done(at=KNOWN.timestamp(), claim="other", what="prepare")
    steps = told(held(user()), user(), other, done("polished", KNOWN))
    assert [s.step for s in steps if s.took is not None] == []
    assert [s.step for s in steps].count("prepared") == 1
