"""One object in words."""

import json
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from dratui.api.model import (
    Allocation,
    Capacity,
    ComputeDomain,
    Condition,
    Constraint,
    CounterConsumption,
    CounterSet,
    Device,
    DeviceClass,
    DeviceKey,
    DeviceStatus,
    DomainNode,
    Namespace,
    NetworkData,
    Node,
    ObjectKey,
    PodClaim,
    PodGroup,
    Quota,
    Request,
    ResourceHealth,
    Result,
    Taint,
    TaintRule,
    Template,
    Toleration,
    Version,
)
from dratui.cluster.store import Store
from dratui.views.describe import Cell, Document, describe
from dratui.views.table import Style
from dratui.views.tables import TABLES
from tests.cluster.build import DRIVER, NOW, ago, claim, owned_by, pod, result, slice_, store, warning


def document(made: Store, kind: str, key: Any) -> Document:
    found = describe(made, kind, key, NOW)
    assert found is not None
    return found


def lines(found: Document) -> dict[str, dict[str, str]]:
    return {section.title: {f.label: f.value for f in section.fields} for section in found.sections}


def test_a_claim() -> None:
    user = pod("train")
    subject = claim(
        "gpu",
        Result("gpu", DRIVER, "node-1", "gpu-0", share_id="s", consumed_capacity={"memory": "10Gi"}),
        pods=[user],
        created=ago(hours=3),
        owner=owned_by(user),
        pod_claim_name="gpu",
        requests=(
            Request(
                "gpu",
                device_class="h100",
                selectors=("device.driver == 'x'",),
                tolerations=(Toleration("", "Exists"),),
                capacity={"memory": "10Gi"},
            ),
        ),
        constraints=(Constraint(match_attribute="numa"),),
        device_status=(DeviceStatus(DRIVER, "node-1", "gpu-0", (Condition("Ready", "True"),)),),
    )
    said = lines(document(store(subject, slice_("node-1", "gpu-0"), user), "claims", subject.key))
    assert said["CLAIM"]["state"] == "allocated,reserved"
    assert said["CLAIM"]["made for"] == "pod train, entry gpu"
    assert said["REQUEST gpu"] == {
        "wants": "1 × h100",
        "selector": "device.driver == 'x'",
        "capacity": "memory ≥ 10Gi",
        "tolerates": "any taint Exists",
    }
    assert said["CONSTRAINTS"] == {"same": "numa (all requests)"}
    assert said["DEVICE gpu-0"]["share"] == "s: memory 10Gi"
    assert said["STATUS gpu-0"] == {"Ready": "True"}
    assert said["CONSUMERS"] == {"pod": "train"}


def test_a_claim_that_holds_on_to_what_is_gone() -> None:
    subject = claim("gpu", result("gpu-0"), pods=[pod("train")])
    said = lines(document(store(subject), "claims", subject.key))
    assert said["DEVICE gpu-0"]["published"] == "no longer"
    assert said["CONSUMERS"]["pod"] == "train is gone, its reservation stays"


def test_a_device() -> None:
    device = Device(
        "gpu-0",
        attributes={"model": "H100", "driverVersion": Version("580.1.0")},
        taints=(Taint("xid", "79", "NoSchedule", ago(hours=2)),),
        consumes=(CounterConsumption("card", {}),),
    )
    monitor = claim("monitor", Result("all", DRIVER, "node-1", "gpu-0", admin_access=True))
    made = store(slice_("node-1", device), monitor)
    found = document(made, "devices", DeviceKey(DRIVER, "node-1", "gpu-0"))
    said = lines(found)
    assert (found.title, found.style) == (f"device {DRIVER}/node-1/gpu-0", Style.FAULT)
    assert said["ATTRIBUTES"] == {"driverVersion": "580.1.0", "model": "H100"}
    assert said["TAINTS"] == {"xid=79:NoSchedule": "from slice, 120m ago"}
    assert said["HELD BY"]["default/monitor"].endswith("admin access: watches, does not hold")


@pytest.mark.parametrize(
    ("seconds", "said"), [(600, "evicted by taint in 5m"), (60, "evicted by taint, due 4m ago")]
)
def test_when_a_taint_evicts_a_holder(seconds: int, said: str) -> None:
    taints = (Taint("xid", "", "NoExecute", ago(minutes=5)), Taint("trial", "", "None"))
    for_a_while = (Toleration("xid", "Exists", "", "NoExecute", seconds),)
    holder = claim("gpu", Result("gpu", DRIVER, "node-1", "gpu-0", tolerations=for_a_while))
    made = store(slice_("node-1", Device("gpu-0", taints=taints)), holder)
    card = lines(document(made, "devices", DeviceKey(DRIVER, "node-1", "gpu-0")))
    assert card["HELD BY"]["default/gpu"] == f"request gpu · {said}"
    assert card["TAINTS"]["trial:None"] == "from slice, a dry run: keeps nobody away"


def test_a_device_whose_slice_is_forbidden_is_unknown_not_gone() -> None:
    made = store(claim("gpu", result("gpu-0")), unknown=["resourceslices"])
    found = document(made, "devices", DeviceKey(DRIVER, "node-1", "gpu-0"))
    assert found.state == "unknown"
    assert lines(found)["DEVICE"]["product"] == "?"


def test_a_pod_that_waits() -> None:
    says = "0/9 nodes are available: 1 Insufficient cpu, 8 cannot allocate all claims."
    subject = pod("train", PodClaim("gpu", template="h100"), made={"gpu": "train-gpu"}, says=says)
    made = store(
        subject,
        claim("train-gpu", owner=owned_by(subject)),
        Template(namespace="default", name="h100"),
        warning(subject, "FailedPrepareDynamicResources", "no driver", minutes_ago=5),
    )
    said = lines(document(made, "pods", subject.key))
    assert said["WAITING"] == {
        "source": "the scheduler says",
        "reason": says,
        "1 node": "Insufficient cpu",
        "8 nodes": "cannot allocate all claims",
    }
    assert said["CLAIM gpu"] == {
        "claim": "train-gpu",
        "template": "h100",
        "state": "pending",
        "wants": f"1 × {DRIVER}",
    }
    assert said["WARNINGS"] == {"FailedPrepareDynamicResources": "no driver (× 1, 5m ago)"}


def test_a_pod_that_cannot_leave() -> None:
    evicted = Condition("DisruptionTarget", "True", "DeletionByDeviceTaintManager", "taint")
    subject = pod("train", "gpu", node="node-1", deleted=NOW, disruption=evicted)
    made = store(subject, claim("gpu", result("gpu-0"), pods=[subject]), Node(name="node-1", ready="True"))
    found = document(made, "pods", subject.key)
    reason = f"driver {DRIVER} publishes nothing for node node-1 any more: claim gpu cannot be unprepared"
    assert (found.state, found.style) == ("Terminating", Style.FAULT)
    assert lines(found)["POD"]["cannot leave"] == reason
    assert lines(found)["POD"]["evicted"] == "DeletionByDeviceTaintManager: taint"
    column = next(c for c in TABLES["pods"].columns if c.title == "WAITING")
    assert column.cell(TABLES["pods"].row(made, subject.key), NOW) == f"{reason} (derived)"


def test_a_pods_claim_that_is_not_there_is_absent_only_if_we_could_see_it() -> None:
    subject = pod("train", "gpu")
    assert lines(document(store(subject), "pods", subject.key))["CLAIM gpu"]["state"] == "does not exist"
    blind = store(subject, unknown=["resourceclaims"])
    assert lines(document(blind, "pods", subject.key))["CLAIM gpu"]["state"] == "?"


def test_a_pool_lists_its_slices_and_devices() -> None:
    made = store(slice_("node-1", "gpu-0", generation=2, expected=2), slice_("node-1", "gpu-0", name="old"))
    said = lines(document(made, "pools", (DRIVER, "node-1")))
    assert said["POOL"]["slices"] == "1 of 2"
    assert said["POOL"]["obsolete"] == "1 older slice"
    assert said["DEVICES"] == {"gpu-0": "incomplete"}


def test_a_pool_of_partitions_keeps_a_ledger() -> None:
    def part(name: str, slots: str) -> Device:
        return Device(name, consumes=(CounterConsumption("card", {"slots": slots}),))

    made = store(
        slice_(
            "node-1", part("full", "2"), part("half", "1"), counter_sets=(CounterSet("card", {"slots": "2"}),)
        ),
        claim("small", result("half")),
    )
    said = lines(document(made, "pools", (DRIVER, "node-1")))
    assert said["COUNTERS card"] == {"slots": "1 of 2 left", "taken by half": "default/small: slots 1"}
    short = "counters short: card/slots 1 of 2 left, needs 2, taken by default/small"
    assert said["DEVICES"]["full"] == f"blocked    {short}"
    full = lines(document(made, "devices", DeviceKey(DRIVER, "node-1", "full")))
    assert full["DEVICE"]["why"] == short
    assert full["COUNTERS card"] == {"slots": "needs 2, 1 of 2 left"}
    half = lines(document(made, "devices", DeviceKey(DRIVER, "node-1", "half")))
    assert half["COUNTERS card"] == {"slots": "takes 1, 1 of 2 left"}


def test_a_card_is_drawn_with_its_partitions_where_they_lie() -> None:
    def mig(name: str, *places: int, memory: str) -> Device:
        taken = {"memory": memory} | {f"memory-slice-{n}": "1" for n in places}
        return Device(
            name,
            attributes={"type": "mig", "profile": name.partition("-")[0]},
            consumes=(CounterConsumption("gpu-0", taken),),
        )

    there = {"memory": "80Gi"} | {f"memory-slice-{n}": "1" for n in (10, *range(8))}
    parts = [
        mig("3g.40gb-0", 0, 1, 2, 3, memory="40Gi"),
        mig("1g.10gb-4", 4, memory="10Gi"),
        mig("1g.10gb-5", 5, memory="10Gi"),
    ]
    made = store(
        slice_("node-1", *parts, counter_sets=(CounterSet("gpu-0", there),)),
        claim("big", result("3g.40gb-0")),
        claim("small", result("1g.10gb-5")),
    )
    (card,) = (s for s in document(made, "pools", (DRIVER, "node-1")).sections if s.cells)
    assert card.cells == (
        Cell(4, "3g.40gb", "default/big", Style.HELD),
        Cell(1, "free", "", Style.FREE),
        Cell(1, "1g.10gb", "default/small", Style.HELD),
        Cell(2, "free", "", Style.FREE),
        Cell(1, "free", "", Style.FREE),  # the eleventh place is not beside the eighth
    )
    assert {f.label: f.value for f in card.fields} == {
        "memory": "30Gi of 80Gi left",
        "memory-slice 0-7 10": "4 of 9 left",
        "taken by 3g.40gb-0": "default/big: memory 40Gi, memory-slice 0-3",
        "taken by 1g.10gb-5": "default/small: memory 10Gi, memory-slice-5 1",
    }
    found = document(made, "devices", DeviceKey(DRIVER, "node-1", "1g.10gb-5"))
    (own,) = (s for s in found.sections if s.cells)
    assert own.cells[2] == Cell(1, "this 1g.10gb", "default/small", Style.HELD)
    (free,) = (
        s for s in document(made, "devices", DeviceKey(DRIVER, "node-1", "3g.40gb-0")).sections if s.cells
    )
    assert {f.label: f.value for f in free.fields} == {
        "memory": "takes 40Gi, 30Gi of 80Gi left",
        "memory-slice 0-3": "takes 4, 0 of 4 left",
    }


def test_a_share_and_a_choice() -> None:
    listed = Request("any", alternatives=(Request("big"), Request("small", capacity={"memory": "5Gi"})))
    got = Result("any/small", DRIVER, "node-1", "gpu-0", share_id="s", consumed_capacity={"memory": "10Gi"})
    shared = Device("gpu-0", capacity={"memory": Capacity("80Gi")}, multiple_allocations=True)
    subject = claim("part", got, requests=(listed,))
    made = store(slice_("node-1", shared), subject)
    said = lines(document(made, "claims", subject.key))["DEVICE gpu-0"]
    assert (said["choice"], said["share"]) == ("small (2 of 2)", "s: memory 10Gi (5Gi by rounding)")
    device = lines(document(made, "devices", DeviceKey(DRIVER, "node-1", "gpu-0")))
    assert device["SHARED"] == {"memory": "70Gi of 80Gi left"}
    assert "memory 10Gi (5Gi by rounding)" in device["HELD BY"]["default/part"]


def test_what_a_driver_reports_about_a_device() -> None:
    nic = Result("nic", DRIVER, "node-1", "nic-0", binding_conditions=("attached",))
    broken = Condition("broken", "True", "Cable", "no link")
    status = DeviceStatus(
        DRIVER,
        "node-1",
        "nic-0",
        (broken,),
        network=NetworkData("eth1", ("10.0.0.7/24",), "02:00:00:00:00:07"),
    )
    subject = claim("net", replace(nic, binding_failure_conditions=("broken",)), device_status=(status,))
    found = document(store(subject, slice_("node-1", "nic-0")), "claims", subject.key)
    assert lines(found)["STATUS nic-0"] == {
        "failed to bind": "broken",
        "waits to bind": "attached",
        "broken": "True Cable no link",
        "interface": "eth1",
        "addresses": "10.0.0.7/24",
        "hardware": "02:00:00:00:00:07",
    }
    assert found.style is Style.FAULT


def test_a_node_and_a_namespace_say_what_they_do_not_know() -> None:
    made = store(
        Node(name="node-1", ready="True", kubelet="v1.36.3"),
        Namespace(name="default"),
        Quota(namespace="default", name="q", devices=(("h100", "8", "2"),)),
        unknown=["resourceslices", "pods"],
    )
    assert lines(document(made, "nodes", ObjectKey("", "node-1")))["NODE"]["devices"] == "?, 0 held, ? free"
    tenant = lines(document(made, "namespaces", ObjectKey("", "default")))
    assert tenant["NAMESPACE"]["pods"] == "? with accelerators, ? waiting"
    assert tenant["QUOTA"] == {"h100": "2 of 8 (q)"}


def test_what_is_gone_has_no_description() -> None:
    assert describe(store(), "claims", ObjectKey("default", "gpu"), NOW) is None


def test_a_claims_card_tells_what_will_end_it_and_what_its_driver_and_kubelet_report() -> None:
    data = {"ports": [1, 2], "note": "x" * 5000, **{f"k{i}": i for i in range(60)}}
    status = DeviceStatus(DRIVER, "node-1", "gpu-0", (), data=json.dumps(data))
    user = pod(
        "train", "gpu", health=(ResourceHealth("claim:gpu", f"{DRIVER}/node-1/gpu-0", "Unhealthy", "ECC"),)
    )
    nic = replace(result("gpu-0"), binding_conditions=("attached",))
    subject = claim(
        "gpu", pods=[user], device_status=(status,), allocation=Allocation((nic,), at=ago(minutes=4))
    )
    taint = Taint("xid", "79", "NoExecute", NOW + timedelta(minutes=30))
    made = store(subject, user, slice_("node-1", Device("gpu-0", taints=(taint,))))
    card = lines(document(made, "claims", subject.key))
    assert card["CLAIM"]["evicted"] == "by a taint in 30m"
    assert card["CLAIM"]["binding"] == "the scheduler gives up in 6m, if its timeout is the default of 10m"
    assert card["STATUS gpu-0"]["health"] == "Unhealthy: ECC (kubelet, for train)"
    told = card["DATA gpu-0"]
    assert told["ports"] == "[1,2]"
    assert len(told["note"]) < 500
    assert told[""] == "… 22 more"
    assert lines(document(made, "devices", DeviceKey(DRIVER, "node-1", "gpu-0")))["HEALTH"]
    assert lines(document(made, "pods", user.key))["HEALTH"] == {"gpu-0": "Unhealthy: ECC"}


def test_a_taint_rules_card_tells_whom_it_evicts_and_that_none_is_a_dry_run() -> None:
    user = pod("train", "gpu", node="node-1")
    kept = replace(result("gpu-1"), tolerations=(Toleration("", "Exists", "", "NoExecute"),))
    other = pod("eval", "kept", node="node-1")
    rule = TaintRule(
        name="repair",
        pool="node-1",
        taint=Taint("repair", "", "NoExecute", NOW),
        conditions=(Condition("EvictionInProgress", "True", "PodsPendingEviction", "1 pod", ago(minutes=1)),),
    )
    dry = TaintRule(name="dry", taint=Taint("repair", "", "None", NOW))
    made = store(
        slice_("node-1", "gpu-0", "gpu-1"),
        *(rule, dry, user, other),
        claim("gpu", result("gpu-0"), pods=[user]),
        claim("kept", kept, pods=[other]),
    )
    card = lines(document(made, "taintrules", rule.key))
    assert card["SELECTS"]["devices"] == "2 published, 2 held"
    assert card["STATUS"]["EvictionInProgress"] == "True PodsPendingEviction, 60s ago: 1 pod"
    assert card["PODS"] == {
        "default/eval": "claim kept · not evicted",
        "default/train": "claim gpu · evicted, due 0s ago",
    }
    assert "dry run" in lines(document(made, "taintrules", dry.key))["TAINT"][""]


def test_a_pods_card_tells_its_group_and_its_compute_domain() -> None:
    entry = PodClaim("channel", template="channel")
    user = pod("train", entry, group="gang")
    group = PodGroup(namespace="default", name="gang", min_count=2)
    domain = ComputeDomain(
        namespace="default", name="domain", num_nodes=1, template="channel", status="NotReady"
    )
    card = lines(document(store(user, group, domain), "pods", user.key))["POD"]
    assert card["pod group"] == "gang: pending, 0 of 1 pods bound, at least 2 together"
    assert card["compute domain"] == "domain: NotReady, 1 not there yet"


HOSTILE = "\x1b[31mred\x07\n\u202egnp\u2066\x9b2J"


def hostile() -> Store:
    """Every text of every kind is hostile, as far as it is text."""
    device = Device(
        HOSTILE,
        attributes={HOSTILE: HOSTILE, "model": HOSTILE, "v": Version(HOSTILE)},
        taints=(Taint(HOSTILE, HOSTILE, HOSTILE),),
    )
    user = pod(
        HOSTILE,
        HOSTILE,
        namespace=HOSTILE,
        says=HOSTILE,
        phase="Pending",
        reason=HOSTILE,
        message=HOSTILE,
        extended={HOSTILE: 1},
        group=HOSTILE,
        health=(ResourceHealth(f"claim:{HOSTILE}", HOSTILE, "Unhealthy", HOSTILE),),
    )
    return store(
        slice_(HOSTILE, device, driver=HOSTILE, expected=1),
        claim(
            HOSTILE,
            Result(
                HOSTILE, HOSTILE, HOSTILE, HOSTILE, share_id=HOSTILE, consumed_capacity={HOSTILE: HOSTILE}
            ),
            namespace=HOSTILE,
            node=HOSTILE,
            pods=[user],
            finalizers=(HOSTILE,),
            device_status=(
                DeviceStatus(
                    HOSTILE,
                    HOSTILE,
                    HOSTILE,
                    (Condition(HOSTILE, HOSTILE, HOSTILE, HOSTILE),),
                    network=NetworkData(HOSTILE, (HOSTILE,), HOSTILE),
                    data=json.dumps({HOSTILE: [HOSTILE]}),
                ),
            ),
            deleted=NOW,
            device_class=HOSTILE,
        ),
        user,
        Node(
            name=HOSTILE,
            kubelet=HOSTILE,
            labels=((f"node-role.kubernetes.io/{HOSTILE}", ""),),
            taints=(Taint(HOSTILE, HOSTILE, HOSTILE),),
            allocatable=((HOSTILE, 4),),
        ),
        DeviceClass(name=HOSTILE, selectors=(HOSTILE,), extended_resource=HOSTILE),
        Template(namespace=HOSTILE, name=HOSTILE, requests=(Request(HOSTILE, device_class=HOSTILE),)),
        TaintRule(
            name=HOSTILE,
            driver=HOSTILE,
            taint=Taint(HOSTILE, HOSTILE, HOSTILE),
            conditions=(Condition(HOSTILE, HOSTILE, HOSTILE, HOSTILE),),
        ),
        PodGroup(namespace=HOSTILE, name=HOSTILE, scheduled=Condition(HOSTILE, "False", message=HOSTILE)),
        ComputeDomain(
            namespace=HOSTILE,
            name=HOSTILE,
            template=HOSTILE,
            status=HOSTILE,
            nodes=(DomainNode(HOSTILE, HOSTILE, HOSTILE, 1, HOSTILE),),
        ),
        Namespace(name=HOSTILE, phase=HOSTILE),
        Quota(namespace=HOSTILE, name=HOSTILE, devices=((HOSTILE, HOSTILE, HOSTILE),)),
        warning(user, HOSTILE, HOSTILE),
    )


@pytest.mark.parametrize("kind", TABLES)
def test_nothing_hostile_comes_out_of_a_cell_or_a_description(kind: str) -> None:
    made, table = hostile(), TABLES[kind]
    keys = list(table.keys(made))
    assert keys
    for key in keys:
        row = table.row(made, key)
        assert row is not None
        for cell in table.text(row, NOW):
            assert cell.isprintable()
        found = document(made, kind, key)
        fields = [field for section in found.sections for field in section.fields]
        texts = [
            found.title,
            found.state,
            *(section.title for section in found.sections),
            *(text for field in fields for text in (field.label, field.value)),
        ]
        for text in texts:
            assert text.isprintable()
        assert any("\\x1b[31mred" in text for text in texts)
