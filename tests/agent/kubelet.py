"""A kubelet of ours, as far as the agent asks it: who has which device."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
from dratui_agent.attribution.podresources_pb2 import (
    CDIDevice,
    ClaimResource,
    ContainerResources,
    DynamicResource,
    ListPodResourcesResponse,
    PodResources,
)


def pod(namespace: str, name: str, claim: str, uid: str, *devices: str, pool: str = "node-1") -> PodResources:
    """A pod whose container `main` has devices of NVIDIA's driver by one claim."""
    resources = [
        ClaimResource(
            cdi_devices=[CDIDevice(name=f"k8s.gpu.nvidia.com/claim={uid}-{device}")],
            driver_name="gpu.nvidia.com",
            pool_name=pool,
            device_name=device,
        )
        for device in devices
    ]
    dynamic = DynamicResource(claim_name=claim, claim_namespace=namespace, claim_resources=resources)
    main = ContainerResources(name="main", dynamic_resources=[dynamic])
    return PodResources(namespace=namespace, name=name, containers=[main])


class Kubelet:
    """Serves PodResources from its making until `stop`."""

    def __init__(self, socket: Path, pods: Sequence[PodResources]) -> None:
        self.socket = socket
        self.pods = pods
        self._server = grpc.server(ThreadPoolExecutor(max_workers=1))

        def list_(request: bytes, context: Any) -> bytes:
            return ListPodResourcesResponse(pod_resources=self.pods).SerializeToString()

        handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(list_)
        self._server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler("v1.PodResourcesLister", {"List": handler}),)
        )
        self._server.add_insecure_port(f"unix:{socket}")
        self._server.start()

    def stop(self) -> None:
        self._server.stop(None).wait()
