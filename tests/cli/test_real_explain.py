"""`dratui explain` beside the real scheduler, on the real control plane with every scenario."""

import asyncio

import pytest

from dratui.api.model import ObjectKey
from dratui.api.streams import STREAMS
from dratui.cli.reading import once
from dratui.cluster.store import Store
from dratui.kube.options import Options
from dratui.why.answer import Answer, answer, by_node
from dratui.why.question import about_pod
from tests.cli.commands import dratui
from tests.realparts import scenarios
from tests.realparts.controlplane import ControlPlane


@pytest.fixture(scope="module")
def answers(all_scenarios: ControlPlane) -> dict[ObjectKey, Answer]:
    """Of every pod that waits."""
    options = Options(kubeconfig=str(all_scenarios.kubeconfig("viewer")))
    store, about, _ = asyncio.run(once(tuple(STREAMS), options, None, ""))
    return {
        key: _answer(store, key, about.server_version)
        for key, pod in store.pods.items()
        if pod.phase == "Pending" and not pod.node
    }


def _answer(store: Store, key: ObjectKey, version: str) -> Answer:
    question = about_pod(store, store.pods[key], version)
    return answer(store, question, list(by_node(store, question)))


def test_we_and_the_scheduler_never_disagree(answers: dict[ObjectKey, Answer]) -> None:
    wrong = {
        f"{key.namespace}/{key.name}": (found.conflict, found.waiting and found.waiting.reason)
        for key, found in answers.items()
        if found.agrees is False
    }
    assert wrong == {}
    assert sum(found.agrees is True for found in answers.values()) >= MOST_AGREE


MOST_AGREE = 15


def test_what_the_scheduler_calls_unschedulable_fits_nowhere(answers: dict[ObjectKey, Answer]) -> None:
    for pod in scenarios.pods("waiting"):
        found = answers.get(ObjectKey(pod.namespace, pod.name))
        if found is not None and found.agrees:
            assert found.verdict in ("does not fit", "error"), pod.name


def test_every_pod_of_waiting_is_told_in_these_words(answers: dict[ObjectKey, Answer]) -> None:
    told = {
        key.name: (found.verdict, *((g.cause, g.nearest.node, g.nearest.detail) for g in found.groups[:1]))
        for key, found in answers.items()
        if key.namespace == "waiting"
    }
    assert told == TOLD


def test_a_person_reads_it(all_scenarios: ControlPlane) -> None:
    done = dratui(
        *("--kubeconfig", str(all_scenarios.kubeconfig("viewer"))),
        *("explain", "pod", "counters-short", "-n", "waiting"),
        home=all_scenarios.path,
    )
    assert (done.status, done.err) == (0, "")
    assert "Our reading agrees." in done.lines


TOLD = {
    "all-constraint": (
        "error",
        (
            "error",
            "waiting-1",
            "claim waiting/all-constraint, request device: cannot add device "
            "pair.example.com/waiting-1/dev-1 because a claim constraint would not be satisfied",
        ),
    ),
    "all-in-use": (
        "does not fit",
        ("held", "waiting-1", "0 of 1 wanted; 1 device: held by claim waiting/busy-holder of busy-holder"),
    ),
    "all-of-incomplete": (
        "error",
        (
            "error",
            "waiting-4",
            "claim waiting/all-of-incomplete, request device: asks for all devices, but resource "
            "pool rollout.example.com/waiting-4 is currently being updated",
        ),
    ),
    "all-of-invalid": (
        "error",
        (
            "error",
            "waiting-5",
            "claim waiting/all-of-invalid, request device: asks for all devices, but resource pool "
            "broken.example.com/waiting-5 is currently invalid",
        ),
    ),
    "binding": ("fits", ("fits", "waiting-1", "")),
    "capacity-short": (
        "does not fit",
        ("capacity", "waiting-1", "0 of 1 wanted; 1 device: memory: 30Gi wanted, 20Gi of 80Gi left"),
    ),
    "cel-error": (
        "error",
        (
            "error",
            "waiting-1",
            "claim waiting/cel-error: selector #0: CEL runtime error: no such key: absent",
        ),
    ),
    "claim-deleting": ("not tried", ("fits", "waiting-1", "")),
    "claim-missing": ("not tried",),
    "class-missing": (
        "error",
        (
            "error",
            "a100-1",
            "claim waiting/class-missing, request device: could not retrieve device class "
            'absent.example.com: deviceclass.resource.k8s.io "absent.example.com" not found',
        ),
    ),
    "constraint": (
        "does not fit",
        (
            "constraint",
            "waiting-1",
            "enough devices, but no choice of them is right in pair.example.com/numaNode",
        ),
    ),
    "counters-short": (
        "does not fit",
        ("counters", "waiting-1", "0 of 1 wanted; 1 device: what its card has to share is used up"),
    ),
    "cpu-short": (
        "does not fit",
        ("resources", "waiting-1", "Insufficient cpu: 300 wanted, 16 of 16 left; its claims would fit"),
    ),
    "device-tainted": (
        "does not fit",
        ("taint", "waiting-1", "0 of 1 wanted; 1 device: tainted sick.example.com/xid=79:NoSchedule"),
    ),
    "driver-absent": (
        "does not fit",
        (
            "pool incomplete",
            "waiting-4",
            "pool rollout.example.com/waiting-4 is being published; 0 of 1 wanted from the others",
        ),
    ),
    "elsewhere": (
        "does not fit",
        ("elsewhere", "waiting-2", "claim elsewhere has its devices on node waiting-1"),
    ),
    "extended-short": ("does not fit", ("too few", "waiting-1", "1 of 2 wanted; there are no more here")),
    "gated": ("not tried", ("fits", "waiting-1", "")),
    "no-alternative": (
        "does not fit",
        (
            "selector",
            "waiting-1",
            '0 of 1 wanted; 1 device: model = small: device.attributes["model.example.com"].model == "large"',
        ),
    ),
    "no-such-node": (
        "does not fit",
        (
            "node affinity",
            "a100-1",
            "node selector example.com/disk=fast: the node has no label example.com/disk",
        ),
    ),
    "node-tainted": (
        "does not fit",
        (
            "node affinity",
            "a100-1",
            "node selector kubernetes.io/hostname=waiting-3: the node has kubernetes.io/hostname=a100-1",
        ),
    ),
    "not-owner": ("not tried", ("fits", "waiting-1", "")),
    "nothing-matches": (
        "does not fit",
        (
            "selector",
            "waiting-1",
            '0 of 1 wanted; 1 device: model = small: device.attributes["model.example.com"].model == "large"',
        ),
    ),
    "pool-incomplete": (
        "does not fit",
        (
            "pool incomplete",
            "waiting-4",
            "pool rollout.example.com/waiting-4 is being published; 0 of 1 wanted from the others",
        ),
    ),
    "pool-invalid": (
        "does not fit",
        (
            "pool incomplete",
            "waiting-4",
            "pool rollout.example.com/waiting-4 is being published; 0 of 1 wanted from the others",
        ),
    ),
    "rule-tainted": (
        "does not fit",
        ("taint", "waiting-1", "0 of 1 wanted; 1 device: tainted example.com/repair=planned:NoSchedule"),
    ),
    "template-missing": ("not tried",),
    "too-many": (
        "error",
        (
            "error",
            "a100-1",
            "claim waiting/too-many: number of requested devices 33 exceeds the claim limit of 32",
        ),
    ),
}
