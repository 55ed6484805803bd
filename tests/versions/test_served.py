"""Every version of resource.k8s.io that the newest release serves gives the same rows."""

import pytest

from tests.realparts.controlplane import ControlPlane
from tests.realparts.kubectl import Kubectl
from tests.realparts.releases import NEWEST
from tests.versions import rows


@pytest.mark.parametrize("version", NEWEST.served[1:])
def test_an_older_version_gives_the_same_rows(all_scenarios: ControlPlane, version: str) -> None:
    namespaces = all_scenarios.objects("namespaces")
    going = {n["metadata"]["name"] for n in namespaces if n["status"]["phase"] != "Active"}  # of other tests
    expected: rows.Rows = {}

    def at_rest() -> bool:  # evictions, for instance, take their time
        nonlocal expected
        before, expected = expected, rows.without(rows.live(all_scenarios.kubeconfig("viewer")), going)
        if before:
            rows.assert_same(before, expected)
        return bool(before)

    all_scenarios.wait(at_rest, 60, "the scenarios to be at rest")
    with all_scenarios.apiserver_with_only(version, "v1alpha3") as kubeconfig:
        kubectl = Kubectl(all_scenarios.binaries["kubectl"], kubeconfig, kubeconfig.with_suffix(".cache"))
        groups = {line for line in kubectl.run("api-versions").split() if line.startswith("resource.k8s.io/")}
        assert groups == {f"resource.k8s.io/{version}", "resource.k8s.io/v1alpha3"}
        rows.assert_same(expected, rows.without(rows.live(kubeconfig), going))
    assert "resource.k8s.io/v1" in all_scenarios.kubectl("api-versions").split()
