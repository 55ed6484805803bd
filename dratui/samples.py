"""What devices do at a moment: the one language between who reads utilisation (`telemetry`, `recording`) and the store.

A source of samples emits `Put("samples", NodeSample)`, and `HealthChanged("samples", …)` tells how it does as a whole.
Values have the keys and base units of the agent's stream, whoever measured them. One that is not known is not there,
and `absent` says why; it is never 0.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Literal, Protocol, runtime_checkable

import msgspec

from dratui.api.model import ObjectKey
from dratui.prepared import Plugin

STREAM: Final = "samples"
"""The stream's name in `dratui.events`."""


class Holder(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A container that has a device, as the node says: by a claim, or from a device plugin (then without one)."""

    namespace: str = ""
    pod: str = ""
    container: str = ""
    claim: str = ""
    claim_uid: str = ""
    request: str = ""
    driver: str = ""
    pool: str = ""
    device: str = ""
    share_id: str = ""


class DeviceSample(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """A GPU, or a MIG device of one. What is empty or None was not told."""

    uuid: str = ""
    kind: Literal["gpu", "mig"] = "gpu"
    name: str = ""  # of the product
    gpu: str = ""  # the UUID of the GPU: its own, or that of which it is a part
    index: int | None = None  # of the GPU, as the driver counts
    minor: int | None = None  # of /dev/nvidiaN
    pci: str = ""  # bus id in lower case, as in /sys: `0000:1b:00.0`
    mig: bool = False  # a GPU that is cut by MIG
    gi: int | None = None  # GPU instance; this and the next four of a MIG device only
    ci: int | None = None  # compute instance
    profile: int | None = None  # GPU instance profile id
    start: int | None = None  # first memory slice
    size: int | None = None  # memory slices
    holders: tuple[Holder, ...] = ()
    # `utilization` 0 to 1, `memory_used` bytes, `power` watts, `temperature` °C, …
    values: Mapping[str, float] = {}
    absent: Mapping[str, str] = {}  # by the same keys: `mig_no_gpm`, `not_supported`, `no_permission`, …


class NodeSample(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """The devices of a node, as they were `at` (unix seconds on the source's clock; None: never).

    `problem` is why nothing newer is known, in words that fit a cell; the devices are then the last that were told.
    """

    at: float | None = None
    node: str
    source: str = ""  # who measured: `agent`, `dcgm-exporter`, `prometheus`, …
    interval: float = 1.0  # seconds between samples
    devices: tuple[DeviceSample, ...] = ()
    problem: str = ""
    attributed: float | None = None  # when holders were last asked for; None: never
    attribution_problem: str = ""
    plugin: Plugin | None = None  # what the node's kubelet plugin believes; None: nobody tells
    believed: float | None = None  # when that was looked at; None: it is of earlier, nobody tells now

    @property
    def key(self) -> ObjectKey:
        """Of the node."""
        return ObjectKey("", self.node)


@runtime_checkable
class OnDemand(Protocol):
    """A Source that measures only the nodes that are looked at. A recording is none: it tells what was recorded."""

    def want(self, nodes: Sequence[str]) -> None:
        """Names of nodes, most important first, in place of those before. Cheap; called at every paint."""
