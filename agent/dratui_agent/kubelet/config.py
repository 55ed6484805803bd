"""What a claim or its class asks of us beside devices: opaque parameters, taken strictly.

    apiVersion: gpu.dratui.dev/v1alpha1
    kind: GpuConfig        # of GPUs; MigDeviceConfig: of MIG devices

Both have no settings yet: a device is a claim's alone. What NVIDIA's driver would share by `sharing` is refused in
words, and so is what we do not know: a pod that does not start is better than one that shares what it should not.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from dratui_agent.kubelet.offers import Offer

GROUP: Final = "gpu.dratui.dev"
VERSION: Final = f"{GROUP}/v1alpha1"
KINDS: Final[Mapping[str, str]] = {"GpuConfig": "gpu", "MigDeviceConfig": "mig"}
_SOURCES: Final[Mapping[str, str]] = {  # what comes later wins
    "FromClass": "config of the device class",
    "FromClaim": "config of the claim",
}


class WrongConfig(Exception):
    """It cannot be done as asked; the text is for people."""


def check(configs: Sequence[Mapping[str, Any]], driver: str, request: str, offer: Offer) -> None:
    """Raises WrongConfig unless what the allocation's `config` says of this request can be done with the device."""
    last: _Config | None = None
    for config in _of(configs, driver, request):
        _known(config)
        if KINDS[config.parameters["kind"]] == offer.kind:
            last = config
        elif config.named:
            what = "a GPU" if offer.kind == "gpu" else "a MIG device"
            raise WrongConfig(
                f"{config.place}: {config.parameters['kind']} does not fit {offer.name}, which is {what}"
            )
    if last is not None and "sharing" in last.parameters:
        sharing = last.parameters["sharing"]
        strategy = sharing.get("strategy") if isinstance(sharing, dict) else None
        raise WrongConfig(
            f"{last.place}: sharing {_shown(strategy)} is not implemented: this driver has neither time-slicing nor "
            "MPS; leave `sharing` out"
        )


class _Config(NamedTuple):
    place: str  # in words
    named: bool  # for this request, not for all
    parameters: Any


def _of(configs: Sequence[Mapping[str, Any]], driver: str, request: str) -> Iterator[_Config]:
    """Class before claim. `request` is `main/sub` for a subrequest."""
    for source, place in _SOURCES.items():
        for config in configs:
            opaque, requests = config.get("opaque"), config.get("requests") or ()
            if (
                not isinstance(opaque, dict)
                or opaque.get("driver") != driver
                or config.get("source") != source
            ):
                continue
            if not requests or {request, request.partition("/")[0]} & {*requests}:
                yield _Config(place, bool(requests), opaque.get("parameters"))


def _known(config: _Config) -> None:
    parameters, where = config.parameters, config.place
    if not isinstance(parameters, dict):
        raise WrongConfig(f"{where}: parameters are no object")
    if (version := parameters.get("apiVersion")) != VERSION:
        raise WrongConfig(f"{where}: apiVersion {_shown(version)} is not known, {VERSION} is")
    if (kind := parameters.get("kind")) not in KINDS:
        raise WrongConfig(f"{where}: kind {_shown(kind)} is not known, {' and '.join(KINDS)} are")
    if unknown := sorted(map(str, parameters.keys() - {"apiVersion", "kind", "sharing"})):
        raise WrongConfig(f"{where}: {kind} has no field {_shown(unknown[0])}")


def _shown(value: Any) -> str:
    return ascii(value)[:60] if isinstance(value, str) else "without a name"
