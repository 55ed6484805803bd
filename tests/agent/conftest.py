"""The driver of tests."""

import ctypes
from collections.abc import Iterator
from pathlib import Path

import pynvml
import pytest

from tests.agent.driver import FakeDriver, build, compiler
from tests.agent.scraped import Scraped, scraped_node
from tests.realparts.prometheus import Tools


@pytest.fixture(scope="session")
def nvml_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A libnvidia-ml.so.1 of ours."""
    if compiler() is None:
        pytest.skip("no C compiler: the driver's library cannot be built")
    return build(tmp_path_factory.mktemp("nvml"))


@pytest.fixture
def driver(nvml_library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeDriver]:
    """That library in place of NVIDIA's, in this process; what it answers is this test's own."""
    fake = FakeDriver(tmp_path, nvml_library)
    monkeypatch.setenv("FAKE_NVML", str(fake.path))
    monkeypatch.setattr(pynvml, "nvmlLib", ctypes.CDLL(str(nvml_library)))
    monkeypatch.setattr(pynvml, "_nvmlGetFunctionPointer_cache", {})
    yield fake
    fake.set({"hang": None})


@pytest.fixture(scope="module")
def scraped(
    nvml_library: Path, tmp_path_factory: pytest.TempPathFactory, prometheus_tools: Tools
) -> Iterator[Scraped]:
    """A node of GPUs, cut ones too, and the Prometheus that scrapes its agent. A test leaves it as it is."""
    folder = tmp_path_factory.mktemp("scraped")
    with scraped_node(FakeDriver(folder, nvml_library), folder, prometheus_tools) as made:
        yield made
