"""`make test-versions`: what an agent publishes on older releases, whose slices have counters beside their devices."""

import uuid
from collections.abc import Iterator, Sequence
from functools import partial

import pytest
from dratui_agent.kubelet.offers import Offer, Taint

from tests.agent.publishing import DRIVER, PATIENCE, Client, Pool, offer, publishing
from tests.realparts import binaries
from tests.realparts.controlplane import ControlPlane
from tests.realparts.releases import OLDER, Release

GATES = ("DRAPartitionableDevices", "DRADeviceTaints")
NODE = "apiVersion: v1\nkind: Node\nmetadata: {name: NODE}\n"
LOST = Taint(f"{DRIVER}/gpu-lost", "", "NoSchedule", 1_700_000_000.0)
WATCHED = Taint(f"{DRIVER}/xid", "13", "None", 1_700_000_000.0)  # an effect that they do not know


@pytest.fixture(scope="module", params=OLDER, ids=lambda release: release.version)
def plane(request: pytest.FixtureRequest) -> Iterator[ControlPlane]:
    capture = request.config.pluginmanager.getplugin("capturemanager")
    release: Release = request.param
    with capture.global_and_fixture_disabled():
        built = binaries.ensure(partial(print, flush=True), release.version)
    with ControlPlane(built, release) as started:
        started.start(bare=True)
        yield started


@pytest.fixture
def pool(plane: ControlPlane) -> Pool:
    name = f"node-{uuid.uuid4().hex[:8]}"
    plane.apply(NODE.replace("NODE", name))
    return Pool(plane, name)


def partitioned(gpus: int, *, taints: tuple[Taint, ...] = ()) -> Sequence[Offer]:
    """GPUs that are offered whole and in two parts; the first one has taints."""
    found = []
    for n in range(gpus):
        name = f"gpu-{n}-counter-set"
        found.append(
            offer(
                n,
                consumes={name: {"memory-slice-0": 1, "memory-slice-1": 1}},
                taints=taints if n == 0 else (),
            )
        )
        found += [
            Offer(f"gpu-{n}-mig-{s}", "mig", f"GPU-{n:08}", n, consumes={name: {f"memory-slice-{s}": 1}})
            for s in range(2)
        ]
    return found


def test_counters_stand_beside_their_devices(pool: Pool) -> None:
    client = Client(pool.plane.kubeconfig())
    offers = [*partitioned(3, taints=(LOST, WATCHED)), offer(9)]
    names = sorted(each.name for each in offers)
    with publishing(client, pool.node) as publisher:
        publisher.publish(offers)
        slices = pool.until_it_has(*names)
        pool.plane.wait(lambda: not publisher.problem, PATIENCE, "nothing to be wrong")
    assert [[c["name"] for c in each["spec"].get("sharedCounters", ())] for each in slices] == [
        *([f"gpu-{n}-counter-set"] for n in range(3)),
        [],
    ]
    whole = slices[0]["spec"]["devices"][0]
    whole = whole.get("basic", whole)
    assert [taint["key"] for taint in whole["taints"]] == [LOST.key]
    assert [what for what, _ in client.writes].count("POST") == 5, "one was a dry run"
    with publishing(client, pool.node) as publisher:
        publisher.publish(offers)
        pool.until_it_has(*names)
    assert len(client.writes) == 5


def test_without_the_gates_no_part_is_ever_offered(pool: Pool) -> None:
    """As by default there: both features are alpha."""
    (version, *_) = pool.plane.release.served
    with pool.plane.apiserver_with_only(version, off=GATES, user="admin") as kubeconfig:
        client = Client(kubeconfig)
        with publishing(client, pool.node) as publisher:
            publisher.publish([*partitioned(2, taints=(LOST,)), offer(9)])
            pool.until_it_has("gpu-1", "gpu-9")
    assert client.writes[0] == ("POST", "dry run")
