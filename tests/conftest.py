"""Fixtures that many tests share."""

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests import breadth
from tests.folders import ByFolder
from tests.realparts import binaries, prometheus, scenarios
from tests.realparts.controlplane import ControlPlane
from tests.realparts.unavailable import PartsUnavailable

T = TypeVar("T")

breadth.register()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test needs real parts exactly if it asks for one of them, so nobody has to write the mark."""
    parts = {"control_plane", "bare_control_plane", "prometheus_tools", "helm", "lab"}
    for item in items:
        if parts & {*getattr(item, "fixturenames", ())}:
            item.add_marker(pytest.mark.realparts)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--full-time` is for tests/faults."""
    parser.addoption("--full-time", action="store_true", help="let every fault last as long as issue 4 says")


@pytest.hookimpl(optionalhook=True)  # with -p no:xdist nobody asks
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling | None:
    """For --dist loadscope; all others are xdist's own. `log`: xdist's; without it each test is a line on stderr."""
    return ByFolder(config, log) if config.getoption("dist") == "loadscope" else None


@contextmanager
def _real(what: str) -> Iterator[None]:
    """Where a part cannot be had its tests are skipped, but not in CI."""
    try:
        yield
    except PartsUnavailable as failure:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"no real {what}: {failure}")


def _ensured(request: pytest.FixtureRequest, ensure: Callable[[binaries.Say], T]) -> T:
    """What `ensure` finds or builds, which may take minutes the first time: show that it moves."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        return ensure(lambda line: print(f"\n{line}", end="", flush=True))


def _started(request: pytest.FixtureRequest, *, bare: bool) -> ControlPlane:
    with _real("control plane"):
        plane = ControlPlane(_ensured(request, binaries.ensure))
        plane.start(bare=bare)
    return plane


@pytest.fixture(scope="session")
def control_plane(request: pytest.FixtureRequest) -> Iterator[ControlPlane]:
    """One control plane for the whole session: a test keeps to a namespace and to nodes of its own."""
    with _started(request, bare=False) as plane:
        yield plane


@pytest.fixture(scope="session")
def bare_control_plane(request: pytest.FixtureRequest) -> Iterator[ControlPlane]:
    """Only etcd and an API server, for tests that break them. A test leaves them running."""
    with _started(request, bare=True) as plane:
        yield plane


@pytest.fixture(scope="session")
def all_scenarios(control_plane: ControlPlane) -> ControlPlane:
    """The control plane with every scenario of tests/scenarios, come to rest. A test leaves them as they are."""
    scenarios.apply(control_plane)
    scenarios.settled(control_plane)
    return control_plane


@pytest.fixture(scope="session")
def prometheus_tools(request: pytest.FixtureRequest) -> prometheus.Tools:
    """The real prometheus and promtool; tests.realparts.prometheus.Prometheus runs one."""
    with _real("Prometheus"):
        return _ensured(request, prometheus.ensure)


@pytest.fixture(scope="session")
def helm(request: pytest.FixtureRequest) -> Path:
    """The real helm."""
    with _real("helm"):
        return _ensured(request, lambda say: binaries.built([binaries.HELM], say))["helm"]


@pytest.fixture
def namespace(control_plane: ControlPlane) -> Iterator[str]:
    """A namespace of the test's own, ready for pods."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    control_plane.create_namespace(name)
    yield name
    control_plane.kubectl("delete", "namespace", name, "--wait=false")
