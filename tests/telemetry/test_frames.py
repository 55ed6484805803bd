"""Frames as the agent's own code writes them, and as nobody should."""

import json
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from dratui_agent.exporter import frames as written
from dratui_agent.exporter.state import State
from dratui_agent.holders import Holder, Holders
from dratui_agent.kubelet.hardware import Instance
from dratui_agent.kubelet.offers import Placement
from dratui_agent.kubelet.prepared import Belief, Orphan, PreparedClaim, PreparedDevice, Spec, Step
from dratui_agent.sample import Absent, Device, DeviceSample, Sample
from hypothesis import given
from hypothesis import strategies as st

from dratui.samples import NodeSample
from dratui.telemetry.frames import Frames
from dratui.telemetry.protocol import Broken
from tests.telemetry.agents import AT, gpu, sample

MIG = DeviceSample(
    Device(
        "MIG-1",
        "mig",
        "NVIDIA H100 80GB HBM3 MIG 1g.10gb",
        "GPU-0",
        0,
        0,
        gi=9,
        ci=0,
        profile=19,
        start=2,
        size=1,
    ),
    {"memory_used": 0.0},
    {"utilization": Absent.MIG_NO_GPM, "power": Absent.MIG},
)


def state(*samples: Sample, clock: float = 0.0, holders: Holders | None = None) -> State:
    made = State(2.0, node="gpu-node-7", clock=lambda: clock)
    if holders:
        made.attribute(holders)
    for each in samples:
        made.take(each)
    return made


def full(made: State) -> bytes:
    assert made.sample is not None
    return written.full(made, made.sample, ())


def values(made: State) -> bytes:
    assert made.sample is not None
    return written.values(made, made.sample, ())


def test_every_field_of_a_device_and_its_holders_arrives() -> None:
    everything = Holder(
        "ml", "train", "main", "gpu", "uid-1", "req", "gpu.nvidia.com", "gpu-node-7", "gpu-0-mig-19-2", "s1"
    )
    holders = Holders(AT - 5, {"MIG-1": (everything, Holder("vision", "eval", "main"))})
    told = Frames("gpu-node-7").full(full(state(sample(MIG), holders=holders)), AT)
    assert (told.node, told.source, told.interval, told.attributed) == ("gpu-node-7", "agent", 2.0, AT - 5)
    (device,) = told.devices
    for name in (
        "uuid",
        "kind",
        "name",
        "gpu",
        "index",
        "minor",
        "pci",
        "mig",
        "gi",
        "ci",
        "profile",
        "start",
        "size",
    ):
        assert getattr(device, name) == getattr(MIG.device, name)
    assert device.values == {"memory_used": 0.0}  # nothing used is known, and not absent
    assert device.absent == {"utilization": "mig_no_gpm"}  # and not what only the whole GPU has
    first, second = device.holders
    assert {name: getattr(first, name) for name in first.__struct_fields__} == {
        name: getattr(everything, name) for name in first.__struct_fields__
    }
    assert (second.namespace, second.claim) == ("vision", "")


PREPARED = PreparedDevice(
    ("gpu",),
    "gpu-node-7",
    "gpu-0-mig-19-2",
    "MIG-1",
    "gpu.dratui.dev/claim=uid-1-x",
    "s1",
    True,
    "GPU-0",
    9,
    0,
    True,
)
BELIEF = Belief(
    "gpu.dratui.dev",
    AT - 3,
    (PreparedClaim("uid-1", "ml", "train", "completed", (PREPARED,), AT - 9, AT - 8),),
    (Spec("gpu.dratui.dev-claim_uid-1.json", "uid-1", ("gpu.dratui.dev/claim=uid-1-x",), AT - 8),),
    (Instance("GPU-0", 9, 0, "MIG-1", Placement(19, 2, 1)),),
    (Step(AT - 8, "uid-1", "prepare", "gpu-0-mig-19-2", 0.2, "why", "ml", "train", 3, AT - 99),),
    (Orphan("mig", "GPU-0/10", AT - 60),),
    "the checkpoint was damaged",
)


def test_what_the_kubelet_plugin_believes_arrives_in_full() -> None:
    made = state(sample(MIG))
    made.believe(BELIEF)
    frames = Frames("gpu-node-7")
    told = frames.full(full(made), AT)
    assert told.plugin is not None
    assert told.believed == AT - 3
    for name in told.plugin.__struct_fields__:
        _same(getattr(told.plugin, name), getattr(BELIEF, name))
    made.take(sample(MIG, at=AT + 1))
    made.believe(replace(BELIEF, at=AT))
    later = frames.values(values(made), AT + 1)
    assert (later.plugin, later.believed) == (told.plugin, AT)


def _same(read: Any, made: Any) -> None:
    """Field by field: the two sides have no types in common."""
    if isinstance(read, tuple):
        assert len(read) == len(made)
        for one, other in zip(read, made, strict=True):
            _same(one, other)
    elif isinstance(read, msgspec.Struct):
        for name in read.__struct_fields__:
            _same(getattr(read, name), getattr(made, name))
    else:
        assert read == made


def test_another_belief_is_a_new_layout_and_the_same_one_looked_at_again_is_not() -> None:
    made = state(sample(MIG))
    before = made.layout
    made.believe(BELIEF)
    assert made.layout == before + 1
    made.believe(replace(BELIEF, at=AT + 5))
    assert made.layout == before + 1
    made.believe(replace(BELIEF, claims=()))
    assert made.layout == before + 2


def test_an_agent_that_is_no_plugin_tells_nothing_of_one() -> None:
    told = Frames("n").full(full(state(sample(gpu(0)))), AT)
    assert (told.plugin, told.believed) == (None, None)


def test_values_keep_what_the_full_frame_told() -> None:
    made = state(sample(gpu(0, power=600.0), gpu(1, power=100.0)))
    frames = Frames("n")
    first = frames.full(full(made), AT)
    made.take(sample(gpu(0, power=601.0), gpu(1, power=101.0, temperature=60.0), at=AT + 2))
    second = frames.values(values(made), AT + 2)
    assert [d.values for d in second.devices] == [{"power": 601.0}, {"power": 101.0, "temperature": 60.0}]
    assert [d.uuid for d in second.devices] == [d.uuid for d in first.devices]
    assert second.at == AT + 2


def test_what_is_wrong_with_the_driver_is_the_nodes_problem() -> None:
    told = Frames("n").full(full(state(sample(problem="the NVIDIA driver is not loaded"))), AT)
    assert (told.devices, told.problem) == ((), "the NVIDIA driver is not loaded")


@pytest.mark.parametrize("skew", [0.0, 7200.0, -7200.0])
def test_a_sample_is_as_old_on_our_clock_as_on_the_nodes(skew: float) -> None:
    """`skew`: seconds that our clock is ahead."""
    clock = 300.0  # the driver hangs: the sample was taken at 0, on the agent's clock that only passes
    made = State(1.0, node="n", clock=lambda: clock)
    clock = 0.0
    made.take(sample(gpu(0)))
    clock = 300.0
    told = Frames("n").full(full(made), AT + 300 + skew)
    assert told.at == pytest.approx(AT + skew)


def test_a_frame_that_was_long_on_its_way_is_no_younger_for_it() -> None:
    made = state(sample(gpu(0)))
    frames = Frames("n")
    frames.full(full(made), AT + 1000)
    made.take(sample(gpu(0), at=AT + 1))
    late = frames.values(values(made), AT + 1006)
    assert late.at == AT + 1001


def test_what_was_measured_is_never_in_the_future() -> None:
    made = state(sample(gpu(0)))
    frames = Frames("n")
    frames.full(full(made), AT)
    made.take(sample(gpu(0), at=AT + 3600))  # the node's clock was set
    assert frames.values(values(made), AT + 1).at == AT + 1


def test_when_a_clock_is_set_samples_are_no_older_for_it() -> None:
    made = state(sample(gpu(0)))
    frames = Frames("n")
    frames.full(full(made), AT)
    made.take(sample(gpu(0), at=AT + 1))
    assert frames.values(values(made), AT + 3601).at == AT + 3601


def test_another_version_is_said_as_what_it_is() -> None:
    with pytest.raises(Broken, match="agent speaks version 2, this dratui knows 1"):
        Frames("n").full(b'{"version": 2, "devices": "as never before"}', AT)
    with pytest.raises(Broken, match="agent speaks version 0, "):
        Frames("n").full(b"{}", AT)


def test_fields_that_are_not_known_are_no_trouble() -> None:
    frame = json.loads(full(state(sample(gpu(0, power=1.0)))))
    frame["new"] = {"deep": []}
    frame["devices"][0]["newer"] = 1
    (device,) = Frames("n").full(json.dumps(frame).encode(), AT).devices
    assert device.values == {"power": 1.0}


def test_values_that_fit_no_device_are_refused() -> None:
    made = state(sample(gpu(0, power=600.0)))
    frames = Frames("n")
    with pytest.raises(ValueError, match="before a full frame"):
        frames.values(values(made), AT)
    frames.full(full(made), AT)
    made.take(sample(gpu(0), gpu(1)))
    with pytest.raises(ValueError, match="not as many values"):
        frames.values(values(made), AT)


def _broken(**fields: Any) -> bytes:
    frame = json.loads(full(state(sample(gpu(0, power=1.0)))))
    return json.dumps(frame | fields).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[" * 100_000,
        b'{"version": "1"}',
        b'{"version": 1}',
        b"\xff\xfe",
        _broken(devices=[{"uuid": 7}]),
        _broken(devices=[{}] * 5000, values=[[]] * 5000, keys=[]),
        _broken(values=[]),
        _broken(values=[["much"]]),
        _broken(keys=[f"k{n}" for n in range(10_000)], values=[[1.0] * 10_000]),
        _broken(interval=-1),
        _broken(age=-5),
        _broken(at=None),
        _broken(plugin={"driver": "x", "steps": [{"at": 1e300}]}),
        _broken(plugin={"driver": "x", "claims": [{"uid": "u"}] * 5000}),
        _broken().replace(b"1.0", b"1e999"),
        _broken().replace(b"1.0", b"NaN"),
    ],
)
def test_what_is_no_frame_is_refused(data: bytes) -> None:
    with pytest.raises((ValueError, RecursionError, Broken)):
        Frames("n").full(data, AT)


@given(st.binary(max_size=300))
def test_noise_is_refused(noise: bytes) -> None:
    frames = Frames("n")
    for read in (frames.full, frames.values):
        with pytest.raises((ValueError, Broken)):
            assert isinstance(read(noise, AT), NodeSample)
