"""What the faults happen to: a small world, and the dashboard that watches it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.watched import BRIEF, FULL, Times
from tests.realparts.controlplane import ControlPlane

WORLD = Path(__file__).with_name("world.yaml")
SPACE = "faults"


@pytest.fixture
def times(request: pytest.FixtureRequest) -> Times:
    """How long faults last and clients wait: scaled down, or as they are with --full-time."""
    return FULL if request.config.getoption("--full-time") else BRIEF


@pytest.fixture
def plane(bare_control_plane: ControlPlane) -> Iterator[ControlPlane]:
    """A control plane that may be broken, with one object of each kind."""
    bare_control_plane.apply(WORLD)
    bare_control_plane.apply(claims("before"))
    yield bare_control_plane
    bare_control_plane.kubectl("delete", "resourceclaims", "--all", "-n", SPACE)


def claims(*names: str) -> str:
    """Claims that nobody allocates."""
    return "\n---\n".join(
        f"""
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {{namespace: {SPACE}, name: {name}}}
spec: {{devices: {{requests: [{{name: gpu, exactly: {{deviceClassName: gpu}}}}]}}}}
"""
        for name in names
    )
