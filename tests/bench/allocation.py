"""The scheduler's decision made again: selectors, why a pod waits on thousands of nodes, cards in parts."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final, TypeVar

import msgspec

from dratui.allocation.cel.columns import Columns
from dratui.allocation.cel.selector import selector
from dratui.allocation.fleet import Devices
from dratui.allocation.manifests import Workload
from dratui.allocation.nodes import Place
from dratui.allocation.patience import GaveUp
from dratui.allocation.rules import DEFAULT_FEATURES, rules
from dratui.allocation.search import allocate
from dratui.allocation.world import Held, World
from dratui.api.model import (
    Capacity,
    Claim,
    Device,
    DeviceClass,
    Node,
    Pod,
    PodClaim,
    Request,
    Slice,
    Template,
    Version,
)
from dratui.api.streams import codec
from dratui.cluster.store import Store
from dratui.events import Health, HealthChanged, Page, Phase
from dratui.why.answer import Answer, answer, by_node
from dratui.why.question import about_pod
from dratui.why.whatif import Planner
from tests.bench import corpus, go_allocator, hostile, hostile_manifests
from tests.bench.table import Result
from tests.realparts.unavailable import PartsUnavailable

T = TypeVar("T")

FLEET: Final = 300_000
NODES, DEVICES, REPLICAS = 5000, 8, 1000
RULES: Final = rules("1.36", DEFAULT_FEATURES["1.36"])

GPU, SIM = "gpu.nvidia.com", "gpu.example.com"
_IN_GPU, _CAPACITY = f'device.attributes["{GPU}"]', f'device.capacity["{GPU}"]'
SELECTORS: Final[Sequence[str]] = (
    *(f'device.driver == "{driver}"' for driver in (GPU, SIM)),
    *(f'{_IN_GPU}.type == "{kind}"' for kind in ("gpu", "mig", "vfio")),
    *(f'device.driver == "{GPU}" && {_IN_GPU}.type == "{kind}"' for kind in ("gpu", "mig")),
    *(f'{_IN_GPU}.productName == "NVIDIA {name}"' for name in ("H100 80GB HBM3", "A100-SXM4-40GB", "B200")),
    *(f'{_IN_GPU}.productName.lowerAscii().matches("^.*{name}.*$")' for name in ("a100", "h100", "b200")),
    *(f'{_IN_GPU}.architecture in ["{name}", "Blackwell"]' for name in ("Hopper", "Ampere")),
    *(f'{_CAPACITY}.memory.compareTo(quantity("{size}Gi")) >= 0' for size in (10, 40, 80, 141)),
    *(f'{_CAPACITY}.memory.isGreaterThan(quantity("{size}Gi"))' for size in (10, 40, 80)),
    *(
        f'{_IN_GPU}.cudaComputeCapability.compareTo(semver("{version}")) >= 0'
        for version in ("8.0.0", "9.0.0", "10.0.0")
    ),
    *(f'{_IN_GPU}.driverVersion.isGreaterThan(semver("{version}"))' for version in ("550.0.0", "580.0.0")),
    *(
        f'{_IN_GPU}.architecture == "{name}" && {_CAPACITY}.memory.compareTo(quantity("80Gi")) >= 0'
        for name in ("Hopper", "Ampere", "Blackwell")
    ),
    f"{_IN_GPU}.?index.orValue(0) == 0",
    f'has({_IN_GPU}.profile) && {_IN_GPU}.profile == "1g.10gb"',
    'device.attributes["resource.kubernetes.io"].pcieRoot.startsWith("pci0000:0")',
    *(f"{_IN_GPU}.index % 2 == {odd}" for odd in (0, 1)),
    f'device.driver == "{GPU}" || device.driver == "{SIM}"',
)


def measure() -> Iterator[Result]:
    """The table's rows."""
    yield _selectors()
    yield from _explained()
    yield _what_if()
    yield from _partitions()
    yield hostile.measure()
    yield hostile_manifests.measure()


def _cpu(work: Callable[[], T]) -> tuple[float, T]:
    began = time.process_time()
    done = work()
    return time.process_time() - began, done


# Selectors


def _fleet() -> list[tuple[str, Device]]:
    models = (
        ("H100 80GB HBM3", "Hopper", "9.0.0", "81559Mi"),
        ("A100-SXM4-40GB", "Ampere", "8.0.0", "40Gi"),
        ("B200", "Blackwell", "10.0.0", "180Gi"),
    )
    found: list[tuple[str, Device]] = []
    for number in range(FLEET):
        name, architecture, capability, memory = models[number // 1000 % 3]
        attributes: dict[str, Any] = {
            "type": "gpu",
            "uuid": f"GPU-{number:012x}",
            "index": number % 8,
            "productName": f"NVIDIA {name}",
            "brand": "Nvidia",
            "architecture": architecture,
            "cudaComputeCapability": Version(capability),
            "driverVersion": Version("580.65.6" if number % 16 < 8 else "570.86.1"),
            "resource.kubernetes.io/pcieRoot": f"pci0000:{number % 8:02x}",
        }
        device = Device(
            name=f"gpu-{number % 8}", attributes=attributes, capacity={"memory": Capacity(value=memory)}
        )
        found.append((SIM if number % 10 == 9 else GPU, device))
    return found


def _selectors() -> Result:
    fleet = _fleet()
    assert len(set(SELECTORS)) == 36, len(set(SELECTORS))

    def ours() -> int:
        columns = Columns(Devices(fleet, RULES.dialect))
        return sum(len(columns.verdicts(selector(source, RULES.dialect))) for source in SELECTORS)

    seconds, answers = _cpu(ours)
    floor, _ = _cpu(lambda: [device.attributes.get("productName") for _, device in fleet])
    return Result(
        measure=f"CEL: {FLEET} devices × {len(SELECTORS)} selectors (CPU)",
        value=seconds,
        goal=1.5,
        unit="s",
        floor=floor,
        note=f"{answers / seconds / 1e6:.1f} M answers/s; the floor reads one attribute of each device",
    )


# Explain


WANTED: Final = Request(
    name="gpu", device_class=GPU, count=2, selectors=(f'{_IN_GPU}.architecture == "Hopper"',)
)
POD: Final = Pod(namespace="ml", name="train", phase="Pending", claims=(PodClaim("gpu", claim="train"),))
CLAIM: Final = Claim(name="train", namespace="ml", requests=(WANTED,))


def _cluster(held_devices: int) -> Store:
    """Nodes and devices, so many of these held by a claim each; what a pod waits for."""
    size = corpus.Size(nodes=NODES, devices=DEVICES, claims=held_devices, pods=0)
    names = [f"node-{n:05}" for n in range(NODES)]
    pages: dict[str, list[Any]] = {
        "resourceslices": _rows("resourceslices", map(corpus.slice_, range(NODES), [DEVICES] * NODES)),
        "resourceclaims": [
            CLAIM,
            *_rows("resourceclaims", (corpus.claim(n, size) for n in range(held_devices))),
        ],
        "deviceclasses": [DeviceClass(name=GPU, selectors=(f'device.driver == "{GPU}"',))],
        "resourceclaimtemplates": [Template(namespace="ml", name="two", requests=(WANTED,))],
        "nodes": [Node(name=name, labels=(("kubernetes.io/hostname", name),)) for name in names],
        "pods": [POD],
    }
    store = Store()
    store.apply([Page(stream, rows, first=True, last=True) for stream, rows in pages.items()])
    store.apply([HealthChanged(stream, Health(phase=Phase.LIVE, since=0)) for stream in pages])
    return store


def _explained() -> Iterator[Result]:
    """Every device is held; all of what a person waits for: the question, all nodes, what would help."""
    store = _cluster(NODES * DEVICES)

    def ours() -> Answer:
        question = about_pod(store, POD, "v1.36.3")
        return answer(store, question, list(by_node(store, question)))

    seconds, found = _cpu(ours)
    assert len(found.nodes) == NODES, found
    assert found.suggestions
    yield Result(
        measure=f"explain one pod on {NODES} nodes × {DEVICES} devices (CPU)",
        value=seconds,
        goal=1,
        unit="s",
        note=f"every device is held; with what would help: {found.suggestions[0].what[:40]}…",
    )
    measure = "the same ÷ the Go allocator on the same nodes"
    try:
        theirs = go_allocator.asked(store, CLAIM, [corpus.slice_(n, DEVICES) for n in range(NODES)])
    except PartsUnavailable as why:
        yield Result(measure=measure, value=None, goal=None, unit="×", note=str(why))
        return
    assert theirs["fits"] == 0
    taken = theirs["milliseconds"] / 1000
    yield Result(
        measure=measure,
        value=seconds / taken,
        goal=None,
        unit="×",
        note=f"{taken:.3f} s of CPU, which decides and does not say why",
    )


def _what_if() -> Result:
    """The devices of nearly all nodes are held, so that all are looked at; some replicas do not fit."""
    store = _cluster(NODES * DEVICES - REPLICAS * 3 // 2)
    pod = msgspec.structs.replace(POD, name="many", claims=(PodClaim("gpu", template="two"),))

    def ours() -> int:
        planner = Planner(store.copy(), "v1.36.3", store)
        return len(planner.outcome(Workload("Deployment", pod, REPLICAS), REPLICAS).landed)

    seconds, fit = _cpu(ours)
    assert fit
    return Result(
        measure=f"what-if: {REPLICAS} replicas on {NODES} nodes × {DEVICES} devices (CPU)",
        value=seconds,
        goal=10,
        unit="s",
        note=f"{fit} fit; with why the next one does not",
    )


def _rows(plural: str, objects: Iterator[str]) -> list[Any]:
    body = f'{{"metadata":{{"resourceVersion":"1"}},"items":[{",".join(objects)}]}}'
    return list(codec(plural, "v1").page(body.encode()).rows)


# Partitions


def _card(card: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A card of eight memory slices and its 26 partitions."""
    slots = {f"memory-slice-{n}": {"value": "1"} for n in range(8)}
    sets = {"name": f"gpu-{card}", "counters": {"multiprocessors": {"value": "132"}, **slots}}
    devices: list[dict[str, Any]] = []
    for size, starts, processors in (
        (8, (0,), 132),
        (4, (0, 4), 60),
        (2, (0, 2, 4), 32),
        (1, tuple(range(7)), 16),
        (1, tuple(range(7)), 16),
        (2, (0, 2, 4, 6), 26),
        (4, (0, 4), 46),
    ):
        for start in starts:
            taken = {f"memory-slice-{n}": {"value": "1"} for n in range(start, start + size)}
            counters = {"multiprocessors": {"value": str(processors)}, **taken}
            devices.append(
                {
                    "name": f"gpu-{card}-{len(devices)}",
                    "attributes": {"size": {"int": size}, "card": {"int": card}},
                    "consumesCounters": [{"counterSet": f"gpu-{card}", "counters": counters}],
                }
            )
    return sets, devices


def _parted() -> list[Slice]:
    cards = [_card(card) for card in range(8)]
    assert all(len(devices) == 26 for _, devices in cards)

    def slice_(name: str, **spec: Any) -> str:
        pool = {"name": "node", "generation": 1, "resourceSliceCount": 9}
        spec |= {"driver": GPU, "nodeName": "node", "pool": pool}
        return json.dumps({"metadata": {"name": name}, "spec": spec})

    sets = slice_("counters", sharedCounters=[sets for sets, _ in cards])
    return _rows(
        "resourceslices", iter([sets, *(slice_(f"card-{n}", devices=d) for n, (_, d) in enumerate(cards))])
    )


def _partitions() -> Iterator[Result]:
    slices, classes = _parted(), [DeviceClass(name=GPU, selectors=(f'device.driver == "{GPU}"',))]

    def wants(name: str, size: int, count: int) -> Request:
        return Request(name=name, device_class=GPU, count=count, selectors=(f"{_IN_GPU}.size == {size}",))

    seven = [Claim(name="c", requests=tuple(wants(f"r{n}", (1, 2, 4, 1, 2, 4, 8)[n], 1) for n in range(7)))]

    def ours() -> object:
        return allocate(World(slices, classes, Held(), RULES), Place("node"), seven)

    seconds, found = _cpu(ours)
    assert found
    yield Result(
        measure="one node of 8 × 26 partitions, 7 requests (CPU)", value=seconds * 1000, goal=50, unit="ms"
    )

    def adversarial(*sizes: tuple[int, int]) -> str:
        asked = [Claim(name="c", requests=tuple(wants(f"r{size}", size, count) for size, count in sizes))]
        try:
            found = allocate(World(slices, classes, Held(), RULES), Place("node"), asked)
        except GaveUp as given_up:
            return str(given_up)
        return "does not fit" if found is None else "fits"

    for what, sizes in (
        ("20 small ones and then 8 whole cards", ((1, 20), (8, 8))),
        ("17 halves", ((4, 17),)),
        ("8 of each size and a whole card", ((1, 8), (2, 8), (4, 8), (8, 1))),
    ):
        seconds, outcome = _cpu(partial(adversarial, *sizes))
        yield Result(
            measure=f"the same, {what} (CPU)", value=seconds * 1000, goal=None, unit="ms", note=outcome
        )
