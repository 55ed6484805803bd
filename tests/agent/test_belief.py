"""What the plugin believes, and what of it fits nothing."""

import json
import threading
from pathlib import Path

import pytest
from dratui_agent.attribution.cdi import Specs
from dratui_agent.kubelet.belief import READ_SECONDS, SETTLED, STEPS, Account, Steps, believed, specs
from dratui_agent.kubelet.hardware import Instance
from dratui_agent.kubelet.offers import Offer, Placement
from dratui_agent.kubelet.prepared import Belief, Orphan, PreparedClaim, PreparedDevice, Spec, Step
from dratui_agent.sample import Device, DeviceSample, Sample

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


# --- of a plugin that runs ---------------------------------------------------------------------------------------


class Running:
    """An account of what tests say."""

    def __init__(self, folder: Path) -> None:
        self.claims: dict[str, PreparedClaim] = {}
        self.steps = Steps()
        self.now = 100.0
        self.folder = folder
        self.account = Account(DRIVER, lambda: self.claims, self.steps, Specs((folder,)), lambda: self.now)

    def look(self, *devices: Device, problem: str = "") -> Belief:
        sample = Sample(self.now, 0.01, devices=[DeviceSample(d, {}, {}) for d in devices], problem=problem)
        return self.account.look(sample, OFFERS)

    def write(self, uid: str) -> Path:
        devices = [{"name": f"{uid}-gpu-0", "containerEdits": {}}]
        path = self.folder / f"{DRIVER}-claim_{uid}.json"
        path.write_text(json.dumps({"cdiVersion": "0.5.0", "kind": KIND, "devices": devices}))
        return path


PARTITIONED = Offer("gpu-1", "gpu", "GPU-1", 1, "GPU-1", consumes={"gpu-1-counter-set": {"memory": 1}})
FIXED = Offer("gpu-2-mig-1g10gb-19-0", "mig", "GPU-2", 2, "MIG-9", Placement(19, 0, 1))
OFFERS = {each.name: each for each in (PARTITIONED, FIXED)}
OURS = Device("MIG-1", "mig", "", "GPU-1", 1, 1, gi=7, ci=0, profile=19, start=0, size=1)
THEIRS = Device("MIG-9", "mig", "", "GPU-2", 2, 2, gi=3, ci=0, profile=19, start=0, size=1)


def test_mig_devices_that_are_offered_as_they_are_belong_to_nobody(tmp_path: Path) -> None:
    running = Running(tmp_path)
    running.look(OURS, THEIRS)
    running.now += SETTLED
    belief = running.look(OURS, THEIRS)
    assert belief.instances == (INSTANCE,)
    assert belief.orphans == (Orphan("mig", "GPU-1/7", 100.0),)


def test_what_is_an_orphan_for_a_moment_is_not_told(tmp_path: Path) -> None:
    """A claim is forgotten after its device is destroyed, and the sample is older than both."""
    running = Running(tmp_path)
    running.claims[UID] = claim(PART)
    assert running.look(OURS).orphans == ()
    running.claims.clear()
    assert running.look(OURS).orphans == ()
    running.now += 1
    assert running.look().orphans == ()
    running.now += SETTLED
    assert running.look(OURS).orphans == ()  # another one, that has just come
    running.now += SETTLED
    assert running.look(OURS).orphans == (Orphan("mig", "GPU-1/7", running.now - SETTLED),)


def test_while_the_driver_does_not_answer_nothing_is_known_of_mig_devices(tmp_path: Path) -> None:
    assert Running(tmp_path).look(problem="the driver is not loaded").instances is None


def test_specs_are_read_again_after_a_step_and_after_a_while(tmp_path: Path) -> None:
    running = Running(tmp_path)
    assert running.look().specs == ()
    path = running.write(UID)
    running.steps.add(Step(running.now, UID, "prepare"))
    assert [spec.claim for spec in running.look().specs] == [UID]
    path.unlink()
    assert len(running.look().specs) == 1
    running.now += READ_SECONDS
    assert running.look().specs == ()
