"""The plugin's sockets, spoken to as kubelet does: with its deadlines, over the messages of its own APIs."""

import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc

from tests.lab.messages import DRA, HEALTH, PROBE, REGISTRATION

V1 = "k8s.io.kubelet.pkg.apis.dra.v1.DRAPlugin"
V1BETA1 = "k8s.io.kubelet.pkg.apis.dra.v1beta1.DRAPlugin"
HEALTHY = {0: "unknown", 1: "healthy", 2: "unhealthy"}

Claim = tuple[str, str, str]
"""Namespace, name, UID."""


class Kubelet:
    """Looks into its folder as kubelet does, and calls."""

    def __init__(self, folder: Path) -> None:
        self.registry = folder / "plugins_registry"

    def sockets(self) -> list[Path]:
        return sorted(self.registry.glob("*.sock"))

    def info(self, path: Path | None = None) -> Any:
        """What the plugin says of itself; at the one socket that there is, or this."""
        if path is None:
            (path,) = self.sockets()
        return call(
            path,
            "/pluginregistration.Registration/GetInfo",
            REGISTRATION["InfoRequest"](),
            REGISTRATION["PluginInfo"],
            1,
        )

    def notify(self, *, registered: bool = True, error: str = "") -> None:
        (path,) = self.sockets()
        status = REGISTRATION["RegistrationStatus"](plugin_registered=registered, error=error)
        answer = REGISTRATION["RegistrationStatusResponse"]
        call(path, "/pluginregistration.Registration/NotifyRegistrationStatus", status, answer, 5)

    def prepare(self, *claims: Claim, version: str = V1, by: Path | None = None) -> Mapping[str, Any]:
        """Devices or an error by UID. `by`: the registration socket of one of several plugins."""
        answer = self._dra(f"/{version}/NodePrepareResources", claims, DRA["PrepareResponse"], by)
        return {each.key: each.value for each in answer.claims}

    def unprepare(self, *claims: Claim, version: str = V1, by: Path | None = None) -> Mapping[str, str]:
        """An error by UID, empty for none."""
        answer = self._dra(f"/{version}/NodeUnprepareResources", claims, DRA["UnprepareResponse"], by)
        return {each.key: each.value.error for each in answer.claims}

    @contextmanager
    def health(self, version: str = "v1") -> Iterator[Iterator[Mapping[str, tuple[str, str]]]]:
        """What the stream says of each device, again and again for a minute."""
        with grpc.insecure_channel(f"unix:{self.info().endpoint}") as channel:
            ask: Callable[..., Any] = channel.unary_stream(
                f"/{version}.DRAResourceHealth/NodeWatchResources",
                request_serializer=serialised,
                response_deserializer=HEALTH["NodeWatchResourcesResponse"].FromString,
            )
            stream = ask(HEALTH["NodeWatchResourcesRequest"](), timeout=60)

            def told() -> Iterator[Mapping[str, tuple[str, str]]]:
                for answer in stream:
                    yield {d.device.device_name: (HEALTHY[d.health], d.message) for d in answer.devices}

            try:
                yield told()
            finally:
                stream.cancel()

    def _dra(self, method: str, claims: Sequence[Claim], answer: Any, by: Path | None) -> Any:
        asked = DRA["Request"](
            claims=[{"namespace": ns, "name": name, "uid": uid} for ns, name, uid in claims]
        )
        return call(Path(self.info(by).endpoint), method, asked, answer, 45)


def probe(port: int) -> int:
    """What the gRPC health service says: 1 for serving."""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        ask: Callable[..., Any] = channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=serialised,
            response_deserializer=PROBE["HealthCheckResponse"].FromString,
        )
        status: int = ask(PROBE["HealthCheckRequest"](), timeout=10).status
        return status


def call(path: Path, method: str, message: Any, answer: Any, timeout: float) -> Any:
    with grpc.insecure_channel(f"unix:{path}") as channel:
        ask: Callable[..., Any] = channel.unary_unary(
            method, request_serializer=serialised, response_deserializer=answer.FromString
        )
        return ask(message, timeout=timeout)


def serialised(message: Any) -> bytes:
    said: bytes = message.SerializeToString()
    return said


def stale(path: Path) -> None:
    """A socket that nobody serves any more."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
