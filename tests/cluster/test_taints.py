"""When NoExecute taints evict a holder."""

from datetime import datetime, timedelta

import pytest

from dratui.api.model import Condition, Device, DeviceKey, Result, Taint, TaintRule, Toleration
from dratui.cluster.claims import claim_row
from dratui.cluster.definitions import taint_rule_row
from dratui.cluster.devices import device_row
from dratui.cluster.pods import pod_row
from dratui.cluster.taints import eviction_time
from tests.cluster.build import DRIVER, NOW, claim, pod, slice_, store

TAINT = Taint("xid", "79", "NoExecute", NOW)
LATER = Taint("repair", "", "NoExecute", NOW + timedelta(hours=2))


def tolerates(key: str, operator: str, value: str, seconds: int | None) -> Toleration:
    return Toleration(key, operator, value, "NoExecute", seconds)


def held(*tolerations: Toleration) -> Result:
    return Result("gpu", DRIVER, "node-1", "gpu-0", tolerations=tolerations)


@pytest.mark.parametrize(
    ("tolerations", "taints", "when"),
    [
        ([], [TAINT], NOW),
        ([], [LATER, TAINT], NOW),
        ([], [Taint("xid", "79", "NoSchedule", NOW), Taint("xid", "79", "None", NOW)], None),
        ([], [Taint("xid", "79", "NoExecute")], None),  # no time is told
        ([tolerates("xid", "Exists", "", None)], [TAINT], None),
        ([tolerates("xid", "Exists", "", None)], [TAINT, LATER], LATER.time_added),
        ([tolerates("", "Exists", "", 60)], [TAINT], NOW + timedelta(minutes=1)),
        (
            [tolerates("xid", "Equal", "79", 60), tolerates("xid", "Exists", "", 30)],
            [TAINT],
            NOW + timedelta(seconds=30),
        ),
        ([tolerates("xid", "", "79", -5)], [TAINT], NOW),
        ([tolerates("xid", "Equal", "80", None)], [TAINT], NOW),
        ([Toleration("xid", "Exists", "", "", None)], [TAINT], NOW),  # no effect: not of NoExecute
        ([tolerates("xid", "Exists", "", 2**62)], [TAINT], None),
    ],
)
def test_when_a_holder_is_evicted(
    tolerations: list[Toleration], taints: list[Taint], when: datetime | None
) -> None:
    assert eviction_time(held(*tolerations), taints) == when


def test_a_rule_evicts_as_a_slices_taint_does_and_admin_access_too() -> None:
    rule = TaintRule(name="repair", taint=LATER)
    watcher = Result("all", DRIVER, "node-1", "gpu-0", admin_access=True)
    row = device_row(
        store(slice_("node-1", Device("gpu-0")), rule, claim("a", held()), claim("b", watcher)),
        DeviceKey(DRIVER, "node-1", "gpu-0"),
    )
    assert row is not None
    assert [c.evicted_at for c in row.claims] == [LATER.time_added] * 2


def test_claims_and_pods_tell_when_they_are_evicted() -> None:
    user = pod("train", "gpu", node="node-1")
    subject = claim("gpu", held(), pods=[user])
    made = store(slice_("node-1", Device("gpu-0", taints=(TAINT,))), subject, user)
    assert claim_row(made, subject.key).evicted_at == NOW  # type: ignore[union-attr]  # there is a row
    assert pod_row(made, user.key).evicted_at == NOW  # type: ignore[union-attr]


def test_a_rule_counts_what_it_selects() -> None:
    user, other = pod("train", "gpu", node="node-1"), pod("eval", "gpu", node="node-1")
    progress = Condition("EvictionInProgress", "True", "PodsPendingEviction", "2 pods need to be evicted")
    rule = TaintRule(name="repair", pool="node-1", taint=TAINT, conditions=(Condition("Other"), progress))
    made = store(
        slice_("node-1", "gpu-0", "gpu-1"),
        slice_("node-2", "gpu-0"),
        rule,
        claim("gpu", held(), pods=[user, other]),
    )
    row = taint_rule_row(made, rule.key)
    assert row is not None
    assert (row.devices, row.held, row.pods, row.eviction) == (2, 1, 2, progress)
    unknown = taint_rule_row(store(rule, unknown=["resourceclaims", "resourceslices"]), rule.key)
    assert unknown is not None
    assert (unknown.devices, unknown.held, unknown.pods) == (None, None, None)
