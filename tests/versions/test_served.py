"""Every version of resource.k8s.io that the newest release serves gives the same rows."""

import pytest

from tests.realparts.controlplane import ControlPlane
from tests.realparts.kubectl import Kubectl
from tests.realparts.releases import NEWEST
from tests.versions import rows


@pytest.mark.parametrize("version", NEWEST.served[1:])
def test_an_older_version_gives_the_same_rows(all_scenarios: ControlPlane, version: str) -> None:
    def calm() -> bool:  # what other tests left behind goes
        going = [
            (each["metadata"]["name"], [c["message"] for c in each["status"].get("conditions", ())])
            for each in all_scenarios.objects("namespaces")
            if each["status"]["phase"] != "Active"
        ]
        assert not going, going
        return True

    all_scenarios.wait(calm, 60, "namespaces of other tests to be gone")
    expected = rows.live(all_scenarios.kubeconfig("viewer"))
    with all_scenarios.apiserver_with_only(version, "v1alpha3") as kubeconfig:
        kubectl = Kubectl(all_scenarios.binaries["kubectl"], kubeconfig, kubeconfig.with_suffix(".cache"))
        groups = {line for line in kubectl.run("api-versions").split() if line.startswith("resource.k8s.io/")}
        assert groups == {f"resource.k8s.io/{version}", "resource.k8s.io/v1alpha3"}
        rows.assert_same(expected, rows.live(kubeconfig))
    assert "resource.k8s.io/v1" in all_scenarios.kubectl("api-versions").split()
