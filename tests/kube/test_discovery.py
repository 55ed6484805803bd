"""Which version of a kind is served, and what if none is."""

import pytest

from dratui.events import Phase
from dratui.kube.failure import KubeFailure
from tests.kube.conftest import Follow
from tests.kube.scripted import ScriptedServer, pods, refuse, stream

DRA = "resource.k8s.io"
CLAIMS = stream("resourceclaims", group=DRA, versions=("v1", "v1beta2", "v1beta1", "v1alpha3"))
RULES = stream("devicetaintrules", group=DRA, versions=("v1beta2", "v1alpha3"), namespaced=False)


async def test_the_newest_version_that_both_know_is_used(server: ScriptedServer, follow: Follow) -> None:
    server.groups[DRA] = {
        "v2": ("resourceclaims",),
        "v1beta1": ("resourceclaims",),
        "v1beta2": ("resourceclaims",),
    }
    async with follow(CLAIMS) as heard:
        await heard.until_phase(Phase.LIVE, "resourceclaims")
    assert heard.health["resourceclaims"].version == f"{DRA}/v1beta2"


async def test_a_kind_may_be_served_in_another_version_than_its_neighbours(
    server: ScriptedServer, follow: Follow
) -> None:
    server.groups[DRA] = {"v1": ("resourceclaims",), "v1alpha3": ("devicetaintrules",)}
    async with follow(CLAIMS, RULES) as heard:
        await heard.until_phase(Phase.LIVE, "resourceclaims")
        await heard.until_phase(Phase.LIVE, "devicetaintrules")
    assert heard.health["devicetaintrules"].version == f"{DRA}/v1alpha3"


async def test_a_kind_that_is_not_served_is_found_when_it_comes(
    server: ScriptedServer, follow: Follow
) -> None:
    server.groups[DRA] = {"v1": ("resourceclaims",)}
    async with follow(CLAIMS, RULES) as heard:
        await heard.until_phase(Phase.NOT_SERVED, "devicetaintrules")
        await heard.until_phase(Phase.LIVE, "resourceclaims")
        server.groups[DRA] = {"v1": ("resourceclaims",), "v1beta2": ("devicetaintrules",)}
        await heard.until_phase(Phase.LIVE, "devicetaintrules")


async def test_a_cluster_without_dra_is_a_cluster(server: ScriptedServer, follow: Follow) -> None:
    async with follow(CLAIMS, stream()) as heard:
        await heard.until_phase(Phase.NOT_SERVED, "resourceclaims")
        await heard.until_phase(Phase.LIVE)


async def test_a_version_that_goes_away_is_replaced_by_the_one_that_came(
    server: ScriptedServer, follow: Follow
) -> None:
    old, new = f"/apis/{DRA}/v1beta1/resourceclaims", f"/apis/{DRA}/v1/resourceclaims"
    server.groups[DRA] = {"v1beta1": ("resourceclaims",)}
    gone = refuse(404, "the server could not find the requested resource")
    server.on(old, lists=[pods("a")], watches=[gone])
    server.on(new, lists=[pods("a", "b")])
    async with follow(CLAIMS, slow_retry=600) as heard:
        await heard.until(lambda: server.requests(old, watching=False))
        server.groups[DRA] = {"v1": ("resourceclaims",)}
        await heard.until(lambda: heard.names("resourceclaims") == ["a", "b"])
    assert heard.health["resourceclaims"].version == f"{DRA}/v1"


async def test_rows_of_a_kind_that_is_no_longer_served_are_gone(
    server: ScriptedServer, follow: Follow
) -> None:
    path = f"/apis/{DRA}/v1/resourceclaims"
    server.groups[DRA] = {"v1": ("resourceclaims",)}
    server.on(path, lists=[pods("a")], watches=[refuse(404, "gone")])
    async with follow(CLAIMS) as heard:
        await heard.until(lambda: server.requests(path, watching=False))
        del server.groups[DRA]
        await heard.until_phase(Phase.NOT_SERVED, "resourceclaims")
    assert heard.names("resourceclaims") == []


@pytest.mark.parametrize("version", ["v1alpha1", "v1alpha2"])
async def test_classic_dra_is_refused_in_one_sentence(
    version: str, server: ScriptedServer, follow: Follow
) -> None:
    server.groups[DRA] = {version: ("resourceclaims", "resourceclasses")}
    with pytest.raises(KubeFailure, match=r"classic DRA of Kubernetes 1.26 to 1.30") as raised:
        async with follow(CLAIMS) as heard:
            await heard.until(lambda: False)
    assert "1.31 or newer" in raised.value.hint
