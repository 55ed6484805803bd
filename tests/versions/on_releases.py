"""`make test-versions`: the scenarios on every other release that has DRA, beside the one that all tests run on.

Not among the tests that pytest finds by itself: the first run builds a Kubernetes for each.
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial

import pytest

from tests.realparts import scenarios
from tests.realparts.controlplane import ControlPlane
from tests.realparts.releases import NEWER, OLDER, USUAL, Release
from tests.versions import rows
from tests.versions.record import at_rest


@dataclass(frozen=True)
class Both:
    """A release, and the usual one with the same scenarios: without those that an old one cannot have."""

    other: ControlPlane
    usual: ControlPlane

    @property
    def release(self) -> Release:
        """The other one."""
        return self.other.release


@pytest.fixture(scope="module", params=(*OLDER, *NEWER), ids=lambda release: release.version)
def both(request: pytest.FixtureRequest) -> Iterator[Both]:
    """Both come to rest."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    release: Release = request.param
    with ExitStack() as planes:
        with capture.global_and_fixture_disabled():  # a first build takes minutes: show that it moves
            started = [
                planes.enter_context(at_rest(each, partial(print, flush=True)))
                for each in (release, replace(USUAL, without=release.without))
            ]
        yield Both(*started)


def test_pods_run_or_wait_as_they_are_annotated(both: Both) -> None:
    pods = [pod for name in scenarios.NAMES for pod in scenarios.pods(name, both.release)]
    assert scenarios.mismatch(both.other, pods) == []


def test_every_version_gives_the_same_rows(both: Both) -> None:
    expected = rows.live(both.other.kubeconfig("viewer"))
    for version in both.release.served:
        with both.other.apiserver_with_only(version, "v1alpha3") as kubeconfig:
            rows.assert_same(expected, rows.live(kubeconfig))


def test_the_rows_are_those_of_the_usual_release(both: Both) -> None:
    other, usual = (rows.live(plane.kubeconfig("viewer")) for plane in (both.other, both.usual))
    rows.assert_same(rows.comparable(other, both.release), rows.comparable(usual, both.release))


def test_of_a_rule_that_selects_by_class_it_is_not_known_what_it_taints(both: Both) -> None:
    """Only old releases have that. The real server says how it looks on the wire."""
    if both.release not in OLDER:
        pytest.skip("no rule selects by class any more")
    selector = {"deviceClassName": "free.example.com"}
    taint = {"key": "example.com/test", "effect": "NoSchedule"}
    kind = {"apiVersion": "resource.k8s.io/v1alpha3", "kind": "DeviceTaintRule"}
    rule = {**kind, "metadata": {"name": "by-class"}, "spec": {"deviceSelector": selector, "taint": taint}}
    both.other.apply(json.dumps(rule))
    try:
        seen = rows.live(both.other.kubeconfig("viewer"))
    finally:
        both.other.kubectl("delete", "devicetaintrule", "by-class")
    (row,) = [each for each in seen["taintrules"] if each["name"] == "by-class"]
    assert (row["deviceClass"], row["devices"]) == ("free.example.com", None)
    assert not [each for each in seen["devices"] for t in each["taints"] if t["key"] == "example.com/test"]


@pytest.mark.parametrize("word", sorted({word for release in OLDER for word in release.without}))
def test_what_is_left_out_is_in_a_scenario(word: str) -> None:
    texts = "".join((scenarios.FOLDER / f"{name}.yaml").read_text() for name in scenarios.NAMES)
    assert word in texts
