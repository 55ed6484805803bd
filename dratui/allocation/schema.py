"""What the parts of a manifest may hold that say which devices are wanted: fields and their types, by version.

Of a pod's other fields only the names are known. Source: k8s.io/api/resource and k8s.io/api/core, 1.37.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

Leaf = Literal["text", "whole", "switch", "quantity", "anything"]


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of things that look the same."""

    of: "Shape"


@dataclass(frozen=True, slots=True)
class MapOf:
    """Any keys, values that look the same."""

    of: "Shape"


@dataclass(frozen=True, slots=True)
class Fields:
    """These fields and no others. `elsewhere`: what to write instead of a field that another version has here."""

    known: Mapping[str, "Shape"]
    elsewhere: Mapping[str, str] = field(default_factory=dict)


Shape = Leaf | ListOf | MapOf | Fields

RESOURCE: Final = "resource.k8s.io"
NEW: Final = ("v1", "v1beta2")
OLD: Final = ("v1beta1", "v1alpha3")


def _any(names: str) -> dict[str, Shape]:
    return dict.fromkeys(names.split(), "anything")


_REQUIREMENT: Final = Fields({"key": "text", "operator": "text", "values": ListOf("text")})
_NODE_SELECTOR: Final = Fields(
    {
        "nodeSelectorTerms": ListOf(
            Fields({"matchExpressions": ListOf(_REQUIREMENT), "matchFields": ListOf(_REQUIREMENT)})
        )
    }
)
_TOLERATIONS: Final = ListOf(
    Fields(
        {"key": "text", "operator": "text", "value": "text", "effect": "text", "tolerationSeconds": "whole"}
    )
)
_SELECTORS: Final = ListOf(Fields({"cel": Fields({"expression": "text"})}))
_OPAQUE: Final[Mapping[str, Shape]] = {"opaque": Fields({"driver": "text", "parameters": "anything"})}
_ALTERNATIVE: Final[Mapping[str, Shape]] = {
    "deviceClassName": "text",
    "selectors": _SELECTORS,
    "allocationMode": "text",
    "count": "whole",
    "tolerations": _TOLERATIONS,
    "capacity": Fields({"requests": MapOf("quantity")}),
    "derivedAttributes": ListOf(Fields({"name": "text", "expression": "text"})),
}
_EXACT: Final[Mapping[str, Shape]] = {**_ALTERNATIVE, "adminAccess": "switch"}
_ALTERNATIVES: Final = ListOf(Fields({"name": "text", **_ALTERNATIVE}))
_REQUEST: Final = Fields(
    {"name": "text", "exactly": Fields(_EXACT), "firstAvailable": _ALTERNATIVES},
    {
        name: f"write exactly: {{{name}: …}}; from v1beta2 on it stands under exactly, or in an entry of "
        "firstAvailable"
        for name in _EXACT
    },
)
_OLD_REQUEST: Final = Fields(
    {"name": "text", **_EXACT, "firstAvailable": _ALTERNATIVES},
    {"exactly": "this version has its fields beside name; or write apiVersion: resource.k8s.io/v1"},
)
_CONSTRAINT: Final = Fields(
    {"requests": ListOf("text"), "matchAttribute": "text", "distinctAttribute": "text"}
)


def _claim_spec(request: Fields) -> Fields:
    devices = Fields(
        {
            "requests": ListOf(request),
            "constraints": ListOf(_CONSTRAINT),
            "config": ListOf(Fields({"requests": ListOf("text"), **_OPAQUE})),
        }
    )
    misplaced = {name: f"write devices: {{{name}: …}}" for name in devices.known}
    return Fields({"devices": devices}, misplaced)


_HEAD: Final[Mapping[str, Shape]] = {"apiVersion": "text", "kind": "text", "status": "anything"}
_METADATA: Final = Fields(
    {
        "name": "text",
        "namespace": "text",
        "labels": MapOf("text"),
        "annotations": MapOf("text"),
        **_any(
            "generateName uid resourceVersion generation creationTimestamp deletionTimestamp selfLink "
            "deletionGracePeriodSeconds ownerReferences finalizers managedFields"
        ),
    }
)
_REFERENCE: Final = "since Kubernetes 1.31 this stands beside name, without source"
_CONTAINER: Final = Fields(
    {
        "name": "text",
        "restartPolicy": "text",
        "resources": Fields(
            {
                "claims": ListOf(Fields({"name": "text", "request": "text"})),
                "limits": MapOf("quantity"),
                "requests": MapOf("quantity"),
            }
        ),
        **_any(
            "image command args workingDir ports envFrom env resizePolicy restartPolicyRules volumeMounts "
            "volumeDevices livenessProbe readinessProbe startupProbe lifecycle terminationMessagePath "
            "terminationMessagePolicy imagePullPolicy securityContext stdin stdinOnce tty"
        ),
    },
    {"resourceClaims": "write resources: {claims: [{name: …}]}; spec.resourceClaims says what they are"},
)
_POD_SPEC: Final = Fields(
    {
        "containers": ListOf(_CONTAINER),
        "initContainers": ListOf(_CONTAINER),
        "resourceClaims": ListOf(
            Fields(
                {"name": "text", "resourceClaimName": "text", "resourceClaimTemplateName": "text"},
                {"source": _REFERENCE},
            )
        ),
        "nodeName": "text",
        "nodeSelector": MapOf("text"),
        "tolerations": _TOLERATIONS,
        "affinity": Fields(
            {
                "nodeAffinity": Fields(
                    {
                        "requiredDuringSchedulingIgnoredDuringExecution": _NODE_SELECTOR,
                        "preferredDuringSchedulingIgnoredDuringExecution": "anything",
                    }
                ),
                **_any("podAffinity podAntiAffinity"),
            }
        ),
        "schedulerName": "text",
        "priorityClassName": "text",
        "priority": "whole",
        "preemptionPolicy": "text",
        "schedulingGates": ListOf(Fields({"name": "text"})),
        "overhead": MapOf("quantity"),
        "resources": Fields({"limits": MapOf("quantity"), "requests": MapOf("quantity")}),
        **_any(
            "volumes ephemeralContainers restartPolicy terminationGracePeriodSeconds activeDeadlineSeconds "
            "dnsPolicy serviceAccountName serviceAccount automountServiceAccountToken hostNetwork hostPID "
            "hostIPC shareProcessNamespace securityContext imagePullSecrets hostname subdomain hostAliases "
            "dnsConfig readinessGates runtimeClassName enableServiceLinks "
            "topologySpreadConstraints setHostnameAsFQDN os hostUsers "
            "workloadRef schedulingGroup hostnameOverride evictionResponders"
        ),
    },
    {"claims": "write resourceClaims"},
)
_POD: Final = Fields({**_HEAD, "metadata": _METADATA, "spec": _POD_SPEC})
_TEMPLATE: Final = Fields({"metadata": _METADATA, "spec": _POD_SPEC})


_MISPLACED: Final = {
    name: f"it is the pod's: write template: {{spec: {{{name}: …}}}}"
    for name in ("containers", "initContainers", "resourceClaims", "nodeSelector", "tolerations", "affinity")
}


def _spec(others: str) -> Fields:
    spec: Mapping[str, Shape] = {"template": _TEMPLATE, "selector": "anything", **_any(others)}
    counts: Mapping[str, Shape] = {
        name: "whole" for name in ("replicas", "parallelism", "completions") if name in spec
    }
    return Fields({**spec, **counts}, _MISPLACED)


def _workload(spec: Fields) -> Fields:
    return Fields({**_HEAD, "metadata": _METADATA, "spec": spec})


_JOB: Final = _spec(
    "parallelism completions activeDeadlineSeconds podFailurePolicy successPolicy backoffLimit "
    "backoffLimitPerIndex maxFailedIndexes manualSelector ttlSecondsAfterFinished completionMode suspend "
    "podReplacementPolicy managedBy scheduling"
)
_CRON_JOB: Final = Fields(
    {
        "jobTemplate": Fields({"metadata": _METADATA, "spec": _JOB}),
        **_any(
            "schedule timeZone startingDeadlineSeconds concurrencyPolicy suspend successfulJobsHistoryLimit "
            "failedJobsHistoryLimit"
        ),
    },
    {"template": "write jobTemplate: {spec: {template: …}}"},
)

WORKLOADS: Final[Mapping[str, tuple[str, Fields]]] = {
    "Pod": ("v1", _POD),
    "ReplicationController": ("v1", _workload(_spec("replicas minReadySeconds"))),
    "Deployment": (
        "apps/v1",
        _workload(
            _spec("replicas strategy minReadySeconds revisionHistoryLimit paused progressDeadlineSeconds")
        ),
    ),
    "ReplicaSet": ("apps/v1", _workload(_spec("replicas minReadySeconds"))),
    "StatefulSet": (
        "apps/v1",
        _workload(
            _spec(
                "replicas serviceName volumeClaimTemplates podManagementPolicy updateStrategy "
                "revisionHistoryLimit minReadySeconds persistentVolumeClaimRetentionPolicy ordinals"
            )
        ),
    ),
    "DaemonSet": ("apps/v1", _workload(_spec("updateStrategy minReadySeconds revisionHistoryLimit"))),
    "Job": ("batch/v1", _workload(_JOB)),
    "CronJob": ("batch/v1", _workload(_CRON_JOB)),
}
"""What makes pods: the version that is read, and its shape."""

PRIORITY_CLASS: Final = Fields(
    {
        **_HEAD,
        "metadata": _METADATA,
        "value": "whole",
        "globalDefault": "switch",
        "preemptionPolicy": "text",
        "description": "text",
    },
    {"spec": "a priority class has its fields beside metadata"},
)

NAMESPACE: Final = Fields({**_HEAD, "metadata": _METADATA, "spec": "anything"})

PLURALS: Final[Mapping[str, str]] = {
    "ResourceClaim": "resourceclaims",
    "ResourceClaimTemplate": "resourceclaimtemplates",
    "DeviceClass": "deviceclasses",
    "DeviceTaintRule": "devicetaintrules",
}


def resource_shape(kind: str, version: str) -> Fields:
    """Of a kind of resource.k8s.io."""
    if kind == "DeviceTaintRule":
        names: Mapping[str, Shape] = {"driver": "text", "pool": "text", "device": "text"}
        if version in OLD:
            names = {**names, "deviceClassName": "text", "selectors": _SELECTORS}
        taint = Fields({"key": "text", "value": "text", "effect": "text", "timeAdded": "text"})
        spec = Fields({"deviceSelector": Fields(names), "taint": taint})
    elif kind == "DeviceClass":
        spec = Fields(
            {
                "selectors": _SELECTORS,
                "config": ListOf(Fields(_OPAQUE)),
                "extendedResourceName": "text",
            }
        )
    else:
        spec = _claim_spec(_REQUEST if version in NEW else _OLD_REQUEST)
        if kind == "ResourceClaimTemplate":
            spec = Fields(
                {"metadata": _METADATA, "spec": spec},
                {"devices": "a template has it one deeper: spec: {spec: {devices: …}}"},
            )
    return Fields({**_HEAD, "metadata": _METADATA, "spec": spec})
