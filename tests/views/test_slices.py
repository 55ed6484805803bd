"""A listing made in slices is the listing made in one go; what is kept for filters is never old."""

import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dratui.cluster.store import Store
from dratui.events import Event, Gone
from dratui.terminal import clean
from dratui.views import slicing
from dratui.views.listing import Listing
from dratui.views.overview import Summary
from dratui.views.placing import index_of, joined, without
from dratui.views.query import BadFilter, Query
from dratui.views.searching import Search, Texts
from dratui.views.slicing import ordered
from dratui.views.tables import TABLES
from tests.breadth import examples
from tests.cluster import clusters
from tests.cluster.build import NOW, ago, claim, pod, put, store

_filters = st.sampled_from(["", "pod", "pod-1", "POD", "!pod", "-l app=a", "-f p1", "r.d", "a|b", "claim-0"])


@st.composite
def queries(draw: st.DrawFn, kind: str) -> Query:
    return Query(
        kind=kind,
        namespace=draw(st.sampled_from(["", "red"])),
        filter=draw(
            _filters if kind not in ("devices", "pools") else _filters.filter(lambda f: "-l" not in f)
        ),
        sort=draw(st.sampled_from(["", *(c.title for c in TABLES[kind].columns)])),
        descending=draw(st.booleans()),
        faults_only=draw(st.booleans()),
    )


def at_once() -> bool:
    """Never more than a step."""
    return True


def finish(listing: Listing) -> None:
    while listing.busy:
        listing.advance(NOW, at_once)


def look(listing: Listing) -> list[tuple[Any, Any]]:
    return [(key, listing.row(key)) for key in listing.keys]


@examples(150)
@given(
    data=st.data(),
    start=clusters.starts(),
    batches=st.lists(clusters.measured_batches, min_size=1, max_size=5),
)
def test_slices_end_in_what_one_go_gives(
    data: st.DataObject, start: Sequence[Event], batches: Sequence[Sequence[Event]]
) -> None:
    made = Store()
    made.apply(start)
    kind = data.draw(st.sampled_from(sorted(TABLES)))
    query = data.draw(queries(kind))
    listing = Listing(made, query, NOW, sliced=True)
    for batch in batches:
        listing.note(made.apply(batch))
        if data.draw(st.booleans()):
            query = data.draw(queries(kind))
            listing.ask(query, NOW)
        for _ in range(data.draw(st.integers(0, 3))):
            listing.advance(NOW, at_once)
            if listing.keys:  # someone looks at a row
                listing.row(data.draw(st.sampled_from(listing.keys)))
            if listing.unprepared:
                listing.prepare(NOW, at_once)
    finish(listing)
    assert listing.query == query
    assert look(listing) == look(Listing(made, query, NOW))
    assert [listing.index_of(key) for key in listing.keys] == list(range(len(listing.keys)))


def test_a_row_that_nobody_looks_at_is_not_made_again_until_a_filter_needs_it() -> None:
    made = store(claim("gpu"), claim("other"))
    listing = Listing(made, Query(kind="claims"), NOW, sliced=True)
    finish(listing)
    (key,) = (key for key in listing.keys if key.name == "gpu")
    before = listing._rows[key]
    delta = listing.apply(made.apply([put(claim("gpu", pods=[pod("train", "gpu", node="node-1")]))]), NOW)
    assert (set(delta.changed), delta.moved) == ({key}, False)
    assert listing._rows[key] is before
    listing.requery(Query(kind="claims", filter="train"), NOW)
    assert listing.keys == [key]


def test_what_was_prepared_is_not_made_again_and_what_changed_is() -> None:
    made = many()
    listing = Listing(made, Query(kind="claims"), NOW, sliced=True)
    finish(listing)
    while listing.unprepared:
        listing.prepare(NOW, at_once)
    kept = dict(listing._texts.all_folded())
    assert kept.keys() == set(listing.keys)
    changed = listing.keys[7]
    listing.apply(made.apply([put(claim(changed.name, pods=[pod("train")]))]), NOW)
    while listing.unprepared:
        listing.prepare(NOW, at_once)
    assert {key for key, text in listing._texts.all_folded().items() if kept[key] is not text} == {changed}


def test_the_opposite_order_leaves_what_is_unknown_at_the_end() -> None:
    made = store(*(claim(f"c{n}", created=ago(hours=n % 3) if n % 4 else None) for n in range(12)))
    listing = Listing(made, Query(kind="claims", sort="AGE"), NOW)
    for down in (True, False):
        query = Query(kind="claims", sort="AGE", descending=down)
        listing.requery(query, NOW)
        assert look(listing) == look(Listing(made, query, NOW))


def many() -> Store:
    return store(*(claim(f"claim-{n:04}") for n in range(3 * slicing.STEP)))


def test_until_the_new_rows_are_there_the_old_ones_stay() -> None:
    listing = Listing(many(), Query(kind="claims"), NOW)
    before = list(listing.keys)
    listing.ask(Query(kind="claims", filter="claim-0001"), NOW)
    assert not listing.advance(NOW, at_once)
    assert (listing.keys, listing.query.filter, listing.asked.filter) == (before, "", "claim-0001")
    assert listing.working
    finish(listing)
    assert [key.name for key in listing.keys] == ["claim-0001"]


def test_a_newer_question_drops_the_older_one() -> None:
    listing = Listing(many(), Query(kind="claims"), NOW)
    listing.ask(Query(kind="claims", filter="claim-0001"), NOW)
    listing.advance(NOW, at_once)
    listing.ask(Query(kind="claims", filter="claim-0002"), NOW)
    delta = listing.advance(NOW)
    assert delta.anew
    assert [key.name for key in listing.keys] == ["claim-0002"]
    assert not listing.busy


def test_going_back_to_what_shows_takes_no_time_and_leaves_no_trace() -> None:
    listing = Listing(many(), Query(kind="claims"), NOW)
    before = list(listing.keys)
    listing.ask(Query(kind="claims", filter="claim-0001"), NOW)
    listing.advance(NOW, at_once)
    listing.ask(Query(kind="claims"), NOW)
    listing.advance(NOW, at_once)
    assert (listing.busy, listing.keys) == (False, before)


def test_a_bad_filter_does_not_stop_what_is_under_way() -> None:
    listing = Listing(many(), Query(kind="claims"), NOW)
    listing.ask(Query(kind="claims", filter="claim-0001"), NOW)
    with pytest.raises(BadFilter):
        listing.ask(Query(kind="claims", filter="("), NOW)
    finish(listing)
    assert listing.query.filter == "claim-0001"


def test_progress_never_goes_back() -> None:
    listing = Listing(many(), Query(kind="claims", sort="AGE"), NOW, sliced=True)
    seen: dict[bool, list[float]] = {True: [], False: []}  # while rows are made, and while they are sorted
    while listing.working:
        listing.advance(NOW, at_once)
        if listing.working:
            seen[listing.loading].append(listing.progress)
    for progress in seen.values():
        assert progress == sorted(progress)
        assert 0 <= progress[0] < progress[-1] <= 1


# --- what a filter searches ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["train", "tr.in", "!train", "train|nothing"])
def test_a_filter_sees_what_a_row_says_now(text: str) -> None:
    user = pod("train", "gpu", node="node-1")
    made = store(claim("gpu"))
    listing = Listing(made, Query(kind="claims", filter=text), NOW)
    for change in (put(claim("gpu", pods=[user])), put(claim("gpu")), Gone("resourceclaims", claim("gpu"))):
        listing.apply(made.apply([change]), NOW)
        assert look(listing) == look(Listing(made, Query(kind="claims", filter=text), NOW))


def test_rows_do_not_come_and_go_with_the_clock() -> None:
    made = store(claim("gpu", created=ago(seconds=5)))
    for later in range(3):
        listing = Listing(made, Query(kind="claims", filter="5s"), NOW + timedelta(seconds=later))
        assert not listing.keys


@pytest.mark.parametrize("kind", TABLES)
def test_only_columns_that_tick_say_something_else_later(kind: str) -> None:
    made = store(claim("gpu", created=ago(seconds=5)), pod("train", "gpu", created=ago(seconds=5)))
    table = TABLES[kind]
    for row in Listing(made, Query(kind=kind), NOW).rows():
        for column in table.columns:
            if not column.moves:
                assert column.cell(row, NOW) == column.cell(row, NOW + timedelta(hours=1)), column.title


_odd = st.text(alphabet="aiksIKSİıſKßΣσς–×. é", max_size=8)


@given(
    names=st.lists(_odd, min_size=1, max_size=5), needle=st.text(alphabet="aiksIKS. ", min_size=1, max_size=3)
)
def test_the_quick_way_finds_what_the_expression_finds(names: list[str], needle: str) -> None:
    table = TABLES["classes"]
    rows = {n: _Named(name) for n, name in enumerate(names)}
    found = Search(needle).found(list(rows), rows, _texts_of_names(), NOW)
    assert found == [n for n, name in enumerate(names) if re.search(needle, clean(name), re.IGNORECASE)]
    assert table.columns


@given(
    names=st.lists(_odd, min_size=1, max_size=5),
    pattern=st.sampled_from(
        ["a|K", "^i", "S$", "[a-k]s", "[^sΣ]+$", "(?-i:K)", "(?-i:[^k]S)", r"\bk", r"(.)\1", "ß|ς|ı"]
    ),
    turned=st.booleans(),
)
def test_an_expression_finds_in_what_is_kept_what_it_finds_in_the_row(
    names: list[str], pattern: str, turned: bool
) -> None:
    rows = {n: _Named(name) for n, name in enumerate(names)}
    found = Search("!" * turned + pattern).found(list(rows), rows, _texts_of_names(), NOW)
    wanted = [bool(re.search(pattern, clean(name), re.IGNORECASE)) != turned for name in names]
    assert found == [n for n, is_wanted in enumerate(wanted) if is_wanted]


class _Named:
    def __init__(self, name: str) -> None:
        self.name = name


def _texts_of_names() -> Texts:
    texts = Texts(TABLES["classes"])
    texts._columns = ((lambda value, now: value, lambda row: row.name),)
    return texts


# --- order --------------------------------------------------------------------------------------------------------


def run(work: slicing.Work[Any]) -> Any:
    while True:
        try:
            next(work)
        except StopIteration as over:
            return over.value


@given(values=st.lists(st.integers(0, 9), max_size=60), down=st.booleans(), bucket=st.integers(1, 10))
def test_dealt_into_buckets_is_sorted(values: list[int], down: bool, bucket: int) -> None:
    before = slicing._BUCKET
    slicing._BUCKET = bucket  # type: ignore[misc]
    try:
        got = run(ordered(range(len(values)), values, descending=down))
    finally:
        slicing._BUCKET = before  # type: ignore[misc]
    assert got == sorted(range(len(values)), key=lambda n: (values[n], n), reverse=down)


_place: Callable[[int], int] = lambda n: n  # noqa: E731


@given(have=st.sets(st.integers(0, 50)), some=st.sets(st.integers(0, 50)), down=st.booleans())
def test_things_leave_and_join_an_ordered_list_where_they_belong(
    have: set[int], some: set[int], down: bool
) -> None:
    things = sorted(have, reverse=down)
    left = without(things, some & have, _place, descending=down)
    assert left == sorted(have - some, reverse=down)
    assert joined(left, some, _place, descending=down) == sorted(have | some, reverse=down)
    assert all(things[index_of(things, each, _place, descending=down)] == each for each in things)


# --- the overview -------------------------------------------------------------------------------------------------


@examples(60)
@given(start=clusters.starts(), batches=st.lists(clusters.batches, min_size=1, max_size=5), data=st.data())
def test_an_overview_summed_up_in_slices_ends_in_the_same(
    start: Sequence[Event], batches: Sequence[Sequence[Event]], data: st.DataObject
) -> None:
    made = Store()
    summary = Summary(made)
    for batch in (start, *batches):
        summary.note(made.apply(batch))
        for _ in range(data.draw(st.integers(0, 2))):
            summary.advance(at_once)
    while summary.busy:
        summary.advance(at_once)
    assert summary.overview() == Summary(made).overview()
