"""Pod groups and compute domains: what they say of pods and claims, and what those say of them."""

import pytest
from msgspec.structs import replace

from dratui.api.model import (
    ComputeDomain,
    Condition,
    Consumer,
    DomainNode,
    ObjectKey,
    Owner,
    PodClaim,
    PodGroup,
    Row,
)
from dratui.cluster.claims import claim_row
from dratui.cluster.groups import compute_domain_row, pod_group_row
from dratui.cluster.pods import pod_row
from tests.cluster.build import NOW, claim, pod, put, result, store

GANG = PodGroup(namespace="default", name="gang", uid="uid of gang", min_count=2, claims=("gang-channel",))
FIRST, SECOND = pod("first", group="gang"), pod("second", group="gang", node="node-1")


def reason(*rows: Row, unknown: tuple[str, ...] = ()) -> str:
    row = pod_row(store(FIRST, *rows, unknown=unknown), FIRST.key)
    assert row is not None
    assert row.waiting is not None
    return row.waiting.reason


@pytest.mark.parametrize(
    ("group", "pods", "state", "why"),
    [
        (GANG, (FIRST, SECOND), "pending", ""),
        (GANG, (FIRST,), "pending", "pod group gang has 1 of the 2 pods that are scheduled together"),
        (replace(GANG, scheduled=Condition("PodGroupScheduled", "True")), (FIRST, SECOND), "scheduled", ""),
        (
            replace(GANG, scheduled=Condition("PodGroupScheduled", "False", "Unschedulable", "no room")),
            (FIRST, SECOND),
            "pending",
            "no room",
        ),
        (replace(GANG, deleted=NOW), (FIRST, SECOND), "deleted", ""),
    ],
)
def test_how_far_a_group_is(group: PodGroup, pods: tuple[Row, ...], state: str, why: str) -> None:
    row = pod_group_row(store(group, *pods), group.key)
    assert row is not None
    assert (row.state, row.why, row.pods, row.bound) == (state, why, len(pods), int(SECOND in pods))


def test_a_pod_tells_what_its_group_lacks() -> None:
    assert reason(GANG) == "pod group gang has 1 of the 2 pods that are scheduled together"
    assert reason(GANG, SECOND) == "not tried by the scheduler yet"
    assert reason() == "pod group gang does not exist"
    assert reason(unknown=("podgroups",)) == "not tried by the scheduler yet"


def test_the_claim_of_a_group_is_its_pods_claim() -> None:
    entry = PodClaim("channel", template="channel")
    member = replace(FIRST, claims=(entry,), claim_statuses=())
    made = pod("first", entry, group="gang", node="node-1", made={"channel": "gang-channel"})
    owner = Owner("PodGroup", "gang", "uid of gang", controller=True)
    consumer = Consumer("podgroups", "gang", "uid of gang", "scheduling.k8s.io")
    subject = claim("gang-channel", result("channel-0"), owner=owner, consumers=(consumer,))
    everything = store(subject, GANG, made)
    row = claim_row(everything, subject.key)
    assert row is not None
    assert [(c.kind, c.name, c.present) for c in row.consumers] == [("PodGroup", "gang", True)]
    assert not row.dangling
    waits = pod("first", entry, group="gang", made={"channel": "gang-channel"})
    assert "was not created for this pod" not in reason(replace(waits, group="gang"), GANG, SECOND, subject)
    gone = claim_row(store(subject, member), subject.key)
    assert gone is not None
    assert "reserved for pod groups that are gone: gang" in gone.reason


def test_a_compute_domain_names_the_nodes_that_it_waits_for() -> None:
    nodes = (DomainNode("node-1", status="Ready"), DomainNode("node-2", status="NotReady"))
    domain = ComputeDomain(
        namespace="default", name="domain", num_nodes=4, template="channel", status="NotReady", nodes=nodes
    )
    user = pod("train", PodClaim("channel", template="channel"))
    made = store(domain, user)
    row = compute_domain_row(made, domain.key)
    assert row is not None
    assert (row.ready_nodes, row.pods, row.why) == (1, 1, "node-2 is not ready, 2 not there yet")
    changes = made.apply([put(replace(domain, status="Ready"))])
    assert user.key in changes.rows["pods"]
    assert ObjectKey("default", "domain") in changes.rows["computedomains"]
