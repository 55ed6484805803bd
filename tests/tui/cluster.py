"""A small cluster in memory: rows as the decoders make them, and a source that says what a test scripts."""

import asyncio
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from dratui.api.model import (
    Allocation,
    Capacity,
    Claim,
    Condition,
    Consumer,
    Container,
    Device,
    Namespace,
    Node,
    Pod,
    PodClaim,
    PodClaimStatus,
    Request,
    Result,
    Slice,
)
from dratui.events import About, Event, Health, HealthChanged, Page, Phase, Put, Row
from dratui.failure import Failure
from dratui.prepared import Plugin
from dratui.samples import STREAM as SAMPLES
from dratui.samples import DeviceSample, NodeSample

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
STREAMS = (
    "resourceslices",
    "resourceclaims",
    "resourceclaimtemplates",
    "deviceclasses",
    "devicetaintrules",
    "nodes",
    "namespaces",
    "resourcequotas",
    "pods",
)


class ScriptedSource:
    """Says `first` at once; then whatever a test passes to `say`."""

    def __init__(self, first: Sequence[Event] = (), *, failure: Failure | None = None) -> None:
        self.about = About(cluster="prod-eu1", user="jane", server_version="v1.36.3")
        self.clock = NOW.timestamp()
        self.objects: dict[tuple[str, str, str], bytes] = {}
        self.answer = asyncio.Event()
        self.answer.set()
        self._first = first
        self._failure = failure
        self._emit: Callable[[Sequence[Event]], None] | None = None
        self.heard = False  # whether what is said at first was

    def now(self) -> float:
        """A clock that a test sets."""
        return self.clock

    async def run(self, emit: Callable[[Sequence[Event]], None]) -> None:
        """Follow for ever."""
        self._emit = emit
        emit(self._first)
        self.heard = True
        if self._failure is not None:
            raise self._failure
        try:
            await asyncio.Event().wait()
        finally:
            self._emit = None

    def say(self, *events: Event) -> None:
        """Emit, as a watch would."""
        assert self._emit is not None, "the app has not started to listen"
        self._emit(events)

    async def fetch(self, stream: str, namespace: str, name: str) -> bytes:
        """The object that the test put there."""
        await self.answer.wait()
        try:
            return self.objects[stream, namespace, name]
        except KeyError:
            raise Failure(f"{stream} {name!r} was not found") from None


def live(*streams: str, phase: Phase = Phase.LIVE, detail: str = "") -> list[Event]:
    """These streams are in this phase; all of them without a name."""
    health = Health(phase=phase, since=NOW.timestamp() - 60, detail=detail, version="v1")
    return [HealthChanged(stream, health) for stream in streams or STREAMS]


def listed(stream: str, *rows: Row) -> Event:
    """A complete list."""
    return Page(stream, rows, first=True, last=True)


def ago(**time: float) -> datetime:
    """A time before NOW."""
    return NOW - timedelta(**time)


def slice_of(
    node: str, *, devices: int = 8, product: str = "NVIDIA H100 80GB HBM3", driver: str = "gpu.nvidia.com"
) -> Slice:
    """A node's slice: the whole pool."""
    return Slice(
        name=f"{node}-{driver}",
        driver=driver,
        pool=node,
        generation=1,
        expected_slices=1,
        node=node,
        created=ago(days=3),
        devices=tuple(
            Device(
                name=f"gpu-{n}",
                attributes={"productName": product, "type": "gpu", "uuid": f"GPU-{node}-{n}"},
                capacity={"memory": Capacity("81559Mi")},
            )
            for n in range(devices)
        ),
    )


def claim(
    name: str,
    *,
    namespace: str = "ml-team",
    devices: Sequence[str] = (),
    node: str = "",
    pod: str = "",
    age: float = 3600,
) -> Claim:
    """A claim; with `devices` of `node` it is allocated, with `pod` reserved."""
    results = tuple(Result("gpu", "gpu.nvidia.com", node, device) for device in devices)
    return Claim(
        namespace=namespace,
        name=name,
        uid=f"uid-{namespace}-{name}",
        created=ago(seconds=age),
        requests=(Request("gpu", device_class="gpu.nvidia.com", count=max(1, len(devices))),),
        allocation=Allocation(results, node=node) if devices else None,
        consumers=(Consumer("pods", pod, f"uid-{namespace}-{pod}"),) if pod else (),
        finalizers=("resource.kubernetes.io/delete-protection",) if devices else (),
    )


def pod(
    name: str, *, namespace: str = "ml-team", claims: Sequence[str] = (), node: str = "", message: str = ""
) -> Pod:
    """A pod with claims; without a node it waits, and `message` is what the scheduler says."""
    entries = tuple(PodClaim(f"c{n}", claim=c) for n, c in enumerate(claims))
    waits = Condition("PodScheduled", "False", "Unschedulable", message) if message else None
    return Pod(
        namespace=namespace,
        name=name,
        uid=f"uid-{namespace}-{name}",
        created=ago(minutes=12),
        phase="Running" if node else "Pending",
        node=node,
        claims=entries,
        claim_statuses=tuple(PodClaimStatus(e.name, e.claim) for e in entries),
        containers=(Container("main", claims=tuple((e.name, "") for e in entries)),),
        scheduled=waits or Condition("PodScheduled", "True"),
        scheduler="default-scheduler",
    )


def small() -> list[Event]:
    """Two nodes with eight cards, two tenants, a pod that waits; everything is live."""
    waiting = "0/2 nodes are available: 2 cannot allocate all claims. preemption: 0/2 nodes are available."
    return [
        listed(
            "resourceslices", slice_of("gpu-node-1"), slice_of("gpu-node-2", product="NVIDIA A100-SXM4-40GB")
        ),
        listed(
            "namespaces",
            *(Namespace(name=n, phase="Active", created=ago(days=9)) for n in ("ml-team", "vision")),
        ),
        listed(
            "nodes", *(Node(name=n, ready="True", created=ago(days=9)) for n in ("gpu-node-1", "gpu-node-2"))
        ),
        listed(
            "resourceclaims",
            claim("train-6-gpu", devices=("gpu-0", "gpu-1"), node="gpu-node-1", pod="train-6"),
            claim("train-7-gpu", age=720),
            claim("eval-gpu", namespace="vision", devices=("gpu-3",), node="gpu-node-2", pod="eval"),
        ),
        listed(
            "pods",
            pod("train-6", claims=("train-6-gpu",), node="gpu-node-1"),
            pod("train-7", claims=("train-7-gpu",), message=waiting),
            pod("eval", namespace="vision", claims=("eval-gpu",), node="gpu-node-2"),
        ),
        *live(),
    ]


def many_claims(count: int) -> list[Event]:
    """Claims in one list, everything live."""
    return [listed("resourceclaims", *(claim(f"claim-{n:06}") for n in range(count))), *live()]


def told(
    node: str, *busy: float | None, at: datetime = NOW, problem: str = "", plugin: Plugin | None = None
) -> Event:
    """A sample of a node of `slice_of`: the utilisation of gpu-0, gpu-1, … of which each uses 40 of 80 GiB."""
    gib = 2.0**30
    devices = tuple(
        DeviceSample(
            uuid=f"GPU-{node}-{n}",
            gpu=f"GPU-{node}-{n}",
            index=n,
            values={
                **({} if share is None else {"utilization": share}),
                "memory_used": 40 * gib,
                "memory_total": 80 * gib,
                "power": 300.0,
            },
        )
        for n, share in enumerate(busy)
    )
    said = NodeSample(node=node, at=at.timestamp(), source="agent", devices=devices, problem=problem)
    if plugin is not None:
        said = msgspec.structs.replace(said, plugin=plugin, believed=at.timestamp())
    return Put(SAMPLES, said)


def put(row: Row, stream: str) -> Event:
    """An object came or changed."""
    return Put(stream, row)


def as_json(**fields: object) -> bytes:
    """An object as a server sends it."""
    return json.dumps(fields).encode()
