"""Cpu, memory and what else Kubernetes itself gives out: what a pod lacks of it on a node, in the scheduler's words.

Source: pkg/scheduler/framework/plugins/noderesources, fitsRequest, 1.36.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from dratui.api.model import Node, Pod
from dratui.cluster.pods import finished
from dratui.cluster.store import Store

PODS: Final = "pods"
_BINARY: Final = "KMGTPE"
_BYTES: Final = ("memory", "ephemeral-storage", "hugepages-")


class Short(NamedTuple):
    """Of what there is too little: wanted, left, and all that the node has to give."""

    name: str
    wanted: int
    left: int
    total: int

    @property
    def said(self) -> str:
        """As the scheduler says it."""
        return "Too many pods" if self.name == PODS else f"Insufficient {self.name}"

    @property
    def text(self) -> str:
        """With its numbers."""
        if self.name == PODS:
            return f"{self.said}: {self.total - self.left} of {self.total}"
        wanted, left, total = (_rounded(self.name, each) for each in (self.wanted, self.left, self.total))
        if wanted == left:  # rounded alike
            wanted, left = str(self.wanted), str(self.left)
        return f"{self.said}: {wanted} wanted, {left} of {total} left"


class Room:
    """What the pods of each node take. Added up when it is first asked for, once. `whole`: nothing of it is unknown."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._taken: dict[str, dict[str, int]] | None = None
        self.whole = store.known("pods") and all(node.native is not None for node in store.nodes.values())

    def add(self, pod: Pod) -> None:
        """One that came to the store since."""
        if self._taken is not None:
            _add(self._taken.setdefault(pod.node, {}), pod)

    def remove(self, pod: Pod) -> None:
        """One that is gone since."""
        if self._taken is not None:
            _add(self._taken.setdefault(pod.node, {}), pod, -1)

    def short(self, pod: Pod, node: Node, gone: Sequence[Pod] = ()) -> Iterator[Short]:
        """What a node lacks for a pod, as far as it tells what it has to give. Of its pods these are `gone`."""
        if node.native is None:
            return
        total, taken = dict(node.native), self._of(node.name)
        if gone:
            taken = dict(taken)
            for each in gone:
                _add(taken, each, -1)
        most, there = total.get(PODS, 0), taken.get(PODS, 0)
        if there + 1 > most:
            yield Short(PODS, 1, most - there, most)
        for name, wanted in pod.native:
            has = total.get(name, 0)
            left = has - taken.get(name, 0)
            if wanted > left:
                yield Short(name, wanted, max(0, left), has)

    def _of(self, node: str) -> Mapping[str, int]:
        if self._taken is None:
            self._taken = {}
            for pod in self._store.pods.values():
                if pod.node and not finished(pod):
                    _add(self._taken.setdefault(pod.node, {}), pod)
        return self._taken.get(node, {})


def _add(taken: dict[str, int], pod: Pod, sign: int = 1) -> None:
    """To what the pods of its node take."""
    taken[PODS] = taken.get(PODS, 0) + sign
    for name, amount in pod.native:
        taken[name] = taken.get(name, 0) + sign * amount


def in_bytes(name: str) -> bool:
    """Whether it is counted in bytes."""
    return name.startswith(_BYTES)


def written(name: str, amount: int) -> str:
    """As one writes it in a manifest: `14.5` of cpu, `10547Mi` of memory."""
    if not in_bytes(name) or amount % 1024:
        return f"{amount / 1000:.12g}" if name == "cpu" else str(amount)
    power = 0
    while amount and amount % 1024 == 0 and power < len(_BINARY):
        amount, power = amount // 1024, power + 1
    return f"{amount}{_BINARY[power - 1]}i" if power else str(amount)


def _rounded(name: str, amount: int) -> str:
    """`14.5` of cpu; `10.3Gi` of what is counted in bytes; else the number."""
    if not in_bytes(name) or amount < 1024:
        return written(name, amount)
    power = min((amount.bit_length() - 1) // 10, len(_BINARY))
    rounded = f"{amount / 1024**power:.1f}".removesuffix(".0")
    return f"{rounded}{_BINARY[power - 1]}i"
