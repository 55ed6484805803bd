"""What plugin mode was asked for; loads nothing, since it is off by default."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

DRIVER: Final = "gpu.dratui.dev"
_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")


@dataclass(frozen=True, slots=True)
class PluginOptions:
    """`pod` is the agent's own pod UID: with it two versions of the agent run side by side while one is replaced."""

    driver: str = DRIVER
    pod: str = ""
    kubelet: Path = Path("/var/lib/kubelet")  # has the folders of plugins and of their registration
    cdi: Path = Path("/var/run/cdi")
    partitionable: bool = False  # GPUs that can be cut are offered in all parts too, made when they are given
    destroy_unclaimed: bool = False  # MIG devices that no claim has, whoever made them
    sys: Path = Path("/sys")  # the node's
    health_port: int | None = None  # of the gRPC health service


def driver_name(text: str) -> str:
    """Raises ValueError for what is none: a DNS subdomain of at most 63 characters."""
    if len(text) > 63 or not _NAME.fullmatch(text):
        raise ValueError(
            f"{text!r} is no driver's name: a DNS name such as {DRIVER}, of at most 63 characters"
        )
    return text
