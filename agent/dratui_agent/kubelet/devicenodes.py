"""The device nodes that a container needs to use a GPU or a part of it.

A MIG device is the GPU's node and two capabilities, of its GPU instance and of its compute instance. What makes their
nodes is whoever uses them first as root, so of a device that was just made they may be missing.

Source: NVIDIA's MIG user guide, "Device Nodes and Capabilities".
"""

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from dratui_agent.kubelet.hardware import CannotBring

_COMMON: Final = ("nvidiactl", "nvidia-uvm", "nvidia-uvm-tools", "nvidia-modeset")
_CAPABILITIES: Final = "nvidia-caps"  # both the folder and the name of the kernel's device class


class DeviceNodes:
    """Finds them. The folders are where the node's are seen; what is told is always a path below /dev.

    `capabilities` is missing where there is no driver of NVIDIA's.
    """

    def __init__(
        self,
        dev: Path = Path("/dev"),
        capabilities: Path = Path("/proc/driver/nvidia/capabilities"),
        classes: Path = Path("/proc/devices"),
    ) -> None:
        self._dev = dev
        self._capabilities = capabilities
        self._classes = classes

    def of_gpu(self, minor: int) -> tuple[str, ...]:
        """As far as they exist."""
        return tuple(f"/dev/{name}" for name in (f"nvidia{minor}", *_COMMON) if (self._dev / name).exists())

    def of_mig(self, minor: int, gi: int, ci: int) -> tuple[str, ...]:
        """Those of its GPU and its capabilities. Raises CannotBring for a capability that cannot be given."""
        return (*self.of_gpu(minor), *self._of_capabilities(minor, gi, ci))

    def _of_capabilities(self, minor: int, gi: int, ci: int) -> Iterator[str]:
        if not self._capabilities.is_dir():
            return
        instance = self._capabilities / f"gpu{minor}" / "mig" / f"gi{gi}"
        for access in (instance / "access", instance / f"ci{ci}" / "access"):
            try:
                told = dict(re.findall(r"^(\w+): *(\d+)$", access.read_text(), re.MULTILINE))
                name = f"{_CAPABILITIES}/nvidia-cap{int(told['DeviceFileMinor'])}"
                if not (self._dev / name).exists():
                    self._make(name, int(told["DeviceFileMinor"]), int(told.get("DeviceFileMode", "292")))
            except (OSError, KeyError, ValueError) as error:
                why = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
                raise CannotBring(
                    f"no device node for {access}: {why}; try `nvidia-modprobe -f {access}` on the node"
                ) from error
            yield f"/dev/{name}"

    def _make(self, name: str, minor: int, mode: int) -> None:
        classes = dict(re.findall(r"^ *(\d+) (\S+)$", self._classes.read_text(), re.MULTILINE))
        major = next((int(number) for number, of in classes.items() if of == _CAPABILITIES), None)
        if major is None:
            raise ValueError(f"the kernel knows no {_CAPABILITIES}")
        path = self._dev / name
        path.parent.mkdir(mode=0o755, exist_ok=True)
        try:
            os.mknod(path, stat.S_IFCHR | mode, os.makedev(major, minor))
        except FileExistsError:
            return  # the driver was quicker
        path.chmod(mode)
