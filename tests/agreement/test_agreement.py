"""The promise: what we say of a pod is what the real scheduler does with it."""

import json

from tests.agreement.compare import Tally, compare
from tests.agreement.real import furnish
from tests.realparts.controlplane import ControlPlane

PODS, SEED = 500, 6


def test_the_real_scheduler_does_what_we_say(control_plane: ControlPlane) -> None:
    furnish(control_plane)
    tally = Tally()
    cases = list(compare(control_plane.server, SEED, PODS, tally))
    assert not cases, f"seed {SEED}; run tests.conformance.allocator on {json.dumps({'cases': cases})}"
    assert tally.pods == PODS
    assert tally.given_up < PODS // 20, tally
    assert min(tally.scheduled, tally.waiting, tally.failed) > PODS // 20, tally
