"""What a live session remembers of what devices did."""

from typing import Literal

from dratui.api.model import Namespace
from dratui.cluster.store import Store
from dratui.events import Gone, Health, HealthChanged, Phase, Put
from dratui.history import SAMPLES_EVERY
from dratui.prepared import Done, Plugin
from dratui.samples import STREAM, NodeSample
from tests.cluster.build import measured, sample
from tests.test_history import Session, bring


def told(t: float, node: str = "node-1", **more: object) -> Put:
    return Put(STREAM, sample(node, measured("GPU-a", busy=0.5), at=t, **more))


async def past(lived: Session, t: float) -> Store:
    """A store as it was."""
    store = Store()
    await bring(store, lived.history, t)
    return store


async def at(lived: Session, t: float) -> dict[str, float | None]:
    """When the samples of a time were taken, by node."""
    return {key.name: row.at for key, row in (await past(lived, t)).samples.items()}


def watched(seconds: int) -> Session:
    lived = Session()
    for t in range(1, seconds + 1):
        lived.at(t, told(t))
    return lived


async def test_a_sample_in_a_while_is_remembered_and_says_how_often() -> None:
    lived = watched(100)
    assert await at(lived, 45) == {"node-1": 31.0}
    assert (await past(lived, 45)).samples[sample("node-1").key].interval == SAMPLES_EVERY


async def test_no_sample_is_of_later_than_the_time() -> None:
    lived = watched(100)
    for t in (0, 1, 30.5, 31, 99, 100):
        for found in (await at(lived, t)).values():
            assert found is not None
            assert found <= t
    assert await at(lived, 0) == {}


async def test_a_node_that_is_followed_no_more_is_not_there_then() -> None:
    lived = watched(10)
    lived.at(11, Gone(STREAM, told(10).row))
    lived.at(50, told(50))
    for t, expected in ((20, {}), (5, {"node-1": 1.0}), (50, {"node-1": 50.0}), (12, {})):
        assert await at(lived, t) == expected


async def test_trouble_is_remembered_at_once() -> None:
    lived = watched(10)
    lived.at(11, told(10, problem="no agent"))
    assert (await past(lived, 11)).samples[sample("node-1").key].problem == "no agent"


async def test_another_belief_of_the_plugin_is_remembered_at_once_and_weighs_once() -> None:
    steps = tuple(Done(at=float(n), what="prepare") for n in range(100))
    before, after = Plugin(driver="gpu.dratui.dev", steps=steps), Plugin(driver="gpu.dratui.dev")
    lived = Session()
    for t in range(1, 102):
        lived.at(t, told(t, plugin=before))
    plain = watched(101).history.weight
    assert lived.history.weight - plain > 30_000
    assert lived.history.weight - plain < 60_000  # however many samples share it
    lived.at(102, told(102, plugin=after))
    assert [(await past(lived, t)).samples[sample("node-1").key].plugin for t in (101, 102)] == [
        before,
        after,
    ]


async def test_samples_are_no_steps() -> None:
    lived = watched(100)
    lived.at(101, HealthChanged(STREAM, Health(phase=Phase.STALE, since=101)))
    assert await lived.history.step(0, 1) is None
    assert sum(lived.history.density(5)) <= 1  # a stream's health has its place in the log


async def test_of_neighbours_the_samples_are_sent_only_if_they_differ() -> None:
    lived = watched(100)
    store = await past(lived, 40)
    assert await bring(store, lived.history, 42, 40) == []
    (piece,) = await bring(store, lived.history, 65, 42)
    assert [event.stream for event in piece] == [STREAM]


async def test_samples_have_a_limit_of_their_own_and_drive_out_nothing() -> None:
    lived = Session(limit=400_000)
    lived.at(0.5, Put("namespaces", Namespace(name="a")))
    for t in range(1, 400):
        lived.at(t * SAMPLES_EVERY, *(told(t * SAMPLES_EVERY, f"node-{n}") for n in range(4)))
    assert lived.history.weight <= 400_000
    assert lived.history.dropped_before is None
    assert lived.history.begins == 0
    assert await lived.history.step(1, -1) == 0.5
    now = 399 * SAMPLES_EVERY
    assert set((await at(lived, now)).values()) == {now}


def test_a_session_remembers_from_when_the_cluster_is_known_whoever_measures() -> None:
    lived = Session(begins=None)
    waiting, live = (Health(phase=phase, since=0) for phase in (Phase.SYNCING, Phase.LIVE))
    lived.at(1, HealthChanged(STREAM, waiting), HealthChanged("namespaces", live))
    lived.at(2, Put("namespaces", Namespace(name="a")))
    assert lived.history.nearest(0, 1) == 2


async def test_samples_from_before_a_session_remembers_are_there_from_its_beginning() -> None:
    lived = Session(begins=None)
    lived.at(1, told(1))
    lived.at(2, HealthChanged("namespaces", Health(phase=Phase.LIVE, since=2)))
    lived.at(60, told(60))
    assert await at(lived, 10) == {"node-1": 1.0}


def test_a_remembered_sample_has_what_rows_show_and_no_more() -> None:
    lived = Session()
    lived.at(1, Put(STREAM, sample("node-1", measured("GPU-a", values={"power": 3.0, "ecc_x": 1.0}), at=1)))
    kept = lived.history._sampled.at(1)
    (found,) = kept.values()
    assert isinstance(found, NodeSample)
    assert found.devices[0].values == {"power": 3.0}


def plugin(*whats: str) -> Plugin:
    return Plugin(
        driver="gpu.dratui.dev", steps=tuple(Done(at=float(n), what=w) for n, w in enumerate(whats))
    )


def steps(lived: Session, t: float, direction: Literal[-1, 1]) -> list[float]:
    """Where one comes to from `t`."""
    found = []
    while (following := lived.history.nearest(t, direction)) is not None:
        found.append(t := following)
    return found


def test_what_a_plugin_did_is_a_step_of_time_like_any_other() -> None:
    lived = Session()
    lived.at(1, told(1, plugin=plugin()))
    lived.at(2, told(2, plugin=plugin("mig_created", "prepare")))
    lived.at(3, Put("namespaces", Namespace(name="ml")))
    lived.at(4, told(4, plugin=plugin("mig_created", "prepare")))
    lived.at(5, told(5, plugin=plugin("mig_created", "prepare", "unprepare")))
    assert steps(lived, 0, 1) == [2, 3, 5]
    assert steps(lived, 6, -1) == [5, 3, 2]


def test_what_a_plugin_did_before_its_node_was_followed_is_no_step() -> None:
    lived = Session()
    lived.at(1, told(1, plugin=plugin("prepare")))
    lived.at(2, told(2))
    lived.at(3, told(3, plugin=plugin("prepare", "unprepare")))
    assert steps(lived, 0, 1) == []


def test_no_step_is_of_before_what_is_remembered() -> None:
    lived = Session(limit=100_000)
    lived.at(1, told(1, plugin=plugin()))
    lived.at(2, told(2, plugin=plugin("prepare")))
    for t in range(3, 500):
        lived.at(t, Put("namespaces", Namespace(name=f"ns-{t % 2}", phase=str(t))))
    assert lived.history.begins > 2
    assert steps(lived, lived.history.begins, -1) == []
