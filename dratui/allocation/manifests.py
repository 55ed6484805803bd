"""Manifests as kubectl reads them, strictly: text in, rows out. Whatever the text is, the answer is Manifests or a
Failure that names the place, soon."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from typing import Any, Final

import msgspec

from dratui.allocation.documents import Wrong, objects
from dratui.allocation.schema import (
    NEW,
    OLD,
    PLURALS,
    RESOURCE,
    WORKLOADS,
    Fields,
    ListOf,
    MapOf,
    Shape,
    resource_shape,
)
from dratui.api import quantity
from dratui.api.model import Claim, DeviceClass, ObjectKey, Pod, Template
from dratui.api.streams import codec

_MOST_TOLD: Final = 5  # errors of one object
_MOST_REPLICAS: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Workload:
    """What makes `replicas` pods like `pod`, which has the workload's name."""

    kind: str
    pod: Pod
    replicas: int

    @property
    def name(self) -> str:
        """As kubectl writes it: `Deployment ml/train`."""
        return f"{self.kind} {self.pod.namespace}/{self.pod.name}"


@dataclass(frozen=True, slots=True)
class Manifests:
    """Everything that was read, in its order. `notes`: what was left out, and why."""

    workloads: tuple[Workload, ...] = ()
    claims: tuple[Claim, ...] = ()
    templates: tuple[Template, ...] = ()
    classes: tuple[DeviceClass, ...] = ()
    notes: tuple[str, ...] = ()


def read(texts: Iterable[tuple[str, bytes]], namespace: str) -> Manifests:
    """All texts, each with the name of its file. What names no namespace is in `namespace`. Raises Wrong."""
    rows: dict[str, list[Any]] = {"workloads": [], "claims": [], "templates": [], "classes": [], "notes": []}
    seen: set[tuple[str, ObjectKey]] = set()
    for file, text in texts:
        for where, value in objects(file, text):
            table, row = _row(where, value, namespace)
            if table != "notes":
                key = (row.kind, row.pod.key) if isinstance(row, Workload) else (table, row.key)
                if key in seen:
                    raise Wrong(f"{where}: is there twice", hint="kubectl would apply the last; remove one")
                seen.add(key)
            rows[table].append(row)
    return Manifests(**{name: tuple(found) for name, found in rows.items()})


# --- one object ------------------------------------------------------------------------------------


def _row(where: str, value: Mapping[str, Any], namespace: str) -> tuple[str, Any]:
    """The table that it belongs to, and its row; or `notes` and why it is left out."""
    kind, api_version = value.get("kind"), value.get("apiVersion")
    if not (isinstance(kind, str) and kind and isinstance(api_version, str) and api_version):
        raise Wrong(f"{where}: has no apiVersion and kind", hint="apiVersion: resource.k8s.io/v1")
    group, _, version = api_version.rpartition("/")
    if kind in PLURALS and group == RESOURCE:
        _check_version(where, kind, api_version, [f"{RESOURCE}/{each}" for each in (*NEW, *OLD)])
        object_ = f"{where}: {kind} {_name(where, kind, value)}"
        _check(object_, value, resource_shape(kind, version))
        if kind != "DeviceClass":
            spec = _at(value, "spec", "spec") if kind == "ResourceClaimTemplate" else _at(value, "spec")
            _check_requests(
                object_, spec, "spec.spec" if kind == "ResourceClaimTemplate" else "spec", version
            )
        placed = _placed(value, "" if kind == "DeviceClass" else namespace)
        placed.pop("status", None)
        row = codec(PLURALS[kind], version).row(msgspec.json.encode(placed))
        return {"ResourceClaim": "claims", "DeviceClass": "classes"}.get(kind, "templates"), row
    known = WORKLOADS.get(kind)
    if known is None or group not in ("", "apps", "batch"):
        name = _at(value, "metadata").get("name", "")
        return "notes", f"{kind} {str(name)[:63]} is left out: it makes no pods that are known here"
    _check_version(where, kind, api_version, [known[0]])
    object_ = f"{where}: {kind} {_name(where, kind, value)}"
    _check(object_, value, known[1])
    return "workloads", _workload(object_, kind, _placed(value, namespace))


def _workload(where: str, kind: str, value: Mapping[str, Any]) -> Workload:
    spec = _at(value, "spec")
    pod = spec if kind == "Pod" else _at(spec, "template", "spec")
    path = "spec" if kind == "Pod" else "spec.template.spec"
    if not pod.get("containers"):
        raise Wrong(f"{where}: {path}.containers: a pod has at least one container")
    _check_references(where, pod, path)
    body = {"metadata": value["metadata"], "spec": {**pod, "nodeName": ""}, "status": {"phase": "Pending"}}
    row = codec("pods", "v1").row(msgspec.json.encode(body))
    assert isinstance(row, Pod)
    return Workload(kind, row, _replicas(where, kind, spec))


def _replicas(where: str, kind: str, spec: Mapping[str, Any]) -> int:
    """As the controllers count."""
    names = {"Pod": (), "Job": ("parallelism", "completions")}.get(kind, ("replicas",))
    counts = [spec[name] for name in names if spec.get(name) is not None]
    for count in counts:
        if not 0 <= count <= _MOST_REPLICAS:
            raise Wrong(f"{where}: spec: {count} is no number of pods")
    if kind == "Job" and spec.get("parallelism") is None:
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
                        hint=_meant(str(name), names),
                    )


def _check_requests(where: str, spec: Mapping[str, Any], path: str, version: str) -> None:
    requests = _at(spec, "devices").get("requests") or ()
    if not requests:
        raise Wrong(f"{where}: {path}.devices.requests: asks for nothing")
    for number, request in enumerate(requests):
        here = f"{where}: {path}.devices.requests[{number}]"
        if not request.get("name"):
            raise Wrong(f"{here}: has no name")
        alternatives = request.get("firstAvailable") or ()
        exactly = request.get("exactly") if version in NEW else request if not alternatives else None
        if version in NEW and (exactly is None) == (not alternatives):
            raise Wrong(
                f"{here}: wants exactly one of exactly and firstAvailable",
                hint="write exactly: {deviceClassName: …}",
            )
        for field, asked in [
            ("", exactly) if version in OLD else (".exactly", exactly),
            *((f".firstAvailable[{n}]", each) for n, each in enumerate(alternatives)),
        ]:
            if asked is not None:
                _check_asked(f"{here}{field}", asked)


def _check_asked(here: str, asked: Mapping[str, Any]) -> None:
    if not asked.get("deviceClassName"):
        raise Wrong(f"{here}.deviceClassName: is needed", hint="dratui get classes")
    mode, count = asked.get("allocationMode") or "ExactCount", asked.get("count")
    if mode not in ("ExactCount", "All"):
        raise Wrong(f"{here}.allocationMode: {mode!r} is neither ExactCount nor All")
    if count is not None and not 1 <= count < 2**63:
        raise Wrong(f"{here}.count: {count} is no number of devices, from 1")
    if mode == "All" and count is not None:
        raise Wrong(f"{here}.count: has no place beside allocationMode: All")


def _check_version(where: str, kind: str, version: str, known: Sequence[str]) -> None:
    if version not in known:
        raise Wrong(f"{where}: {kind} in {version} is not known", hint=f"one of {', '.join(known)}")


def _name(where: str, kind: str, value: Mapping[str, Any]) -> str:
    meta = value.get("metadata")
    name = (meta.get("name") or meta.get("generateName")) if isinstance(meta, dict) else None
    if not (isinstance(name, str) and name):
        raise Wrong(f"{where}: {kind} has no metadata.name")
    return name


def _placed(value: Mapping[str, Any], namespace: str) -> dict[str, Any]:
    meta = value["metadata"]
    kept = {
        "name": meta.get("name") or f"{meta['generateName']}x",
        "namespace": meta.get("namespace") or namespace,
        "labels": meta.get("labels") or {},
    }
    return {**value, "metadata": kept if namespace else {**kept, "namespace": ""}}


def _at(value: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    """What is there, if it is an object; else nothing."""
    for name in path:
        found = value.get(name)
        value = found if isinstance(found, dict) else {}
    return value


# --- fields ----------------------------------------------------------------------------------------


def _check(where: str, value: Any, shape: Shape) -> None:
    """Raises Wrong with what is unknown, misplaced, or of another type."""
    found = list(islice(_errors("", value, shape), _MOST_TOLD + 1))
    if found:
        more = "; and more" if len(found) > _MOST_TOLD else ""
        raise Wrong(f"{where}: {'; '.join(found[:_MOST_TOLD])}{more}")


def _errors(path: str, value: Any, shape: Shape) -> Iterator[str]:
    if value is None or shape == "anything":
        return
    if isinstance(shape, Fields):
        if not isinstance(value, dict):
            yield f"{path or 'it'}: is to be fields, `name: value`"
            return
        for name, part in value.items():
            here = f"{path}.{name[:63]}" if path else name[:63]
            if name in shape.known:
                yield from _errors(here, part, shape.known[name])
            elif name in shape.elsewhere:
                yield f"{here}: does not belong here: {shape.elsewhere[name]}"
            else:
                meant = _meant(name, shape.known)
                yield f"{here}: unknown field{'; ' + meant if meant else ''}"
    elif isinstance(shape, MapOf):
        if not isinstance(value, dict):
            yield f"{path}: is to be fields, `name: value`"
            return
        for name, part in value.items():
            yield from _errors(f"{path}[{name[:63]}]", part, shape.of)
    elif isinstance(shape, ListOf):
        if not isinstance(value, list):
            yield f"{path}: is to be a list"
            return
        for number, part in enumerate(value):
            if part is None:
                yield f"{path}[{number}]: is empty"
            yield from _errors(f"{path}[{number}]", part, shape.of)
    elif wrong := _wrong(value, shape):
        yield f"{path}: {wrong}"


def _wrong(value: Any, shape: str) -> str:
    match shape:
        case "text" if not isinstance(value, str):
            return f"is to be text: put {str(value)[:40]!r} in quotes"
        case "whole" if type(value) is not int:
            return f"is to be a whole number, not {str(value)[:40]!r}"
        case "switch" if type(value) is not bool:
            return "is to be true or false"
        case "quantity":
            parsed = None if isinstance(value, bool | dict | list) else quantity.parse(str(value))
            if parsed is None:
                return f"{str(value)[:40]!r} is no quantity such as 40Gi"
            if parsed < 0:
                return f"{str(value)[:40]!r} is below 0"
            if parsed >= quantity.LARGEST:
                return f"{str(value)[:40]!r} is more than any quantity can be"
    return ""


def _meant(name: str, known: Iterable[str]) -> str:
    by_lower = {each.lower(): each for each in known}
    near = get_close_matches(name[:63].lower(), list(by_lower), n=1, cutoff=0.6)
    return f"did you mean {by_lower[near[0]]}?" if near else ""
