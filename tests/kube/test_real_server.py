"""List and watch against a real API server."""

import asyncio
import contextlib
import json
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dratui.events import Phase
from dratui.kube.failure import KubeFailure
from dratui.kube.options import Options
from dratui.kube.pace import Pace
from dratui.kube.source import ClusterSource
from tests.kube.scripted import Heard, stream
from tests.realparts import users
from tests.realparts.controlplane import ControlPlane

DRA_VERSIONS = ("v1", "v1beta2", "v1beta1")
STREAMS = (
    stream("resourceclaims", group="resource.k8s.io", versions=DRA_VERSIONS),
    stream("resourceslices", group="resource.k8s.io", versions=DRA_VERSIONS, namespaced=False),
    stream("namespaces", namespaced=False),
    stream("widgets", group="example.test", versions=("v2", "v1")),
)
PACE = Pace(first_delay=0.05, longest_delay=0.3, slow_retry=0.5)


@contextlib.asynccontextmanager
async def following(
    kubeconfig: Path, *, namespace: str = "", as_user: str = "", pace: Pace = PACE
) -> AsyncIterator[tuple[Heard, ClusterSource]]:
    options = Options(kubeconfig=str(kubeconfig), namespace=namespace, as_user=as_user)
    source = ClusterSource(options, STREAMS, pace=pace)
    heard = Heard()
    async with heard.listening_to(source.run(heard)):
        yield heard, source


async def kubectl(control_plane: ControlPlane, *arguments: str, input: str | None = None) -> str:  # noqa: A002
    """Without holding up the event loop."""
    return await asyncio.to_thread(lambda: control_plane.kubectl(*arguments, input=input))


def a_claim(name: str, namespace: str) -> str:
    return json.dumps(
        {
            "apiVersion": "resource.k8s.io/v1",
            "kind": "ResourceClaim",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"devices": {"requests": [{"name": "gpu", "exactly": {"deviceClassName": "none.test"}}]}},
        }
    )


async def test_what_is_there_is_listed_and_what_happens_is_watched(
    control_plane: ControlPlane, namespace: str
) -> None:
    await kubectl(control_plane, "create", "-f", "-", input=a_claim("before", namespace))
    async with following(control_plane.kubeconfig()) as (heard, source):
        await heard.until(lambda: all(s.name in heard.health for s in STREAMS))
        await heard.until_phase(Phase.LIVE, "resourceclaims")
        await heard.until_phase(Phase.LIVE, "namespaces")
        assert namespace in heard.names("namespaces")
        assert f"{namespace}/before" in heard.rows["resourceclaims"]
        assert heard.health["resourceclaims"].version == "resource.k8s.io/v1"
        await heard.until_phase(Phase.NOT_SERVED, "widgets")
        assert source.about.server_version.startswith("v1.")

        await kubectl(control_plane, "create", "-f", "-", input=a_claim("after", namespace))
        await heard.until(lambda: f"{namespace}/after" in heard.rows["resourceclaims"])
        await kubectl(control_plane, "delete", "resourceclaim", "before", "-n", namespace)
        await heard.until(lambda: f"{namespace}/before" not in heard.rows["resourceclaims"])

        body = json.loads(await source.fetch("resourceclaims", namespace, "after"))
        assert body["kind"] == "ResourceClaim"
        assert body["spec"]["devices"]["requests"][0]["name"] == "gpu"
        with pytest.raises(KubeFailure) as raised:
            await source.fetch("resourceclaims", namespace, "before")
        assert raised.value.status == 404


async def test_many_objects_come_in_pages(control_plane: ControlPlane, namespace: str) -> None:
    claims = "\n---\n".join(a_claim(f"many-{n}", namespace) for n in range(7))
    await kubectl(control_plane, "create", "-f", "-", input=claims)
    async with following(control_plane.kubeconfig(), pace=Pace(page_size=3)) as (heard, _):
        await heard.until_phase(Phase.LIVE, "resourceclaims")
    assert {f"{namespace}/many-{n}" for n in range(7)} <= heard.rows["resourceclaims"].keys()
    progress = [h for h in heard.healths["resourceclaims"] if h.seen]
    assert progress
    assert all(h.total is not None and h.total >= 7 for h in progress)


async def test_a_client_certificate_is_enough(control_plane: ControlPlane) -> None:
    async with following(control_plane.kubeconfig(users.CERTIFICATE_USER)) as (heard, source):
        await heard.until_phase(Phase.LIVE, "resourceslices")
        assert source.about.user == users.CERTIFICATE_USER


async def test_a_refused_kind_leaves_the_others_alone(control_plane: ControlPlane) -> None:
    async with following(control_plane.kubeconfig("no-slices")) as (heard, _):
        await heard.until_phase(Phase.FORBIDDEN, "resourceslices")
        assert 'cannot list resource "resourceslices"' in heard.health["resourceslices"].detail
        await heard.until_phase(Phase.LIVE, "resourceclaims")
        await heard.until_phase(Phase.LIVE, "namespaces")


async def test_impersonation_is_sent_with_every_request(control_plane: ControlPlane) -> None:
    async with following(control_plane.kubeconfig(), as_user="no-slices") as (heard, source):
        await heard.until_phase(Phase.FORBIDDEN, "resourceslices")
        await heard.until_phase(Phase.LIVE, "resourceclaims")
        assert source.about.user == "admin as no-slices"


@pytest.fixture
def only_namespace(control_plane: ControlPlane) -> Iterator[str]:
    claim = f"one-{uuid.uuid4().hex[:8]}"
    control_plane.kubectl("create", "-f", "-", input=a_claim(claim, users.ONE_NAMESPACE))
    yield claim
    control_plane.kubectl("delete", "resourceclaim", claim, "-n", users.ONE_NAMESPACE)


async def test_rights_in_one_namespace_show_that_namespace(
    control_plane: ControlPlane, only_namespace: str
) -> None:
    kubeconfig = control_plane.kubeconfig("one-namespace")
    async with following(kubeconfig, namespace=users.ONE_NAMESPACE) as (heard, _):
        await heard.until_phase(Phase.LIVE, "resourceclaims")
        assert heard.health["resourceclaims"].namespace == users.ONE_NAMESPACE
        assert only_namespace in heard.names("resourceclaims")
        await heard.until_phase(Phase.FORBIDDEN, "namespaces")


async def test_an_unknown_token_is_said_at_once(control_plane: ControlPlane) -> None:
    options = Options(kubeconfig=str(control_plane.kubeconfig()), token="no-such-token")
    source = ClusterSource(options, STREAMS)
    with pytest.raises(KubeFailure) as raised:
        await asyncio.wait_for(source.run(Heard()), 20)
    assert raised.value.status == 401
    assert "no-such-token" not in str(raised.value)


async def test_a_restart_of_the_api_server_makes_it_stale_and_loses_nothing(
    control_plane: ControlPlane, namespace: str
) -> None:
    names = ("resourceclaims", "resourceslices", "namespaces")
    await kubectl(control_plane, "create", "-f", "-", input=a_claim("before", namespace))
    async with following(control_plane.kubeconfig()) as (heard, _):
        for name in names:
            await heard.until_phase(Phase.LIVE, name)
        await asyncio.to_thread(control_plane.kill_apiserver)
        for name in names:
            await heard.until_phase(Phase.STALE, name)
            assert heard.health[name].detail
        assert f"{namespace}/before" in heard.rows["resourceclaims"]
        await asyncio.to_thread(control_plane.start_apiserver)
        await kubectl(control_plane, "create", "-f", "-", input=a_claim("meanwhile", namespace))
        for name in names:
            await heard.until_phase(Phase.LIVE, name, 60)
        await heard.until(lambda: f"{namespace}/meanwhile" in heard.rows["resourceclaims"], 60)
        listed = await kubectl(control_plane, "get", "resourceclaims", "-n", namespace, "-o", "name")
        ours = {key for key in heard.rows["resourceclaims"] if key.startswith(f"{namespace}/")}
        assert len(ours) == len(listed.split())


async def test_a_frozen_api_server_is_noticed_and_nothing_is_lost(
    control_plane: ControlPlane, namespace: str
) -> None:
    names = ("resourceclaims", "resourceslices", "namespaces")
    attentive = replace(PACE, check_every=0.2, check_silence=0.5)
    async with following(control_plane.kubeconfig(), pace=attentive) as (heard, _):
        for name in names:
            await heard.until_phase(Phase.LIVE, name)
        control_plane.freeze()
        try:
            for name in names:
                await heard.until_phase(Phase.STALE, name)
                assert heard.health[name].detail
        finally:
            control_plane.thaw()
        await kubectl(control_plane, "create", "-f", "-", input=a_claim("after", namespace))
        for name in names:
            await heard.until_phase(Phase.LIVE, name, 60)
        await heard.until(lambda: f"{namespace}/after" in heard.rows["resourceclaims"], 60)
