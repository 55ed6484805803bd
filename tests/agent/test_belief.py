"""What the plugin believes, and what of it fits nothing."""

import json
import threading
from pathlib import Path

import pytest
from dratui_agent.attribution.cdi import Specs
from dratui_agent.kubelet.belief import STEPS, Steps, believed, specs
from dratui_agent.kubelet.hardware import Instance
from dratui_agent.kubelet.offers import Placement
from dratui_agent.kubelet.prepared import Belief, Orphan, PreparedClaim, PreparedDevice, Spec, Step

DRIVER = "gpu.dratui.dev"
UID = "0a1b2c3d-0000-1111-2222-333344445555"
OTHER = "0a1b2c3d-0000-1111-2222-666677778888"
KIND = f"{DRIVER}/claim"
SPEC = Spec(f"{DRIVER}-claim_{UID}.json", UID, (f"{KIND}={UID}-gpu-0",), 90.0)
GPU = PreparedDevice(("gpu",), "node-1", "gpu-0", "GPU-0", cdi=f"{KIND}={UID}-gpu-0", gpu="GPU-0")
PART = PreparedDevice(
    ("gpu",), "node-1", "gpu-1-mig-1g10gb-19-0", "MIG-1", gpu="GPU-1", gi=7, ci=0, made=True
)
INSTANCE = Instance("GPU-1", 7, 0, "MIG-1", Placement(19, 0, 1))


def claim(*devices: PreparedDevice, uid: str = UID, started: bool = False) -> PreparedClaim:
    if started:
        return PreparedClaim(uid, "ml-team", "train", "started", devices, 80.0)
    return PreparedClaim(uid, "ml-team", "train", "completed", devices, 80.0, 81.0)


def test_what_belongs_together_leaves_no_orphan() -> None:
    belief = believed(DRIVER, 100.0, [claim(GPU, PART)], [SPEC], [INSTANCE])
    assert belief == Belief(DRIVER, 100.0, (claim(GPU, PART),), (SPEC,), (INSTANCE,))


def test_each_thing_that_lost_its_counterpart_is_an_orphan() -> None:
    spec = believed(DRIVER, 100.0, [], [SPEC], [])
    assert spec.orphans == (Orphan("spec", SPEC.file, 100.0),)
    entry = believed(DRIVER, 100.0, [claim(GPU)], [], [])
    assert entry.orphans == (Orphan("entry", UID, 100.0),)
    instance = believed(DRIVER, 100.0, [claim(GPU)], [SPEC], [INSTANCE])
    assert instance.orphans == (Orphan("mig", "GPU-1/7", 100.0),)


def test_a_claim_that_is_being_prepared_lacks_nothing_and_owns_what_is_made_for_it() -> None:
    coming = PreparedDevice(("gpu",), "node-1", "gpu-1-mig-1g10gb-19-0", "", cdi="not yet", gpu="GPU-1")
    assert believed(DRIVER, 100.0, [claim(coming, started=True)], [SPEC], [INSTANCE]).orphans == ()


def test_a_spec_without_a_claim_is_none_while_the_checkpoint_cannot_be_read() -> None:
    """All would look like orphans."""
    belief = believed(DRIVER, 100.0, [], [SPEC], [INSTANCE], problem="the checkpoint is damaged")
    assert belief.orphans == ()


def test_an_orphan_keeps_the_time_when_it_was_first_seen() -> None:
    first = believed(DRIVER, 100.0, [], [SPEC], [])
    second = believed(DRIVER, 160.0, [claim(GPU, uid=OTHER)], [SPEC], [INSTANCE], before=first)
    assert second.orphans == (Orphan("spec", SPEC.file, 100.0), Orphan("mig", "GPU-1/7", 160.0))


def test_an_error_lasts_until_the_claim_is_prepared() -> None:
    steps = Steps()
    steps.add(Step(10.0, UID, "prepare", error="gpu-0 is lost"))
    steps.add(Step(20.0, OTHER, "prepare"))
    assert [e.error for e in Belief(DRIVER, 30.0, steps=steps.all()).errors] == ["gpu-0 is lost"]
    steps.add(Step(40.0, UID, "prepare"))
    assert list(Belief(DRIVER, 50.0, steps=steps.all()).errors) == []


def test_what_fails_again_in_the_same_way_is_one_step_that_says_how_often() -> None:
    steps = Steps()
    for at in (10.0, 100.0, 190.0):
        steps.add(Step(at, UID, "mig_created", error="no room"))
        steps.add(Step(at + 1, UID, "prepare", error="cannot bring gpu-1"))
    steps.add(Step(280.0, UID, "prepare", error="another"))
    assert steps.all() == (
        Step(190.0, UID, "mig_created", error="no room", times=3, first=10.0),
        Step(191.0, UID, "prepare", error="cannot bring gpu-1", times=3, first=11.0),
        Step(280.0, UID, "prepare", error="another"),
    )


def test_steps_are_bounded_and_none_is_lost_among_threads() -> None:
    steps = Steps(most=80)

    def add(name: str) -> None:
        for at in range(10):
            steps.add(Step(float(at), name, "prepare", error=""))

    threads = [threading.Thread(target=add, args=(f"claim-{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(steps.all()) == 80
    for at in range(STEPS):
        steps.add(Step(float(at), UID, "prepare", error="x" * 10_000 + str(at)))
    assert len(steps.all()) == 80
    assert max(len(step.error) for step in steps.all()) == 500


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, kind in ((f"{DRIVER}-claim_{UID}.json", KIND), ("other.json", "k8s.gpu.nvidia.com/claim")):
        devices = [{"name": f"{UID}-gpu-0", "containerEdits": {}}]
        (tmp_path / name).write_text(json.dumps({"cdiVersion": "0.5.0", "kind": kind, "devices": devices}))
    (tmp_path / f"{DRIVER}-claim_{OTHER}.json").write_text('{"kind": "cut o')
    (tmp_path / "renamed.json").write_text(
        json.dumps({"kind": f"k8s.{KIND}", "devices": [{"name": f"{OTHER}-gpu-1", "containerEdits": {}}]})
    )
    return tmp_path


def test_the_drivers_specs_are_found_by_name_and_by_kind_and_damaged_ones_too(folder: Path) -> None:
    found = list(specs(Specs((folder,)), DRIVER))
    assert [(s.file, s.claim, s.devices) for s in found] == [
        (f"{DRIVER}-claim_{UID}.json", UID, (f"{KIND}={UID}-gpu-0",)),
        (f"{DRIVER}-claim_{OTHER}.json", OTHER, ()),
        ("renamed.json", OTHER, (f"k8s.{KIND}={OTHER}-gpu-1",)),
    ]
    assert all(spec.written > 0 for spec in found)
