"""Queries: filter, order, narrowing, faults, and where `enter` leads."""

from typing import Any

import pytest

from dratui.api.model import (
    Device,
    DeviceClass,
    DeviceKey,
    Namespace,
    Node,
    PodClaim,
    Taint,
    TaintRule,
    Template,
)
from dratui.cluster.store import Store
from dratui.events import Gone
from dratui.failure import UsageFailure
from dratui.views.listing import Listing
from dratui.views.navigation import drill
from dratui.views.query import BadFilter, Query
from dratui.views.table import Style
from dratui.views.tables import TABLES, named, path, table_named
from tests.cluster.build import DRIVER, NOW, ago, claim, measured, pod, put, result, sample, slice_, store

MEASURED = [kind for kind, table in TABLES.items() if table.live is not None]
TRAIN = pod("train", "train-gpu", node="node-1")
EVAL = pod(
    "eval", "eval-gpu", says="0/1 nodes are available: 1 cannot allocate all claims.", namespace="vision"
)


def small() -> Store:
    return store(
        slice_("node-1", Device("gpu-0", attributes={"model": "H100"}), "gpu-2", "gpu-10"),
        claim("train-gpu", result("gpu-0"), node="node-1", pods=[TRAIN], created=ago(hours=2)),
        claim("eval-gpu", namespace="vision", created=ago(minutes=1)),
        claim("ageless"),
        TRAIN,
        EVAL,
        Namespace(name="default"),
        Namespace(name="vision"),
        Node(name="node-1", ready="True"),
        DeviceClass(name=DRIVER),
        Template(namespace="default", name="h100"),
        TaintRule(name="drain", device="gpu-2", taint=Taint("drain", effect="NoSchedule")),
    )


def names(query: Query, made: Store | None = None) -> list[str]:
    listing = Listing(made or small(), query, NOW)
    return [listing.table.name_of(row) for row in listing.rows()]


def test_a_deleted_row_is_told_once_as_it_was_last() -> None:
    made = small()
    listing = Listing(made, Query(kind="claims"), NOW)
    delta = listing.apply(made.apply([Gone("resourceclaims", claim("ageless"))]), NOW)
    assert [row.name for row in delta.gone] == ["ageless"]
    assert delta.moved


# --- filter -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("filter_", "found"),
    [
        ("", ["ageless", "train-gpu", "eval-gpu"]),
        ("TRAIN", ["train-gpu"]),
        ("h100", ["train-gpu"]),
        ("^vision ", ["eval-gpu"]),
        ("pending.*cannot", ["eval-gpu"]),
        ("!pending", ["train-gpu"]),
        ("!", ["ageless", "train-gpu", "eval-gpu"]),
        ("nothing like it", []),
    ],
)
def test_a_filter_searches_what_the_row_shows(filter_: str, found: list[str]) -> None:
    assert names(Query(kind="claims", filter=filter_)) == found


@pytest.mark.parametrize(("text", "column"), [("gpu(", 3), ("!gpu(", 4), ("[", 0), ("a{9999999999}", 0)])
def test_a_filter_that_is_no_expression_says_where_it_goes_wrong(text: str, column: int) -> None:
    with pytest.raises(BadFilter) as caught:
        names(Query(kind="claims", filter=text))
    assert caught.value.column == column
    assert repr(text) in str(caught.value)


def test_a_bad_filter_leaves_the_listing_as_it_was() -> None:
    listing = Listing(small(), Query(kind="claims", filter="train"), NOW)
    with pytest.raises(BadFilter):
        listing.requery(Query(kind="claims", filter="("), NOW)
    assert listing.query.filter == "train"
    assert [key.name for key in listing.keys] == ["train-gpu"]


# --- order --------------------------------------------------------------------------------------------


def test_devices_are_listed_by_number() -> None:
    assert names(Query(kind="devices")) == ["gpu-0", "gpu-2", "gpu-10"]


@pytest.mark.parametrize(
    ("descending", "known"), [(False, ["train-gpu", "eval-gpu"]), (True, ["eval-gpu", "train-gpu"])]
)
def test_what_is_unknown_sorts_last_both_ways(descending: bool, known: list[str]) -> None:
    assert names(Query(kind="claims", sort="AGE", descending=descending)) == [*known, "ageless"]


@pytest.mark.parametrize("kind", TABLES)
def test_every_column_of_every_table_can_be_sorted_by_both_ways(kind: str) -> None:
    for made in (small(), store(claim("c", result("gpu-0")), unknown=["resourceslices", "pods"])):
        for column in TABLES[kind].columns:
            up = names(Query(kind=kind, sort=column.title), made)
            down = names(Query(kind=kind, sort=column.title, descending=True), made)
            assert sorted(up) == sorted(down)


def test_a_column_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(UsageFailure, match="claims have no column 'COLOUR'") as caught:
        names(Query(kind="claims", sort="COLOUR"))
    assert "NAMESPACE, NAME, STATE" in caught.value.hint


def test_a_kind_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(UsageFailure, match="there is no kind 'gpus'"):
        names(Query(kind="gpus"))


# --- narrowing ----------------------------------------------------------------------------------------


def test_a_namespace_narrows_what_has_one() -> None:
    assert names(Query(kind="claims", namespace="vision")) == ["eval-gpu"]
    assert names(Query(kind="devices", namespace="vision")) == ["gpu-0", "gpu-2", "gpu-10"]


def test_faults_only_leaves_what_waits_is_tainted_or_broken() -> None:
    assert names(Query(kind="claims", faults_only=True)) == ["ageless", "eval-gpu"]
    assert names(Query(kind="devices", faults_only=True)) == ["gpu-2"]
    assert names(Query(kind="pods", faults_only=True)) == ["eval"]
    assert names(Query(kind="nodes", faults_only=True)) == []


@pytest.mark.parametrize(
    ("kind", "name", "inside"),
    [
        ("namespaces", "vision", ["eval"]),
        ("pods", "train", ["train-gpu"]),
        ("pods", "eval", ["eval-gpu"]),
        ("claims", "train-gpu", ["gpu-0"]),
        ("claims", "eval-gpu", []),
        ("devices", "gpu-0", ["node-1"]),
        ("nodes", "node-1", ["gpu-0", "gpu-2", "gpu-10"]),
        ("pools", "node-1", ["gpu-0", "gpu-2", "gpu-10"]),
        ("slices", f"node-1-{DRIVER}-1", ["gpu-0", "gpu-2", "gpu-10"]),
        ("classes", DRIVER, ["ageless", "train-gpu", "eval-gpu"]),
        ("taintrules", "drain", ["gpu-2"]),
        ("templates", "h100", []),
    ],
)
def test_enter_leads_one_step_inside(kind: str, name: str, inside: list[str]) -> None:
    made = small()
    listing = Listing(made, Query(kind=kind), NOW)
    (row,) = named(listing.table, listing.rows(), name)
    query = drill(made, kind, row)
    assert query is not None
    assert names(query, made) == inside


def test_a_template_leads_to_its_pods() -> None:
    user = pod("train", PodClaim("gpu", template="h100"))
    made = store(Template(namespace="default", name="h100"), user)
    listing = Listing(made, Query(kind="templates"), NOW)
    query = drill(made, "templates", next(listing.rows()))
    assert query is not None
    assert names(query, made) == ["train"]


def test_a_device_of_no_one_node_leads_nowhere() -> None:
    made = store(slice_("shelf", "ssd-0", node="", all_nodes=True))
    listing = Listing(made, Query(kind="devices"), NOW)
    assert drill(made, "devices", next(listing.rows())) is None


# --- what a change does -------------------------------------------------------------------------------


def test_a_change_tells_which_rows_differ_and_whether_any_moved() -> None:
    made = small()
    listing = Listing(made, Query(kind="pods"), NOW)
    ready = pod("train", "train-gpu", node="node-1", ready="1/1")
    delta = listing.apply(made.apply([put(ready)]), NOW)
    assert (delta.changed, delta.moved) == (frozenset({ready.key}), False)
    new = pod("another")
    delta = listing.apply(made.apply([put(new)]), NOW)
    assert (delta.changed, delta.moved) == (frozenset({new.key}), True)
    assert listing.index_of(new.key) == 0
    assert not listing.apply(made.apply([put(Namespace(name="other"))]), NOW)


def test_a_row_that_the_filter_no_longer_selects_leaves() -> None:
    made = small()
    listing = Listing(made, Query(kind="claims", filter="pending", sort="NAME"), NOW)
    bound = claim("eval-gpu", result("gpu-2"), namespace="vision")
    delta = listing.apply(made.apply([put(bound)]), NOW)
    assert delta.moved
    assert [key.name for key in listing.keys] == ["ageless"]
    assert (len(listing.keys), listing.total) == (1, 3)


# --- names --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("claims", "claims"),
        ("claim", "claims"),
        ("resourceclaims", "claims"),
        ("ResourceClaim", "claims"),
        ("resourceclaims.resource.k8s.io", "claims"),
        ("resourceclaims.v1.resource.k8s.io", "claims"),
        ("resourceslices", "slices"),
        ("deviceclasses", "classes"),
        ("resourceclaimtemplates", "templates"),
        ("devicetaintrules", "taintrules"),
        ("po", "pods"),
        ("no", "nodes"),
        ("ns", "namespaces"),
        ("pools", "pools"),
        ("gpus", None),
        ("", None),
    ],
)
def test_kinds_answer_to_kubectls_names(text: str, kind: str | None) -> None:
    table = table_named(text)
    assert (table.kind if table else None) == kind


def test_a_device_answers_to_its_name_and_to_its_path() -> None:
    made = store(slice_("a", "gpu-0"), slice_("b", "gpu-0"))
    listing = Listing(made, Query(kind="devices"), NOW)

    def found(name: str) -> list[Any]:
        return [row.pool for row in named(listing.table, listing.rows(), name)]

    assert found("gpu-0") == ["a", "b"]
    assert found(f"{DRIVER}/b/gpu-0") == ["b"]
    assert path(DeviceKey(DRIVER, "b", "gpu-0")) == f"{DRIVER}/b/gpu-0"


def test_only_a_pod_that_waits_is_coloured_so() -> None:
    column = next(c for c in TABLES["pods"].columns if c.title == "WAITING")
    styled = {row.name: column.style_of(row, NOW) for row in Listing(small(), Query(kind="pods"), NOW).rows()}
    assert styled == {"train": Style.PLAIN, "eval": Style.WAITING}


def test_a_row_whose_devices_only_do_something_else_keeps_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    gpus = slice_("node-1", Device("gpu-0", attributes={"uuid": "GPU-a"}))
    runs = pod("p", "held", node="node-1", namespace="default")
    made = store(gpus, claim("held", result("gpu-0"), node="node-1"), runs)
    listings = {kind: Listing(made, Query(kind=kind), NOW) for kind in MEASURED}
    remade: list[str] = []

    def watched(kind: str, whole: Any) -> Any:
        def made_anew(store: Store, key: Any) -> Any:
            remade.append(kind)
            return whole(store, key)

        return made_anew

    for kind, listing in listings.items():
        monkeypatch.setattr(listing, "_row", watched(kind, listing._row))
    for busy in (0.2, 0.9):
        changes = made.apply([put(sample("node-1", measured("GPU-a", busy=busy)))])
        for kind, listing in listings.items():
            listing.apply(changes, NOW)
            (row,) = listing.rows()
            assert row.live is not None
            assert row.live.utilization == busy
            assert row == TABLES[kind].row(made, row.key)
    assert remade == []
    changes = made.apply([put(claim("other", result("gpu-0"), node="node-1"))])
    listings["devices"].apply(changes, NOW)
    assert remade == ["devices"]
