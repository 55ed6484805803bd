"""Manifests as kubectl reads them, strictly: text in, rows out. Whatever the text is, the answer is Manifests or a
Failure that names the place, soon."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

import msgspec

from dratui.allocation.documents import Wrong, objects
from dratui.allocation.expressions import Expressions
from dratui.allocation.requests import check_requests
from dratui.allocation.schema import (
    NAMESPACE,
    NEW,
    OLD,
    PLURALS,
    PRIORITY_CLASS,
    RESOURCE,
    WORKLOADS,
    resource_shape,
)
from dratui.allocation.strict import check, meant
from dratui.allocation.unseen import remarks, unseen
from dratui.api.model import Claim, DeviceClass, Namespace, Pod, PriorityClass, Row, TaintRule, Template
from dratui.api.streams import STREAMS, codec

_MOST_REPLICAS: Final = 2**31 - 1
_NAME: Final = re.compile(r"[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?")
_TABLES: Final[Mapping[str, str]] = {
    "ResourceClaim": "claims",
    "ResourceClaimTemplate": "templates",
    "DeviceClass": "classes",
    "DeviceTaintRule": "taint_rules",
}
_EFFECTS: Final = ("NoSchedule", "NoExecute", "None")
_SCHEDULING: Final = "scheduling.k8s.io"
_MOST_PRIORITY: Final = 1_000_000_000  # of classes that are not the system's


@dataclass(frozen=True, slots=True)
class Workload:
    """What makes `replicas` pods like `pod`, which has the workload's name; a DaemonSet one on each of its nodes.

    `preempts`: as the pod has it; None where its priority class says. `unseen`: what may keep its pods from nodes and
    is not looked at.
    """

    kind: str
    pod: Pod
    replicas: int
    priority_class: str = ""
    preempts: bool | None = None
    unseen: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """As kubectl writes it: `Deployment ml/train`."""
        return f"{self.kind} {self.pod.namespace}/{self.pod.name}"


@dataclass(frozen=True, slots=True)
class Manifests:
    """Everything that was read, in its order. `left_out`: what no pods are known to come of."""

    workloads: tuple[Workload, ...] = ()
    claims: tuple[Claim, ...] = ()
    templates: tuple[Template, ...] = ()
    classes: tuple[DeviceClass, ...] = ()
    taint_rules: tuple[TaintRule, ...] = ()
    priorities: tuple[PriorityClass, ...] = ()
    namespaces: tuple[Namespace, ...] = ()
    left_out: tuple[str, ...] = ()


def read(texts: Iterable[tuple[str, bytes]], namespace: str) -> Manifests:
    """All texts, each with the name of its file. What names no namespace is in `namespace`. Raises Wrong."""
    rows: dict[str, list[Any]] = {field.name: [] for field in fields(Manifests)}
    seen: set[str] = set()
    expressions = Expressions()
    for file, text in texts:
        for where, value in objects(file, text):
            table, row = _row(where, value, namespace, expressions)
            if table != "left_out":
                name = (
                    row.name
                    if isinstance(row, Workload)
                    else f"{value['kind']} {'/'.join(filter(None, row.key))}"
                )
                if name in seen:
                    raise Wrong(
                        f"{where}: {name} is there twice", hint="kubectl would apply the last; remove one"
                    )
                seen.add(name)
            rows[table].append(row)
    return Manifests(**{name: tuple(found) for name, found in rows.items()})


# --- one object ------------------------------------------------------------------------------------


def _row(where: str, value: Mapping[str, Any], namespace: str, expressions: Expressions) -> tuple[str, Any]:
    """The table that it belongs to, and its row; or `left_out` and its name."""
    kind, api_version = value.get("kind"), value.get("apiVersion")
    if not (isinstance(kind, str) and kind):
        raise Wrong(f"{where}: has no kind that is text", hint="an object has apiVersion and kind")
    if not (isinstance(api_version, str) and api_version):
        version = WORKLOADS[kind][0] if kind in WORKLOADS else f"{RESOURCE}/v1" if kind in PLURALS else "…"
        raise Wrong(f"{where}: {kind[:63]} has no apiVersion that is text", hint=f"apiVersion: {version}")
    group, _, version = api_version.rpartition("/")
    if kind in PLURALS and group == RESOURCE:
        versions = [each for each in (*NEW, *OLD) if each in STREAMS[PLURALS[kind]].versions]
        _check_version(where, kind, api_version, [f"{RESOURCE}/{each}" for each in versions])
        object_ = f"{where}: {kind} {_name(where, kind, value)}"
        check(object_, value, resource_shape(kind, version))
        if kind in ("ResourceClaim", "ResourceClaimTemplate"):
            spec = _at(value, "spec", "spec") if kind == "ResourceClaimTemplate" else _at(value, "spec")
            path = "spec.spec.devices" if kind == "ResourceClaimTemplate" else "spec.devices"
            check_requests(f"{object_}: {path}", _at(spec, "devices"), version, expressions)
        placed = _placed(value, namespace if STREAMS[PLURALS[kind]].namespaced else "")
        placed.pop("status", None)
        if kind == "DeviceTaintRule":
            _check_taint(f"{object_}: spec.taint", _at(value, "spec", "taint"))
        if kind == "DeviceClass":
            expressions.check(f"{object_}: spec", _at(value, "spec"))
        row = _decoded(PLURALS[kind], version, placed)
        return _TABLES[kind], row
    if kind == "PriorityClass" and group == _SCHEDULING:
        _check_version(where, kind, api_version, [f"{_SCHEDULING}/v1"])
        object_ = f"{where}: {kind} {_name(where, kind, value)}"
        check(object_, value, PRIORITY_CLASS)
        _check_priority(object_, value)
        return "priorities", _decoded("priorityclasses", version, _placed(value, ""))
    if kind == "Namespace" and api_version == "v1":
        check(f"{where}: {kind} {_name(where, kind, value)}", value, NAMESPACE)
        return "namespaces", _decoded("namespaces", version, _placed(value, ""))
    known = WORKLOADS.get(kind)
    if known is None or group not in ("", "apps", "batch", "extensions"):
        name = str(_at(value, "metadata").get("name", ""))[:63]
        of = f"{kind}.{group}" if known else kind
        return "left_out", f"{of[:120]} {name}"
    _check_version(where, kind, api_version, [known[0]])
    object_ = f"{where}: {kind} {_name(where, kind, value)}"
    check(object_, value, known[1])
    return "workloads", _workload(object_, kind, _placed(value, namespace))


_OF_DAEMONS: Final = [
    {"key": f"node.kubernetes.io/{key}", "operator": "Exists", "effect": effect}
    for key, effect in (
        ("not-ready", "NoExecute"),
        ("unreachable", "NoExecute"),
        *(
            (key, "NoSchedule")
            for key in ("disk-pressure", "memory-pressure", "pid-pressure", "unschedulable")
        ),
    )
]
"""What every pod of a DaemonSet tolerates. Source: pkg/controller/daemon/util, AddOrUpdateDaemonPodTolerations."""

_TO_POD: Final[Mapping[str, Sequence[str]]] = {
    "Pod": ("spec",),
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
}
"""Where a kind has what its pods are; elsewhere than here it is the template's spec."""


def _workload(where: str, kind: str, value: Mapping[str, Any]) -> Workload:
    to = _TO_POD.get(kind, ("spec", "template", "spec"))
    path, pod = ".".join(to), _at(value, *to)
    if not pod.get("containers"):
        raise Wrong(f"{where}: {path}.containers: a pod has at least one container")
    _check_references(where, pod, path)
    if kind == "DaemonSet":
        pod = {**pod, "tolerations": [*(pod.get("tolerations") or ()), *_OF_DAEMONS]}
    body = {"metadata": value["metadata"], "spec": {**pod, "nodeName": ""}, "status": {"phase": "Pending"}}
    row = _decoded("pods", "v1", body)
    assert isinstance(row, Pod)
    preempts = _preempts(f"{where}: {path}", pod)
    spec = _at(value, *to[:-2]) if len(to) > 1 else {}
    suspended = any(
        each.get(name) is True for each in (_at(value, "spec"), spec) for name in ("suspend", "paused")
    )
    return Workload(
        kind,
        row,
        _replicas(where, kind, spec),
        pod.get("priorityClassName") or "",
        preempts,
        unseen(pod, spec),
        remarks(pod, suspended=suspended),
    )


def _check_taint(where: str, taint: Mapping[str, Any]) -> None:
    if not taint.get("key"):
        raise Wrong(f"{where}.key: is missing", hint="gpu.example.com/unhealthy")
    if taint.get("effect") not in _EFFECTS:
        raise Wrong(f"{where}.effect: {str(taint.get('effect'))[:40]!r} is none of {', '.join(_EFFECTS)}")


def _check_priority(where: str, value: Mapping[str, Any]) -> None:
    number = value.get("value") or 0
    if not -(2**31) <= number <= _MOST_PRIORITY:
        raise Wrong(f"{where}: value: {number} is no priority", hint=f"at most {_MOST_PRIORITY}")
    _preempts(where, value)


def _preempts(where: str, value: Mapping[str, Any]) -> bool | None:
    policy = value.get("preemptionPolicy")
    if policy not in (None, "Never", "PreemptLowerPriority"):
        raise Wrong(
            f"{where}.preemptionPolicy: {str(policy)[:40]!r} is neither Never nor PreemptLowerPriority"
        )
    return None if policy is None else policy != "Never"


def _replicas(where: str, kind: str, spec: Mapping[str, Any]) -> int:
    """As the controllers count. Of a CronJob: of one run."""
    job = kind in ("Job", "CronJob")
    counts = [
        spec[name]
        for name in (("parallelism", "completions") if job else ("replicas",))
        if spec.get(name) is not None
    ]
    for count in counts:
        if not 0 <= count <= _MOST_REPLICAS:
            raise Wrong(f"{where}: spec: {count} is no number of pods")
    if job and spec.get("parallelism") is None:
        return 1
    return min(counts, default=1)


def _check_references(where: str, pod: Mapping[str, Any], path: str) -> None:
    names = set()
    for number, entry in enumerate(pod.get("resourceClaims") or ()):
        here = f"{where}: {path}.resourceClaims[{number}]"
        if not entry.get("name"):
            raise Wrong(f"{here}: has no name")
        ways = [way for way in ("resourceClaimName", "resourceClaimTemplateName") if entry.get(way)]
        if len(ways) != 1:
            raise Wrong(f"{here}: wants exactly one of resourceClaimName and resourceClaimTemplateName")
        names.add(entry["name"])
    for field in ("initContainers", "containers"):
        for number, container in enumerate(pod.get(field) or ()):
            for claim in (container.get("resources") or {}).get("claims") or ():
                if (name := claim.get("name", "")) not in names:
                    raise Wrong(
                        f"{where}: {path}.{field}[{number}].resources.claims: {name!r} is not in "
                        f"{path}.resourceClaims",
                        hint=meant(str(name), names),
                    )


def _check_version(where: str, kind: str, version: str, known: Sequence[str]) -> None:
    if version not in known:
        raise Wrong(f"{where}: {kind} in {version} is not known", hint=f"apiVersion: {' or '.join(known)}")


def _name(where: str, kind: str, value: Mapping[str, Any]) -> str:
    meta = value.get("metadata")
    if not isinstance(meta, dict):
        meta = {}
    name = meta.get("name") or meta.get("generateName")
    if not (isinstance(name, str) and name):
        raise Wrong(f"{where}: {kind} has no metadata.name that is text")
    if not _NAME.fullmatch(name.removesuffix("-") if name == meta.get("generateName") else name):
        raise Wrong(
            f"{where}: {kind} {name[:63]!r} is no name",
            hint="lower case letters, digits, - and .; 253 at most",
        )
    return name


def _placed(value: Mapping[str, Any], namespace: str) -> dict[str, Any]:
    meta = value["metadata"]
    kept = {
        "name": meta.get("name") or f"{meta['generateName']}x",
        "namespace": meta.get("namespace") or namespace,
        "labels": meta.get("labels") or {},
    }
    return {**value, "metadata": kept if namespace else {**kept, "namespace": ""}}


def _decoded(plural: str, version: str, value: Mapping[str, Any]) -> Row:
    return codec(plural, version).row(msgspec.json.encode(value))


def _at(value: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    """What is there, if it is an object; else nothing."""
    for name in path:
        found = value.get(name)
        value = found if isinstance(found, dict) else {}
    return value
