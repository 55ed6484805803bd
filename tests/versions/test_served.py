"""Every version of resource.k8s.io that the newest release serves gives the same rows."""

import pytest

from tests.realparts.controlplane import ControlPlane
from tests.realparts.kubectl import Kubectl
from tests.realparts.releases import NEWEST
from tests.versions import rows


@pytest.mark.parametrize("version", NEWEST.served[1:])
def test_an_older_version_gives_the_same_rows(all_scenarios: ControlPlane, version: str) -> None:
    with all_scenarios.apiserver_with_only(version, "v1alpha3") as kubeconfig:
        kubectl = Kubectl(all_scenarios.binaries["kubectl"], kubeconfig, kubeconfig.with_suffix(".cache"))
        groups = {line for line in kubectl.run("api-versions").split() if line.startswith("resource.k8s.io/")}
        assert groups == {f"resource.k8s.io/{version}", "resource.k8s.io/v1alpha3"}

        def same() -> bool:  # what other tests left behind goes meanwhile
            rows.assert_same(rows.live(all_scenarios.kubeconfig("viewer")), rows.live(kubeconfig))
            return True

        assert all_scenarios.wait(same, 30, f"the rows of v1 and {version} to be the same")
