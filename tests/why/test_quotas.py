"""What quotas let be made, counted as the API server counts."""

import pytest

from dratui.allocation.manifests import Manifests, Workload
from dratui.allocation.rules import Release
from dratui.api.model import Claim, Container, DeviceClass, Pod, PodClaim, Quota, Request, Template
from dratui.why.applied import apply
from dratui.why.changes import named, remove
from dratui.why.quotas import Limit, limit
from dratui.why.whatif import Planner
from tests.cluster.build import DRIVER, claim, owned_by, pod, result, slice_, store
from tests.why.test_answer import CLASS, VERSION, node

DEVICES = f"{DRIVER}.deviceclass.resource.k8s.io/devices"
CLAIMS = "count/resourceclaims.resource.k8s.io"
GPUS = "requests.example.com/gpu"
IMPLICIT = f"requests.deviceclass.resource.kubernetes.io/{DRIVER}"
EXTENDED = DeviceClass(name=DRIVER, selectors=CLASS.selectors, extended_resource="example.com/gpu")


def quota(resource: str, hard: str, *, name: str = "q", scoped: bool = False) -> Quota:
    return Quota(namespace="default", name=name, devices=((resource, hard, "0"),), scoped=scoped)


def of(*requests: Request) -> Claim:
    return Claim(namespace="default", name="new", requests=requests)


def one(count: int = 1, mode: str = "ExactCount", name: str = "gpu") -> Request:
    return Request(name, device_class=DRIVER, count=count, mode=mode)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (of(one()), Limit("q", DEVICES, 40, 1, 1, 39)),
        (of(one(3), one(2, name="b")), Limit("q", DEVICES, 40, 1, 5, 7)),
        (of(one(mode="All")), Limit("q", DEVICES, 40, 1, 32, 1)),
        (of(Request("gpu", alternatives=(one(4), one(2)))), Limit("q", DEVICES, 40, 1, 4, 9)),
        (of(Request("gpu", device_class="other")), None),
    ],
    ids=["one", "several", "all at worst", "the dearest alternative", "another class"],
)
def test_devices_of_a_class_count_as_many_as_a_claim_may_get(asked: Claim, found: Limit | None) -> None:
    known = store(CLASS, quota(DEVICES, "40"), claim("old"), claim("other", namespace="elsewhere"))
    assert limit(known, "1.36", "default", None, (asked,)) == found


def test_of_several_quotas_the_one_that_lets_the_fewest_be_made_is_told() -> None:
    known = store(CLASS, quota(DEVICES, "9", name="a"), quota(CLAIMS, "3", name="b"), claim("old"))
    assert limit(known, "1.36", "default", None, (of(one()),)) == Limit("b", CLAIMS, 3, 1, 1, 2)


def test_quotas_with_scopes_are_not_looked_at() -> None:
    known = store(CLASS, quota(DEVICES, "0", scoped=True))
    assert limit(known, "1.36", "default", None, (of(one()),)) is None


@pytest.mark.parametrize(("release", "used"), [("1.36", 5), ("1.35", 2)])
def test_extended_resources_count_by_pod_and_since_1_36_by_claims_of_their_class(
    release: Release, used: int
) -> None:
    gpus = (Container("main", extended=(("example.com/gpu", 2),)),)
    rows = (
        pod("a", node="node-1", containers=gpus, extended_claim="a-extended"),
        pod("over", phase="Succeeded", containers=gpus),
        claim("a-extended", requests=(one(2),)),
        claim("old", requests=(one(3),)),
    )
    new = pod("new", containers=gpus)
    for name in (GPUS, IMPLICIT):
        known = store(EXTENDED, quota(name, "9"), *rows)
        found = limit(known, release, "default", new, ())
        if name == GPUS:
            assert found == Limit("q", GPUS, 9, used, 2, (9 - used) // 2)
        by_claim = limit(known, release, "default", None, (of(one()),))
        assert (by_claim is None) == (release == "1.35")


ONE = Template(namespace="default", name="one", requests=(one(),))
WANTED = Workload(
    "Deployment",
    Pod(namespace="default", name="train", phase="Pending", claims=(PodClaim("gpu", template="one"),)),
    3,
)
NODES = (node("node-1"), slice_("node-1", "gpu-0", "gpu-1", "gpu-2", "gpu-3"))


def test_a_quota_that_lets_fewer_be_made_is_told_and_what_is_taken_away_does_not_count() -> None:
    owner = pod("nb", "nb-gpu", node="node-1")
    owned = claim("nb-gpu", result("gpu-0"), pods=(owner,), owner=owned_by(owner))
    known = store(CLASS, ONE, *NODES, quota(DEVICES, "3"), owner, owned)
    changed = known.copy()
    outcome = Planner(changed.copy(), VERSION).outcome(WANTED, 3)
    assert len(outcome.landed) == 3
    assert outcome.quota == Limit("q", DEVICES, 3, 1, 1, 2)
    remove(changed, named(changed, "pod/nb", "")[0])
    assert Planner(changed, VERSION).outcome(WANTED, 3).quota is None


def test_what_came_before_counts() -> None:
    planner = Planner(store(CLASS, ONE, *NODES, quota(DEVICES, "3")), VERSION)
    assert planner.outcome(WANTED, 2).quota is None
    assert planner.outcome(WANTED, 2).quota == Limit("q", DEVICES, 3, 2, 1, 1)


def test_a_claim_of_the_manifests_that_a_quota_refuses_is_told() -> None:
    known = store(CLASS, quota(CLAIMS, "1"))
    said = apply(
        known,
        Manifests(claims=(of(one()), Claim(namespace="default", name="second", requests=(one(),)))),
        VERSION,
    )
    assert f"quota q refuses claim default/second: 1 of 1 {CLAIMS} used" in said
    assert not any("default/new" in each for each in said)
