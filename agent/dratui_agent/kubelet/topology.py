"""Where a PCI device sits, as /sys has it; what it does not tell is not known."""

import re
from dataclasses import dataclass
from pathlib import Path

_BUS = re.compile(r"[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]")
_ROOT = re.compile(r"pci[0-9a-f]{4}:[0-9a-f]{2}")


@dataclass(frozen=True, slots=True)
class Place:
    """`bus` is the device's own id, `root` the root complex that it hangs from: `pci0000:00`."""

    bus: str = ""
    root: str = ""
    numa: int | None = None


def place(bus: str, sys: Path) -> Place:
    """Of a device by its bus id, such as `0000:1b:00.0`. `sys` is the node's /sys. Never raises."""
    if not _BUS.fullmatch(bus):
        return Place()
    device = sys / "bus" / "pci" / "devices" / bus
    try:
        roots = [part for part in device.resolve(strict=True).parts if _ROOT.fullmatch(part)]
    except OSError:
        return Place(bus)
    try:
        numa = int((device / "numa_node").read_text())
    except (OSError, ValueError):
        numa = -1
    return Place(bus, roots[0] if roots else "", numa if numa >= 0 else None)
