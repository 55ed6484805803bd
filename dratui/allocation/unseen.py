"""What a manifest's pods ask of the scheduler that is not looked at here, so that nobody counts on it."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

_REQUIRED: Final = "requiredDuringSchedulingIgnoredDuringExecution"


def unseen(pod: Mapping[str, Any], workload: Mapping[str, Any]) -> tuple[str, ...]:
    """Of a pod's spec and that of what makes it, checked: what may keep its pods from nodes, in the field's words."""
    return tuple(_unseen(pod, workload))


def _unseen(pod: Mapping[str, Any], workload: Mapping[str, Any]) -> Iterator[str]:
    affinity = pod.get("affinity") or {}
    for name in ("podAffinity", "podAntiAffinity"):
        rule = affinity.get(name)
        if isinstance(rule, dict) and rule.get(_REQUIRED):
            yield name
    if any(
        each.get("whenUnsatisfiable") == "DoNotSchedule" for each in _of(pod, "topologySpreadConstraints")
    ):
        yield "topologySpreadConstraints"
    containers = [*(pod.get("initContainers") or ()), *(pod.get("containers") or ())]
    ports = [port for each in containers for port in _of(each, "ports")]
    if any(port.get("hostPort") or pod.get("hostNetwork") for port in ports):  # there each is one of the host
        yield "hostPort"
    volumes = any(each.get("persistentVolumeClaim") or each.get("ephemeral") for each in _of(pod, "volumes"))
    if volumes or workload.get("volumeClaimTemplates"):
        yield "persistent volumes"


def remarks(pod: Mapping[str, Any], *, suspended: bool) -> tuple[str, ...]:
    """What makes the answer another one than people expect."""
    return tuple(_remarks(pod, suspended))


def _remarks(pod: Mapping[str, Any], suspended: bool) -> Iterator[str]:
    if suspended:
        yield "suspended or paused: no pods are made before that ends; read as if it were not"
    if pod.get("nodeName"):
        yield "with nodeName the scheduler is not asked, and claims get no devices: read as without"
    if (name := pod.get("schedulerName")) not in (None, "", "default-scheduler"):
        yield f"another scheduler decides, {name}: read as if the default one did"
    if gates := [str(each.get("name")) for each in pod.get("schedulingGates") or ()]:
        yield f"not tried before its scheduling gates are gone: {', '.join(gates)}"


def _of(value: Mapping[str, Any], field: str) -> Iterator[Mapping[str, Any]]:
    """The objects of a list whose entries are not checked."""
    entries = value.get(field)
    yield from (each for each in entries if isinstance(each, dict)) if isinstance(entries, list) else ()
