"""What a value is, and how it is asked for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Handle = Any
"""NVML's handle of a device."""

Place = Literal["gpu", "cut", "mig"]
"""A GPU, one that is cut by MIG, a MIG device."""

ANY: Final = frozenset[Place](("gpu", "cut", "mig"))
GPU: Final = frozenset[Place](("gpu", "cut"))
UNCUT: Final = frozenset[Place](("gpu",))

MIB: Final = 1 << 20
KIB: Final = 1 << 10


@dataclass(frozen=True, slots=True)
class Quantity:
    """One value: its key in the stream, and the series that it is in `/metrics`. Units are in the series' name."""

    key: str
    series: str  # without the prefix
    help: str
    source: str  # of NVML
    labels: Mapping[str, str] = field(default_factory=dict)
    counter: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """A call and what it gives, in the order of `quantities`; None for one that it does not tell.

    `of`: what it can be asked of. Of a MIG device, and of a GPU that is cut by MIG, most of it is unknown.
    """

    quantities: Sequence[Quantity]
    read: Callable[[Handle], Sequence[float | None]]
    of: frozenset[Place]
    slow: bool = False  # on a period of its own

    @property
    def call(self) -> str:
        """The call's name, for counting errors."""
        return self.quantities[0].source.partition(" ")[0]


def single(
    quantity: Quantity,
    ask: Callable[..., float],
    *arguments: Any,
    of: frozenset[Place],
    times: float = 1,
    per: float = 1,
    slow: bool = False,
) -> Reading:
    """A reading of one value: what a call answers; `times` or `per` make base units of it."""
    return Reading((quantity,), lambda handle: (ask(handle, *arguments) * times / per,), of, slow)


@dataclass(frozen=True, slots=True)
class Field:
    """A value that nvmlDeviceGetFieldValues gives, many at a time, each with an error of its own."""

    quantity: Quantity
    number: int | tuple[int, int]  # with a scope
    times: float = 1
    per: float = 1


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric of GPM (Hopper and later); per GPU instance where the GPU is cut."""

    quantity: Quantity
    number: int
    factor: float
