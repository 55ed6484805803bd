"""Fixtures that many tests share."""

import os
import uuid
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.realparts import binaries, scenarios
from tests.realparts.controlplane import ControlPlane
from tests.realparts.unavailable import PartsUnavailable

settings.register_profile("untimed", deadline=None)  # how long an example takes says how busy the machine is
settings.load_profile("untimed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test needs real parts exactly if it asks for a control plane, so nobody has to write the mark."""
    for item in items:
        if {"control_plane", "bare_control_plane"} & {*getattr(item, "fixturenames", ())}:
            item.add_marker(pytest.mark.realparts)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--full-time` is for tests/faults."""
    parser.addoption("--full-time", action="store_true", help="let every fault last as long as issue 4 says")


def _started(request: pytest.FixtureRequest, *, bare: bool) -> ControlPlane:
    capture = request.config.pluginmanager.getplugin("capturemanager")
    try:
        with capture.global_and_fixture_disabled():  # a first build takes minutes: show that it moves
            parts = binaries.ensure(lambda line: print(f"\n{line}", end="", flush=True))
        plane = ControlPlane(parts)
        plane.start(bare=bare)
    except PartsUnavailable as failure:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"no real control plane: {failure}")
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


@pytest.fixture
def namespace(control_plane: ControlPlane) -> Iterator[str]:
    """A namespace of the test's own, ready for pods."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    control_plane.create_namespace(name)
    yield name
    control_plane.kubectl("delete", "namespace", name, "--wait=false")
