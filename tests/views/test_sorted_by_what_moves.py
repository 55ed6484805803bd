"""Rows sorted by a measured value: they keep their order until it is settled, whatever comes and goes meanwhile."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dratui.api.model import Device
from dratui.cluster.store import Store
from dratui.events import Event, Gone, Put
from dratui.samples import STREAM
from dratui.views.listing import Listing
from dratui.views.query import Query
from tests.breadth import examples
from tests.cluster.build import NOW, claim, measured, pod, result, sample, slice_, store

NVIDIA = "gpu.nvidia.com"
MOST = 5


def holding(n: int) -> Any:
    return claim(f"c{n}", result(f"gpu-{n}", driver=NVIDIA), node="node-1")


def told(second: int, *busy: float | None) -> Event:
    devices = (measured(f"GPU-{n}", busy=share) for n, share in enumerate(busy))
    return Put(STREAM, sample("node-1", *devices, at=NOW.timestamp() + second))


def cluster(*busy: float | None) -> Store:
    devices = (Device(f"gpu-{n}", attributes={"uuid": f"GPU-{n}"}) for n in range(MOST))
    made = store(slice_("node-1", *devices, driver=NVIDIA), *(holding(n) for n in range(len(busy))))
    made.apply([told(0, *busy)])
    return made


def names(listing: Listing) -> list[str]:
    return [row.name for row in listing.rows()]


BY_UTIL = Query(kind="claims", sort="UTIL", descending=True)


def test_what_is_unknown_comes_last_both_ways() -> None:
    made = cluster(0.1, None, 0.9)
    listing = Listing(made, BY_UTIL, NOW)
    assert names(listing) == ["c2", "c0", "c1"]
    listing.requery(Query(kind="claims", sort="UTIL"), NOW)
    assert names(listing) == ["c0", "c2", "c1"]


def test_a_row_shows_its_new_value_where_it_is() -> None:
    made = cluster(0.1, 0.5, 0.9)
    listing = Listing(made, BY_UTIL, NOW)
    delta = listing.apply(made.apply([told(1, 1.0, 0.5, 0.0)]), NOW)
    assert (names(listing), delta.moved) == (["c2", "c1", "c0"], False)
    assert [row.live.utilization for row in listing.rows()] == [0.0, 0.5, 1.0]
    listing.settle(NOW)
    listing.advance(NOW)
    assert names(listing) == ["c0", "c1", "c2"]


def test_a_row_that_comes_to_match_a_filter_is_put_where_it_belongs_now() -> None:
    def used(n: int) -> Event:
        return Put(
            "resourceclaims",
            claim(f"c{n}", result(f"gpu-{n}", driver=NVIDIA), node="node-1", pods=[pod("train")]),
        )

    made = cluster(0.1, 0.5, 0.9)
    made.apply([used(0), used(1)])
    listing = Listing(made, BY_UTIL, NOW)
    listing.requery(replace(BY_UTIL, filter="train"), NOW)
    assert names(listing) == ["c1", "c0"]
    listing.apply(made.apply([told(1, 0.1, 0.5, 0.3)]), NOW)
    listing.apply(made.apply([used(2)]), NOW)
    assert names(listing) == ["c1", "c2", "c0"]
    assert all(listing.index_of(key) == n for n, key in enumerate(listing.keys))


SHARES = st.none() | st.integers(0, 100).map(
    lambda percent: percent / 100
)  # rows are as coarse as they are shown
STEPS = st.lists(
    st.tuples(st.just("told"), st.lists(SHARES, min_size=MOST, max_size=MOST))
    | st.tuples(st.sampled_from(("came", "went")), st.integers(0, MOST - 1))
    | st.tuples(st.sampled_from(("settled", "turned", "narrowed")), st.none()),
    max_size=12,
)


@examples(150)
@given(STEPS)
def test_whatever_comes_and_goes_no_row_is_lost_or_twice_and_settled_it_is_sorted(
    steps: list[tuple[str, Any]],
) -> None:
    made = cluster(0.1, 0.5, 0.9)
    listing = Listing(made, BY_UTIL, NOW)
    query = BY_UTIL
    for second, (what, value) in enumerate(steps, 1):
        match what:
            case "told":
                listing.apply(made.apply([told(second, *value)]), NOW)
            case "came":
                listing.apply(made.apply([Put("resourceclaims", holding(value))]), NOW)
            case "went":
                listing.apply(made.apply([Gone("resourceclaims", holding(value))]), NOW)
            case "settled":
                listing.settle(NOW)
                listing.advance(NOW)
            case "turned":
                query = Query(kind="claims", sort="UTIL", descending=not query.descending)
                listing.requery(query, NOW)
            case "narrowed":
                query = Query(kind="claims", sort="UTIL", descending=query.descending, filter="c[0-2]")
                listing.requery(query, NOW)
        fresh = Listing(made, query, NOW)
        assert sorted(names(listing)) == sorted(names(fresh))
        assert all(listing.index_of(key) == n for n, key in enumerate(listing.keys))
    listing.settle(NOW)
    listing.advance(NOW)
    assert names(listing) == names(Listing(made, query, NOW))
