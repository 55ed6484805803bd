"""Samples of devices in recordings."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from dratui.api.model import DeviceKey, ObjectKey
from dratui.cluster.devices import device_row
from dratui.cluster.store import Store
from dratui.events import Event, Gone, HealthChanged, Page, Phase, Put
from dratui.prepared import Device as PreparedDevice
from dratui.prepared import Done, Instance, Orphan, Plugin, Prepared, Spec
from dratui.recording.decode import Decoder
from dratui.recording.format import Line
from dratui.recording.past import Recorded
from dratui.recording.publishing import Publishing
from dratui.recording.raw import RawObject
from dratui.recording.samples import Thinning, raw
from dratui.recording.scrub import Scrubber
from dratui.samples import STREAM, DeviceSample, Holder, NodeSample
from tests.recording.samples import STARTED, STORY, Moment, health, played, write, write_lines

UUID = "GPU-1e2feb89-414c-443c-9027-c4d1c386bbc4"
NODE = ObjectKey("", "gpu-node-7")


def told(t: float, busy: float = 0.5, *holders: Holder, **more: Any) -> NodeSample:
    """What gpu-node-7 says so many seconds after the start."""
    device = DeviceSample(uuid=UUID, gpu=UUID, values={"utilization": busy}, holders=holders)
    fields = {"at": STARTED + t, "node": NODE.name, "source": "agent", "devices": (device,), **more}
    return NodeSample(**fields)


def moments(count: int, every: float = 10) -> list[Moment]:
    """A sample every so many seconds; its utilisation is the second in percent."""
    said: list[Moment] = [(0.0, [health(STREAM, Phase.LIVE)])]
    said.extend(
        (n * every, [Put(STREAM, raw(told(n * every, n * every / 100)))]) for n in range(1, count + 1)
    )
    return said


def busy(store: Store) -> float | None:
    found = store.samples.get(NODE)
    return found.devices[0].values["utilization"] if found else None


async def test_a_replay_tells_what_was_told(tmp_path: Path) -> None:
    seen = await played(write(tmp_path / "a.rec", [*STORY, *moments(3)]))
    assert [e.row for e in seen.events if isinstance(e, Put) and e.stream == STREAM] == [
        told(t, t / 100) for t in (10, 20, 30)
    ]
    assert seen.store.health[STREAM].phase is Phase.ENDED


async def test_a_recording_without_samples_says_nothing_of_them(tmp_path: Path) -> None:
    seen = await played(write(tmp_path / "a.rec"))
    assert STREAM not in seen.store.health
    assert seen.store.samples == {}


@pytest.mark.parametrize("sought", [True, False])
async def test_the_samples_of_a_time_are_the_latest_before_it(tmp_path: Path, *, sought: bool) -> None:
    gone: Moment = (50.0, [Gone(STREAM, raw(told(40, 0.4)))])
    past = Recorded(write(tmp_path / "a.rec", [*moments(4), gone]))
    store = Store()
    since = None
    for t, expected in ((5, None), (10, 0.1), (29, 0.2), (12, 0.1), (45, 0.4), (55, None), (30, 0.3)):
        store = store if sought else Store()
        async for piece in past.at(STARTED + t, since=since if sought else None):
            store.apply(piece)
        since = STARTED + t
        assert busy(store) == expected


async def test_samples_are_no_steps_and_no_density(tmp_path: Path) -> None:
    seen = []
    for name, more in (("without.rec", []), ("with.rec", moments(5, 7.0))):
        past = Recorded(write(tmp_path / name, sorted([*STORY, *more], key=lambda m: m[0])))
        await past.prepare(lambda _: None)
        steps = [past.begins]
        while (following := await past.step(steps[-1], 1)) is not None:
            steps.append(following)
        seen.append((steps, past.density(10)))
    assert seen[0] == seen[1]
    assert len(seen[0][0]) > 3


async def test_states_to_seek_to_have_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dratui.recording.writer._SPACING", 1)
    monkeypatch.setattr("dratui.recording.writer._SHARE", 1e9)
    path = write(tmp_path / "a.rec", moments(30, 1.0))
    past = Recorded(path)
    store = Store()
    async for piece in past.at(STARTED + 20.5):
        store.apply(piece)
    assert busy(store) == 0.2


async def test_odd_samples_cost_themselves(tmp_path: Path) -> None:
    odd: Sequence[Any] = [None, 7, {}, {"node": 7}, {"node": "n", "devices": [{"values": {"power": "much"}}]}]
    lines = [{"t": n, "stream": STREAM, "version": "v1", "put": each} for n, each in enumerate(odd)]
    lines.append({"t": 9, "stream": STREAM, "version": "v9", "put": {"node": "n"}})
    lines.append({"t": 9, "stream": STREAM, "version": "v1", "put": {"node": "n", "devices": []}})
    seen = await played(write_lines(tmp_path / "a.rec", lines))
    assert list(seen.store.samples) == [ObjectKey("", "n")]
    past = Recorded(tmp_path / "a.rec")
    async for _ in past.at(STARTED + 9):
        pass


def test_what_is_no_number_is_not_written() -> None:
    device = DeviceSample(values={"power": float("nan"), "temperature": float("inf"), "utilization": 0.5})
    read = msgspec.json.decode(raw(NodeSample(node="n", devices=(device,))).data, type=NodeSample)
    assert read.devices[0].values == {"utilization": 0.5}


# --- thinned ---------------------------------------------------------------------------------------------------


def thinned(every: float, *events: Event) -> list[NodeSample]:
    found = list(Thinning(every).events(events))
    assert all(isinstance(e, Put | Gone) and isinstance(e.row, RawObject) for e in found)
    return [msgspec.json.decode(e.row.data, type=NodeSample) for e in found if isinstance(e, Put)]


def at(samples: Sequence[NodeSample]) -> list[float]:
    return [s.at - STARTED for s in samples if s.at is not None]


def test_of_many_samples_one_in_a_while_is_written_and_says_how_often() -> None:
    written = thinned(10, *(Put(STREAM, told(t + 0.01 * (t % 3))) for t in range(31)))
    assert at(written) == pytest.approx([0, 10, 20, 30], abs=0.1)
    assert {s.interval for s in written} == {10}


def test_another_holder_or_trouble_is_written_at_once() -> None:
    train = Holder(namespace="ml", pod="train")
    said = [
        told(0),
        told(1),
        told(2, 0.5, train),
        told(3, 0.5, train),
        told(3, 0.5, train, problem="no agent"),
    ]
    assert at(thinned(10, *(Put(STREAM, s) for s in said))) == [0, 2, 3]


def test_trouble_that_goes_on_is_written_once() -> None:
    away = NodeSample(node="n", problem="no agent on n")
    written = thinned(10, Put(STREAM, told(0)), *[Put(STREAM, away)] * 5)
    assert [s.node for s in written] == [NODE.name, "n"]


def test_that_nobody_measures_is_told_only_beside_who_does() -> None:
    away = Put(STREAM, NodeSample(node="n", problem="no agent on n"))
    thinning = Thinning(10)
    assert list(thinning.events([health(STREAM, Phase.NOT_SERVED), away])) == []
    live = health(STREAM, Phase.LIVE)
    found = list(thinning.events([live, Put(STREAM, told(1))]))
    assert found[0] == live
    assert [type(e) for e in found] == [HealthChanged, Put, Put]
    forbidden = health(STREAM, Phase.FORBIDDEN)
    assert list(Thinning(10).events([forbidden])) == [forbidden]


def test_a_plugin_that_believes_something_else_is_recorded_at_once() -> None:
    some, more = (Plugin(driver="d", claims=tuple(Prepared(uid=str(n)) for n in range(k))) for k in (1, 2))
    read_again = msgspec.json.decode(msgspec.json.encode(some), type=Plugin)
    told_of = [told(t, plugin=p) for t, p in ((0, some), (1, some), (2, read_again), (3, more), (4, more))]
    written = thinned(10, *[Put(STREAM, each) for each in told_of])
    assert [(s.at, s.plugin) for s in written] == [(STARTED, some), (STARTED + 3, more)]


def test_other_streams_go_through() -> None:
    page = Page("pods", (), True, True)
    assert list(Thinning(10).events([page])) == [page]


# --- of which nodes ---------------------------------------------------------------------------------------------


def slice_of(name: str, node: str) -> RawObject:
    spec = {"driver": "gpu.nvidia.com", "nodeName": node, "pool": {"name": node, "generation": 1}}
    return RawObject("v1", msgspec.json.encode({"metadata": {"name": name}, "spec": spec}))


def node(name: str, **allocatable: str) -> RawObject:
    body = {"metadata": {"name": name}, "status": {"allocatable": {"cpu": "8", **allocatable}}}
    return RawObject("v1", msgspec.json.encode(body))


def test_nodes_that_devices_are_published_for_are_measured() -> None:
    publishing = Publishing()
    slices, nodes = "resourceslices", "nodes"
    assert publishing.take([Page(slices, [slice_of("b", "n2"), slice_of("a", "n1")], True, True)])
    assert publishing.nodes == ["n1", "n2"]
    plugged = node("n0", **{"nvidia.com/gpu": "4"})
    assert publishing.take([Page(nodes, [plugged, node("n1"), node("n9")], True, True)])
    assert publishing.nodes == ["n1", "n2", "n0"]
    assert not publishing.take([Put(nodes, node("n8")), Put("pods", RawObject("v1", b"{}"))])
    assert not publishing.take([Put(slices, RawObject("v1", b"7")), Put(slices, RawObject("v9", b"{}"))])
    assert publishing.take([Gone(slices, slice_of("b", "n2"))])
    assert publishing.nodes == ["n1", "n0"]


# --- scrubbed --------------------------------------------------------------------------------------------------


def test_a_scrubbed_sample_names_nothing_and_is_still_joined() -> None:
    holder = Holder(
        namespace="secretspace",
        pod="secretpod",
        container="secretmain",
        claim="secretclaim",
        claim_uid="secret-uid",
        request="secretreq",
        driver="gpu.nvidia.com",
        pool="secretnode",
        device="gpu-0",
        share_id="secret-share",
    )
    device = DeviceSample(
        uuid=UUID,
        gpu=UUID,
        name="NVIDIA H100",
        pci="0000:1b:00.0",
        values={"utilization": 0.5, "secret value": 1.0},
        absent={"power": "not_supported", "secret": "secret why"},
        holders=(holder,),
    )
    sample = NodeSample(
        node="secretnode",
        at=STARTED,
        source="agent",
        devices=(device,),
        problem="no agent on secretnode",
        attribution_problem="/var/lib/secret: refused",
        plugin=Plugin(
            driver="gpu.dratui.dev",
            claims=(
                Prepared(
                    uid="secret-uid",
                    namespace="secretspace",
                    name="secretclaim",
                    state="secret state",
                    devices=(PreparedDevice(pool="secretnode", device="gpu-0", uuid=UUID, gpu=UUID, gi=7),),
                    completed=STARTED,
                ),
            ),
            specs=(Spec(file="gpu.dratui.dev-claim_secret-uid.json", claim="secret-uid"),),
            instances=(Instance(gpu=UUID, gi=7, uuid=f"MIG-{UUID}"),),
            orphans=(Orphan(what="entry", subject="secret-uid"), Orphan(what="mig", subject=f"{UUID}/7")),
            steps=(
                Done(
                    at=STARTED,
                    claim="secret-uid",
                    namespace="secretspace",
                    name="secretclaim",
                    what="mig_created",
                    detail="secretclaim got gpu-0",
                    error="secretclaim: no such device",
                ),
                Done(at=STARTED, what="secret what"),
            ),
            problem="secret checkpoint",
        ),
    )
    published = {
        "metadata": {"name": "s"},
        "spec": {
            "driver": "gpu.nvidia.com",
            "nodeName": "secretnode",
            "pool": {"name": "secretnode", "generation": 1, "resourceSliceCount": 1},
            "devices": [{"name": "gpu-1", "attributes": {"uuid": {"string": UUID}}}],
        },
    }
    scrubbed = Scrubber(b"key").events(
        [
            Put("resourceslices", RawObject("v1", msgspec.json.encode(published))),
            Put(
                STREAM,
                raw(msgspec.structs.replace(sample, devices=(msgspec.structs.replace(device, holders=()),))),
            ),
            Put(STREAM, raw(sample)),
        ]
    )
    text = b"".join(e.row.data for e in scrubbed if isinstance(e, Put)).decode()
    assert "secret" not in text
    assert UUID[4:12] not in text
    last = msgspec.json.decode(scrubbed[-1].row.data, type=NodeSample)  # type: ignore[union-attr]
    assert (last.source, last.devices[0].name, last.at) == ("agent", "NVIDIA H100", STARTED)
    assert last.devices[0].holders[0].driver == "gpu.nvidia.com"
    assert last.problem.startswith("no ")
    assert last.devices[0].absent == {"power": "not_supported"}
    plugin, held_by = last.plugin, last.devices[0].holders[0]
    assert plugin is not None
    (prepared,) = plugin.claims
    assert (prepared.uid, prepared.name) == (held_by.claim_uid, held_by.claim)
    assert (prepared.devices[0].uuid, prepared.devices[0].device) == (last.devices[0].uuid, held_by.device)
    assert [o.subject for o in plugin.orphans] == [prepared.uid, f"{last.devices[0].uuid}/7"]
    assert [(s.claim, s.what) for s in plugin.steps] == [(prepared.uid, "mig_created"), ("", "")]
    store = Store()
    for n, event in enumerate(scrubbed[:2]):
        assert isinstance(event, Put)
        line = Line(float(n), event.stream, "v1", put=msgspec.Raw(event.row.data))
        store.apply(Decoder().events(line))
    (slice_,) = store.slices.values()
    row = device_row(store, DeviceKey(slice_.driver, slice_.pool, slice_.devices[0].name))
    assert row is not None
    assert row.live is not None
    assert row.live.utilization == 0.5
