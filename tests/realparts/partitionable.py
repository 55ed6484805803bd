"""A card that the driver cuts on demand: every partition it could have is published, counters say which overlap.

As NVIDIA's driver publishes an H100 with dynamic MIG: eight memory slices, of which a 1g.10gb takes one, a 2g.20gb two,
a 3g.40gb four, and the whole card all.
"""

from collections.abc import Iterator
from typing import Any

DRIVER = "gpu.nvidia.com"
SLICES = 8
WHOLE = {"multiprocessors": "132", "memory": "81559Mi"}
PROFILES = {  # name: its place in the driver's list, multiprocessors, memory, slices, and where it may begin
    "1g.10gb": (19, "16", "9728Mi", 1, range(7)),
    "2g.20gb": (14, "32", "20096Mi", 2, range(0, 6, 2)),
    "3g.40gb": (9, "60", "40448Mi", 4, range(0, 8, 4)),
}


def node(name: str) -> dict[str, Any]:
    """The node with the card; pods that may share it select `estate: sharing`."""
    size = {"cpu": "192", "memory": "2Ti", "pods": "110"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "annotations": {"kwok.x-k8s.io/node": "fake"},
            "labels": {"kubernetes.io/hostname": name, "estate": "sharing"},
        },
        "status": {"capacity": size, "allocatable": size},
    }


def slices(node: str) -> list[dict[str, Any]]:
    """The two slices of its pool: the counters, and the devices that take from them."""
    counters = {**WHOLE, **{f"memory-slice-{n}": "1" for n in range(SLICES)}}
    return [
        _slice(
            node,
            "counters",
            {"sharedCounters": [{"name": "gpu-0-counter-set", "counters": _values(counters)}]},
        ),
        _slice(node, "devices", {"devices": list(_devices(counters))}),
    ]


def template(namespace: str, profile: str) -> dict[str, Any]:
    """A claim template for one partition, named after it: `cut-1g10gb`."""
    wanted = f"device.attributes['{DRIVER}'].profile == '{profile}'"
    exactly = {"deviceClassName": "mig.nvidia.com", "selectors": [{"cel": {"expression": wanted}}]}
    return {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "ResourceClaimTemplate",
        "metadata": {"namespace": namespace, "name": f"cut-{profile.replace('.', '')}"},
        "spec": {"spec": {"devices": {"requests": [{"name": "mig", "exactly": exactly}]}}},
    }


def _slice(node: str, what: str, holds: dict[str, Any]) -> dict[str, Any]:
    pool = {"name": node, "generation": 1, "resourceSliceCount": 2}
    return {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "ResourceSlice",
        "metadata": {"name": f"{node}-{DRIVER}-{what}"},
        "spec": {"driver": DRIVER, "nodeName": node, "pool": pool, **holds},
    }


def _devices(counters: dict[str, str]) -> Iterator[dict[str, Any]]:
    yield _device("gpu-0", {"type": "gpu"}, counters)
    for profile, (number, processors, memory, length, begins) in PROFILES.items():
        for begin in begins:
            places = {f"memory-slice-{n}": "1" for n in range(begin, begin + length)}
            yield _device(
                f"gpu-0-mig-{profile.replace('.', '')}-{number}-{begin}",
                {"type": "mig", "profile": profile},
                {"multiprocessors": processors, "memory": memory, **places},
            )


def _device(name: str, attributes: dict[str, str], takes: dict[str, str]) -> dict[str, Any]:
    told = {"productName": "NVIDIA H100 80GB HBM3", "architecture": "Hopper", "brand": "Nvidia", **attributes}
    return {
        "name": name,
        "attributes": {key: {"string": value} for key, value in told.items()},
        "capacity": {"memory": {"value": takes["memory"]}},
        "consumesCounters": [{"counterSet": "gpu-0-counter-set", "counters": _values(takes)}],
    }


def _values(quantities: dict[str, str]) -> dict[str, dict[str, str]]:
    return {name: {"value": value} for name, value in quantities.items()}
