"""The scenarios of tests/scenarios: applied in the order that a cluster needs, and when they have come to rest."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from tests.realparts import stand_ins
from tests.realparts.controlplane import ControlPlane
from tests.realparts.releases import USUAL, Release

FOLDER = Path(__file__).parent.parent / "scenarios"
NAMES = (
    *("example-driver", "llm-d", "nvidia", "both-worlds", "waiting", "partitions", "shares", "leaving"),
    *("reported", "overlaid", "fabric", "newest"),
)

SETTLE_TIMEOUT = 60.0

Document = dict[str, Any]


@dataclass(frozen=True)
class ScenarioPod:
    """A pod of a scenario and what shall become of it: it runs, or it waits for what `reason` matches.

    `source`: who says the reason: "scheduler", "event" or "derived" (nobody does); None for a pod that runs.
    """

    namespace: str
    name: str
    source: str | None
    reason: re.Pattern[str]


def pods(name: str, release: Release = USUAL) -> list[ScenarioPod]:
    """The pods of a scenario, as its YAML has them, without what the release cannot do."""
    return [_pod(document) for document in _documents(name, release) if document["kind"] == "Pod"]


def apply(plane: ControlPlane, *names: str) -> None:
    """Apply scenarios (all, if none is named) and see to what YAML alone cannot say."""
    for name in names or NAMES:
        documents = _documents(name, plane.release)
        namespaces = [each for each in documents if each["kind"] == "Namespace"]
        nodes = [each for each in documents if each["kind"] == "Node"]
        its_pods = [each for each in documents if each["kind"] == "Pod"]
        kinds = [each for each in documents if each["kind"] == "CustomResourceDefinition"]
        first = [*namespaces, *nodes, *kinds]
        _apply(plane, first)
        for each in kinds:
            plane.kubectl("wait", "--for=condition=Established", f"crd/{each['metadata']['name']}")
        _apply(plane, [each for each in documents if each not in first and each not in its_pods])
        for namespace in namespaces:
            plane.wait_for_namespace(namespace["metadata"]["name"])
        if nodes:
            _wait_ready(plane, [node["metadata"]["name"] for node in nodes])
        if its_pods:
            _APPLY_PODS.get(name, _create_in_turn)(plane, its_pods)


def settled(plane: ControlPlane, *names: str) -> None:
    """Wait until every pod of the scenarios runs, or waits for the reason that its annotation tells."""
    expected = [pod for name in names or NAMES for pod in pods(name, plane.release)]
    plane.wait(lambda: _all_as_expected(plane, expected), SETTLE_TIMEOUT, "the scenarios to settle")


def mismatch(plane: ControlPlane, expected: Sequence[ScenarioPod]) -> list[str]:
    """What is not yet, or not, as the scenario says; one line a pod."""
    live = {_key(pod): pod for pod in plane.objects("pods", "-A")}
    events = plane.objects("events", "-A")
    lines = []
    for pod in expected:
        found = live.get((pod.namespace, pod.name))
        complaint = "does not exist" if found is None else _complaint(pod, found, events)
        if complaint:
            lines.append(f"{pod.namespace}/{pod.name}: {complaint}")
    return lines


def _all_as_expected(plane: ControlPlane, expected: Sequence[ScenarioPod]) -> bool:
    lines = mismatch(plane, expected)
    assert not lines, "\n".join(lines)
    return True


def _complaint(pod: ScenarioPod, live: Document, events: Sequence[Document]) -> str:
    phase = live["status"]["phase"]
    if pod.source is None:
        return "" if phase == "Running" else f"shall run and is {phase}"
    if phase != "Pending":
        return f"shall wait and is {phase}"
    said = _scheduler_says(live)
    match pod.source:
        case "scheduler":
            words = [said or ""]
        case "event":
            uid = live["metadata"]["uid"]
            words = [event["message"] for event in events if event["involvedObject"].get("uid") == uid]
        case _:
            return f"shall be silent, but the scheduler says {said}" if said else ""
    return "" if any(map(pod.reason.search, words)) else f"no {pod.reason.pattern!r} in {words}"


def _scheduler_says(live: Document) -> str | None:
    condition = _scheduled(live)
    return condition.get("message") if condition else None


def _scheduled(live: Document) -> Document | None:
    """What the scheduler has told of the pod; None until it has tried it."""
    conditions = live["status"].get("conditions", ())
    return next((each for each in conditions if each["type"] == "PodScheduled"), None)


def _documents(name: str, release: Release) -> list[Document]:
    every = list(yaml.safe_load_all((FOLDER / f"{name}.yaml").read_text()))
    left_out = [each for each in every if any(word in json.dumps(each) for word in release.without)]
    claims = {_key(each) for each in left_out if each["kind"] in ("ResourceClaim", "ResourceClaimTemplate")}
    left_out += [each for each in every if claims.intersection(_claims_named_by(each))]
    return [each for each in every if each not in left_out]


def _claims_named_by(document: Document) -> Iterator[tuple[str, str]]:
    for claim in document.get("spec", {}).get("resourceClaims", ()):
        name = claim.get("resourceClaimName") or claim.get("resourceClaimTemplateName", "")
        yield document["metadata"]["namespace"], name


def _pod(document: Document) -> ScenarioPod:
    notes = document["metadata"].get("annotations", {})
    reason = re.compile(notes.get("dratui.test/reason", ""))
    return ScenarioPod(*_key(document), source=notes.get("dratui.test/source"), reason=reason)


def _key(document: Document) -> tuple[str, str]:
    return document["metadata"]["namespace"], document["metadata"]["name"]


def _apply(plane: ControlPlane, documents: Sequence[Document]) -> None:
    # kubectl would take the files as they are; this way it also gets the order and the version.
    texts = [{**each, "apiVersion": plane.release.api_version(each)} for each in documents]
    if texts:
        plane.apply(yaml.safe_dump_all(texts, sort_keys=False))


def _create_in_turn(plane: ControlPlane, its_pods: Sequence[Document]) -> None:
    """One pod after the other, so that each cluster gives the same devices to the same pods."""
    for document in its_pods:
        look = plane.create_pod(document)
        if _pod(document).source in (None, "scheduler"):
            name = "/".join(_key(document))
            plane.wait(partial(_tried, look), SETTLE_TIMEOUT, f"the scheduler to try {name}")


def _tried(look: Callable[[], Document]) -> bool:
    return _scheduled(look()) is not None


def _wait_ready(plane: ControlPlane, nodes: Sequence[str]) -> None:
    plane.kubectl("wait", "--for=condition=Ready", "--timeout=60s", *(f"node/{name}" for name in nodes))


# What YAML alone cannot say


def _apply_waiting(plane: ControlPlane, its_pods: Sequence[Document]) -> None:
    plane.kubectl("delete", "resourceclaim", "claim-deleting", "-n", "waiting", "--wait=false")
    _apply(plane, its_pods)
    _name_a_foreign_claim(plane)
    _fail_to_prepare(plane)


def _name_a_foreign_claim(plane: ControlPlane) -> None:
    claims = [{"name": "device", "resourceClaimName": "not-owner"}]
    patch = json.dumps({"status": {"resourceClaimStatuses": claims}})
    plane.kubectl(
        "patch", "pod", "not-owner", "-n", "waiting", "--subresource=status", "--type=merge", "-p", patch
    )


def _fail_to_prepare(plane: ControlPlane) -> None:
    """Say what kubelet says when a driver has not registered: there is no kubelet here to say it."""

    def scheduled() -> Document | None:
        every = plane.objects("pods", "-n", "waiting", "--field-selector=metadata.name=driver-not-registered")
        return next((pod for pod in every if pod["spec"].get("nodeName")), None)

    pod = plane.wait(scheduled, SETTLE_TIMEOUT, "the pod driver-not-registered to be scheduled")
    assert pod is not None
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    node, metadata = pod["spec"]["nodeName"], pod["metadata"]
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"namespace": "waiting", "name": f"driver-not-registered.{metadata['uid'][:8]}"},
        "involvedObject": {
            "apiVersion": "v1",
            "kind": "Pod",
            **{key: metadata[key] for key in ("namespace", "name", "uid", "resourceVersion")},
        },
        "type": "Warning",
        "reason": "FailedPrepareDynamicResources",
        "message": "Failed to prepare dynamic resources: prepare dynamic resources: "
        "DRA driver unregistered.example.com is not registered",
        "source": {"component": "kubelet", "host": node},
        "reportingComponent": "kubelet",
        "reportingInstance": node,
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }
    _apply(plane, [event])


def _apply_shares(plane: ControlPlane, its_pods: Sequence[Document]) -> None:
    """Report the state of a share as its driver would: there is none here."""
    _apply(plane, its_pods)

    def allocated() -> Document | None:
        every = plane.objects("resourceclaims", "-n", "shares", "--field-selector=metadata.name=rounded")
        allocations = (claim.get("status", {}).get("allocation") for claim in every)
        results = (result for each in allocations if each for result in each["devices"]["results"])
        return next(results, None)

    result = plane.wait(allocated, SETTLE_TIMEOUT, "the claim rounded to be allocated")
    assert result is not None
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    status = {
        **{key: result[key] for key in ("driver", "pool", "device", "shareID")},
        "conditions": [
            {
                "type": "Ready",
                "status": "False",
                "reason": "Cable",
                "message": "no link",
                "lastTransitionTime": now,
            }
        ],
        "networkData": {"interfaceName": "eth1", "ips": ["10.0.0.7/24"]},
    }
    patch = json.dumps({"status": {"devices": [status]}})
    plane.kubectl(
        *("patch", "resourceclaim", "rounded", "-n", "shares", "--subresource=status", "--type=merge"),
        *("-p", patch),
    )


def _apply_leaving(plane: ControlPlane, its_pods: Sequence[Document]) -> None:
    """Delete one pod after its driver went from the node, and kubelet deleted its slices; have the other evicted."""
    _apply(plane, its_pods)
    plane.kubectl("wait", "--for=condition=Ready", "--timeout=60s", "pod", "--all", "-n", "leaving")
    plane.kubectl(
        *("annotate", "pod", "stays", "evicted", "-n", "leaving"), "dratui.test/kubelet=cannot-unprepare"
    )
    plane.kubectl("delete", "resourceslice", "leaving-1-left.example.com")
    plane.kubectl("delete", "pod", "stays", "-n", "leaving", "--wait=false")
    rule = {
        "apiVersion": "resource.k8s.io/v1beta2",
        "kind": "DeviceTaintRule",
        "metadata": {"name": "evicts"},
        "spec": {
            "deviceSelector": {"driver": "evicted.example.com"},
            "taint": {"key": "example.com/repair", "effect": "NoExecute"},
        },
    }
    _apply(plane, [rule])

    def evicted() -> bool:
        every = plane.objects("pods", "-n", "leaving", "--field-selector=metadata.name=evicted")
        return "deletionTimestamp" in every[0]["metadata"]

    plane.wait(evicted, SETTLE_TIMEOUT, "the pod evicted to be evicted")


_APPLY_PODS: Mapping[str, Callable[[ControlPlane, Sequence[Document]], None]] = {
    "waiting": _apply_waiting,
    "shares": _apply_shares,
    "leaving": _apply_leaving,
    "reported": stand_ins.report,
    "newest": stand_ins.newest,
    "groups": _apply,  # the scheduler tries none of a gang before all are there
}
