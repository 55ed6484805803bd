"""A cluster of any size, as the bodies that an API server would send.

Objects are as large as real ones (a claim 2 KB, a pod 5.5 KB, a slice of eight GPUs 5.6 KB: the corpus of the
measurements in the design), and refer to each other as real ones do, so that joining them is real work.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

PAGE = 500  # what dratui asks for

CORE, DRA = "/api/v1", "/apis/resource.k8s.io/v1"
EMPTY = (
    f"{CORE}/events",
    f"{CORE}/resourcequotas",
    f"{DRA}/resourceclaimtemplates",
)


def path_of(kind: str) -> str:
    """Where a kind, in its plural, is listed."""
    return f"{DRA if kind.startswith(('resource', 'device')) else CORE}/{kind}"


@dataclass(frozen=True)
class Size:
    nodes: int
    devices: int  # on each node
    claims: int
    pods: int


def lists(size: Size) -> Mapping[str, Sequence[bytes]]:
    """The pages of every kind, by path."""
    kinds = {
        f"{DRA}/resourceslices": map(slice_, range(size.nodes), [size.devices] * size.nodes),
        f"{DRA}/resourceclaims": (claim(n, size) for n in range(size.claims)),
        f"{DRA}/deviceclasses": iter([json.dumps(_CLASS)]),
        f"{CORE}/nodes": map(node, range(size.nodes)),
        f"{CORE}/namespaces": map(namespace, range(NAMESPACES)),
        f"{CORE}/pods": (pod(n, size) for n in range(size.pods)),
        **{path: iter(()) for path in EMPTY},
    }
    return {path: list(_pages(list(objects))) for path, objects in kinds.items()}


def _pages(objects: Sequence[str]) -> Iterator[bytes]:
    """`continue` is the number of the next page."""
    starts = range(0, len(objects), PAGE) or range(1)
    for number, start in enumerate(starts):
        items = objects[start : start + PAGE]
        left = len(objects) - start - len(items)
        meta = {"resourceVersion": "1000"}
        if left:
            meta |= {"continue": str(number + 1), "remainingItemCount": left}  # type: ignore[dict-item]
        yield f'{{"kind":"List","apiVersion":"v1","metadata":{json.dumps(meta)},"items":[{",".join(items)}]}}'.encode()


def claim(n: int, size: Size, *, version: int = 1) -> str:
    """The n-th claim: a device each, as far as there are devices; the others wait."""
    held = n < size.nodes * size.devices
    node_, device = divmod(n, size.devices)
    text = _CLAIM if held else _PENDING_CLAIM
    return (
        text.replace("NUMBER", f"{n:06}")
        .replace("NAMESPACE", f"team-{n % NAMESPACES:02}")
        .replace("NODE", f"node-{node_:05}")
        .replace("DEVICE", f"gpu-{device}")
        .replace("VERSION", str(version))
    )


def changes(size: Size, most: int) -> list[bytes]:
    """Lines of a watch, to be told again and again: claims lose their devices, then get them back."""
    nobody = Size(nodes=0, devices=size.devices, claims=0, pods=0)
    some = range(min(most, size.claims))
    texts = [claim(n, nobody) for n in some] + [claim(n, size) for n in some]
    return [f'{{"type":"MODIFIED","object":{text}}}'.encode() for text in texts]


def pod(n: int, size: Size) -> str:
    """The n-th pod: of the first ones each has the claim of its number, the others have none."""
    with_claim = n < size.claims
    node_ = n // size.devices if with_claim else n
    waits = with_claim and n >= size.nodes * size.devices
    text = _PENDING_POD if waits else _POD if with_claim else _PLAIN_POD
    return (
        text.replace("NUMBER", f"{n:06}")
        .replace("NAMESPACE", f"team-{n % NAMESPACES:02}")
        .replace("NODE", f"node-{node_ % size.nodes:05}")
    )


def node(n: int) -> str:
    """The n-th node."""
    return _NODE.replace("NODE", f"node-{n:05}")


def namespace(n: int) -> str:
    """The n-th tenant."""
    return json.dumps({"metadata": _metadata(f"team-{n:02}"), "status": {"phase": "Active"}})


def gpu_uuid(node_: int, device: int) -> str:
    """Of the device-th GPU of the n-th node."""
    return f"GPU-{node_:08x}-0000-0000-0000-{device:012x}"


def slice_(n: int, devices: int) -> str:
    """The slice of the n-th node."""
    node_ = f"node-{n:05}"
    return json.dumps(
        {
            "metadata": _metadata(f"{node_}-gpu.nvidia.com-abcde"),
            "spec": {
                "driver": "gpu.nvidia.com",
                "nodeName": node_,
                "pool": {"name": node_, "generation": 1, "resourceSliceCount": 1},
                "devices": [_device(n, d) for d in range(devices)],
            },
        }
    )


NAMESPACES = 40  # the first has every 40th claim
_MANAGED = [
    {
        "manager": "kube-scheduler",
        "operation": "Update",
        "apiVersion": "v1",
        "time": "2026-01-01T00:00:00Z",
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:metadata": {f"f:label-{n}": {} for n in range(30)}},
    }
]


def _metadata(name: str, namespace: str = "", **more: Any) -> dict[str, Any]:
    where = {"namespace": namespace} if namespace else {}
    return {
        "name": name,
        **where,
        "uid": f"11111111-2222-3333-4444-{namespace}-{name}",
        "resourceVersion": "VERSION",
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "labels": {"app": "training", "team": "platform"},
        "managedFields": _MANAGED,
        **more,
    }


def _device(node_: int, device: int) -> dict[str, Any]:
    strings = {
        "type": "gpu",
        "uuid": gpu_uuid(node_, device),
        "productName": "NVIDIA H100 80GB HBM3",
        "brand": "Nvidia",
        "architecture": "Hopper",
        "resource.kubernetes.io/pciBusID": f"0000:{device:02x}:00.0",
        "resource.kubernetes.io/pcieRoot": f"pci0000:{device:02x}",
    }
    versions = {"cudaComputeCapability": "9.0.0", "driverVersion": "595.58.3", "cudaDriverVersion": "13.2.0"}
    attributes = {key: {"string": value} for key, value in strings.items()}
    attributes |= {key: {"version": value} for key, value in versions.items()}
    return {"name": f"gpu-{device}", "attributes": attributes, "capacity": {"memory": {"value": "81559Mi"}}}


_CLASS = {"metadata": _metadata("gpu.nvidia.com"), "spec": {"selectors": []}}

_CLAIM_SPEC = {
    "devices": {
        "requests": [
            {
                "name": "gpu",
                "exactly": {"deviceClassName": "gpu.nvidia.com", "allocationMode": "ExactCount", "count": 1},
            }
        ]
    }
}
_PENDING: dict[str, Any] = {
    "metadata": _metadata(
        "claim-NUMBER",
        "NAMESPACE",
        ownerReferences=[
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "name": "pod-NUMBER",
                "uid": "pod-uid-NUMBER",
                "controller": True,
            }
        ],
    ),
    "spec": _CLAIM_SPEC,
    "status": {},
}
_HELD = _PENDING | {
    "status": {
        "allocation": {
            "devices": {
                "results": [
                    {"request": "gpu", "driver": "gpu.nvidia.com", "pool": "NODE", "device": "DEVICE"}
                ]
            },
            "nodeSelector": {
                "nodeSelectorTerms": [
                    {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["NODE"]}]}
                ]
            },
        },
        "reservedFor": [{"resource": "pods", "name": "pod-NUMBER", "uid": "pod-uid-NUMBER"}],
    }
}
_CLAIM, _PENDING_CLAIM = json.dumps(_HELD), json.dumps(_PENDING)


def _a_pod(*, claims: bool, runs: bool) -> dict[str, Any]:
    conditions = [
        {"type": kind, "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}
        for kind in ("PodScheduled", "PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady")
    ]
    refused = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": "0/1000 nodes are available: 1000 cannot allocate all claims. still not schedulable, preemption: "
        "0/1000 nodes are available: 1000 Preemption is not helpful for scheduling.",
    }
    container = {
        "name": "main",
        "image": "registry.example.com/team/training:1.2.3",
        "env": [{"name": f"VARIABLE_{n}", "value": "a value of some length"} for n in range(25)],
        "resources": {"limits": {"cpu": "8", "memory": "64Gi"}, "requests": {"cpu": "8", "memory": "64Gi"}},
        "volumeMounts": [{"name": f"volume-{n}", "mountPath": f"/var/lib/volume-{n}"} for n in range(5)],
    }
    reference = {
        "resourceClaims": [{"name": "gpu", "resourceClaimTemplateName": "gpu"}],
    }
    status = {"resourceClaimStatuses": [{"name": "gpu", "resourceClaimName": "claim-NUMBER"}]}
    return {
        "metadata": _metadata("pod-NUMBER", "NAMESPACE") | {"uid": "pod-uid-NUMBER"},
        "spec": {
            "containers": [container],
            **(reference if claims else {}),
            **({"nodeName": "NODE"} if runs else {}),
        },
        "status": {
            "phase": "Running" if runs else "Pending",
            "conditions": conditions if runs else [refused],
            **(status if claims else {}),
        },
    }


_POD = json.dumps(_a_pod(claims=True, runs=True))
_PENDING_POD = json.dumps(_a_pod(claims=True, runs=False))
_PLAIN_POD = json.dumps(_a_pod(claims=False, runs=True))
_NODE = json.dumps(
    {
        "metadata": _metadata("NODE"),
        "spec": {},
        "status": {
            "allocatable": {"cpu": "192", "memory": "2Ti", "pods": "110"},
            "conditions": [{"type": "Ready", "status": "True"}],
            "nodeInfo": {"kubeletVersion": "v1.36.3"},
            "images": [{"names": [f"registry.example.com/image-{n}"], "sizeBytes": 1000} for n in range(30)],
        },
    }
)
