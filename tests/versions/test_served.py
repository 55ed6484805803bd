"""Every version of resource.k8s.io that the usual release serves gives the same rows."""

from pathlib import Path

import pytest

from tests.realparts.controlplane import ControlPlane
from tests.realparts.kubectl import Kubectl
from tests.realparts.releases import USUAL
from tests.versions import rows


@pytest.mark.parametrize("version", USUAL.served[1:])
def test_an_older_version_gives_the_same_rows(all_scenarios: ControlPlane, version: str) -> None:
    def both() -> tuple[rows.Rows, rows.Rows]:
        """What the newest version and this one say, of a time in which nothing changes: evictions take theirs."""
        namespaces = all_scenarios.objects("namespaces")
        going = {n["metadata"]["name"] for n in namespaces if n["status"]["phase"] != "Active"}

        def told(kubeconfig: Path) -> rows.Rows:
            return rows.without(rows.live(kubeconfig), going)

        newest = told(all_scenarios.kubeconfig("viewer"))
        with all_scenarios.apiserver_with_only(version, "v1alpha3") as kubeconfig:
            kubectl = Kubectl(all_scenarios.binaries["kubectl"], kubeconfig, kubeconfig.with_suffix(".cache"))
            served = {
                each for each in kubectl.run("api-versions").split() if each.startswith("resource.k8s.io/")
            }
            assert served == {f"resource.k8s.io/{version}", "resource.k8s.io/v1alpha3"}
            older = told(kubeconfig)
        rows.assert_same(newest, told(all_scenarios.kubeconfig("viewer")))
        return newest, older

    rows.assert_same(*all_scenarios.wait(both, 120, "the scenarios to be at rest"))
    assert "resource.k8s.io/v1" in all_scenarios.kubectl("api-versions").split()
