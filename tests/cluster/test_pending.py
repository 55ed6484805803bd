"""Why a pod waits: each reason, who says it, and that what we do not see is never called absent."""

from typing import Any

import pytest

from dratui.api.model import (
    Allocation,
    Condition,
    Container,
    DeviceStatus,
    Node,
    Owner,
    Pod,
    PodClaim,
    Result,
    Template,
)
from dratui.cluster.pending import Waiting, node_counts, waiting
from tests.cluster.build import DRIVER, NOW, claim, owned_by, pod, store, warning

ENTRY = PodClaim("gpu", template="h100")
TEMPLATE = Template(namespace="default", name="h100")


def why(subject: Pod, *others: Any, **more: Any) -> Waiting:
    found = waiting(store(subject, *others, **more), subject)
    assert found is not None
    return found


def told(reason: Waiting) -> tuple[str, str]:
    return reason.source, reason.reason


# --- the scheduler's words ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "counts"),
    [
        (
            "0/16 nodes are available: 1 invalid resource pools were encountered, 13 cannot allocate all claims, "
            "2 node(s) had untolerated taint(s). still not schedulable, preemption: 0/16 nodes are available: "
            "16 Preemption is not helpful for scheduling.",
            {
                "cannot allocate all claims": 13,
                "invalid resource pools were encountered": 1,
                "node(s) had untolerated taint(s)": 2,
            },
        ),
        (
            "0/16 nodes are available: request device: device class absent.example.com does not exist. "
            "no new claims to deallocate, preemption: 0/16 nodes are available: 16 Preemption is not helpful.",
            {"request device: device class absent.example.com does not exist": 16},
        ),
        (
            "0/3 nodes are available: 1 node(s) had untolerated taint {example.com/a: b}, "
            "2 node(s) had untolerated taint {node.kubernetes.io/not-ready: }.",
            {
                "node(s) had untolerated taint {example.com/a: b}": 1,
                "node(s) had untolerated taint {node.kubernetes.io/not-ready: }": 2,
            },
        ),
        (
            "0/4 nodes are available: 1 Too many pods, 3 Insufficient nvidia.com/gpu. preemption: not eligible",
            {"Insufficient nvidia.com/gpu": 3, "Too many pods": 1},
        ),
        (
            "0/2 nodes are available: 2 node(s) didn't match pod anti-affinity rules, which are, or so, strange.",
            {"node(s) didn't match pod anti-affinity rules, which are, or so, strange": 2},
        ),
        ("0/1 nodes are available: 1 cannot allocate all claims.", {"cannot allocate all claims": 1}),
        *(
            (
                f"0/1 nodes are available: 1 cannot allocate all claims. {more}",
                {"cannot allocate all claims": 1},
            )
            for more in (
                "deallocation of ResourceClaim completed",
                "deletion of ResourceClaim completed, preemption: not eligible",
                "deallocation and deletion of ResourceClaims completed",
                "deallocation of PodGroup ResourceClaim completed",
                "pod group preemption: not eligible",
            )
        ),
        ("0/5 nodes are available: ", {}),
        (
            'running "DynamicResources" filter plugin: claim a/b: selector #0: CEL runtime error: no such key: x',
            {},
        ),
        ("no nodes available to schedule pods", {}),
    ],
)
def test_nodes_are_counted_by_reason(message: str, counts: dict[str, int]) -> None:
    assert node_counts(message) == counts


@pytest.mark.parametrize(
    ("message", "brief"),
    [
        ('running "DynamicResources" filter plugin: claim a/b: CEL', "claim a/b: CEL"),
        ('running PreBind plugin "DynamicResources": claim c got deleted', "claim c got deleted"),
        ("running out of devices", "running out of devices"),
    ],
)
def test_a_cell_leaves_out_which_plugin_ran(message: str, brief: str) -> None:
    waits = Waiting("scheduler", message)
    assert waits.brief == waits.kind == brief
    assert waits.reason == message


def test_what_nodes_lack_comes_before_nodes_that_the_pod_was_not_meant_for() -> None:
    message = (
        "0/9 nodes are available: 1 Insufficient cpu, 8 node(s) didn't match Pod's node affinity/selector."
    )
    assert next(iter(node_counts(message))) == "Insufficient cpu"
    assert Waiting("scheduler", message, node_counts(message)).brief == (
        "1 node: Insufficient cpu, 8 nodes: node(s) didn't match Pod's node affinity/selector"
    )


def test_the_scheduler_is_quoted_in_full() -> None:
    says = "0/2 nodes are available: 2 cannot allocate all claims."
    reason = why(pod("train", "gpu", says=says), claim("gpu"))
    assert told(reason) == ("scheduler", says)
    assert reason.nodes == {"cannot allocate all claims": 2}


def test_scheduling_gates_are_named() -> None:
    said = "Scheduling is blocked due to non-empty scheduling gates"
    gates = ("example.com/quota", "example.com/topology")
    assert told(why(pod("train", says=said, gates=gates))) == (
        "scheduler",
        f"{said}: example.com/quota, example.com/topology",
    )
    assert told(why(pod("train", gates=gates))) == (
        "derived",
        "scheduling gates: example.com/quota, example.com/topology",
    )


# --- nobody says it -----------------------------------------------------------------------------------


def made(claim_name: str = "train-gpu") -> dict[str, str]:
    return {"gpu": claim_name}


@pytest.mark.parametrize(
    ("subject", "others", "reason"),
    [
        (pod("train", "gpu"), [], "claim gpu does not exist"),
        (pod("train", "gpu"), [claim("gpu", deleted=NOW)], "claim gpu is being deleted"),
        (
            pod("train", "gpu"),
            [claim("gpu", deleted=NOW, finalizers=("a/b",))],
            "claim gpu is being deleted, held by finalizer a/b",
        ),
        (
            pod("train", "gpu"),
            [claim("gpu", deleted=NOW, pods=[pod("old")], allocation=Allocation())],
            "claim gpu is being deleted, still reserved for old",
        ),
        (pod("train", ENTRY), [TEMPLATE], "claim for gpu not created yet"),
        (pod("train", ENTRY), [], "resource claim template h100 does not exist"),
        (pod("train", ENTRY, made=made()), [TEMPLATE], "claim train-gpu does not exist"),
        (
            pod("train", ENTRY, made=made()),
            [TEMPLATE, claim("train-gpu")],
            "claim train-gpu was not created for this pod (it is not the owner)",
        ),
        (
            pod("train", ENTRY, made=made()),
            [TEMPLATE, claim("train-gpu", owner=Owner("Pod", "train", "another uid", controller=True))],
            "claim train-gpu was not created for this pod (it is not the owner)",
        ),
        (pod("train", PodClaim("gpu")), [], "claim gpu names neither a claim nor a template"),
        (pod("train"), [], "not tried by the scheduler yet"),
        (pod("train", scheduler="volcano"), [], "not tried by scheduler volcano yet"),
        (pod("train", deleted=NOW), [], "being deleted"),
    ],
)
def test_a_silent_reason_is_derived(subject: Pod, others: list[Any], reason: str) -> None:
    assert told(why(subject, *others)) == ("derived", reason)


def test_while_a_claim_is_not_in_order_older_words_of_the_scheduler_do_not_count() -> None:
    assert why(pod("train", "gpu", says="0/1 nodes are available: 1 x.")).source == "derived"


def test_a_pod_whose_claims_are_in_order_waits_for_the_scheduler() -> None:
    subject = pod("train", ENTRY, made=made())
    assert told(why(subject, claim("train-gpu", owner=owned_by(subject)), TEMPLATE)) == (
        "derived",
        "not tried by the scheduler yet",
    )


def test_an_entry_for_which_no_claim_is_needed_is_in_order() -> None:
    assert told(why(pod("train", ENTRY, made={"gpu": ""}), TEMPLATE))[1] == "not tried by the scheduler yet"


@pytest.mark.parametrize(
    ("subject", "unknown", "reason"),
    [
        (pod("train", "gpu"), "resourceclaims", "not tried by the scheduler yet"),
        (pod("train", ENTRY), "resourceclaimtemplates", "claim for gpu not created yet"),
        (pod("train", ENTRY, made=made()), "resourceclaims", "not tried by the scheduler yet"),
        (pod("train", node="node-1", phase="Pending"), "nodes", "node node-1 has not started it"),
    ],
)
def test_what_we_may_not_see_is_not_called_absent(subject: Pod, unknown: str, reason: str) -> None:
    assert told(why(subject, unknown=[unknown])) == ("derived", reason)


def test_a_device_that_cannot_be_bound_yet_is_waited_for() -> None:
    subject = pod("train", "gpu")
    result = Result("gpu", DRIVER, "node-1", "gpu-0", binding_conditions=("attached", "cabled"))
    attached = DeviceStatus(
        DRIVER, "node-1", "gpu-0", (Condition("attached", "True"), Condition("cabled", "False"))
    )
    reserved = claim("gpu", result, pods=[subject], device_status=(attached,))
    assert told(why(subject, reserved)) == (
        "derived",
        "device gpu-0 is not ready to bind: waits for cabled",
    )


# --- an event says it ---------------------------------------------------------------------------------

NO_TEMPLATE = 'PodResourceClaim gpu: resource claim template "h100": not found'


def test_the_claim_controllers_warning_says_why_there_is_no_claim() -> None:
    subject = pod("train", ENTRY)
    assert told(why(subject, warning(subject, "FailedResourceClaimCreation", NO_TEMPLATE))) == (
        "event",
        NO_TEMPLATE,
    )


@pytest.mark.parametrize(
    ("says", "brief"),
    [
        (NO_TEMPLATE, 'resource claim template "h100": not found'),
        (
            'PodResourceClaim gpu: resource claim template "h100": resourceclaimtemplate.resource.k8s.io "h100" '
            "not found",
            'resource claim template "h100": not found',
        ),
        (
            'PodResourceClaim gpu: create ResourceClaim : resourceclaims.resource.k8s.io "train-gpu-" is forbidden: '
            "exceeded quota: devices",
            "a claim is forbidden: exceeded quota: devices",
        ),
    ],
)
def test_a_cell_has_of_the_claim_controllers_warning_what_it_does_not_repeat(says: str, brief: str) -> None:
    subject = pod("train", ENTRY)
    found = why(subject, warning(subject, "FailedResourceClaimCreation", says))
    assert (found.brief, found.reason) == (brief, says)


def test_a_warning_about_another_entry_is_no_reason() -> None:
    subject = pod("train", ENTRY)
    other = warning(subject, "FailedResourceClaimCreation", "PodResourceClaim nic: exceeded quota")
    assert told(why(subject, other, TEMPLATE)) == ("derived", "claim for gpu not created yet")


def test_a_warning_that_is_overcome_is_no_reason() -> None:
    subject = pod("train", ENTRY, made=made())
    own = claim("train-gpu", owner=owned_by(subject), deleted=NOW)
    old = warning(subject, "FailedResourceClaimCreation", NO_TEMPLATE, minutes_ago=30)
    assert told(why(subject, own, old, TEMPLATE)) == ("derived", "claim train-gpu is being deleted")


def test_a_warning_about_an_earlier_pod_of_the_name_is_no_reason() -> None:
    subject = pod("train", ENTRY)
    earlier = warning(pod("train", uid="earlier"), "FailedResourceClaimCreation", NO_TEMPLATE)
    assert why(subject, earlier, TEMPLATE).source == "derived"


STARTING = pod("train", "gpu", node="node-1", phase="Pending")
READY = Node(name="node-1", ready="True")


def test_kubelets_newest_warning_says_why_a_bound_pod_does_not_start() -> None:
    words = "Failed to prepare dynamic resources: prepare dynamic resources: DRA driver d is not registered"
    old = warning(STARTING, "FailedPrepareDynamicResources", "older", minutes_ago=9, name="old")
    new = warning(STARTING, "FailedPrepareDynamicResources", words, name="new")
    assert told(why(STARTING, READY, new, old)) == ("event", words)


@pytest.mark.parametrize(
    ("subject", "nodes", "reason"),
    [
        (STARTING, [READY], "node node-1 has not started it"),
        (STARTING, [], "node node-1 does not exist"),
        (STARTING, [Node(name="node-1", ready="False")], "node node-1 is not ready"),
        (
            pod(
                "train",
                node="node-1",
                phase="Pending",
                containers=(Container("main", waiting="ImagePullBackOff"),),
            ),
            [READY],
            "container main: ImagePullBackOff on node node-1",
        ),
    ],
)
def test_a_bound_pod_waits_for_its_node(subject: Pod, nodes: list[Node], reason: str) -> None:
    assert told(why(subject, *nodes)) == ("derived", reason)


@pytest.mark.parametrize("phase", ["Running", "Succeeded", "Failed", "Unknown", ""])
def test_only_a_pending_pod_waits(phase: str) -> None:
    subject = pod("train", "gpu", phase=phase or "Running")
    assert waiting(store(subject), subject) is None
