"""When a device is tainted, and when it is no more."""

from dataclasses import replace
from pathlib import Path

import pytest
from dratui_agent.kubelet.inventory import Inventory
from dratui_agent.kubelet.offering import Offering, booted
from dratui_agent.kubelet.offers import Taint
from dratui_agent.kubelet.taints import QUIET_SECONDS, Taints
from dratui_agent.nvml.node import Node
from dratui_agent.sample import Sample

from tests.agent.driver import FakeDriver, cut, cuttable, gpu

OURS = "gpu.dratui.dev"
START = 1_000_000.0
GPU_0 = "GPU-00000000-0000-0000-0000-000000000000"

Xids = dict[tuple[str, int | None, int], int]


class Told:
    """What is offered as time goes by."""

    def __init__(self, *, partitionable: bool = False) -> None:
        self.health = Taints(OURS, booted=START - 1000)
        self.offering = Offering(
            Inventory(partitionable=partitionable, tell=print), self.health, lambda offers: None
        )
        self.node = Node()
        self.at = START

    def after(
        self, seconds: float = 1.0, xids: Xids | None = None, problem: str = ""
    ) -> dict[str, list[str]]:
        """The taints of each device that has some, as `key=value:effect`."""
        self.at += seconds
        sample = Sample(self.at, 0.0, problem=problem) if problem else self.node.sample()
        self.offering.take(replace(sample, at=self.at, xids=xids or {}))
        return {
            name: [f"{t.key.removeprefix(f'{OURS}/')}={t.value}:{t.effect}" for t in offer.taints]
            for name, offer in self.offering.offers.items()
            if offer.taints
        }

    def since(self, device: str) -> list[float]:
        return [taint.since - START for taint in self.offering.offers[device].taints]


@pytest.fixture
def told(driver: FakeDriver) -> Told:
    driver.set({"count": "1", **gpu(0)})
    return Told()


def test_a_gpu_that_is_well_has_no_taints(told: Told) -> None:
    assert told.after() == {}


def test_an_xid_lasts_until_the_driver_says_that_nothing_is_to_be_done(
    driver: FakeDriver, told: Told
) -> None:
    told.after()
    driver.set({"gpu0.field.230": "1"})
    xids: Xids = {(GPU_0, None, 79): 1}
    tainted = {"gpu-0": ["xid=79:NoSchedule", "recovery-action=reset:NoSchedule"]}
    assert told.after(1, xids) == tainted
    assert told.after(10 * QUIET_SECONDS, xids) == tainted
    assert told.since("gpu-0") == [2.0, 2.0]
    driver.set({"gpu0.field.230": "0"})
    assert told.after(1, xids) == {}


def test_a_driver_that_sees_nothing_to_do_is_believed_after_some_minutes(told: Told) -> None:
    told.after()
    xids: Xids = {(GPU_0, None, 94): 1}
    assert told.after(1, xids) == {"gpu-0": ["xid=94:NoSchedule"]}
    assert told.after(QUIET_SECONDS - 1, xids) == {"gpu-0": ["xid=94:NoSchedule"]}
    assert told.after(2, xids) == {}


def test_a_driver_that_knows_no_recovery_action_never_says_so(driver: FakeDriver, told: Told) -> None:
    driver.set({"gpu0.field.230": None})
    told.after()
    xids: Xids = {(GPU_0, None, 94): 1}
    told.after(1, xids)
    assert told.after(100 * QUIET_SECONDS, xids) == {"gpu-0": ["xid=94:NoSchedule"]}


@pytest.mark.parametrize("code", [13, 31, 43, 45, 68, 109])
def test_xids_of_applications_keep_nobody_away(told: Told, code: int) -> None:
    told.after()
    assert told.after(1, {(GPU_0, None, code): 1}) == {"gpu-0": [f"xid={code}:None"]}


def test_an_application_does_not_hide_what_the_hardware_has(told: Told) -> None:
    told.after()
    xids: Xids = {(GPU_0, None, 48): 1}
    told.after(1, xids)
    assert told.after(1, xids | {(GPU_0, None, 13): 1}) == {"gpu-0": ["xid=48:NoSchedule"]}


def test_the_same_xid_again_does_not_move_its_time(told: Told) -> None:
    told.after()
    told.after(1, {(GPU_0, None, 48): 1})
    told.after(200, {(GPU_0, None, 48): 2})
    assert told.after(200, {(GPU_0, None, 48): 2}) == {"gpu-0": ["xid=48:NoSchedule"]}
    assert told.since("gpu-0") == [2.0]


def test_an_xid_of_a_gpu_instance_is_that_of_what_would_lie_there(driver: FakeDriver) -> None:
    driver.set({"count": "1", **gpu(0, mig_mode="1,1"), **cuttable(0)})
    driver.set(cut(0, 0, gi=3, profile=14, start=2, size=2))
    told = Told(partitionable=True)
    told.after()
    tainted = told.after(1, {(GPU_0, 3, 48): 1})
    assert {*tainted} == {
        *("gpu-0", "gpu-0-mig-7g80gb-0-0", "gpu-0-mig-4g40gb-5-0", "gpu-0-mig-3g40gb-9-0"),
        *("gpu-0-mig-2g20gb-14-2", "gpu-0-mig-1g20gb-15-2", "gpu-0-mig-1g10gb-19-2", "gpu-0-mig-1g10gb-19-3"),
        *("gpu-0-mig-1g10gb-me-20-2", "gpu-0-mig-1g10gb-me-20-3"),
    }
    driver.without("gpu0.mig0.")
    assert told.after(1, {(GPU_0, 3, 48): 1}) == {}


def test_a_lost_gpu_is_tainted_until_it_is_back_and_its_xids_are_over_then(
    driver: FakeDriver, told: Told
) -> None:
    driver.set({"gpu0.field.230": None})
    told.after()
    xids: Xids = {(GPU_0, None, 79): 1}
    told.after(1, xids)
    driver.set({"gpu0": "!15"})
    assert told.after(1, xids) == {"gpu-0": ["xid=79:NoSchedule", "gpu-lost=:NoSchedule"]}
    driver.set({"gpu0": "!16"})
    assert told.after(1, xids)["gpu-0"][1] == "gpu-lost=reset-required:NoSchedule"
    driver.set({"gpu0": None})
    assert told.after(1, xids) == {}


def test_mig_devices_of_a_lost_gpu_are_tainted_too(driver: FakeDriver) -> None:
    driver.set({"count": "1", **gpu(0, mig_mode="1,1"), **cuttable(0)})
    driver.set(cut(0, 0, gi=1, profile=19, start=0, size=1))
    told = Told()
    told.after()
    driver.set({"gpu0": "!15"})
    assert told.after() == {"gpu-0-mig-1g10gb-19-0": ["gpu-lost=:NoSchedule"]}


def test_a_driver_that_is_gone_takes_all_devices_along_until_it_is_back(told: Told) -> None:
    told.after()
    assert told.after(problem="the NVIDIA driver is not loaded") == {
        "gpu-0": ["gpu-lost=driver-gone:NoSchedule"]
    }
    assert told.after() == {}


def test_without_a_driver_from_the_start_nothing_is_offered(told: Told) -> None:
    assert told.after(problem="the NVIDIA driver is not loaded") == {}
    assert told.offering.offers == {}


def test_rows_that_could_not_be_remapped(driver: FakeDriver, told: Told) -> None:
    driver.set({"gpu0.remapped_rows": "1,2,1,0"})
    assert told.after() == {"gpu-0": ["row-remap=pending:None"]}
    driver.set({"gpu0.remapped_rows": "1,2,0,1"})
    told.node = Node()  # rows are looked at twice a minute
    assert told.after() == {"gpu-0": ["row-remap=failed:NoSchedule"]}
    driver.set({"gpu0.remapped_rows": "1,2,0,0"})
    told.node = Node()
    assert told.after() == {}


def test_a_restart_of_the_agent_neither_forgets_an_xid_nor_makes_it_younger(
    driver: FakeDriver, told: Told
) -> None:
    driver.set({"gpu0.field.230": "4"})
    published = (
        Taint(f"{OURS}/xid", "48", "NoSchedule", START - 500),
        Taint(f"{OURS}/recovery-action", "drain-and-reset", "NoSchedule", START - 499),
    )
    told.offering.recall({"gpu-0": published})
    assert told.after() == {"gpu-0": ["xid=48:NoSchedule", "recovery-action=drain-and-reset:NoSchedule"]}
    assert told.since("gpu-0") == [-500.0, -499.0]
    driver.set({"gpu0.field.230": "0"})
    assert told.after() == {}


def test_a_restart_of_the_node_does_away_with_its_xids(driver: FakeDriver, told: Told) -> None:
    driver.set({"gpu0.field.230": None})
    told.offering.recall({"gpu-0": [Taint(f"{OURS}/xid", "48", "NoSchedule", START - 2000)]})
    assert told.after() == {}


def test_what_is_recalled_after_the_first_sample_is_published_at_once(driver: FakeDriver, told: Told) -> None:
    driver.set({"gpu0.field.230": None})
    assert told.offering.recall({}) is None
    told.after()
    taint = Taint(f"{OURS}/xid", "48", "NoSchedule", START - 500)
    (offer,) = told.offering.recall({"gpu-0": [taint]}) or ()
    assert offer.taints == (taint,)


def test_when_the_machine_started(tmp_path: Path) -> None:
    (tmp_path / "stat").write_text("cpu 1 2\nbtime 1700000000\nprocesses 7\n")
    assert booted(tmp_path) == 1_700_000_000.0
    assert booted(tmp_path / "none") == 0.0
