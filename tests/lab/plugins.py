"""What a real kubelet hands devices out by: a DRA driver and a device plugin of the tests, over its real sockets."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import MappingProxyType
from typing import Any, Final, Self

import grpc
import yaml

from tests.lab.messages import DEVICE_PLUGIN, DRA, REGISTRATION
from tests.lab.node import NAME, Node
from tests.realparts.controlplane import ControlPlane

KUBELET: Final = "/var/lib/kubelet"
PATIENCE: Final = 30.0


class DraDriver:
    """Offers devices of the node, and prepares claims. `devices`: by name, what CDI adds to a container.

    A stand-in for a vendor's driver: DRA v1 as kubelet speaks it, slices and a device class of its name. `uuids`: what
    its slice tells of some of the devices.
    """

    def __init__(
        self,
        plane: ControlPlane,
        node: Node,
        name: str,
        devices: Mapping[str, Mapping[str, Any]],
        uuids: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.name = name
        self._plane = plane
        self._node = node
        self._devices = devices
        self._uuids = uuids
        self._registered = threading.Event()
        self._servers: list[grpc.Server] = []

    def __enter__(self) -> Self:
        self._plane.apply(yaml.safe_dump_all([self._class(), self._slice()]))
        socket = f"{KUBELET}/plugins/{self.name}/dra.sock"
        service = "k8s.io.kubelet.pkg.apis.dra.v1.DRAPlugin"
        handlers = {"NodePrepareResources": self._prepare, "NodeUnprepareResources": self._unprepare}
        self._servers.append(_serve(self._node, socket, service, DRA["Request"], handlers))
        info = REGISTRATION["PluginInfo"](
            type="DRAPlugin", name=self.name, endpoint=socket, supported_versions=["v1.DRAPlugin"]
        )
        registration = f"{KUBELET}/plugins_registry/{self.name}-reg.sock"
        self._servers.append(
            _serve(
                self._node,
                registration,
                "pluginregistration.Registration",
                REGISTRATION["RegistrationStatus"],
                {"GetInfo": lambda _: info, "NotifyRegistrationStatus": self._notified},
            )
        )
        self.registered()
        return self

    def __exit__(self, *_: object) -> None:
        for server in self._servers:
            server.stop(None).wait()

    def registered(self) -> None:
        """Wait until kubelet says so."""
        assert self._registered.wait(PATIENCE), (
            f"kubelet has not registered {self.name}: {self._node.last_words()}"
        )

    def _notified(self, status: Any) -> Any:
        if status.plugin_registered:
            self._registered.set()
        return REGISTRATION["RegistrationStatusResponse"]()

    def _prepare(self, request: Any) -> Any:
        answer = DRA["PrepareResponse"]()
        for asked in request.claims:
            claim = json.loads(
                self._plane.kubectl("get", "resourceclaim", asked.name, "-n", asked.namespace, "-o", "json")
            )
            prepared = answer.claims.add(key=asked.uid).value
            results = claim["status"]["allocation"]["devices"]["results"]
            own = [result for result in results if result["driver"] == self.name]
            self._write_spec(asked.uid, [result["device"] for result in own])
            for result in own:
                prepared.devices.add(
                    request_names=[result["request"].partition("/")[0]],
                    pool_name=result["pool"],
                    device_name=result["device"],
                    cdi_device_ids=[f"{self._kind}={asked.uid}-{result['device']}"],
                )
        return answer

    def _unprepare(self, request: Any) -> Any:
        answer = DRA["UnprepareResponse"]()
        for asked in request.claims:
            answer.claims.add(key=asked.uid).value.SetInParent()
            self._node.path(self._spec(asked.uid)).unlink(missing_ok=True)
        return answer

    @property
    def _kind(self) -> str:
        return f"k8s.{self.name}/claim"

    def _spec(self, claim: str) -> str:
        return f"/run/cdi/k8s.{self.name}-claim_{claim}.json"

    def _write_spec(self, claim: str, devices: Sequence[str]) -> None:
        made = [{"name": f"{claim}-{each}", "containerEdits": dict(self._devices[each])} for each in devices]
        spec = {"cdiVersion": "0.5.0", "kind": self._kind, "devices": made}
        self._node.path(self._spec(claim)).write_text(json.dumps(spec))

    def _class(self) -> dict[str, Any]:
        expression = f"device.driver == '{self.name}'"
        return {
            "apiVersion": "resource.k8s.io/v1",
            "kind": "DeviceClass",
            "metadata": {"name": self.name},
            "spec": {"selectors": [{"cel": {"expression": expression}}]},
        }

    def _slice(self) -> dict[str, Any]:
        return {
            "apiVersion": "resource.k8s.io/v1",
            "kind": "ResourceSlice",
            "metadata": {"name": f"{NAME}-{self.name}"},
            "spec": {
                "driver": self.name,
                "nodeName": NAME,
                "pool": {"name": NAME, "generation": 1, "resourceSliceCount": 1},
                "devices": [
                    {"name": name, "attributes": {"uuid": {"string": uuid}} if uuid else {}}
                    for name in self._devices
                    for uuid in [self._uuids.get(name)]
                ],
            },
        }


class DevicePlugin:
    """A resource such as `nvidia.com/gpu`, as device plugins offer it: their names are the devices' UUIDs."""

    def __init__(self, node: Node, resource: str, devices: Sequence[str]) -> None:
        self._node = node
        self._resource = resource
        self._devices = devices
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        name = self._resource.replace("/", "-") + ".sock"
        folder = f"{KUBELET}/device-plugins"
        service = "v1beta1.DevicePlugin"
        options = DEVICE_PLUGIN["DevicePluginOptions"]()
        handlers = {"GetDevicePluginOptions": lambda _: options, "Allocate": self._allocate}
        self._server = _serve(
            self._node,
            f"{folder}/{name}",
            service,
            DEVICE_PLUGIN["AllocateRequest"],
            handlers,
            streams={"ListAndWatch": self._list},
        )
        asked = DEVICE_PLUGIN["RegisterRequest"](
            version="v1beta1", endpoint=name, resource_name=self._resource
        )
        with grpc.insecure_channel(f"unix:{self._node.path(folder + '/kubelet.sock')}") as channel:
            register: Callable[..., bytes] = channel.unary_unary(
                "/v1beta1.Registration/Register",
                request_serializer=lambda message: message.SerializeToString(),
                response_deserializer=bytes,
            )
            register(asked, timeout=PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._server.stop(None).wait()

    def _list(self, _: Any) -> Iterator[Any]:
        devices = [DEVICE_PLUGIN["Device"](ID=each, health="Healthy") for each in self._devices]
        yield DEVICE_PLUGIN["ListAndWatchResponse"](devices=devices)
        self._ended.wait()

    def _allocate(self, request: Any) -> Any:
        answer = DEVICE_PLUGIN["AllocateResponse"]()
        for _ in request.container_requests:
            answer.container_responses.add()
        return answer


def _serve(
    node: Node,
    socket: str,
    service: str,
    request: Any,
    calls: Mapping[str, Callable[[Any], Any]],
    streams: Mapping[str, Callable[[Any], Iterator[Any]]] = {},
) -> grpc.Server:
    """Answer calls of a service at a socket of the node."""
    path = node.path(socket)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)

    def serialised(message: Any) -> bytes:
        said: bytes = message.SerializeToString()
        return said

    handlers = {
        name: grpc.unary_unary_rpc_method_handler(
            lambda asked, _context, call=call: call(asked), request.FromString, serialised
        )
        for name, call in calls.items()
    } | {
        name: grpc.unary_stream_rpc_method_handler(
            lambda asked, _context, call=call: call(asked), request.FromString, serialised
        )
        for name, call in streams.items()
    }
    server = grpc.server(ThreadPoolExecutor(max_workers=4))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
    server.add_insecure_port(f"unix:{path}")
    server.start()
    return server
