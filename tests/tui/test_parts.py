"""The pure parts: where columns go, where one has been, how fast a feed is."""

import asyncio
import time

import pytest

from dratui.cluster.store import Store
from dratui.failure import Failure, UsageFailure
from dratui.tui import feed as feed_module
from dratui.tui.commands import parse, suggestions
from dratui.tui.feed import PIECE, Feed
from dratui.tui.places import HISTORY_LENGTH, ContextList, History, Keys, Overview, Rows, Switch, Visit
from dratui.tui.typed_line import TypedLine
from dratui.tui.widgets.board import shares
from dratui.tui.widgets.columns import FIXED, NAME, PROSE, Layout, arrange
from dratui.views.query import Query
from tests.tui.cluster import claim, listed


def places(layout: Layout) -> list[tuple[int, int, int]]:
    return [(span.column, span.x, span.width) for span in layout.spans]


def test_columns_that_fit_take_what_they_need() -> None:
    layout = arrange([9, 20, 5], [NAME, NAME, FIXED], pinned=2, first=0, room=80)
    assert places(layout) == [(0, 0, 9), (1, 11, 20), (2, 33, 5)]
    assert (layout.left, layout.right) == (0, 0)


def test_names_and_sentences_give_way_first() -> None:
    layout = arrange([9, 60, 5], [NAME, NAME, FIXED], pinned=2, first=0, room=50)
    assert places(layout) == [(0, 0, 9), (1, 11, 32), (2, 45, 5)]


def test_all_are_squeezed_for_one_more_that_can_be() -> None:
    natural, enough = [13, 25, 22, 5, 60, 10], [NAME, NAME, FIXED, FIXED, NAME, FIXED]
    layout = arrange(natural, enough, pinned=2, first=0, room=78)
    assert [span.width for span in layout.spans] == [13, 15, 22, 5, 15]
    assert layout.right == 1
    sentence = arrange([20, 10, 90, 10], [NAME, FIXED, PROSE, FIXED], pinned=1, first=0, room=70)
    assert [span.width for span in sentence.spans] == [20, 10, 36], (
        "what reads badly is not squeezed for a number"
    )


def test_columns_beyond_the_edge_are_counted_and_scrolled_to() -> None:
    natural, enough = [9, 16, 30, 30, 30], [NAME, NAME, FIXED, FIXED, FIXED]
    assert arrange(natural, enough, pinned=2, first=0, room=60).right == 2
    scrolled = arrange(natural, enough, pinned=2, first=1, room=60)
    assert [span.column for span in scrolled.spans] == [0, 1, 3]
    assert (scrolled.left, scrolled.right) == (1, 1)


@pytest.mark.parametrize("room", [1, 5, 20, 78, 198])
def test_columns_never_leave_the_room(room: int) -> None:
    layout = arrange([9, 60, 44, 10], [NAME, NAME, FIXED, PROSE], pinned=2, first=0, room=room)
    assert layout.spans
    assert all(span.x + span.width <= room for span in layout.spans)


def test_what_is_left_of_the_room_goes_round() -> None:
    assert shares([20, 40, 1], [6, 6, 1], 19) == [9, 9, 1]
    assert shares([3, 40], [3, 6], 100) == [3, 40]
    assert shares([20, 40], [6, 6], 5) == [6, 6], "one scrolls"


def test_history_goes_through_commands_and_each_leads_to_where_one_had_come() -> None:
    claims, pods = Rows(Query(kind="claims")), Rows(Query(kind="pods"))
    start = History(((Visit(Overview()),),))
    history = start.commanded((Visit(Overview()), Visit(claims))).entered(Keys())
    assert [v.place for v in history.trail] == [Overview(), claims, Keys()]
    there = history.commanded((Visit(pods),))
    assert there.stepped(-1).visit.place == Keys(), "not the step before, as in a browser"
    assert there.stepped(-1).left().visit.place == claims
    assert there.stepped(-1).stepped(1).visit.place == pods
    assert there.last().visit.place == Keys()
    assert there.last().last().visit.place == pods
    assert there.stepped(-2).last().visit.place == pods
    assert there.stepped(-2).commanded((Visit(Keys()),)).trails == (start.trail, (Visit(Keys()),)), (
        "what was ahead is forgotten"
    )
    assert there.commanded(there.trail) == there
    for history, by in ((start, -1), (there, 1)):
        with pytest.raises(Failure, match="there is no view"):
            history.stepped(by)


def test_a_history_forgets_the_oldest_and_knows_where_one_was() -> None:
    history = History(((Visit(Overview()),),))
    for n in range(HISTORY_LENGTH + 3):
        history = history.commanded((Visit(Rows(Query(kind="claims", filter=str(n)))),))
    assert len(history.trails) == HISTORY_LENGTH
    assert history.last().visit.place == Rows(Query(kind="claims", filter=str(HISTORY_LENGTH + 1)))


def test_what_was_marked_is_there_when_one_comes_back() -> None:
    history = History(((Visit(Overview()),),)).entered(Keys()).marked("here").entered(Overview())
    assert history.left().visit.mark == "here"


def test_commands() -> None:
    assert parse("claims", "ml") == Rows(Query(kind="claims", namespace="ml"))
    assert parse("po vision /x y", "ml") == Rows(Query(kind="pods", namespace="vision", filter="x y"))
    assert parse("nodes", "ml") == Rows(Query(kind="nodes"))
    assert parse("claims a=b,c!=d", "ml") == Rows(Query(kind="claims", namespace="ml", filter="-l a=b,c!=d"))
    assert parse("claims all a=b", "ml") == Rows(Query(kind="claims", filter="-l a=b"))
    assert parse("help", "") == parse("h", "") == Keys()
    assert parse("ns", "ml") == Rows(Query(kind="namespaces"))
    assert parse("ns vision", "ml") == Rows(Query(kind="pods", namespace="vision")), "as in k9s"
    assert parse("ctx", "") == ContextList()
    assert parse("ctx arn:aws/eu 1", "") == Switch("arn:aws/eu 1"), "names of contexts hold anything"
    assert parse("claims vision @eu /x", "ml") == Switch(
        "eu", Rows(Query(kind="claims", namespace="vision", filter="x"))
    )
    assert suggestions("cl", []) == ["claims", "classes"]
    assert suggestions("pods m", ["ml", "vision"]) == ["pods ml"]
    assert suggestions("ns v", ["ml", "vision"]) == ["ns vision"]
    assert suggestions("ctx e", [], ["eu", "us"]) == ["ctx eu"]
    assert suggestions("pods ml @", ["ml"], ["eu", "us"]) == ["pods ml @eu", "pods ml @us"]
    assert "contexts" in suggestions("ct", [])


@pytest.mark.parametrize("text", ["claims a=b /x", "claims ml vision", "claims @eu @us", "nothing"])
def test_what_is_no_command_says_so(text: str) -> None:
    with pytest.raises(UsageFailure):
        parse(text, "")


def test_typing() -> None:
    line = TypedLine.of("one two")
    assert line.pressed("ctrl+w") == TypedLine("one ", 4)
    assert line.pressed("ctrl+u") == TypedLine("", 0)
    assert line.pressed("home") == TypedLine("one two", 0)
    assert TypedLine("ac", 1).inserted("b") == TypedLine("abc", 2)
    assert line.pressed("f5") is None


async def test_a_feed_lets_others_run_while_it_takes_in_a_big_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "SLICE_SECONDS", 0.0)  # however fast this machine is
    store = Store()
    feed = Feed(store, lambda changes: None)
    follower = asyncio.create_task(feed.follow())
    feed.emit([listed("resourceclaims", *(claim(f"c{n}") for n in range(100 * PIECE)))])
    seen = set()
    while len(store.claims) < 100 * PIECE:
        seen.add(len(store.claims))
        await asyncio.sleep(0)
    follower.cancel()
    assert seen == set(range(0, 100 * PIECE, PIECE))


async def test_a_feed_shows_at_most_four_times_a_second() -> None:
    times: list[float] = []
    feed = Feed(Store(), lambda changes: times.append(time.monotonic()))
    follower = asyncio.create_task(feed.follow())
    end = time.monotonic() + 1.2
    while time.monotonic() < end:
        feed.emit([listed("resourceclaims", claim(f"c{time.monotonic()}"))])
        await asyncio.sleep(0.01)
    follower.cancel()
    assert 1 <= len(times) <= 6
