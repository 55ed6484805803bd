"""From a sample to what the node offers: its devices, with what is wrong with them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from dratui_agent.kubelet.inventory import Inventory
from dratui_agent.kubelet.offers import Offer, Taint
from dratui_agent.kubelet.taints import Taints
from dratui_agent.sample import Sample


class Offering:
    """Takes samples, on the thread that takes them, and hands offers on. `offers`, by name, are the newest."""

    def __init__(
        self, inventory: Inventory, taints: Taints, publish: Callable[[Iterable[Offer]], None]
    ) -> None:
        self.offers: Mapping[str, Offer] = {}
        self._inventory = inventory
        self._taints = taints
        self._publish = publish
        self._begun = False

    def take(self, sample: Sample) -> None:
        """Look at what there is now. Without a driver from the start there is nothing, and that is offered."""
        found = self._inventory.look(sample)
        self._taints.look(sample)
        self._begun = True
        tainted = self._taints.on(found.values())
        self.offers = {offer.name: offer for offer in tainted}
        self._publish(tainted)

    def recall(self, published: Mapping[str, Sequence[Taint]]) -> Iterable[Offer] | None:
        """What is published has come from an earlier life: what follows from it for the offers there are."""
        self._taints.recall(published)
        return self._taints.on(self._inventory.offers.values()) if self._begun else None


def booted(proc: Path = Path("/proc")) -> float:
    """When the machine started, in unix seconds; 0 if that is not told."""
    try:
        lines = (proc / "stat").read_text().splitlines()
        return float(next(line.split()[1] for line in lines if line.startswith("btime ")))
    except (OSError, ValueError, IndexError, StopIteration):
        return 0.0
