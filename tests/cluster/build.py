"""Rows as the decoders make them, with defaults that a test need not name; and stores made of them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from dratui.api.model import (
    Allocation,
    Claim,
    ComputeDomain,
    Condition,
    Consumer,
    Container,
    Device,
    DeviceClass,
    Namespace,
    Node,
    Owner,
    Pod,
    PodClaim,
    PodClaimStatus,
    PodGroup,
    PriorityClass,
    Quota,
    Request,
    Result,
    Slice,
    TaintRule,
    Template,
    WarningEvent,
)
from dratui.api.streams import STREAMS
from dratui.cluster.store import Store
from dratui.events import Event, Health, HealthChanged, Phase, Put, Row
from dratui.samples import STREAM as SAMPLES
from dratui.samples import DeviceSample, Holder, NodeSample

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DRIVER = "gpu.example.com"

_STREAM_OF: Mapping[type[Row], str] = {
    Slice: "resourceslices",
    Claim: "resourceclaims",
    Template: "resourceclaimtemplates",
    DeviceClass: "deviceclasses",
    TaintRule: "devicetaintrules",
    Pod: "pods",
    Node: "nodes",
    Namespace: "namespaces",
    Quota: "resourcequotas",
    PodGroup: "podgroups",
    PriorityClass: "priorityclasses",
    ComputeDomain: "computedomains",
    NodeSample: SAMPLES,
}


def stream_of(row: Row) -> str:
    """The stream that an object comes by."""
    return f"events:{row.reason}" if isinstance(row, WarningEvent) else _STREAM_OF[type(row)]


def put(row: Row) -> Put:
    """The object came or changed."""
    return Put(stream_of(row), row)


def health(phase: Phase, *streams: str, namespace: str = "") -> list[Event]:
    """These streams are in this phase."""
    state = Health(phase=phase, since=NOW.timestamp(), namespace=namespace)
    return [HealthChanged(stream, state) for stream in streams]


def store(*rows: Row, unknown: Sequence[str] = ()) -> Store:
    """A store with these objects and no others; the streams in `unknown` are forbidden."""
    made = Store()
    made.apply([put(row) for row in rows])
    made.apply(health(Phase.LIVE, *(s for s in STREAMS if s not in unknown)))
    made.apply(health(Phase.FORBIDDEN, *unknown))
    return made


def ago(**time: float) -> datetime:
    """A time before NOW."""
    return NOW - timedelta(**time)


def slice_(
    pool: str,
    *devices: Device | str,
    name: str = "",
    driver: str = DRIVER,
    generation: int = 1,
    expected: int = 1,
    node: str | None = None,
    **more: object,
) -> Slice:
    """A slice of a pool; the node is named as the pool, unless `node` says otherwise."""
    fields: dict[str, object] = {
        "name": name or f"{pool}-{driver}-{generation}",
        "driver": driver,
        "pool": pool,
        "generation": generation,
        "expected_slices": expected,
        "node": pool if node is None else node,
        "devices": tuple(Device(d) if isinstance(d, str) else d for d in devices),
        **more,
    }
    return Slice(**fields)  # type: ignore[arg-type]


def result(device: str, pool: str = "node-1", *, driver: str = DRIVER, request: str = "gpu") -> Result:
    """An allocated device."""
    return Result(request, driver, pool, device)


def claim(
    name: str,
    *results: Result,
    namespace: str = "default",
    node: str = "",
    pods: Sequence[Pod] = (),
    device_class: str = DRIVER,
    **more: object,
) -> Claim:
    """A claim: allocated if there are results, reserved for `pods`."""
    fields: dict[str, object] = {
        "namespace": namespace,
        "name": name,
        "uid": f"uid of claim {name}",
        "requests": (Request("gpu", device_class=device_class),),
        "allocation": Allocation(results, node=node) if results else None,
        "consumers": tuple(Consumer("pods", p.name, p.uid) for p in pods),
        **more,
    }
    return Claim(**fields)  # type: ignore[arg-type]


def pod(
    name: str,
    *claims: PodClaim | str,
    namespace: str = "default",
    node: str = "",
    phase: str = "",
    says: str = "",
    made: Mapping[str, str] | None = None,
    extended: Mapping[str, int] | None = None,
    **more: object,
) -> Pod:
    """A pod with claims, by name unless they are entries. Without a node it is Pending; `says` is what the scheduler
    does, `made` the claims that were made for entries."""
    fields: dict[str, object] = {
        "namespace": namespace,
        "name": name,
        "uid": f"uid of pod {name}",
        "phase": phase or ("Running" if node else "Pending"),
        "node": node,
        "claims": tuple(PodClaim(c, claim=c) if isinstance(c, str) else c for c in claims),
        "claim_statuses": tuple(PodClaimStatus(*status) for status in (made or {}).items()),
        "containers": (Container("main", extended=tuple((extended or {}).items())),),
        "scheduled": Condition("PodScheduled", "False", "Unschedulable", says) if says else None,
        "scheduler": "default-scheduler",
        **more,
    }
    fields.setdefault("status", "Terminating" if fields.get("deleted") else fields["phase"])
    return Pod(**fields)  # type: ignore[arg-type]


def owned_by(owner: Pod) -> Owner:
    """The owner of a claim that was made for a pod."""
    return Owner("Pod", owner.name, owner.uid, controller=True)


def warning(about: Pod, reason: str, message: str, *, minutes_ago: float = 0, name: str = "") -> WarningEvent:
    """A Warning about a pod."""
    last = ago(minutes=minutes_ago)
    return WarningEvent(
        namespace=about.namespace,
        name=name or f"{about.name}.{reason}",
        reason=reason,
        message=message,
        last=last,
        about_kind="Pod",
        about_name=about.name,
        about_uid=about.uid,
    )


def measured(uuid: str, *holders: Holder, busy: float | None = None, **more: object) -> DeviceSample:
    """A GPU of a sample, with all its values: 80 GiB of which half are in use, 300 of 700 W, 50 °C."""
    fields: dict[str, object] = {
        "uuid": uuid,
        "gpu": uuid,
        "holders": holders,
        "values": {
            **({} if busy is None else {"utilization": busy}),
            "memory_used": 40 * 2.0**30,
            "memory_total": 80 * 2.0**30,
            "power": 300.0,
            "power_limit": 700.0,
            "temperature": 50.0,
        },
        **more,
    }
    return DeviceSample(**fields)  # type: ignore[arg-type]


def instance(
    gpu: str, gi: int, *holders: Holder, ci: int = 0, busy: float | None = None, **more: object
) -> DeviceSample:
    """A MIG device of a sample: 1g.10gb on the slice of its number; `busy` is what GPM tells."""
    fields: dict[str, object] = {
        "uuid": f"MIG-{gpu}-{gi}-{ci}",
        "kind": "mig",
        "gpu": gpu,
        "gi": gi,
        "ci": ci,
        "profile": 19,
        "start": gi,
        "size": 1,
        "holders": holders,
        "values": {
            **({} if busy is None else {"graphics_active": busy}),
            "memory_used": 5 * 2.0**30,
            "memory_total": 10 * 2.0**30,
        },
        **more,
    }
    return DeviceSample(**fields)  # type: ignore[arg-type]


def sample(
    node: str, *devices: DeviceSample, at: float | None = NOW.timestamp(), **more: object
) -> NodeSample:
    """What the agent of a node tells."""
    fields: dict[str, object] = {"node": node, "devices": devices, "at": at, "source": "agent", **more}
    return NodeSample(**fields)  # type: ignore[arg-type]
