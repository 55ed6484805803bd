"""Sideways from an object: its node, its owner, what uses it."""

import msgspec
import pytest

from dratui.api.model import DeviceClass, DeviceKey, ObjectKey, Owner, PodClaim, Slice, Template
from dratui.cluster.store import Store
from dratui.events import Page, Put
from dratui.failure import Failure
from dratui.views.jumps import JUMPS, Single, node, owner, used_by
from dratui.views.listing import Listing
from dratui.views.query import Query
from tests.tui.cluster import NOW, claim, pod, small

GPU = DeviceKey("gpu.nvidia.com", "gpu-node-1", "gpu-0")
CARD = "gpu-node-1-gpu.nvidia.com"


def ml(name: str) -> ObjectKey:
    return ObjectKey("ml-team", name)


@pytest.fixture
def store() -> Store:
    store = Store()
    store.apply(small())
    of_template = msgspec.structs.replace(
        pod("from-template", claims=("made",)), claims=(PodClaim("gpu", template="one-gpu"),)
    )
    store.apply(
        [
            Put("pods", msgspec.structs.replace(pod("owned"), owner=Owner("ReplicaSet", "rs-1", "u", True))),
            Put("pods", of_template),
            Put(
                "resourceclaims", msgspec.structs.replace(claim("made"), owner=Owner("Pod", "from-template"))
            ),
            Put("resourceclaims", claim("unused")),
            Page("deviceclasses", [DeviceClass(name="gpu.nvidia.com")], first=True, last=True),
            Page(
                "resourceclaimtemplates",
                [Template(namespace="ml-team", name="one-gpu")],
                first=True,
                last=True,
            ),
            Put("resourceslices", Slice(name="net", driver="d", pool="net", generation=1, expected_slices=1)),
        ]
    )
    return store


def names(store: Store, query: Query | Single) -> str:
    assert isinstance(query, Query)
    return " ".join(row.name for row in Listing(store, query, NOW).rows())


def test_the_node_of_all_that_is_on_one(store: Store) -> None:
    there = Single("nodes", ObjectKey("", "gpu-node-1"))
    assert node(store, "pods", ml("train-6")) == there
    assert node(store, "claims", ml("train-6-gpu")) == there
    assert node(store, "devices", GPU) == there
    assert node(store, "slices", ObjectKey("", CARD)) == there
    assert node(store, "nodes", ObjectKey("", "gpu-node-1")) == there
    with pytest.raises(Failure, match="pod 'train-7' is on no node"):
        node(store, "pods", ml("train-7"))


def test_the_owner_as_far_as_there_is_a_table(store: Store) -> None:
    assert owner(store, "claims", ml("made")) == Single("pods", ml("from-template"))
    assert owner(store, "claims", ml("train-6-gpu")) == Single("pods", ml("train-6")), "nobody else uses it"
    assert owner(store, "devices", GPU) == Single("slices", ObjectKey("", CARD))
    assert owner(store, "slices", ObjectKey("", CARD)) == Single("nodes", ObjectKey("", "gpu-node-1"))
    with pytest.raises(Failure, match="pod 'owned' is owned by ReplicaSet 'rs-1', which has no table here"):
        owner(store, "pods", ml("owned"))
    with pytest.raises(Failure, match="claim 'unused' has no owner"):
        owner(store, "claims", ml("unused"))


def test_what_uses_it(store: Store) -> None:
    assert names(store, used_by(store, "claims", ml("train-6-gpu"))) == "train-6"
    assert names(store, used_by(store, "devices", GPU)) == "train-6-gpu"
    assert names(store, used_by(store, "pools", ("gpu.nvidia.com", "gpu-node-1"))) == "train-6-gpu"
    assert names(store, used_by(store, "slices", ObjectKey("", CARD))) == "train-6-gpu"
    assert names(store, used_by(store, "nodes", ObjectKey("", "gpu-node-1"))) == "train-6"
    assert names(store, used_by(store, "templates", ml("one-gpu"))) == "from-template"
    assert "train-7-gpu" in names(store, used_by(store, "classes", ObjectKey("", "gpu.nvidia.com")))
    with pytest.raises(Failure, match="nothing here uses a pod"):
        used_by(store, "pods", ml("train-6"))


@pytest.mark.parametrize("jump", JUMPS)
def test_what_is_gone_is_said_to_be(store: Store, jump: str) -> None:
    with pytest.raises(Failure, match="claim 'never' is gone"):
        JUMPS[jump](store, "claims", ml("never"))
