"""`make test-versions`: pod groups on a newer release, which serves them in another version."""

from collections.abc import Iterator
from functools import partial

import pytest

from tests.cli.test_groups import (  # noqa: F401  # asked of the fixture below
    test_a_gang_that_lacks_a_pod_says_so_where_nobody_else_does,
    test_a_group_its_pods_and_their_claim,
)
from tests.realparts import binaries, scenarios
from tests.realparts.controlplane import ControlPlane
from tests.realparts.releases import NEWER_WITH_GROUPS


@pytest.fixture(scope="module")
def groups(request: pytest.FixtureRequest) -> Iterator[ControlPlane]:
    """A plane with the scenario of groups, come to rest."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        built = binaries.ensure(partial(print, flush=True), NEWER_WITH_GROUPS.version)
    with ControlPlane(built, NEWER_WITH_GROUPS) as plane:
        plane.start()
        scenarios.apply(plane, "groups")
        scenarios.settled(plane, "groups")
        yield plane
