"""A node of its own for each test: folders as kubelet has them, GPUs of the driver of tests, a real API server."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agent.driver import FakeDriver, cuttable, gpu
from tests.agent.kubelet_plugin.cluster import Cluster
from tests.agent.kubelet_plugin.node import PluginNode
from tests.realparts.controlplane import ControlPlane


@pytest.fixture
def cluster(
    bare_control_plane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Cluster]:
    made = Cluster(bare_control_plane, tmp_path, monkeypatch)
    yield made
    made.clear()


@pytest.fixture
def node(
    driver: FakeDriver, cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[PluginNode]:
    """Two GPUs, and no agent yet."""
    driver.set({"count": "2", **gpu(0, processes=""), **gpu(1, processes=""), **cuttable(0), **cuttable(1)})
    monkeypatch.setenv("LD_LIBRARY_PATH", str(driver.library.parent))
    short = Path(tempfile.mkdtemp(prefix="dratui-"))  # sockets' paths are short
    made = PluginNode(driver, cluster, tmp_path, short)
    yield made
    made.stop()
    shutil.rmtree(short)
