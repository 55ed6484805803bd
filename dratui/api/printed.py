"""What `kubectl get pods` prints of a pod: the API server makes these cells, for lists that are asked for as a table.

Source: pkg/printers/internalversion, printPod, 1.36.
"""

from collections.abc import Sequence, Set
from sys import intern
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from dratui.api.core import ContainerStatus, Ended, Pod


class Printed(NamedTuple):
    """The cells STATUS, READY (such as `1/2`) and RESTARTS, the last without the time."""

    status: str
    ready: str
    restarts: int


def printed(pod: "Pod") -> Printed:
    """The cells of a pod."""
    spec, status = pod.spec, pod.status
    gated = status.phase == "Pending" and any(
        c.type == "PodScheduled" and c.reason == "SchedulingGated" for c in status.conditions or ()
    )
    text = "SchedulingGated" if gated else status.reason or status.phase
    init = spec.init_containers
    sidecars = {c.name for c in init if c.restart_policy == "Always"} if init else _NONE
    begun = _begun(status.init_container_statuses or (), sidecars, len(init)) if init else _DONE
    text, ready, restarts = begun.status or text, begun.ready, begun.restarts
    if not begun.status or _true(pod, "Initialized"):
        running, stopped = 0, []
        restarts = begun.sidecar_restarts
        for container in status.container_statuses or ():
            restarts += container.restart_count
            if words := _stopped(container):
                stopped.append((container, words))
            elif container.ready and container.state.running is not None:
                running += 1
        ready += running
        if stopped:
            text = stopped[0][1]
        if text == "Completed":
            failed = [words for c, words in stopped if c.state.terminated and c.state.terminated.exit_code]
            if running and _true(pod, "Ready"):
                text = "Running"
            elif failed:
                text = failed[0]
            elif running:
                text = "NotReady"
    if pod.metadata.deletion_timestamp is not None:
        if status.reason == "NodeLost":
            text = "Unknown"
        elif status.phase not in ("Succeeded", "Failed"):
            text = "Terminating"
    return Printed(intern(text), intern(f"{ready}/{len(spec.containers or ()) + len(sidecars)}"), restarts)


class _Begun(NamedTuple):
    """How far the init containers got. `status` is empty when they are done."""

    status: str
    ready: int
    restarts: int
    sidecar_restarts: int


_NONE: frozenset[str] = frozenset()
_DONE = _Begun("", 0, 0, 0)


def _true(pod: "Pod", condition: str) -> bool:
    return any(c.type == condition and c.status == "True" for c in pod.status.conditions or ())


def _begun(statuses: Sequence["ContainerStatus"], sidecars: Set[str], number: int) -> _Begun:
    ready = restarts = of_sidecars = 0
    for done, each in enumerate(statuses):
        restarts += each.restart_count
        sidecar = each.name in sidecars
        of_sidecars += each.restart_count if sidecar else 0
        ended, waits = each.state.terminated, each.state.waiting
        if ended is not None and ended.exit_code == 0:
            continue
        if sidecar and each.started:
            ready += each.ready
            continue
        text = f"{done}/{number}"
        if ended is not None:
            text = _end(ended)
        elif waits is not None and waits.reason not in ("", "PodInitializing"):
            text = waits.reason
        return _Begun(f"Init:{text}", ready, restarts, of_sidecars)
    return _Begun("", ready, restarts, of_sidecars)


def _stopped(container: "ContainerStatus") -> str:
    """Why a container does not run, or how it ended; empty for one that runs."""
    state = container.state
    if state.waiting is not None and state.waiting.reason:
        return state.waiting.reason
    return _end(state.terminated) if state.terminated is not None else ""


def _end(ended: "Ended") -> str:
    return ended.reason or (f"Signal:{ended.signal}" if ended.signal else f"ExitCode:{ended.exit_code}")
