"""One slice, one claim and one template as every served version of resource.k8s.io puts them on the wire."""

import copy
from collections.abc import Callable, Mapping
from typing import Any

Json = dict[str, Any]

_METADATA = {
    "uid": "5b1b7c2e",
    "resourceVersion": "41",
    "creationTimestamp": "2026-03-01T11:00:00Z",
    "labels": {"b": "2", "a": "1"},
}
_REQUESTS = [
    {
        "name": "gpu",
        "exactly": {
            "deviceClassName": "gpu.nvidia.com",
            "selectors": [{"cel": {"expression": "device.driver == 'gpu.nvidia.com'"}}],
            "allocationMode": "ExactCount",
            "count": 2,
            "adminAccess": True,
            "tolerations": [
                {"key": "xid", "operator": "Exists", "effect": "NoSchedule", "tolerationSeconds": 60}
            ],
            "capacity": {"requests": {"memory": "10Gi"}},
            "derivedAttributes": [{"name": "gpu.nvidia.com/numa", "expression": "0"}],
        },
    },
    {
        "name": "any",
        "firstAvailable": [
            {"name": "big", "deviceClassName": "h200", "allocationMode": "All"},
            {"name": "small", "deviceClassName": "h100", "allocationMode": "ExactCount", "count": 2},
        ],
    },
]
_SPEC = {
    "devices": {
        "requests": _REQUESTS,
        "constraints": [{"requests": ["gpu"], "matchAttribute": "gpu.nvidia.com/numa"}],
        "config": [{"opaque": {"driver": "gpu.nvidia.com", "parameters": {"kind": "GpuConfig"}}}],
    }
}

SLICE: Json = {
    "apiVersion": "resource.k8s.io/v1",
    "kind": "ResourceSlice",
    "metadata": {"name": "node-1-gpu", **_METADATA},
    "spec": {
        "driver": "gpu.nvidia.com",
        "nodeName": "node-1",
        "pool": {"name": "node-1", "generation": 7, "resourceSliceCount": 2},
        "skipNodeOperations": ["*"],
        "devices": [
            {
                "name": "gpu-0",
                "attributes": {
                    "productName": {"string": "NVIDIA H100"},
                    "driverVersion": {"version": "580.1.0"},
                    "minor": {"int": 3},
                    "mig": {"bool": False},
                    "peers": {"strings": ["gpu-1", "gpu-2"]},
                },
                "capacity": {"memory": {"value": "80Gi"}, "cores": {"value": "132"}},
                "taints": [
                    {"key": "xid", "value": "79", "effect": "NoExecute", "timeAdded": "2026-03-01T11:30:00Z"}
                ],
                "consumesCounters": [
                    {
                        "counterSet": "card",
                        "counters": {"slices": {"value": "7"}},
                        "compatibilityGroups": ["mig"],
                    }
                ],
                "bindsToNode": True,
                "bindingConditions": ["attached"],
                "bindingFailureConditions": ["failed"],
                "allowMultipleAllocations": True,
            }
        ],
    },
}

CLAIM: Json = {
    "apiVersion": "resource.k8s.io/v1",
    "kind": "ResourceClaim",
    "metadata": {
        "namespace": "ml-team",
        "name": "train-gpu",
        "annotations": {"resource.kubernetes.io/pod-claim-name": "gpu"},
        "ownerReferences": [
            {"apiVersion": "v1", "kind": "Pod", "name": "train", "uid": "pod-uid", "controller": True}
        ],
        "finalizers": ["resource.kubernetes.io/delete-protection"],
        **_METADATA,
    },
    "spec": _SPEC,
    "status": {
        "allocation": {
            "devices": {
                "results": [
                    {
                        "request": "any/small",
                        "driver": "gpu.nvidia.com",
                        "pool": "node-1",
                        "device": "gpu-0",
                        "adminAccess": False,
                        "shareID": "share-1",
                        "consumedCapacity": {"memory": "10Gi"},
                    }
                ]
            },
            "nodeSelector": {
                "nodeSelectorTerms": [
                    {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["node-1"]}]}
                ]
            },
            "allocationTimestamp": "2026-03-01T11:10:00Z",
        },
        "reservedFor": [{"resource": "pods", "name": "train", "uid": "pod-uid"}],
        "devices": [
            {
                "driver": "gpu.nvidia.com",
                "pool": "node-1",
                "device": "gpu-0",
                "shareID": "share-1",
                "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": None}],
                "networkData": {"interfaceName": "eth1", "ips": ["10.0.0.7/24"], "hardwareAddress": None},
            }
        ],
    },
}

TEMPLATE: Json = {
    "apiVersion": "resource.k8s.io/v1",
    "kind": "ResourceClaimTemplate",
    "metadata": {"namespace": "ml-team", "name": "gpu", **_METADATA},
    "spec": {"spec": _SPEC},
}


def _flat(spec: Json) -> None:
    """Before v1beta2 what `exactly` holds stood beside the request's name."""
    for request in spec["devices"]["requests"]:
        request.update(request.pop("exactly", {}))


def _basic(slice_: Json, *, bare: bool) -> None:
    """Before v1beta2 a device was its name and `basic`; in early v1alpha3 a capacity was a bare quantity."""
    for device in slice_["spec"]["devices"]:
        name = device.pop("name")
        basic = dict(device)
        if bare:
            basic["capacity"] = {k: v["value"] for k, v in basic["capacity"].items()}
        device.clear()
        device.update({"name": name, "basic": basic})


def _older(object_: Json, version: str) -> Json:
    old = copy.deepcopy(object_)
    old["apiVersion"] = f"resource.k8s.io/{version}"
    match old["kind"]:
        case "ResourceSlice":
            _basic(old, bare=version == "v1alpha3")
        case "ResourceClaim":
            _flat(old["spec"])
        case "ResourceClaimTemplate":
            _flat(old["spec"]["spec"])
    return old


AS: Mapping[str, Callable[[Json], Json]] = {
    "v1": copy.deepcopy,
    "v1beta2": copy.deepcopy,
    "v1beta1": lambda o: _older(o, "v1beta1"),
    "v1alpha3": lambda o: _older(o, "v1alpha3"),
}
"""An object of v1 as another version has it."""
