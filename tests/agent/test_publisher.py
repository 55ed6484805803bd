"""Slices on a real API server: what is written, how often, and what happens when somebody else touches them."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from random import Random

import pytest
import yaml
from dratui_agent.kubelet.offers import Offer, Taint
from dratui_agent.kubelet.publisher import Publisher
from dratui_agent.kubelet.publisher import settle as settled

from tests.agent.publishing import DRIVER, PATIENCE, Client, Pool, offer, publishing
from tests.realparts.controlplane import ControlPlane
from tests.realparts.polling import wait

NODE = "apiVersion: v1\nkind: Node\nmetadata: {name: NODE}\n"


@pytest.fixture
def pool(control_plane: ControlPlane) -> Iterator[Pool]:
    name = f"node-{uuid.uuid4().hex[:8]}"
    control_plane.apply(NODE.replace("NODE", name))
    yield Pool(control_plane, name)
    control_plane.kubectl("delete", "resourceslices", "--field-selector", f"spec.nodeName={name}")
    control_plane.kubectl("delete", "node", name, "--wait=false", "--ignore-not-found")


@pytest.fixture
def client(control_plane: ControlPlane) -> Client:
    return Client(control_plane.kubeconfig())


def gpus(count: int, taints: tuple[Taint, ...] = ()) -> list[Offer]:
    return [offer(n, taints=taints) for n in range(count)]


def names(count: int) -> list[str]:
    return sorted(f"gpu-{n}" for n in range(count))


def left(pool: Pool, generation: int) -> dict[str, object]:
    """A slice of the driver on the node that is none of the publisher's."""
    return {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "ResourceSlice",
        "metadata": {"name": f"left-{generation}-{pool.node}"},
        "spec": {
            "driver": DRIVER,
            "nodeName": pool.node,
            "pool": {"name": "another", "generation": generation, "resourceSliceCount": 1},
            "devices": [{"name": "old"}],
        },
    }


def test_a_pool_of_the_nodes_name_that_goes_with_the_node(pool: Pool, client: Client) -> None:
    with publishing(client, pool.node) as publisher:
        publisher.publish(gpus(2))
        (published,) = pool.until_it_has("gpu-0", "gpu-1")
        pool.plane.wait(lambda: not publisher.problem, PATIENCE, "nothing to be wrong")
    assert published["spec"]["driver"] == DRIVER
    assert published["spec"]["nodeName"] == pool.node
    assert published["spec"]["pool"] == {"name": pool.node, "generation": 1, "resourceSliceCount": 1}
    (owner,) = published["metadata"]["ownerReferences"]
    (node,) = [n for n in pool.plane.objects("nodes") if n["metadata"]["name"] == pool.node]
    assert (owner["kind"], owner["name"], owner["uid"]) == ("Node", pool.node, node["metadata"]["uid"])
    assert published["spec"]["devices"][0] == {
        "name": "gpu-0",
        "attributes": {"type": {"string": "gpu"}, "uuid": {"string": "GPU-00000000"}},
        "capacity": {"memory": {"value": "81559Mi"}},
    }


def test_a_pool_without_devices_is_published_and_empty(pool: Pool, client: Client) -> None:
    with publishing(client, pool.node) as publisher:
        publisher.publish([])
        pool.until_it_has()


def test_one_write_a_slice_and_none_when_nothing_has_changed(pool: Pool, client: Client) -> None:
    with publishing(client, pool.node) as publisher:
        publisher.publish(gpus(200))
        before = pool.until_it_has(*names(200))
        assert client.writes == [("POST", "resourceslices")] * 4
        publisher.publish(list(reversed(gpus(200))))
        publisher.publish([*gpus(199), offer(199, taints=(Taint("a/b", "", "NoSchedule", 1e9),))])
        pool.plane.wait(lambda: len(client.writes) > 4, PATIENCE, "the taint")
    assert [method for method, _ in client.writes] == ["POST"] * 4 + ["PUT"]
    again = Client(pool.plane.kubeconfig())
    with publishing(again, pool.node) as publisher:
        publisher.publish(gpus(200))
        pool.plane.wait(lambda: len(again.writes) > 0, PATIENCE, "the taint to go")
        after = pool.until_it_has(*names(200))
    assert [method for method, _ in again.writes] == ["PUT"]
    assert [each["metadata"]["uid"] for each in before] == [each["metadata"]["uid"] for each in after]
    assert {each["spec"]["pool"]["generation"] for each in after} == {1}


def test_what_changes_more_than_one_slice_gets_a_new_generation(pool: Pool, client: Client) -> None:
    with publishing(client, pool.node) as publisher:
        publisher.publish(gpus(100))
        pool.until_it_has(*names(100))
        publisher.publish(gpus(130))
        slices = pool.until_it_has(*names(130))
        assert [each["spec"]["pool"]["generation"] for each in slices] == [2, 2, 2]
        publisher.publish(gpus(10))
        slices = pool.until_it_has(*names(10))
    assert [each["spec"]["pool"]["generation"] for each in slices] == [2]
    assert [method for method, _ in client.writes] == ["POST"] * 2 + ["PUT"] * 2 + ["POST"] + [
        "DELETE"
    ] * 2 + ["PUT"]


def test_slices_that_kubelet_deletes_come_back(pool: Pool, client: Client) -> None:
    with publishing(client, pool.node) as publisher:
        publisher.publish(gpus(100))
        before = {each["metadata"]["uid"] for each in pool.until_it_has(*names(100))}
        pool.plane.kubectl("delete", "resourceslices", "--field-selector", f"spec.nodeName={pool.node}")
        after = pool.until_it_has(*names(100))
    assert not before & {each["metadata"]["uid"] for each in after}
    assert {each["spec"]["pool"]["generation"] for each in after} == {2}


def test_slices_stay_when_the_agent_ends(pool: Pool, client: Client) -> None:
    with publishing(client, pool.node) as publisher:
        publisher.publish(gpus(1))
        pool.until_it_has("gpu-0")
    assert pool.devices() == ["gpu-0"]


def test_what_somebody_else_did_to_a_slice_is_put_right(pool: Pool, client: Client) -> None:
    with publishing(client, pool.node) as publisher:
        publisher.publish(gpus(2))
        (mine,) = pool.until_it_has("gpu-0", "gpu-1")
        patch = '{"spec": {"devices": [{"name": "not-mine"}]}}'
        pool.plane.kubectl("patch", "resourceslice", mine["metadata"]["name"], "--type=merge", "-p", patch)
        pool.until_it_has("gpu-0", "gpu-1")


def test_whatever_others_do_meanwhile_the_pool_comes_to_what_is_offered(pool: Pool, client: Client) -> None:
    """Slices are deleted, changed, and made by somebody else while the node's devices come and go."""
    chance = Random(7)
    with publishing(client, pool.node) as publisher:
        for _ in range(25):
            publisher.publish(gpus(chance.randrange(150)))
            found = pool.slices()
            victims = [each["metadata"]["name"] for each in found if chance.random() < 0.3]
            if victims:
                pool.plane.kubectl("delete", "resourceslices", "--ignore-not-found", "--wait=false", *victims)
            if chance.random() < 0.5:
                pool.plane.apply(yaml.safe_dump(left(pool, chance.randrange(1, 9))))
        publisher.publish(gpus(70))
        slices = pool.until_it_has(*names(70))
        pool.plane.wait(lambda: publisher.published, PATIENCE, "it to be in order")
        writes = len(client.writes)
        publisher.publish(list(reversed(gpus(70))))
        assert pool.slices() == slices
    assert len(client.writes) == writes


def test_two_who_want_different_things_try_more_and_more_seldom(pool: Pool, client: Client) -> None:
    """Such as two versions of the agent while one is replaced."""
    disputes: list[int] = []

    def settle(times: int) -> float:
        disputes.append(times)
        return 0.01

    with publishing(client, pool.node) as one:
        other = Publisher(Client(pool.plane.kubeconfig()), driver=DRIVER, node=pool.node, settle=settle)
        one.publish(gpus(1))
        pool.until_it_has("gpu-0")
        other.start()
        other.publish(gpus(2))
        pool.plane.wait(lambda: disputes and disputes[-1] >= 4, PATIENCE, "them to disagree")
        other.stop(PATIENCE)
    assert disputes[:5] == [0, 1, 2, 3, 4]
    waits = [settled(times) for times in range(20)]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (0.1, 30.0)


def test_what_is_left_of_another_life_is_taken_away(pool: Pool, client: Client) -> None:
    pool.plane.apply(yaml.safe_dump(left(pool, 7)))
    with publishing(client, pool.node) as publisher:
        publisher.publish(gpus(1))
        pool.until_it_has("gpu-0")


def test_taints_keep_the_time_at_which_they_came(pool: Pool, client: Client) -> None:
    taint = Taint(f"{DRIVER}/xid", "79", "NoSchedule", 1_700_000_000.0)
    recalled: list[Mapping[str, Sequence[Taint]]] = []

    def recall(found: Mapping[str, Sequence[Taint]]) -> Sequence[Offer]:
        recalled.append(found)
        return [offer(0, taints=tuple(found.get("gpu-0", ())))]

    with publishing(client, pool.node) as publisher:
        publisher.publish(gpus(1, taints=(taint,)))
        (published,) = pool.until_it_has("gpu-0")
    assert published["spec"]["devices"][0]["taints"] == [
        {"key": f"{DRIVER}/xid", "value": "79", "effect": "NoSchedule", "timeAdded": "2023-11-14T22:13:20Z"}
    ]
    again = Client(pool.plane.kubeconfig())
    with publishing(again, pool.node, recall) as publisher:
        publisher.publish(gpus(1))
        pool.plane.wait(lambda: recalled, PATIENCE, "what was published to be recalled")
        publisher.publish([offer(0, taints=(taint,)), offer(1)])
        pool.until_it_has("gpu-0", "gpu-1")
    assert recalled == [{"gpu-0": [taint]}]
    assert [method for method, _ in again.writes] == ["PUT"]


def test_what_the_server_finds_invalid_is_said_and_not_tried_again(pool: Pool, client: Client) -> None:
    wrong = Offer(name="Not A Label", kind="gpu", gpu="", minor=0)
    with publishing(client, pool.node) as publisher:
        publisher.publish([wrong])
        pool.plane.wait(lambda: publisher.problem, PATIENCE, "the server to refuse")
        assert "does not take the slices: 422" in publisher.problem
        assert "Not A Label" in publisher.problem
        assert len(client.writes) == 1
        publisher.publish(gpus(1))
        pool.until_it_has("gpu-0")
        pool.plane.wait(lambda: not publisher.problem, PATIENCE, "the problem to be over")
    assert len(client.writes) == 2


def test_a_node_that_is_not_there_yet_is_waited_for(control_plane: ControlPlane, client: Client) -> None:
    pool = Pool(control_plane, f"late-{uuid.uuid4().hex[:8]}")
    with publishing(client, pool.node) as publisher:
        publisher.publish(gpus(1))
        control_plane.wait(lambda: publisher.problem, PATIENCE, "it to be missed")
        assert f'nodes "{pool.node}" not found' in publisher.problem
        control_plane.apply(NODE.replace("NODE", pool.node))
        pool.until_it_has("gpu-0")
    control_plane.kubectl("delete", "node", pool.node)
    control_plane.wait(lambda: not pool.slices(), PATIENCE, "the slices to go with their node")


def test_who_may_not_write_says_so_and_goes_on_trying(control_plane: ControlPlane, pool: Pool) -> None:
    client = Client(control_plane.kubeconfig("viewer"))
    with publishing(client, pool.node) as publisher:
        publisher.publish(gpus(1))
        control_plane.wait(lambda: len(client.writes) > 1, PATIENCE, "a second try")
        assert "403" in publisher.problem
        assert "resourceslices" in publisher.problem


def test_an_api_server_that_comes_back_finds_everything_in_order(bare_control_plane: ControlPlane) -> None:
    plane = bare_control_plane
    pool = Pool(plane, f"node-{uuid.uuid4().hex[:8]}")
    plane.apply(NODE.replace("NODE", pool.node))
    with publishing(Client(plane.kubeconfig()), pool.node) as publisher:
        publisher.publish(gpus(1))
        pool.until_it_has("gpu-0")
        plane.kill_apiserver()
        publisher.publish(gpus(2))
        wait(lambda: publisher.problem, PATIENCE, "it to be missed")
        plane.start_apiserver()
        pool.until_it_has("gpu-0", "gpu-1")
        wait(lambda: not publisher.problem, PATIENCE, "the problem to be over")


@pytest.mark.parametrize("version", ["v1beta1", "v1beta2"])
def test_older_versions_of_the_api(control_plane: ControlPlane, pool: Pool, version: str) -> None:
    taint = Taint(f"{DRIVER}/xid", "79", "NoSchedule", 1_700_000_000.0)
    counters = {"gpu-0-counter-set": {"memory": 81559 << 20, "memory-slice-0": 1}}
    with control_plane.apiserver_with_only(version, user="admin") as kubeconfig:
        client = Client(kubeconfig)
        with publishing(client, pool.node) as publisher:
            publisher.publish([offer(0, taints=(taint,), consumes=counters)])
            control_plane.wait(lambda: len(client.writes) == 2, PATIENCE, "it to be written")
    shared, devices = pool.slices()
    assert shared["spec"]["sharedCounters"] == [
        {
            "name": "gpu-0-counter-set",
            "counters": {"memory": {"value": "81559Mi"}, "memory-slice-0": {"value": "1"}},
        }
    ]
    (device,) = devices["spec"]["devices"]
    assert device["attributes"]["type"] == {"string": "gpu"}
    assert device["taints"][0]["value"] == "79"
    assert device["consumesCounters"][0]["counterSet"] == "gpu-0-counter-set"
    assert len(client.writes) == 2


OFF = ("DRAPartitionableDevices", "DRADeviceTaints", "DRADeviceTaintRules")


def test_what_the_server_drops_names_the_gate_and_nothing_dangerous_is_offered(
    control_plane: ControlPlane, pool: Pool, caplog: pytest.LogCaptureFixture
) -> None:
    """Without counters a GPU could be given away twice; without taints, one that is lost."""
    taint = Taint(f"{DRIVER}/gpu-lost", "", "NoSchedule", 1_700_000_000.0)
    counters = {"gpu-0-counter-set": {"memory-slice-0": 1}}
    part = Offer(name="gpu-0-mig", kind="mig", gpu="GPU-00000000", minor=0, consumes=counters)
    offers = [offer(0, consumes=counters), part, offer(1, taints=(taint,)), offer(2)]
    with (
        control_plane.apiserver_with_only("v1", off=OFF, user="admin") as kubeconfig,
        publishing(Client(kubeconfig), pool.node) as publisher,
    ):
        publisher.publish(offers)
        pool.until_it_has("gpu-0", "gpu-2")
        publisher.publish(offers[:-1])
        pool.until_it_has("gpu-0")
    for gate in OFF[:2]:
        (line,) = [record.getMessage() for record in caplog.records if gate in record.getMessage()]
        assert "is off" in line
