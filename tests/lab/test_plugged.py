"""A claim from the plugin's checkpoint to the dashboard's card: the real agent as driver, on a real control plane."""

import json
from collections.abc import Iterator

import pytest
import yaml

from dratui.views.query import Query
from tests.lab.cluster import Lab
from tests.lab.dashboard import watching
from tests.realparts import plugged
from tests.realparts.plugged import PluginNode
from tests.tui.driving import Driver, press, text, until

NAMESPACE = "plugged"
LATER = 60.0


@pytest.fixture
def node(lab: Lab) -> Iterator[PluginNode]:
    lab.plane.create_namespace(NAMESPACE)
    lab.plane.apply(yaml.safe_dump(plugged.template(NAMESPACE, "1g.10gb")))
    with PluginNode(lab) as made:
        yield made


def start(lab: Lab) -> None:
    """A pod that wants a part of the node's GPU."""
    container = {"name": "main", "image": "train:1", "resources": {"claims": [{"name": "part"}]}}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"namespace": NAMESPACE, "name": "train", "annotations": plugged.OURS},
        "spec": {
            "nodeSelector": {"estate": "lab"},
            "containers": [container],
            "resourceClaims": [{"name": "part", "resourceClaimTemplateName": "part-1g10gb"}],
        },
    }
    lab.plane.kubectl("create", "-f", "-", input=json.dumps(pod))


async def sees(pilot: Driver, *wanted: str) -> None:
    await until(pilot, lambda: all(each in text(pilot) for each in wanted), " and ".join(wanted), LATER)


async def test_a_claims_card_follows_its_node(lab: Lab, node: PluginNode) -> None:
    start(lab)
    async with watching(lab, Query(kind="claims", namespace=NAMESPACE), size=(120, 80)) as pilot:
        await sees(pilot, "allocated,reserved")
        await press(pilot, "d")
        await sees(pilot, "MIG device made", ", took ", "made for it", "to train/main", "yes, all of them")
        (spec,) = node.cdi.iterdir()
        spec.unlink()
        await sees(pilot, "prepared, its CDI spec is gone, for ")
    lab.plane.kubectl("delete", "pod", "-n", NAMESPACE, "train", "--wait=false")
    async with watching(lab, Query(kind="nodes", filter=plugged.NODE), size=(120, 80)) as pilot:
        await sees(pilot, plugged.NODE)
        await press(pilot, "d")
        await sees(
            pilot, "0 claims", "unprepared plugged/train-part-", "destroyed the MIG device of", "0s ago"
        )
        assert "amiss" not in text(pilot)
