"""What kubelet answers for pods that hold MIG devices by claims, and the CDI specs of these claims."""

import json
from pathlib import Path
from typing import Final

from dratui_agent.attribution.podresources_pb2 import (
    CDIDevice,
    ClaimResource,
    ContainerResources,
    DynamicResource,
    ListPodResourcesResponse,
    PodResources,
)

from tests.bench import scraped

DEVICES: Final = 30
"""That are held; claims share them, if there are more."""
_KIND: Final = "k8s.gpu.nvidia.com/claim"


def answer(pods: int, each: int, folder: Path) -> bytes:
    """A claim a pod, for `each` devices. Its specs are written to the folder."""
    told = ListPodResourcesResponse()
    for pod in range(pods):
        container = ContainerResources(name="main", dynamic_resources=[_claim(pod, each, folder)])
        told.pod_resources.append(
            PodResources(name=f"notebook-{pod}", namespace="notebooks", containers=[container])
        )
    return told.SerializeToString()


def _claim(number: int, devices: int, folder: Path) -> DynamicResource:
    specs, resources = [], []
    for n in range(number, number + devices):
        mig = scraped.DEVICES[n % DEVICES]
        device = f"gpu-{mig.minor}-mig-1g10gb-{mig.profile}-{mig.start}"
        name = f"0a1b2c3d-0000-1111-2222-{number:012}-{device}"
        edits = {
            "env": [f"NVIDIA_VISIBLE_DEVICES={mig.uuid}"],
            "deviceNodes": [{"path": f"/dev/nvidia{mig.minor}"}],
        }
        specs.append({"name": name, "containerEdits": edits})
        resources.append(
            ClaimResource(
                cdi_devices=[CDIDevice(name=f"{_KIND}={name}")],
                driver_name="gpu.nvidia.com",
                pool_name="gpu-node-7",
                device_name=device,
            )
        )
    spec = {"cdiVersion": "0.7.0", "kind": _KIND, "devices": specs}
    (folder / f"claim-{number}.json").write_text(json.dumps(spec))
    return DynamicResource(
        claim_name=f"notebook-{number}-mig", claim_namespace="notebooks", claim_resources=resources
    )
