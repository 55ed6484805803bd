"""Clusters and claims by chance: the same for the same seed, and accepted by an API server.

Small, so that devices run out, and odd in each way that the allocator knows: pools in several slices, short of one,
with one device twice or with an old generation left; partitions of one card; devices that are shared, tainted, or
attached to several nodes; claims that need backtracking.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

Json = dict[str, Any]

GPU, MIG, CUT, SHARE, NIC = (f"{name}.agree.example" for name in ("gpu", "mig", "cut", "share", "nic"))
ADMIN, PLAIN = "agreement-admin", "agreement"
"""Namespaces: with and without the label that allows admin access."""

MODELS = ("A100", "H100", "B200")
RACK = "agree.example/rack"
CLUSTER = "agree.example/cluster"
"""The labels of nodes: half of a cluster's, and all of them."""


@dataclass
class Cluster:
    """Documents as an API server takes them, in the order in which they are made."""

    nodes: list[Json] = field(default_factory=list)
    slices: list[Json] = field(default_factory=list)


@dataclass
class Wish:
    """A pod's: where it may run, and its claims."""

    namespace: str
    node_selector: dict[str, str]
    claims: list[Json]


CLASSES: Sequence[Json] = [
    {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "DeviceClass",
        "metadata": {"name": name},
        "spec": {"selectors": [{"cel": {"expression": text}} for text in selectors]},
    }
    for name, selectors in {
        **{driver: [f'device.driver == "{driver}"'] for driver in (GPU, MIG, CUT, SHARE, NIC)},
        "any.agree.example": [],
        "part.agree.example": ['device.driver in ["mig.agree.example", "cut.agree.example"]'],
        "big.agree.example": [
            f'device.driver == "{GPU}"',
            f'device.capacity["{GPU}"].memory.compareTo(quantity("80Gi")) >= 0',
        ],
    }.items()
]


def cluster(random: Random, prefix: str) -> Cluster:
    """Names begin with the prefix, for those are the cluster's own."""
    made = Cluster()
    names = [f"{prefix}-{number}" for number in range(random.randint(2, 6))]
    for name in names:
        labels = {"kubernetes.io/hostname": name, CLUSTER: prefix, RACK: random.choice(("r1", "r2"))}
        room = {"cpu": "64", "memory": "256Gi", "pods": "110"}
        made.nodes.append(
            {
                "apiVersion": "v1",
                "kind": "Node",
                "metadata": {"name": name, "labels": labels},
                "status": {
                    "capacity": room,
                    "allocatable": room,
                    "conditions": [{"type": "Ready", "status": "True"}],
                },
            }
        )
        for publish, chance in ((_gpus, 0.8), (_partitions, 0.7), (_shared, 0.7), (_odd, 0.15)):
            if random.random() < chance:
                made.slices += publish(random, name)
    for number in range(random.randint(0, 2)):
        made.slices += _attached(random, f"{prefix}-fabric-{number}", names)
    random.shuffle(made.slices)
    return made


def wish(random: Random, prefix: str) -> Wish:
    """What the next pod wants of a cluster."""
    admin = random.random() < 0.15
    selector = {CLUSTER: prefix}
    if random.random() < 0.15:
        selector[RACK] = random.choice(("r1", "r2"))
    count = random.choice((1, 1, 1, 1, 2, 3))
    return Wish(ADMIN if admin else PLAIN, selector, [_claim(random, admin=admin) for _ in range(count)])


# Slices


def _slice(
    name: str,
    driver: str,
    pool: str,
    devices: Sequence[Json] = (),
    *,
    of: int = 1,
    generation: int = 1,
    **more: Any,
) -> Json:
    spec = {
        "driver": driver,
        "pool": {"name": pool, "generation": generation, "resourceSliceCount": of},
        **({"devices": list(devices)} if devices else {}),
        **more,
    }
    return {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "ResourceSlice",
        "metadata": {"name": name},
        "spec": spec,
    }


def _gpu(random: Random, number: int) -> Json:
    attributes: Json = {
        "model": {"string": random.choice(MODELS)},
        "index": {"int": number},
        "numa": {"int": number % 2},
        "resource.kubernetes.io/pcieRoot": {"string": f"pci{random.randint(0, 1)}"},
        "driverVersion": {"version": random.choice(("1.2.3", "2.0.0"))},
    }
    if random.random() < 0.1:
        del attributes["numa"]
    if random.random() < 0.15:
        attributes["links"] = {"ints": random.sample(range(4), random.randint(1, 3))}
    device: Json = {
        "name": f"gpu-{number}",
        "attributes": attributes,
        "capacity": {"memory": {"value": random.choice(("40Gi", "80Gi", "192Gi"))}},
    }
    return _perhaps_tainted(random, device)


def _perhaps_tainted(random: Random, device: Json) -> Json:
    if random.random() < 0.15:
        effect = random.choice(("NoSchedule", "NoSchedule", "NoExecute", "None"))
        device["taints"] = [
            {"key": "agree.example/sick", "value": random.choice(("1", "2")), "effect": effect}
        ]
    return device


def _gpus(random: Random, node: str) -> list[Json]:
    """Plain devices, in one slice or two."""
    devices = [_gpu(random, number) for number in range(random.randint(1, 6))]
    cut = random.randint(1, len(devices))
    parts = [part for part in (devices[:cut], devices[cut:]) if part]
    return [
        _slice(f"{node}-{GPU}-{9 - n}", GPU, node, part, of=len(parts), nodeName=node)
        for n, part in enumerate(parts)
    ]


def _partitions(random: Random, node: str) -> list[Json]:
    """Cards that are cut: by one driver or by two that name their pools alike."""
    slices: list[Json] = []
    for driver in random.choice(((MIG,), (CUT,), (MIG, CUT))):
        cards = random.randint(1, 2)
        sets, devices = [], []
        for card in range(cards):
            slots = {f"slot-{n}": {"value": "1"} for n in range(4)}
            sets.append({"name": f"card-{card}", "counters": {"memory": {"value": "40Gi"}, **slots}})
            for size in (4, 2, 1):
                for start in range(0, 4, size):
                    taken = {f"slot-{n}": {"value": "1"} for n in range(start, start + size)}
                    device: Json = {
                        "name": f"card-{card}-{size}-{start}",
                        "attributes": {"profile": {"string": f"{size}g"}, "card": {"int": card}},
                        "consumesCounters": [
                            {
                                "counterSet": f"card-{card}",
                                "counters": {"memory": {"value": f"{size * 10}Gi"}, **taken},
                            }
                        ],
                    }
                    if random.random() < 0.15:
                        device["allowMultipleAllocations"] = True
                        device["capacity"] = {
                            "memory": {"value": f"{size * 10}Gi", "requestPolicy": {"default": "5Gi"}}
                        }
                    if random.random() < 0.9:
                        devices.append(_perhaps_tainted(random, device))
        if random.random() < 0.3:
            random.shuffle(devices)
        slices.append(_slice(f"{node}-{driver}-c", driver, node, of=2, nodeName=node, sharedCounters=sets))
        slices.append(_slice(f"{node}-{driver}-d", driver, node, devices, of=2, nodeName=node))
    return slices


_POLICIES: Sequence[Json] = (
    {},
    {"requestPolicy": {"default": "10Gi"}},
    {"requestPolicy": {"default": "10Gi", "validRange": {"min": "10Gi", "max": "30Gi", "step": "5Gi"}}},
    {"requestPolicy": {"default": "5Gi", "validRange": {"min": "5Gi"}}},
    {"requestPolicy": {"default": "10Gi", "validValues": ["10Gi", "20Gi", "40Gi"]}},
)


def _shared(random: Random, node: str) -> list[Json]:
    devices = []
    for number in range(random.randint(1, 3)):
        shared = random.random() < 0.85
        capacity = {"memory": {"value": "40Gi", **(random.choice(_POLICIES) if shared else {})}}
        if random.random() < 0.4:
            capacity["cores"] = {"value": "8", **({"requestPolicy": {"default": "1"}} if shared else {})}
        device: Json = {
            "name": f"slot-{number}",
            "attributes": {"numa": {"int": number % 2}, "model": {"string": random.choice(MODELS)}},
            "capacity": capacity,
            "allowMultipleAllocations": shared,
        }
        devices.append(_perhaps_tainted(random, device))
    return [_slice(f"{node}-{SHARE}", SHARE, node, devices, nodeName=node)]


def _odd(random: Random, node: str) -> list[Json]:
    """A pool that is not as it should be."""
    devices = [_gpu(random, number) for number in range(2)]
    name, pool = f"{node}-odd", f"{node}-odd"
    match random.randrange(5):
        case 0:  # a slice is missing
            return [_slice(name, GPU, pool, devices, of=2, nodeName=node)]
        case 1:  # a device twice
            return [_slice(f"{name}-{n}", GPU, pool, [devices[0]], of=2, nodeName=node) for n in range(2)]
        case 2:  # an old generation is left
            return [
                _slice(f"{name}-old", GPU, pool, devices, generation=1, nodeName=node),
                _slice(f"{name}-new", GPU, pool, devices[:1], generation=2, nodeName=node),
            ]
        case 3:  # counters that nobody has published
            part: Json = {
                "name": "part",
                "consumesCounters": [{"counterSet": "none", "counters": {"memory": {"value": "1Gi"}}}],
            }
            return [_slice(name, MIG, pool, [part], nodeName=node)]
        case _:  # the new generation is half there
            return [
                _slice(f"{name}-old", GPU, pool, devices, generation=1, nodeName=node),
                _slice(f"{name}-new", GPU, pool, devices[:1], generation=2, of=2, nodeName=node),
            ]


def _attached(random: Random, pool: str, nodes: Sequence[str]) -> list[Json]:
    """Devices that several nodes reach."""
    devices: list[Json] = [
        {"name": f"port-{n}", "attributes": {"speed": {"int": random.choice((100, 400))}}}
        for n in range(random.randint(1, 4))
    ]
    rack = {"matchExpressions": [{"key": RACK, "operator": "In", "values": [random.choice(("r1", "r2"))]}]}
    hosts = random.sample(nodes, random.randint(1, len(nodes)))
    some = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": hosts}]}
    where: list[Json] = [
        {"allNodes": True},
        {"nodeSelector": {"nodeSelectorTerms": [rack]}},
        {"nodeSelector": {"nodeSelectorTerms": [some]}},
    ]
    if random.random() < 0.4:
        for device in devices:
            device.update(random.choice([*where, {"nodeName": random.choice(nodes)}]))
        return [_slice(pool, NIC, pool, devices, perDeviceNodeSelection=True)]
    return [_slice(pool, NIC, pool, devices, **random.choice(where))]


# Claims

_SELECTORS: dict[str, Sequence[Callable[[Random], str]]] = {
    GPU: (
        lambda r: f'device.attributes["{GPU}"].model == "{r.choice(MODELS)}"',
        lambda r: f'device.capacity["{GPU}"].memory.isGreaterThan(quantity("{r.choice((39, 79, 191))}Gi"))',
        lambda r: (
            f'"numa" in device.attributes["{GPU}"] && device.attributes["{GPU}"].numa == {r.randint(0, 1)}'
        ),
        lambda r: f'device.attributes["{GPU}"].numa == {r.randint(0, 1)}',
        lambda r: f'device.attributes["{GPU}"].driverVersion.isGreaterThan(semver("1.9.0"))',
        lambda r: f'device.attributes["{GPU}"].?index.orValue(0) % 2 == {r.randint(0, 1)}',
    ),
    MIG: (lambda r: f'device.attributes["{MIG}"].profile == "{r.choice((1, 2, 4))}g"',),
    CUT: (lambda r: f'device.attributes["{CUT}"].profile in ["{r.choice((1, 2))}g", "4g"]',),
    SHARE: (
        lambda r: f'device.attributes["{SHARE}"].model == "{r.choice(MODELS)}"',
        lambda r: "device.allowMultipleAllocations == true",
    ),
    NIC: (lambda r: f'device.attributes["{NIC}"].speed >= {r.choice((100, 200))}',),
    "any.agree.example": (
        lambda r: 'device.driver.startsWith("g")',
        lambda r: 'device.driver != "nic.agree.example"',
    ),
    "part.agree.example": (lambda r: 'device.driver == "cut.agree.example"',),
    "big.agree.example": (lambda r: f'device.attributes["{GPU}"].model != "{r.choice(MODELS)}"',),
}
_ATTRIBUTES = (
    f"{GPU}/numa",
    "resource.kubernetes.io/pcieRoot",
    f"{GPU}/model",
    f"{MIG}/card",
    f"{GPU}/links",
)


def _wanted(random: Random, name: str) -> Json:
    class_ = random.choice((GPU, GPU, MIG, CUT, SHARE, SHARE, NIC, *_SELECTORS))
    found: Json = {"name": name, "deviceClassName": class_}
    if random.random() < 0.45:
        found["selectors"] = [{"cel": {"expression": random.choice(_SELECTORS[class_])(random)}}]
    if random.random() < 0.08:
        found["allocationMode"] = "All"
    else:
        found |= {"allocationMode": "ExactCount", "count": random.choice((1, 1, 1, 1, 2, 2, 3))}
    if random.random() < 0.25:
        found["tolerations"] = [
            random.choice(
                (
                    {"operator": "Exists"},
                    {"key": "agree.example/sick", "operator": "Exists", "effect": "NoSchedule"},
                    {"key": "agree.example/sick", "operator": "Equal", "value": "1"},
                )
            )
        ]
    if random.random() < (0.6 if class_ == SHARE else 0.05):
        requests = {"memory": random.choice(("1Gi", "7Gi", "10Gi", "12Gi", "20Gi", "35Gi", "41Gi"))}
        if random.random() < 0.2:
            requests["cores"] = random.choice(("1", "3"))
        found["capacity"] = {"requests": requests}
    return found


def _claim(random: Random, *, admin: bool) -> Json:
    requests: list[Json] = []
    for number in range(random.choice((1, 1, 1, 1, 2, 2, 3))):
        name = f"r{number}"
        if random.random() < 0.2:
            alternatives = [_wanted(random, f"s{n}") for n in range(random.randint(2, 3))]
            requests.append({"name": name, "firstAvailable": alternatives})
            continue
        exactly = _wanted(random, name)
        del exactly["name"]
        if admin and random.random() < 0.6:
            exactly["adminAccess"] = True
        requests.append({"name": name, "exactly": exactly})
    constraints: list[Json] = []
    if random.random() < 0.3:
        kind = random.choice(("matchAttribute", "matchAttribute", "distinctAttribute"))
        constraint: Json = {kind: random.choice(_ATTRIBUTES)}
        if random.random() < 0.5:
            some = random.sample(requests, random.randint(1, len(requests)))
            constraint["requests"] = [each["name"] for each in some]
        constraints.append(constraint)
    return {"devices": {"requests": requests, **({"constraints": constraints} if constraints else {})}}
