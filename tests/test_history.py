"""The past of a live session: every state that was can be had again, until it is dropped and that is said."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dratui.api.model import Namespace, Pod
from dratui.cluster.store import Store
from dratui.events import Event, Gone, Health, HealthChanged, Page, Phase, Put
from dratui.failure import Failure
from dratui.history import History, weight
from dratui.past import Past
from tests.cluster import build, clusters

State = tuple[Mapping[str, Any], Mapping[str, Health]]


class Session:
    """A store with a history, on a clock that the test turns."""

    def __init__(self, *, begins: float | None = 0.0, limit: float = 1e9) -> None:
        self.now = 0.0
        self.store = Store()
        self.history = History(self.store, lambda: self.now, begins=begins, limit=limit)
        self.store.journal = self.history

    def at(self, t: float, *events: Event) -> None:
        self.now = t
        self.store.apply(events)


def state(store: Store) -> State:
    """All rows and how the streams do; a stream without rows is none."""
    return {stream: rows for stream, rows in store.rows().items() if rows}, dict(store.health)


async def bring(store: Store, past: Past, t: float, since: float | None = None) -> list[Sequence[Event]]:
    """Make the store what it was at `t`; returns the pieces."""
    pieces = [piece async for piece in past.at(t, since=since)]
    for piece in pieces:
        store.apply(piece)
    return pieces


def rename(name: str, phase: str = "Active") -> Put:
    return Put("namespaces", Namespace(name=name, phase=phase))


def names(store: Store) -> list[str]:
    return sorted(key.name for key in store.namespaces)


def test_it_is_a_past() -> None:
    assert isinstance(Session().history, Past)


@given(batches=st.lists(clusters.batches, max_size=12), start=clusters.starts(), data=st.data())
async def test_every_state_that_was_can_be_had_again(
    batches: list[tuple[Event, ...]], start: tuple[Event, ...], data: st.DataObject
) -> None:
    session = Session(begins=None)
    session.at(0.0, *start)
    seen: list[State] = [state(session.store)]
    for t, batch in enumerate(batches, 1):
        session.at(float(t), *batch)
        seen.append(state(session.store))
    moments = st.integers(0, len(seen) - 1)
    one, other = data.draw(moments), data.draw(moments)
    store = Store()
    await bring(store, session.history, float(one))
    assert state(store) == seen[one]
    await bring(store, session.history, float(other), since=float(one))
    assert state(store) == seen[other]
    await bring(store, session.history, float(one))  # whole lists, whatever it held
    assert state(store) == seen[one]


async def test_the_first_lists_are_no_changes() -> None:
    session = Session(begins=None)
    session.at(1.0, *build.health(Phase.WAITING, "pods", "namespaces"))
    session.at(2.0, rename("red"), *build.health(Phase.LIVE, "namespaces"))
    session.at(3.0, build.put(build.pod("train")), *build.health(Phase.FORBIDDEN, "pods"))
    session.at(10.0)
    assert (session.history.begins, session.history.ends) == (3.0, 10.0)
    assert await session.history.step(10.0, -1) is None
    assert sum(session.history.density(10)) == 0
    session.at(11.0, rename("blue"))
    assert await session.history.step(3.0, 1) == 11.0


async def test_changes_of_one_instant_are_one_step_and_what_changes_nothing_is_none() -> None:
    session = Session()
    session.at(1.0, rename("red"), rename("blue"))
    session.at(2.0, rename("red"))
    session.at(3.0, Gone("namespaces", Namespace(name="red")))
    step = session.history.step
    assert [await step(t, 1) for t in (0.0, 1.0, 2.5, 3.0)] == [1.0, 3.0, 3.0, None]
    assert [await step(t, -1) for t in (9.0, 3.0, 2.0, 1.0)] == [3.0, 1.0, 1.0, None]


async def test_a_list_that_comes_in_pages_is_one_step() -> None:
    session = Session()
    session.at(1.0, Page("namespaces", [Namespace(name="red")], first=True, last=False))
    session.at(2.0, build.put(build.pod("train")))
    session.at(3.0, Page("namespaces", [Namespace(name="blue")], first=False, last=False))
    session.at(4.0, Page("namespaces", [], first=False, last=True))
    assert [await session.history.step(t, 1) for t in (0.0, 2.0, 3.0)] == [2.0, 3.0, None]


async def test_a_phase_is_a_step_and_progress_is_none() -> None:
    session = Session()
    for t, phase, seen in ((1.0, Phase.LIVE, 0), (2.0, Phase.STALE, 0), (3.0, Phase.STALE, 500)):
        session.at(t, HealthChanged("pods", Health(phase=phase, since=t, seen=seen)))
    assert await session.history.step(1.0, 1) == 2.0
    assert await session.history.step(2.0, 1) is None


async def test_a_neighbour_is_a_few_events_away() -> None:
    session = Session()
    for n in range(1000):
        session.at(float(n), rename(f"namespace-{n}"))
    store = Store()
    await bring(store, session.history, 500.0)
    pieces = await bring(store, session.history, 502.0, since=500.0)
    assert [event for piece in pieces for event in piece] == [
        rename("namespace-501"),
        rename("namespace-502"),
    ]
    pieces = await bring(store, session.history, 500.0, since=502.0)
    assert {type(event) for piece in pieces for event in piece} == {Gone}
    assert len(store.namespaces) == 501


async def test_pieces_are_small_and_may_be_left_at_any_time() -> None:
    session = Session()
    for n in range(1000):
        session.at(float(n), rename(f"namespace-{n}"))
    async for piece in session.history.at(700.0):
        assert sum(len(e.rows) for e in piece if isinstance(e, Page)) <= 100
        session.at(2000.0, rename("later"), Gone("namespaces", Namespace(name="namespace-1")))
    store = Store()
    async for piece in session.history.at(700.0):
        store.apply(piece)
        session.at(session.now + 1, rename(f"even-later-{session.now}"))
    assert len(store.namespaces) == 701


def test_density_counts_changes_where_they_were() -> None:
    session = Session()
    for t in (0.5, 1.0, 1.5, 9.5):
        session.at(t, rename(f"at-{t}"))
    session.now = 10.0
    assert session.history.density(10) == [1, 2, 0, 0, 0, 0, 0, 0, 0, 1]
    assert session.history.density(1) == [4]


async def test_the_oldest_is_dropped_at_the_limit_and_that_is_said() -> None:
    session = Session(limit=100_000)
    for t in range(5000):
        session.at(float(t), rename("red", f"phase {t}"))
        assert session.history.weight <= 100_000
    dropped = session.history.dropped_before
    assert dropped is not None
    assert 0 < dropped == session.history.begins < 4999
    assert (4999 - dropped) * weight(Namespace(name="red")) > 70_000
    for at in (dropped, dropped - 100):  # before what is known there is nothing else to show
        store = Store()
        await bring(store, session.history, at)
        assert [row.phase for row in store.namespaces.values()] == [f"phase {dropped:.0f}"]
    assert await session.history.step(dropped, -1) is None


def test_nothing_is_kept_that_is_too_large() -> None:
    session = Session(limit=0)
    session.at(1.0, rename("red"))
    assert (session.history.begins, session.history.weight) == (1.0, 0)


async def test_a_clock_that_is_set_back_does_not_disturb_the_order() -> None:
    session = Session()
    session.at(10.0, rename("red"))
    session.at(5.0, rename("blue"))
    session.at(11.0, rename("green"))
    assert await session.history.step(0.0, 1) == 10.0
    assert await session.history.step(10.0, 1) == 11.0
    store = Store()
    await bring(store, session.history, 10.0)
    assert names(store) == ["blue", "red"]


async def test_a_whole_object_is_refused_with_the_way_out() -> None:
    with pytest.raises(Failure, match="pods red/train as it was cannot be shown in full") as refused:
        await Session().history.fetch_at(1.0, "pods", "red", "train")
    assert "record" in refused.value.hint


def test_a_row_weighs_what_it_has() -> None:
    waits = build.pod("train", "gpu")
    assert weight(Namespace(name="red")) < weight(Pod(name="train")) <= weight(waits)
    small, large = (build.slice_("node-1", *(f"gpu-{n}" for n in range(count))) for count in (1, 16))
    assert weight(large) > 8 * weight(small)
