"""The store: what a list drops and keeps, and that `Changes` names every row that looks different."""

from collections.abc import Mapping, Sequence, Sized
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dratui.api.model import (
    DeviceClass,
    DeviceKey,
    Namespace,
    Node,
    ObjectKey,
    PodClaim,
    Row,
    Taint,
    TaintRule,
    Template,
)
from dratui.api.streams import STREAMS
from dratui.cluster.index import Index
from dratui.cluster.store import Store
from dratui.events import Event, Gone, HealthChanged, Page, Phase, Put
from dratui.views.listing import Listing
from dratui.views.overview import Summary
from dratui.views.query import Query, Within
from dratui.views.tables import TABLES
from tests.breadth import examples
from tests.cluster import build, clusters

NOW = build.NOW


def listed(*names: str, first: bool, last: bool) -> Page:
    return Page("namespaces", [Namespace(name=name) for name in names], first=first, last=last)


def names(store: Store) -> set[str]:
    return {key.name for key in store.namespaces}


def test_a_list_keeps_what_was_there_until_its_last_page_and_then_drops_what_it_did_not_name() -> None:
    store = Store()
    store.apply([listed("old", "both", first=True, last=True)])
    store.apply([listed("new", first=True, last=False)])
    assert names(store) == {"old", "both", "new"}
    store.apply([listed("both", first=False, last=True)])
    assert names(store) == {"both", "new"}


def test_a_list_that_begins_again_forgets_what_the_broken_one_named() -> None:
    store = Store()
    store.apply([listed("old", first=True, last=True)])
    store.apply([listed("old", first=True, last=False)])
    store.apply([listed("new", first=True, last=True)])
    assert names(store) == {"new"}


def test_a_list_drops_only_what_came_by_its_own_stream() -> None:
    pod = build.pod("train")
    warnings = [build.warning(pod, reason, "no") for reason in ("FailedPrepareDynamicResources", "Other")]
    store = Store()
    for warning in warnings:
        store.apply([Page(f"events:{warning.reason}", [warning], first=True, last=True)])
    store.apply([Page("events:Other", [], first=True, last=True)])
    assert list(store.warnings.values()) == warnings[:1]


def test_an_object_that_comes_again_unchanged_changes_nothing() -> None:
    pod = build.pod("train", "gpu")
    store = Store()
    assert store.apply([build.put(pod)])
    assert not store.apply([build.put(build.pod("train", "gpu"))])


def test_an_object_that_was_never_there_may_go() -> None:
    assert not Store().apply([Gone("pods", build.pod("train"))])


def test_absence_means_something_only_once_a_stream_was_complete() -> None:
    store = Store()
    for phase, known in (
        (Phase.SYNCING, False),
        (Phase.LIVE, True),
        (Phase.STALE, True),
        (Phase.FORBIDDEN, False),
        (Phase.ENDED, True),
        (Phase.FAILED, False),
    ):
        store.apply(build.health(phase, "pods"))
        assert store.known("pods") is known, phase


def test_rights_in_one_namespace_make_absence_known_there_only() -> None:
    store = Store()
    store.apply(build.health(Phase.LIVE, "pods", namespace="red"))
    assert store.known("pods", "red")
    assert not store.known("pods", "blue")
    assert not store.known("pods")


# --- what Changes must name ---------------------------------------------------------------------------


def listing(store: Store, query: Query) -> Listing:
    return Listing(store, query, NOW)


def look(listing: Listing) -> list[tuple[Any, Any]]:
    return [(key, listing.row(key)) for key in listing.keys]


@examples(120)
@given(start=clusters.starts(), batches=st.lists(clusters.measured_batches, min_size=1, max_size=6))
def test_what_changes_name_keeps_every_table_up_to_date(
    start: Sequence[Event], batches: Sequence[Sequence[Event]]
) -> None:
    store = Store()
    store.apply(start)
    kept = {kind: listing(store, Query(kind=kind)) for kind in TABLES}
    summary = Summary(store)
    for batch in batches:
        changes = store.apply(batch)
        summary.apply(changes)
        for kind, table in kept.items():
            table.apply(changes, NOW)
            assert look(table) == look(listing(store, Query(kind=kind))), kind
        assert summary.overview() == Summary(store).overview()


def test_entries_of_one_name_are_two_claims() -> None:
    """No API server lets them be; a recording may say anything."""
    pod = build.pod("train", PodClaim("gpu", "first"), PodClaim("gpu", "second"))
    store = build.store(pod, build.claim("second"))
    changes = store.apply([build.put(build.claim("first"))])
    assert {key.name for key in changes.rows["claims"]} == {"first", "second"}


def test_a_node_counts_no_longer_what_it_holds_of_a_fabric_that_is_gone() -> None:
    shelf = build.slice_("shelf", "ssd-0", node="", all_nodes=True)
    holder = build.claim("disk", build.result("ssd-0", "shelf"), node="node-1")
    store = build.store(shelf, holder, Node(name="node-1"))
    nodes = listing(store, Query(kind="nodes"))
    assert [row.devices for row in nodes.rows()] == [1]
    nodes.apply(store.apply([Gone("resourceslices", shelf)]), NOW)
    assert [row.devices for row in nodes.rows()] == [0]


ENTRY = PodClaim("gpu", template="h100")
WAITS = build.pod("waits", "spare", ENTRY)
RUNS = build.pod("runs", "held", node="node-1")
SHELF = build.slice_("shelf", "ssd-0", "ssd-1", node="", all_nodes=True)


@pytest.mark.parametrize(
    ("event", "shown"),
    [
        (
            build.put(TaintRule(name="drain", taint=Taint("drain", effect="NoSchedule"))),
            {"taintrules", "devices", "pools", "nodes"},
        ),
        (
            build.put(build.warning(WAITS, "FailedResourceClaimCreation", "PodResourceClaim gpu: quota")),
            {"pods", "claims"},
        ),
        (build.put(Template(namespace="default", name="h100")), {"templates", "pods", "claims"}),
        (build.put(build.pod("waits", ENTRY)), {"pods", "claims"}),
        (build.put(Node(name="node-1", ready="False")), {"nodes"}),
        (build.put(Node(name="node-2", ready="False")), {"nodes", "pods"}),
        (Gone("resourceslices", SHELF), {"slices", "pools", "devices", "claims", "nodes"}),
        (
            build.put(
                build.claim("other", *(build.result(f"ssd-{n}", "shelf") for n in (0, 1)), node="node-2")
            ),
            {"claims", "classes", "namespaces", "devices", "pools", "nodes"},
        ),
    ],
)
def test_a_change_shows_in_every_table_that_tells_of_it(event: Event, shown: set[str]) -> None:
    store = build.store(
        build.slice_("node-1", "gpu-0", "gpu-1"),
        SHELF,
        DeviceClass(name=build.DRIVER),
        Node(name="node-1", ready="True"),
        Node(name="node-2", ready="True"),
        build.claim("spare"),
        build.claim(
            "held", build.result("gpu-0"), build.result("ssd-0", "shelf"), node="node-1", pods=[RUNS]
        ),
        WAITS,
        RUNS,
        build.pod("starts", node="node-2", phase="Pending"),
    )
    kept = {kind: listing(store, Query(kind=kind)) for kind in TABLES}
    changes = store.apply([event])
    assert {kind for kind, table in kept.items() if table.apply(changes, NOW)} == shown
    for kind, table in kept.items():
        assert look(table) == look(listing(store, Query(kind=kind))), kind


DRIVER = "a.example.com"


@examples(20)
@pytest.mark.parametrize(
    ("inside", "within"),
    [
        ("pods", Within("namespaces", ObjectKey("", "red"))),
        ("claims", Within("pods", ObjectKey("red", "pod-0"))),
        ("devices", Within("claims", ObjectKey("red", "claim-0"))),
        ("nodes", Within("devices", DeviceKey(DRIVER, "node-1", "gpu-0"))),
        ("devices", Within("nodes", ObjectKey("", "node-1"))),
        ("devices", Within("pools", (DRIVER, "node-1"))),
        ("devices", Within("slices", ObjectKey("", "slice-0"))),
        ("claims", Within("classes", ObjectKey("", "class-0"))),
        ("pods", Within("templates", ObjectKey("red", "template-0"))),
        ("devices", Within("taintrules", ObjectKey("", "rule-0"))),
    ],
)
@given(start=clusters.starts(), batches=st.lists(clusters.batches, min_size=1, max_size=6))
def test_what_is_inside_an_object_stays_up_to_date(
    inside: str, within: Within, start: Sequence[Event], batches: Sequence[Sequence[Event]]
) -> None:
    store = Store()
    store.apply(start)
    query = Query(kind=inside, within=within)
    kept = listing(store, query)
    for batch in batches:
        kept.apply(store.apply(batch), NOW)
        assert look(kept) == look(listing(store, query))


@examples(50)
@given(start=clusters.starts(), batches=st.lists(clusters.batches, max_size=6))
def test_only_the_last_state_counts_not_how_it_came_about(
    start: Sequence[Event], batches: Sequence[Sequence[Event]]
) -> None:
    lived = Store()
    lived.apply(start)
    for batch in batches:
        lived.apply(batch)
    fresh = Store()
    for rows in reversed(_all_rows(lived)):
        fresh.apply([build.put(row) for row in rows])
    for stream, health in lived.health.items():
        fresh.apply(build.health(health.phase, stream, namespace=health.namespace))
    for kind in TABLES:
        assert look(listing(lived, Query(kind=kind))) == look(listing(fresh, Query(kind=kind))), kind


@examples(50)
@given(start=clusters.starts(), batches=st.lists(clusters.batches, max_size=6), order=st.randoms())
def test_whatever_happened_in_whatever_order_the_store_is_that_of_a_list_of_the_final_state(
    start: Sequence[Event], batches: Sequence[Sequence[Event]], order: Random
) -> None:
    events = [event for batch in (start, *batches) for event in batch if not isinstance(event, Page)]
    events += [build.put(row) for event in start if isinstance(event, Page) for row in event.rows]
    order.shuffle(events)
    lived, final = Store(), dict[tuple[str, ObjectKey], Row]()
    for event in events:
        lived.apply([event])
        if isinstance(event, Put):
            final[event.stream, event.row.key] = event.row
        elif isinstance(event, Gone):
            final.pop((event.stream, event.row.key), None)
    listed = Store()
    for stream in STREAMS:
        rows = [row for (of, _), row in final.items() if of == stream]
        listed.apply([Page(stream, rows, first=True, last=True)])
    for stream, health in lived.health.items():
        listed.apply([HealthChanged(stream, health)])
    assert lived.rows() == listed.rows()
    for kind in TABLES:
        assert look(listing(lived, Query(kind=kind))) == look(listing(listed, Query(kind=kind))), kind


@examples(50)
@given(start=clusters.starts(), batches=st.lists(clusters.batches, max_size=6))
def test_of_a_cluster_whose_objects_are_all_gone_nothing_is_kept(
    start: Sequence[Event], batches: Sequence[Sequence[Event]]
) -> None:
    store = Store()
    kept = [listing(store, Query(kind=kind)) for kind in TABLES]
    for batch in (start, *batches):
        changes = store.apply(batch)
        for table in kept:
            table.apply(changes, NOW)
            look(table)
    changes = store.apply([Page(stream, (), first=True, last=True) for stream in STREAMS])
    for table in kept:
        table.apply(changes, NOW)
        assert not table.keys
    store.apply([])  # what is kept during one `apply` goes with the next
    empty = vars(Store())
    for name, value in vars(store).items():
        if isinstance(value, Index):
            assert not list(value), name
        elif isinstance(value, Sized) and name != "health" and not empty[name]:
            assert not (any(value.values()) if isinstance(value, Mapping) else value), name


@examples(40)
@given(start=clusters.starts(), batches=st.lists(clusters.batches, max_size=4))
def test_a_copy_goes_its_own_way(start: Sequence[Event], batches: Sequence[Sequence[Event]]) -> None:
    store, alone = Store(), Store()
    store.apply(start)
    alone.apply(start)
    before = {kind: look(listing(store, Query(kind=kind))) for kind in TABLES}
    copy = store.copy()
    kept = {kind: listing(store, Query(kind=kind)) for kind in TABLES}
    copied = {kind: table.of(copy) for kind, table in kept.items()}
    for batch in batches:
        changes = copy.apply(batch)
        alone.apply(batch)
        for table in copied.values():
            assert table is not None
            table.apply(changes, NOW)
    for kind in TABLES:
        assert look(listing(store, Query(kind=kind))) == before[kind] == look(kept[kind]), kind
        table = copied[kind]
        assert table is not None
        assert look(table) == look(listing(alone, Query(kind=kind))), kind
    assert copy.rows() == alone.rows()


def test_what_two_indexes_share_neither_changes_for_the_other() -> None:
    one, other = Index(), Index()
    for key in "abc":
        one.move(key, (), ("x",))
    other.take(one)
    one.move("a", ("x",), ())
    other.move("d", (), ("x",))
    assert (set(one["x"]), set(other["x"])) == (set("bc"), set("abcd"))
    one.move("b", ("x",), ())
    other.take(one)
    one.move("e", (), ("x",))
    assert (set(one["x"]), set(other["x"])) == (set("ce"), set("c"))


@given(start=clusters.starts())
def test_a_table_names_every_stream_that_its_rows_are_made_of(start: Sequence[Event]) -> None:
    whole = Store()
    whole.apply(start)
    for kind, table in TABLES.items():
        named = Store()
        named.apply([event for event in start if event.stream in (*table.streams, *table.joins)])
        assert look(listing(named, Query(kind=kind))) == look(listing(whole, Query(kind=kind))), kind


def _all_rows(store: Store) -> list[list[Row]]:
    return [
        [*table.values()]
        for table in (
            store.slices,
            store.claims,
            store.templates,
            store.classes,
            store.taint_rules,
            store.pod_groups,
            store.compute_domains,
            store.pods,
            store.nodes,
            store.namespaces,
            store.quotas,
            store.warnings,
        )
    ]


def test_every_stream_has_its_table() -> None:
    store = Store()
    for stream in STREAMS:
        store.apply([Page(stream, [], first=True, last=True)])
