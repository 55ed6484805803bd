"""How kubelet finds the plugin: it looks into a folder, asks each socket there who it is, and says what became of it.

Nobody else may serve our driver's name on the node: kubelet would send claims to whoever came last.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import grpc

from dratui_agent import __version__
from dratui_agent.kubelet.health import SERVICES as HEALTH_SERVICES
from dratui_agent.kubelet.messages import REGISTRATION
from dratui_agent.kubelet.sockets import CannotServe, alive
from dratui_agent.log import log

SERVICE: Final = "pluginregistration.Registration"
VERSIONS: Final = ("v1.DRAPlugin", "v1beta1.DRAPlugin", *HEALTH_SERVICES)
"""What kubelet may speak with us: the newest of each service that it knows, and since 1.37 no health unlisted."""
MARK: Final = "dratui-agent"
"""In the metadata of our answers: so agents know each other."""
NVIDIA: Final = "gpu.nvidia.com"
"""The driver that offers the same devices."""
PATIENCE_SECONDS: Final = 1.0  # as long as kubelet gives
_POD: Final = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


class Registration:
    """The answers to kubelet. `endpoint`: where it finds the DRA service."""

    def __init__(self, driver: str, endpoint: Path) -> None:
        self.registered = False
        self.trouble = ""  # what kubelet does not like
        self._info = REGISTRATION["PluginInfo"](
            type="DRAPlugin", name=driver, endpoint=str(endpoint), supported_versions=VERSIONS
        )

    def handlers(self) -> grpc.GenericRpcHandler:
        """The service."""
        calls = {
            "GetInfo": (self._get_info, "InfoRequest"),
            "NotifyRegistrationStatus": (self._notify, "RegistrationStatus"),
        }
        return grpc.method_handlers_generic_handler(
            SERVICE,
            {
                name: grpc.unary_unary_rpc_method_handler(
                    call, REGISTRATION[request].FromString, lambda message: message.SerializeToString()
                )
                for name, (call, request) in calls.items()
            },
        )

    def _get_info(self, _: Any, context: grpc.ServicerContext) -> Any:
        context.send_initial_metadata(((MARK, __version__),))
        return self._info

    def _notify(self, status: Any, _: grpc.ServicerContext) -> Any:
        trouble = "" if status.plugin_registered else str(status.error) or "it does not say why"
        if trouble and trouble != self.trouble:
            log.error("kubelet does not register the driver: %s", trouble)
        elif not trouble and not self.registered:
            log.info("kubelet has registered driver %s", self._info.name)
        self.registered, self.trouble = status.plugin_registered, trouble
        return REGISTRATION["RegistrationStatusResponse"]()


def names(driver: str, pod: str) -> tuple[str, str]:
    """Of the sockets, in kubelet's folder and in ours. With a pod's UID two versions run side by side."""
    return (f"{driver}-{pod}-reg.sock", f"dra-{pod}.sock") if pod else (f"{driver}-reg.sock", "dra.sock")


def refuse_others(folder: Path, driver: str, own: str) -> None:
    """Raises CannotServe where somebody else serves the name: another driver, or an agent that we do not replace.

    Sockets that earlier agents have left behind are removed: kubelet would ask them for ever.
    """
    ours = re.compile(rf"{re.escape(driver)}(-{_POD})?-reg\.sock")
    for path in sorted(folder.glob("*.sock")):
        named = ours.fullmatch(path.name)
        if not alive(path):
            if named and path.name != own:
                log.info("removed %s, which nobody serves", path)
                path.unlink(missing_ok=True)
            continue
        name, agent = _asked(path)
        if name != driver:
            if agent or name == NVIDIA:
                log.warning(
                    "driver %s serves this node too: claims of both drivers may be given the same GPU", name
                )
            continue
        if not agent:
            raise CannotServe(
                f"another driver serves {driver} on this node ({path}): give this one a --driver-name of its own"
            )
        mine = ours.fullmatch(own)
        if path.name == own or not (named and named[1] and mine and mine[1]):
            raise CannotServe(f"another dratui-agent serves {driver} on this node ({path})")


def remove_stale(folder: Path, own: str) -> None:
    """DRA sockets that earlier agents have left behind, under the UIDs of their pods."""
    for path in folder.glob("dra*.sock"):
        if path.name != own and not alive(path):
            path.unlink(missing_ok=True)


def _asked(path: Path) -> tuple[str, bool]:
    """The driver's name of who answers there, and whether it is an agent such as this; no name where it does not."""
    with grpc.insecure_channel(f"unix:{path}") as channel:
        ask: Callable[..., Any] = channel.unary_unary(
            f"/{SERVICE}/GetInfo",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=REGISTRATION["PluginInfo"].FromString,
        ).with_call
        try:
            info, call = ask(REGISTRATION["InfoRequest"](), timeout=PATIENCE_SECONDS)
        except grpc.RpcError:
            return "", False
        return str(info.name), MARK in {key for key, _ in call.initial_metadata()}
