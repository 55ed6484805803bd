"""Asking an expression about a device, in a line."""

from typing import Any

from dratui.allocation.cel.errors import EvaluationError
from dratui.allocation.cel.selector import Dialect, Selector
from dratui.allocation.fleet import view
from dratui.api.model import AttributeValue, Capacity, Device, Version

NEWEST = Dialect(list_attributes=True)
GPU: dict[str, AttributeValue] = {
    "model": "H100",
    "driverVersion": Version("550.54.15"),
    "index": 3,
    "mig": False,
    "tags": ("nvlink", "fast"),
    "resource.kubernetes.io/pcieRoot": "pci0000:40",
}


def gpu(**attributes: AttributeValue) -> Device:
    """A GPU of gpu.example.com, with these attributes besides."""
    return Device(name="gpu-3", attributes=GPU | attributes, capacity={"memory": Capacity(value="80Gi")})


def matches(expression: str, device: Device | None = None, dialect: Dialect = NEWEST) -> bool:
    """Whether it selects the device. Raises what is wrong with it, or EvaluationError."""
    return Selector(expression, dialect).matches(view("gpu.example.com", device or gpu(), dialect))


def outcome(expression: str, **known: Any) -> str:
    """`true`, `false`, or the words of the error."""
    try:
        return "true" if matches(expression, dialect=known.get("dialect", NEWEST)) else "false"
    except EvaluationError as error:
        return str(error)
