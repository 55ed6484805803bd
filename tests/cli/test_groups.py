"""Pod groups on a real control plane that has them."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cli.test_real_cluster import get, items
from tests.realparts import scenarios
from tests.realparts.controlplane import ControlPlane
from tests.realparts.releases import WITH_GROUPS


@pytest.fixture(scope="module")
def groups(control_plane: ControlPlane) -> Iterator[ControlPlane]:
    """One with the scenario of groups, come to rest."""
    with ControlPlane(control_plane.binaries, WITH_GROUPS) as plane:
        plane.start()
        scenarios.apply(plane, "groups")
        scenarios.settled(plane, "groups")
        yield plane


def one(plane: ControlPlane, kind: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(get(plane, kind, name, "-n", "groups", "-o", "json").out)
    return found


def test_a_group_its_pods_and_their_claim(groups: ControlPlane) -> None:
    gang = one(groups, "podgroup", "gang")
    assert (gang["state"], gang["minCount"], gang["pods"], gang["bound"]) == ("scheduled", 2, 2, 2)
    (name,) = gang["claims"]
    claim = one(groups, "claim", name)
    assert claim["madeFor"] == "podgroup gang, entry channel"
    assert [(c["kind"], c["name"], c["present"]) for c in claim["consumers"]] == [("PodGroup", "gang", True)]
    assert claim["reason"] == ""
    for pod in items(groups, "pods", "-n", "groups"):
        assert pod["claims"] == ([name] if pod["name"].startswith("gang") else [])


def test_a_gang_that_lacks_a_pod_says_so_where_nobody_else_does(groups: ControlPlane) -> None:
    lonely = one(groups, "podgroup", "lonely")
    assert (lonely["state"], lonely["pods"], lonely["bound"]) == ("pending", 1, 0)
    waiting = one(groups, "pod", "lonely-0")["waiting"]
    assert waiting["source"] == "derived"
    assert waiting["reason"] == lonely["why"]
    assert waiting["reason"] == "pod group lonely has 1 of the 2 pods that are scheduled together"


def test_where_no_groups_are_served_their_absence_is_one_sentence(control_plane: ControlPlane) -> None:
    done = get(control_plane, "podgroups")
    assert done.status == 1
    assert done.err.startswith("error: cannot list podgroups: the server has no such kind")
    assert "podgroups" not in get(control_plane, "claims", "-A").err
