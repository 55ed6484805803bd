"""The gRPC health service, for a pod's probes: it goes kubelet's way, and asks both sockets."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import grpc

from dratui_agent.kubelet.messages import DRA, PROBE, REGISTRATION
from dratui_agent.kubelet.registration import SERVICE as REGISTRATION_SERVICE
from dratui_agent.kubelet.service import SERVICES
from dratui_agent.kubelet.sockets import CannotServe

SERVICE: Final = "grpc.health.v1.Health"
SERVING, NOT_SERVING = 1, 2
PATIENCE_SECONDS: Final = 1.0


class Probe:
    """Serves from its making until `stop`, at a port of all addresses. Raises CannotServe."""

    def __init__(self, port: int, registration: Path, dra: Path) -> None:
        self._asked = (
            (registration, f"/{REGISTRATION_SERVICE}/GetInfo", REGISTRATION["InfoRequest"]()),
            (dra, f"/{SERVICES[0]}/NodePrepareResources", DRA["NodePrepareResourcesRequest"]()),
        )
        self._server = grpc.server(ThreadPoolExecutor(2, thread_name_prefix="probe"))
        check: grpc.RpcMethodHandler[Any, Any] = grpc.unary_unary_rpc_method_handler(
            self._check, PROBE["HealthCheckRequest"].FromString, lambda message: message.SerializeToString()
        )
        self._server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(SERVICE, {"Check": check}),)
        )
        try:
            self.port = self._server.add_insecure_port(f"[::]:{port}")
        except RuntimeError as error:
            raise CannotServe(f"cannot listen on port {port} for health checks: {error}") from error
        self._server.start()

    def stop(self) -> None:
        """At once."""
        self._server.stop(0).wait(PATIENCE_SECONDS)

    def _check(self, request: Any, context: grpc.ServicerContext) -> Any:
        if request.service not in ("", "liveness", *SERVICES):
            context.abort(grpc.StatusCode.NOT_FOUND, "there is no such service")
        serving = all(_answers(*asked) for asked in self._asked)
        return PROBE["HealthCheckResponse"](status=SERVING if serving else NOT_SERVING)


def _answers(path: Path, method: str, message: Any) -> bool:
    with grpc.insecure_channel(f"unix:{path}") as channel:
        ask: Callable[..., bytes] = channel.unary_unary(
            method, request_serializer=lambda asked: asked.SerializeToString(), response_deserializer=bytes
        )
        try:
            ask(message, timeout=PATIENCE_SECONDS)
        except grpc.RpcError:
            return False
        return True
