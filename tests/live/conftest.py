"""A small world on the real control plane: one node, one GPU, pods that want it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.realparts.controlplane import ControlPlane

HERE = Path(__file__).parent


@dataclass(frozen=True)
class OneGpu:
    """A namespace, a node, a driver and a class, all of the same name."""

    plane: ControlPlane
    name: str

    def start(self, pod: str) -> None:
        """Create a pod that wants the GPU."""
        self.plane.apply((HERE / "pod.yaml").read_text().replace("NAME", self.name).replace("POD", pod))

    def end(self, pod: str) -> None:
        """Delete a pod."""
        self.plane.kubectl("delete", "pod", pod, "-n", self.name, "--wait=false")


@pytest.fixture
def one_gpu(control_plane: ControlPlane, namespace: str) -> Iterator[OneGpu]:
    text = (HERE / "one_gpu.yaml").read_text().replace("NAME", namespace)
    control_plane.apply(text)
    yield OneGpu(control_plane, namespace)
    for kind, name in (
        ("resourceslice", f"{namespace}-gpu"),
        ("deviceclass", f"{namespace}.example.com"),
        ("node", namespace),
    ):
        control_plane.kubectl("delete", kind, name, "--ignore-not-found", "--wait=false")
