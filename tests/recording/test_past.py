"""A recording at any of its times: what was there then, with an index, without one, and with one that lies."""

import asyncio
import gzip
import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from dratui.cluster.store import Store
from dratui.events import Event, Gone, Page, Phase, Put
from dratui.past import Past
from dratui.prepared import Done, Plugin
from dratui.recording import seeking, writer
from dratui.recording.decode import Decoder
from dratui.recording.format import RecordingFailure
from dratui.recording.past import Recorded
from dratui.recording.reader import Reader
from dratui.recording.replay import Replay
from dratui.recording.samples import raw
from dratui.recording.seeking import Marks, marks_of
from dratui.recording.unzip import Place
from dratui.samples import STREAM as SAMPLES
from dratui.samples import NodeSample
from tests.breadth import sampled
from tests.recording.samples import STARTED, STORY, Moment, claim, health, write, write_lines
from tests.test_history import State, bring, state


@pytest.fixture(autouse=True)
def small_spacing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Places to seek to in recordings of some kilobytes, however much of them that takes."""
    monkeypatch.setattr(writer, "_SPACING", 500)
    monkeypatch.setattr(writer, "_SHARE", 1e9)
    monkeypatch.setattr(seeking, "_SPACING", 500)
    monkeypatch.setattr("dratui.recording.section._LINES", 7)
    monkeypatch.setattr("dratui.recording.unzip._READ", 100)
    monkeypatch.setattr("dratui.recording.unzip._WRITE", 1000)


def busy(count: int = 400) -> list[Moment]:
    """Claims, nodes and samples come, change and go, watches break, lists come in pages while others change, and
    kubelet plugins tell of more that they did."""
    chance = random.Random(7)
    moments: list[Moment] = list(STORY[:2])
    listing = 0
    for n in range(count):
        t = 1.0 + n // 2 * 0.5
        name = f"claim-{chance.randrange(30)}"
        events: list[Event] = [Put("resourceclaims", claim(name, metadata_=n, spec=_spec(chance)))]
        if chance.random() < 0.3:
            events = [Gone("resourceclaims", claim(name))]
        if chance.random() < 0.1:
            phase = chance.choice([Phase.STALE, Phase.LIVE])
            events.append(health("resourceclaims", phase, STARTED + t))
        if chance.random() < 0.3:
            listed = [claim(f"node-{chance.randrange(40)}") for _ in range(chance.randrange(8))]
            listing = (listing + 1) % 3
            events.append(Page("nodes", listed, first=listing == 1, last=listing == 0))
        if chance.random() < 0.3:
            node = NodeSample(node=f"node-{chance.randrange(3)}", at=STARTED + t, problem=name)
            events.append((Put if chance.random() < 0.8 else Gone)(SAMPLES, raw(node)))
        moments.append((t, events))
        if n % 10 == 5:
            steps = tuple(Done(at=float(m), what="prepare") for m in range(n))
            node = NodeSample(node=f"plugged-{chance.randrange(2)}", plugin=Plugin(driver="x", steps=steps))
            moments.append((t + 0.25, [Put(SAMPLES, raw(node))]))
    return moments


def _spec(chance: random.Random) -> Mapping[str, Any]:
    requests = [{"name": f"r{chance.randrange(1000)}", "exactly": {"deviceClassName": "gpu"}}]
    return {"devices": {"requests": requests}, "unread": chance.randbytes(40).hex()}


def truth(path: Path) -> Mapping[float, State]:
    """What the lines leave behind, one after the other, at each of their times."""
    store, decoder = Store(), Decoder()
    found: dict[float, State] = {STARTED: ({}, {})}
    with Reader(path) as reader:
        for line in reader.lines():
            store.apply(decoder.events(line))
            found[STARTED + line.t] = state(store)
    return found


def without_index(path: Path) -> Path:
    """As an older dratui would have written it: one member, no states; and torn."""
    other = path.with_name("old.rec")
    lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    kept = [line for line in lines if b'"state":' not in line and b'"index' not in line]
    assert len(kept) < len(lines)
    other.write_bytes(gzip.compress(b"".join(kept)))
    return other


def found(path: Path) -> Marks:
    return marks_of(path, lambda _: None, lambda: False)


@pytest.fixture(params=["indexed", "old", "torn"])
def recording(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = write(tmp_path / "a.rec", busy(), 300.0)
    if request.param == "old":
        return without_index(path)
    if request.param == "torn":
        path.write_bytes(path.read_bytes()[:-1500])
    return path


async def test_every_time_is_as_it_was(recording: Path) -> None:
    past = Recorded(recording)
    expected = truth(recording)
    await past.prepare(lambda _: None)
    assert len(found(recording).marks) > 10
    times = list(expected)
    random.Random(7).shuffle(times)
    for t in times:
        store = Store()
        await bring(store, past, t)
        assert state(store) == expected[t]


async def test_one_store_can_be_brought_from_anywhere_to_anywhere(recording: Path) -> None:
    past = Recorded(recording)
    expected = truth(recording)
    times = list(expected)
    chance = random.Random(7)
    store = Store()
    since: float | None = None
    for n in range(200):
        near = 0 if since is None else times.index(since) + chance.randrange(-2, 3)
        t = times[max(0, near) % len(times)] if n % 4 else chance.choice(times)
        await bring(store, past, t, since)
        assert state(store) == expected[t]
        since = t


async def test_steps_go_through_every_change_and_back(recording: Path) -> None:
    past = Recorded(recording)
    expected = truth(recording)
    stepped = [STARTED]
    while (after := await past.step(stepped[-1], 1)) is not None:
        stepped.append(after)
    back = [past.ends + 1]
    while (before := await past.step(back[-1], -1)) is not None:
        back.append(before)
    assert back[1:] == stepped[::-1]
    rows = {t: rows for t, (rows, _) in expected.items()}
    streams = "resourceclaims"
    changed = [
        t for before, t in zip(rows, list(rows)[1:], strict=False)
        if rows[before].get(streams) != rows[t].get(streams)
    ]  # fmt: skip
    did = [
        t for before, t in zip(rows, list(rows)[1:], strict=False)
        if _plugins(rows[before]) and _plugins(rows[before]).keys() == _plugins(rows[t]).keys()
        and _plugins(rows[before]) != _plugins(rows[t])
    ]  # fmt: skip
    assert len(did) > 20
    assert {*changed, *did} <= set(stepped) <= set(expected)


def _plugins(rows: Mapping[str, Any]) -> Mapping[Any, Plugin]:
    return {key: sample.plugin for key, sample in rows.get(SAMPLES, {}).items() if sample.plugin}


async def test_density_says_where_changes_are(recording: Path) -> None:
    past = Recorded(recording)
    assert list(past.density(10)) == [0] * 10
    await past.prepare(lambda _: None)
    density = past.density(10)
    times = [t for t in truth(recording) if t > STARTED + 1]
    expected = [0] * 10
    for t in times:
        expected[min(9, int((t - STARTED) / (past.ends - STARTED) * 10))] += 1
    assert all(bool(one) == bool(other) for one, other in zip(density, expected, strict=True))
    assert sum(past.density(7)) == sum(density)


async def test_it_is_there_before_it_was_played(tmp_path: Path) -> None:
    replay = Replay(write(tmp_path / "a.rec"))
    assert isinstance(replay, Past)
    assert (replay.begins, replay.ends, replay.dropped_before) == (STARTED, STARTED + 60.0, None)
    store = Store()
    await bring(store, replay, STARTED + 30.0)
    assert {key.name for key in store.claims} == {"one", "three"}
    assert replay.now() == STARTED
    assert b"spec" not in await replay.fetch_at(STARTED + 19.0, "resourceclaims", "ml", "one")
    assert b"spec" in await replay.fetch_at(STARTED + 20.0, "resourceclaims", "ml", "one")
    with pytest.raises(RecordingFailure, match="ml/two is not in the recording at this time"):
        await replay.fetch_at(STARTED + 30.0, "resourceclaims", "ml", "two")


async def test_whole_objects_are_those_of_that_time(recording: Path) -> None:
    """Rows are of trimmed objects; what someone opens is not."""
    past = Recorded(recording)
    with Reader(recording) as reader:
        lines = [line for line in reader.lines() if line.stream == "resourceclaims"]
    for name in ("claim-3", "claim-7"):
        said: dict[float, bytes | None] = {}
        for line in lines:
            data = bytes(line.put or line.gone)
            if data and json.loads(data)["metadata"]["name"] == name:
                said[STARTED + line.t] = data if line.put else None
        for t, expected in said.items():
            for at in (t, t + 0.1):
                if expected is None:
                    with pytest.raises(RecordingFailure, match="is not in the recording at this time"):
                        await past.fetch_at(at, "resourceclaims", "ml", name)
                else:
                    assert await past.fetch_at(at, "resourceclaims", "ml", name) == expected


async def test_an_object_listed_long_ago_is_found(tmp_path: Path) -> None:
    moments = [*STORY[:2], *((t, e) for t, e in busy() if t > 1 and not isinstance(e[-1], Page))]
    path = write(tmp_path / "a.rec", moments, 300.0)
    assert len(found(path).marks) > 5
    assert json.loads(await Recorded(path).fetch_at(STARTED + 250, "resourceclaims", "ml", "two"))


async def test_progress_is_told_and_it_can_be_stopped(recording: Path) -> None:
    told: list[float] = []
    past = Recorded(recording)
    await past.prepare(told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0
    preparing = asyncio.create_task(Recorded(recording).prepare(told.append))
    await asyncio.sleep(0)
    preparing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await preparing


def test_reading_through_leaves_no_more_behind_than_it_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = without_index(write(tmp_path / "a.rec", busy(), 300.0))
    many = len(found(path).marks)
    monkeypatch.setattr(seeking, "_MEMORY", 10 * (seeking._PLACE + 1000))
    few = found(path)
    assert 3 < len(few.marks) < many / 2
    with Reader(path) as reader:
        assert sum(mark.lines or 0 for mark in few.marks) == len(list(reader.lines()))


# --- what an index may say ----------------------------------------------------------------------------


def test_an_older_dratui_reads_states_as_nothing(tmp_path: Path) -> None:
    """Every line that is there for seeking is an empty piece of a page of a known stream."""
    path = write(tmp_path / "a.rec", busy(), 300.0)
    with Reader(path) as reader:
        odd = [line for line in reader.all_lines() if line.state is not None or line.index is not None]
    assert len(odd) > 50
    for line in odd:
        assert (line.page, line.first, line.last, line.health, line.put, line.end) == (
            (), False, False, None, line.gone, False,
        )  # fmt: skip
        assert Decoder().events(line) == [Page(line.stream, (), first=False, last=False)]


def reindexed(path: Path, **changes: Any) -> Path:
    """The recording with another index."""
    with Reader(path) as reader:
        assert reader.index_at is not None
        at, duration = reader.index_at, reader.duration
        reader.go_to(Place(at))
        index = json.loads(msgspec.json.encode(next(reader.all_lines()).index))
    carrier = {"t": duration, "stream": "pods", "page": [], "index": index | changes}
    end = {"t": duration, "end": True, "index_at": at}
    members = [gzip.compress(json.dumps(each).encode() + b"\n") for each in (carrier, end)]
    path.write_bytes(path.read_bytes()[:at] + b"".join(members))
    return path


@pytest.mark.parametrize(
    "lie",
    [
        pytest.param({"marks": [[5.0, 10**9]]}, id="beyond the file"),
        pytest.param({"marks": [[5.0, 10**30]]}, id="no number of ours"),
        pytest.param({"marks": [[5.0, -1]]}, id="negative"),
        pytest.param({"marks": [[5.0, 0]]}, id="the beginning"),
        pytest.param({"marks": [[5.0, 12]]}, id="amid a member"),
        pytest.param({"marks": [[5.0, 300], [4.0, 200]]}, id="backwards"),
        pytest.param({"marks": [[5.0, 300]] * 1000}, id="loops"),
        pytest.param({"marks": [[float("nan"), 300]]}, id="no number"),
        pytest.param({"marks": [[1e300, 300]]}, id="an absurd time"),
        pytest.param({"marks": "none"}, id="another type"),
        pytest.param({"counts": [-5]}, id="negative counts"),
        pytest.param({"counts": [10**15]}, id="huge counts"),
        pytest.param({"counts": [1] * 100_000}, id="too many counts"),
        pytest.param({"width": float("inf")}, id="endless width"),
        pytest.param({"width": -1.0}, id="negative width"),
        pytest.param(
            {"fields": {"resourceclaims": {"v1": ["metadata"]}}}, id="fields that we need are missing"
        ),
    ],
)
async def test_an_index_that_cannot_be_true_is_left_alone(tmp_path: Path, lie: dict[str, Any]) -> None:
    path = reindexed(write(tmp_path / "a.rec", busy(), 300.0), **lie)
    expected = truth(path)
    past = Recorded(path)
    assert all(mark.lines is not None for mark in found(path).marks)  # it was read through
    for t in list(expected)[::20]:
        store = Store()
        await bring(store, past, t)
        assert state(store) == expected[t]
    assert sum(past.density(10)) > 100


def test_the_index_as_it_is_is_believed(tmp_path: Path) -> None:
    path = reindexed(write(tmp_path / "a.rec", busy(), 300.0))
    assert all(mark.lines is None for mark in found(path).marks)


def test_an_index_that_points_to_itself_ends(tmp_path: Path) -> None:
    path = write(tmp_path / "a.rec", busy(), 300.0)
    with Reader(path) as reader:
        assert reader.index_at is not None
        inside = reader.index_at + 1
    assert found(reindexed(path, marks=[[5.0, inside - 1]])).marks[-1].t > 5.0


async def seek_everywhere(path: Path) -> None:
    """What someone may do with a file; it must come to an end, one way or the other."""
    try:
        past = Recorded(path)
        await past.prepare(lambda _: None)
        t = (past.begins + past.ends) / 2
        await bring(Store(), past, t)
        await past.step(t, 1)
        past.density(10)
    except RecordingFailure:
        pass


async def test_a_byte_that_changed_anywhere_never_raises(tmp_path: Path) -> None:
    path = write(tmp_path / "a.rec", busy(6), 10.0)
    data = path.read_bytes()
    assert len(found(path).marks) > 1
    chance = random.Random(7)
    for place in sampled(range(len(data))):
        changed = bytearray(data)
        changed[place] ^= 1 << chance.randrange(8)
        path.write_bytes(changed)
        await seek_everywhere(path)


async def test_a_file_cut_off_at_any_byte_is_seen_up_to_there(tmp_path: Path) -> None:
    path = write(tmp_path / "a.rec", busy(12), 10.0)
    data = path.read_bytes()
    for size in sampled(range(0, len(data), 7)):
        path.write_bytes(data[:size])
        await seek_everywhere(path)


def test_odd_lines_disturb_nobody(tmp_path: Path) -> None:
    lines: Sequence[bytes | Mapping[str, Any]] = [
        {"t": 1, "stream": "pods", "page": [], "state": {"rows": [7], "listed": [["a", "b"]], "last": True}},
        {"t": 1, "stream": "pods", "page": [], "state": 7},
        {"t": 1, "stream": "pods", "version": "v1", "put": 7},
        {"t": 2, "stream": "pods", "version": "v9", "put": {"metadata": {"name": "one"}}},
        {"t": 3, "end": True, "index_at": 5},
    ]
    assert [mark.t for mark in found(write_lines(tmp_path / "a.rec", lines)).marks] == [0.0]
