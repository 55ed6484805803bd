"""What preparation asks of the driver: that a device is there when a claim gets it, and gone when it gives it back."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from dratui_agent.kubelet.offers import Offer, Placement


class CannotBring(Exception):
    """The driver could not do it; the text is for people, and goes into the claim's error."""


class GpuLost(CannotBring):
    """Nothing can be done to the GPU any more until it is reset, and then nothing is left of what was made of it."""


@dataclass(frozen=True, slots=True)
class Brought:
    """A device that is there. `nodes`: paths of what a container needs, such as /dev/nvidia0."""

    uuid: str
    nodes: tuple[str, ...]
    gi: int | None = None
    ci: int | None = None
    made: bool = False  # made by this call


@dataclass(frozen=True, slots=True)
class Instance:
    """A GPU instance that exists, with its MIG device where it has one."""

    gpu: str  # UUID
    gi: int
    ci: int | None
    uuid: str
    placement: Placement


class Hardware(Protocol):
    """May hang as long as the driver does; called from threads of their own, several at a time."""

    def bring(self, offer: Offer) -> Brought:
        """See that the device is there: a GPU or a MIG device that exists is looked at, another one is made.

        What already lies exactly at the offer's placement is adopted. Raises CannotBring.
        """

    def remove(self, gpu: str, gi: int, ci: int | None, unless: Callable[[], bool] | None = None) -> bool:
        """Destroy the compute instance, then the GPU instance; what is not there is no error. Raises CannotBring.

        What is in use is tried again for a while. Not so with `unless`, of what nobody waits for: it is asked when
        nothing else is being done to the GPU any more, and if it holds, nothing is done: False.
        """

    def instances(self, gpu: str = "") -> Iterator[Instance]:
        """Those of a GPU, or of all GPUs, whoever made them. Raises CannotBring.

        It waits for what is being done to the GPU: who wants to know of one does not ask about all.
        """
