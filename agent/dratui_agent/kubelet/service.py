"""The DRA service, as kubelet calls it: version 1, and v1beta1 in the same words."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

import grpc

from dratui_agent.kubelet.claims import Named
from dratui_agent.kubelet.messages import DRA
from dratui_agent.kubelet.metrics import Metrics
from dratui_agent.kubelet.preparation import Devices, Operation

SERVICES: Final = tuple(f"k8s.io.kubelet.pkg.apis.dra.{version}.DRAPlugin" for version in ("v1", "v1beta1"))


class Prepares(Protocol):
    """What `preparation` does."""

    def prepare(self, asked: Sequence[Named]) -> Mapping[str, Devices | str]:
        """Devices by UID, or why there are none."""

    def unprepare(self, asked: Sequence[Named]) -> Mapping[str, Devices | str]:
        """No devices, or why they stay."""


def handlers(preparation: Prepares, metrics: Metrics) -> Sequence[grpc.GenericRpcHandler]:
    """Both versions of the service. Who asks for no claims gets an empty answer, and is not counted: it is a probe."""

    def prepare(request: Any, _: grpc.ServicerContext) -> Any:
        answer = DRA["NodePrepareResourcesResponse"]()
        for uid, outcome in _done("prepare", request, preparation.prepare).items():
            of_claim = answer.claims[uid]
            if isinstance(outcome, str):
                of_claim.error = outcome
                continue
            for device in outcome:
                of_claim.devices.add(
                    request_names=device.requests,
                    pool_name=device.pool,
                    device_name=device.device,
                    cdi_device_ids=[device.cdi],
                    share_id=device.share,
                )
        return answer

    def unprepare(request: Any, _: grpc.ServicerContext) -> Any:
        answer = DRA["NodeUnprepareResourcesResponse"]()
        for uid, outcome in _done("unprepare", request, preparation.unprepare).items():
            answer.claims[uid].error = outcome if isinstance(outcome, str) else ""
        return answer

    def _done(
        operation: Operation,
        request: Any,
        do: Callable[[Sequence[Named]], Mapping[str, Devices | str]],
    ) -> Mapping[str, Devices | str]:
        if not request.claims:
            return {}
        with metrics.request(operation):
            return do([Named(claim.namespace, claim.name, claim.uid) for claim in request.claims])

    calls = {
        "NodePrepareResources": (prepare, DRA["NodePrepareResourcesRequest"]),
        "NodeUnprepareResources": (unprepare, DRA["NodeUnprepareResourcesRequest"]),
    }
    methods: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
        name: grpc.unary_unary_rpc_method_handler(
            call, request.FromString, lambda message: message.SerializeToString()
        )
        for name, (call, request) in calls.items()
    }
    return [grpc.method_handlers_generic_handler(service, methods) for service in SERVICES]
