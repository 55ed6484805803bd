"""A node with a kubelet plugin, a claim that it prepared, and the pod that uses it."""

from typing import Any

from dratui.api.model import Claim, ObjectKey, Pod
from dratui.cluster.store import Store
from dratui.prepared import Device, Plugin, Prepared
from dratui.samples import DeviceSample, Holder
from tests.cluster.build import DRIVER, NOW, ago, claim, measured, pod, put, result, sample, slice_, store

NODE = "node-1"
NODE_KEY = ObjectKey("", NODE)
UID = "uid of claim train"
READY = ago(minutes=5)


def plugin(*claims: Prepared, **more: Any) -> Plugin:
    return Plugin(driver=DRIVER, claims=claims, **more)


def prepared(name: str = "train", *devices: str, state: str = "completed", **more: Any) -> Prepared:
    """By default gpu-0, five minutes ago."""
    fields: dict[str, Any] = {
        "uid": f"uid of claim {name}",
        "namespace": "default",
        "name": name,
        "devices": tuple(Device(pool=NODE, device=d, uuid=f"GPU-{d}") for d in devices or ("gpu-0",)),
        "started": READY.timestamp() - 1,
        "completed": READY.timestamp() if state == "completed" else None,
    }
    return Prepared(state=state, **{**fields, **more})


def holding(device: str, uuid: str = "", of: str = "train") -> DeviceSample:
    """A device that kubelet gave to a container for a claim."""
    holder = Holder(
        namespace="default",
        pod="trainer",
        container="main",
        claim=of,
        claim_uid=f"uid of claim {of}",
        driver=DRIVER,
        pool=NODE,
        device=device,
    )
    return measured(uuid or f"GPU-{device}", holder)


def told(believes: Plugin | None, *devices: DeviceSample, **more: Any) -> Any:
    """A sample of the node that was taken now."""
    at = NOW.timestamp()
    fields = {"at": at, "attributed": at, "believed": at if believes else None, "plugin": believes}
    return sample(NODE, *devices, **{**fields, **more})


def trainer(**more: Any) -> Pod:
    return pod("trainer", "train", node=NODE, **{"started": ago(minutes=6), **more})


def train(*pods: Pod, **more: Any) -> Claim:
    return claim("train", result("gpu-0"), node=NODE, pods=pods, **more)


def cluster(*rows: Any, sample_of: Any) -> Store:
    """The sample comes last, as it does when all else is known."""
    made = store(slice_(NODE, "gpu-0", "gpu-1"), *rows)
    made.apply([put(sample_of)])
    return made
