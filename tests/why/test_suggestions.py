"""What would help: every suggestion was tried out, and nothing that does not help is said."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from dratui.api.model import (
    AttributeValue,
    Capacity,
    CapacityRange,
    Device,
    Node,
    Owner,
    Placement,
    Pod,
    Request,
    RequestPolicy,
    Result,
    Taint,
    Version,
)
from dratui.events import Row
from dratui.why.answer import by_node
from dratui.why.question import about_pod
from dratui.why.suggestions import MOST_TRIALS, Suggestion, suggestions
from tests.cluster.build import DRIVER, claim, pod, result, slice_, store
from tests.why.test_answer import CLASS, TAINT, VERSION, asked, node, waits


def helps(*rows: Row, about: Pod | None = None) -> Sequence[Suggestion]:
    return asked(*rows, about=about or waits()).suggestions


def said(found: Sequence[Suggestion]) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(each.kind, each.what, each.nodes) for each in found]


def wants(count: int = 1, *selectors: str) -> Row:
    return claim("gpu", requests=(Request("gpu", device_class=DRIVER, count=count, selectors=selectors),))


def machine(*devices: Device | str, its: Node | None = None) -> tuple[Row, Row]:
    return its or node("node-1"), slice_("node-1", *devices)


def test_one_of_the_claims_that_hold_what_it_wants_ends() -> None:
    found = helps(
        wants(), claim("a", result("gpu-0")), claim("b", result("gpu-1")), *machine("gpu-0", "gpu-1")
    )
    assert said(found) == [("free", "1 of these 2 claims ended (default/a, default/b)", ("node-1",))]
    assert found[0].claims == ("default/a", "default/b")


def test_a_claim_whose_end_is_not_enough_is_not_named() -> None:
    rows = (claim("a", result("gpu-0")), claim("b", result("gpu-1")), *machine("gpu-0", "gpu-1"))
    assert said(helps(wants(2), *rows)) == [("free", "claims default/a and default/b ended", ("node-1",))]
    both = claim("both", result("gpu-0"), result("gpu-1"))
    assert said(helps(wants(2), both, *machine("gpu-0", "gpu-1"))) == [
        ("free", "claim default/both ended", ("node-1",))
    ]


def test_a_clause_of_a_selector_is_dropped() -> None:
    good, bad = 'device.attributes["gpu.example.com"].numa == 0', "device.driver == 'other'"
    found = helps(wants(1, f"{good} && {bad}"), *machine(Device("gpu-0", attributes={"numa": 0})))
    assert said(found) == [("clause", f"it did not ask for {bad}", ("node-1",))]


def test_a_taint_is_tolerated() -> None:
    taint = Taint(key="xid", value="79", effect="NoSchedule")
    found = helps(wants(), *machine(Device("gpu-0", taints=(taint,))))
    assert said(found) == [("tolerate", "it tolerated xid=79:NoSchedule", ("node-1",))]


def test_as_many_devices_as_there_are() -> None:
    found = helps(wants(5), *machine("gpu-0", "gpu-1"))
    assert said(found) == [("count", "request gpu wanted 2 instead of 5", ("node-1",))]


def test_another_node_selector_or_a_node_taint_that_is_tolerated() -> None:
    found = helps(
        wants(), *machine("gpu-0"), about=waits(placement=Placement(node_selector=(("zone", "a"),)))
    )
    assert said(found) == [("node", "the pod did not want nodes with zone=a", ("node-1",))]
    found = helps(wants(), *machine("gpu-0", its=node("node-1", TAINT)))
    assert said(found) == [("node", "the pod tolerated the node taint team=red:NoSchedule", ("node-1",))]


def test_what_fits_and_what_nothing_helps_has_no_suggestions() -> None:
    assert helps(wants(), *machine("gpu-0")) == ()
    assert helps(wants(), *machine()) == ()
    broken = claim("gpu", requests=(Request("gpu", device_class="absent"),))
    assert helps(broken, *machine("gpu-0"), about=pod("train", "gpu")) == ()


# Other limits

CAPACITY, ATTRIBUTE = f'device.capacity["{DRIVER}"]', f'device.attributes["{DRIVER}"]'
GI_80 = f'{CAPACITY}.memory.compareTo(quantity("80Gi")) >= 0'


def gpu(number: int, memory: str = "40Gi", **more: AttributeValue) -> Device:
    return Device(f"gpu-{number}", attributes={"index": number} | more, capacity={"memory": Capacity(memory)})


def fleet(*memories: str) -> list[Row]:
    return [row for n, each in enumerate(memories) for row in (node(f"n{n}"), slice_(f"n{n}", gpu(0, each)))]


def test_the_highest_limit_that_would_do_as_the_user_writes_it_and_where() -> None:
    found = helps(wants(1, GI_80), *fleet("24Gi", "40960Mi", "40Gi", "16Gi"))
    assert said(found) == [("limit", "it asked for memory >= 40Gi instead of 80Gi", ("n1", "n2"))]


def test_a_limit_is_as_low_as_the_last_of_the_devices_needs() -> None:
    found = helps(wants(2, GI_80), node("n"), slice_("n", gpu(0, "64Gi"), gpu(1, "40Gi"), gpu(2, "10Gi")))
    assert said(found)[:1] == [("limit", "it asked for memory >= 40Gi instead of 80Gi", ("n",))]


@pytest.mark.parametrize(
    ("clause", "says"),
    [
        (f'{CAPACITY}.memory.isGreaterThan(quantity("80Gi"))', "memory > 39Gi instead of 80Gi"),
        (f"quantity('80G').isLessThan({CAPACITY}.memory)", "memory > 42G instead of 80G"),
        (f"{ATTRIBUTE}.index < 5", "index < 8 instead of 5"),
        (f"4 >= {ATTRIBUTE}.index", "index <= 7 instead of 4"),
        (f'{ATTRIBUTE}.cuda.compareTo(semver("13.0.0")) >= 0', "cuda >= 12.8.1 instead of 13.0.0"),
        (f'{ATTRIBUTE}.cuda.isLessThan(semver("12.0.0"))', "cuda < 12.8.2 instead of 12.0.0"),
        (f'{ATTRIBUTE}.cuda.isGreaterThan(semver("12.8.1"))', "cuda > 12.8.0 instead of 12.8.1"),
    ],
)
def test_numbers_quantities_and_versions_compared_in_any_way(clause: str, says: str) -> None:
    found = helps(wants(1, f"true && {clause}"), node("n"), slice_("n", gpu(7, cuda=Version("12.8.1"))))
    assert said(found) == [("limit", f"it asked for {says}", ("n",))]


def test_a_clause_whose_limit_nothing_meets_is_dropped() -> None:
    found = helps(wants(1, GI_80), node("n"), slice_("n", "no-memory"))
    assert said(found) == []  # an error: the scheduler stops
    optional = f'{CAPACITY}[?"memory"].hasValue() && {GI_80}'
    found = helps(wants(1, optional), node("n"), slice_("n", "no-memory"))
    assert [each.kind for each in found] == ["two"]


def test_smaller_devices_help_where_the_large_ones_are_held() -> None:
    rows = (node("n"), slice_("n", gpu(0, "80Gi"), gpu(1, "40Gi")), claim("a", result("gpu-0", "n")))
    assert said(helps(wants(1, GI_80), *rows)) == [
        ("free", "claim default/a ended", ("n",)),
        ("limit", "it asked for memory >= 40Gi instead of 80Gi", ("n",)),
    ]


def test_the_devices_of_an_alternative_count() -> None:
    sub = Request("small", device_class=DRIVER, count=1, selectors=(GI_80,))
    first = claim("gpu", requests=(Request("gpu", alternatives=(sub,)),))
    found = helps(first, *fleet("40Gi"))
    assert said(found) == [("limit", "it asked for memory >= 40Gi instead of 80Gi", ("n0",))]


def shared(policy: RequestPolicy | None = None) -> tuple[Row, ...]:
    """A device of 80Gi, of which 65Gi are taken."""
    memory = Capacity("80Gi", policy)
    device = Device("gpu-0", capacity={"memory": memory}, multiple_allocations=True)
    other = Result("gpu", DRIVER, "n", "gpu-0", share_id="s", consumed_capacity={"memory": "65Gi"})
    return node("n"), slice_("n", device), claim("other", other)


@pytest.mark.parametrize(
    ("policy", "amount"),
    [
        (None, "15Gi"),
        (RequestPolicy("1Gi", valid_range=CapacityRange("4Gi", "80Gi", "4Gi")), "12Gi"),
        (RequestPolicy("8Gi", valid_values=("8Gi", "10Gi", "20Gi")), "10Gi"),
    ],
)
def test_less_of_a_shared_capacity(policy: RequestPolicy | None, amount: str) -> None:
    request = Request("gpu", device_class=DRIVER, count=1, capacity={"memory": "20Gi"})
    found = helps(claim("gpu", requests=(request,)), *shared(policy))
    assert said(found) == [
        ("free", "claim default/other ended", ("n",)),
        ("capacity", f"request gpu asked for {amount} of memory instead of 20Gi", ("n",)),
    ]


# Two changes

XID = Taint(key="xid", value="79", effect="NoSchedule")


def test_a_claim_that_ends_and_a_taint_that_is_tolerated() -> None:
    devices = (Device("gpu-0", taints=(XID,)), "gpu-1")
    found = helps(wants(2), claim("a", result("gpu-1")), *machine(*devices))
    assert said(found) == [("two", "claim default/a ended and it tolerated xid=79:NoSchedule", ("node-1",))]
    assert found[0].claims == ("default/a",)


def test_two_taints_of_the_node_and_of_its_device_on_all_nodes_alike() -> None:
    rows = [
        row
        for n in ("n1", "n2", "n3")
        for row in (node(n, TAINT), slice_(n, Device("gpu-0", taints=(XID,) if n != "n3" else ())))
    ]
    one = helps(wants(), *rows)
    assert said(one) == [("node", "the pod tolerated the node taint team=red:NoSchedule", ("n3",))]
    assert said(helps(wants(), *rows[:4])) == [
        (
            "two",
            "it tolerated xid=79:NoSchedule and the pod tolerated the node taint team=red:NoSchedule",
            ("n1", "n2"),
        )
    ]


def test_two_of_three_claims_where_any_two_will_do() -> None:
    names = ("a", "b", "c")
    rows = [claim(name, result(f"gpu-{n}")) for n, name in enumerate(names)]
    found = helps(wants(2), *rows, *machine("gpu-0", "gpu-1", "gpu-2"))
    all_ = ("default/a", "default/b", "default/c")
    assert said(found) == [("free", f"2 of these 3 claims ended ({', '.join(all_)})", ("node-1",))]
    assert found[0].claims == all_


def test_more_claims_that_must_all_end() -> None:
    rows = [claim(f"c{n}", result(f"gpu-{n}")) for n in range(4)]
    found = helps(wants(4), *rows, *machine(*(f"gpu-{n}" for n in range(4))))
    assert [each.kind for each in found] == ["two", "free"]
    assert said(found)[1:] == [
        ("free", "claims default/c0, default/c1, default/c2 and default/c3 ended", ("node-1",))
    ]


def test_a_claim_of_a_device_that_another_has_too_frees_nothing_alone() -> None:
    rows = (claim("a", result("gpu-0")), claim("b", result("gpu-0")), *machine("gpu-0"))
    assert said(helps(wants(), *rows)) == [("free", "claims default/a and default/b ended", ("node-1",))]


def test_claims_that_last_are_not_named() -> None:
    known = store(
        *(CLASS, waits(), wants(), claim("a", result("gpu-0")), claim("b", result("gpu-1"))),
        *machine("gpu-0", "gpu-1"),
    )
    question = about_pod(known, waits(), VERSION)
    found = suggestions(known, question, list(by_node(known, question)), lasting={"claim default/a"})
    assert [each.claims for each in found] == [("default/b",)]


def test_it_ends_after_so_many_trials_however_much_there_is() -> None:
    rows: list[Row] = [CLASS, waits(), wants(20, GI_80, f"{ATTRIBUTE}.index > 3")]
    for n in range(60):
        rows += [node(f"n{n}"), slice_(f"n{n}", *(gpu(d, f"{n + d}Gi") for d in range(16)))]
        rows += [claim(f"c{n}-{d}", result(f"gpu-{d}", f"n{n}")) for d in range(16)]
    known = store(*rows)
    question = about_pod(known, waits(), VERSION)
    trials = []
    suggestions(known, question, list(by_node(known, question)), lambda: trials.append(1))
    assert 0 < len(trials) <= MOST_TRIALS + 100  # what is begun is ended


# Room beside devices

GI = 1 << 30


def roomy(*others: Pod, cpu: int = 8000, memory: int = 16 * GI, pods: int = 110) -> list[Row]:
    native = (("cpu", cpu), ("memory", memory), ("pods", pods))
    return [*machine("gpu-0", "gpu-1", its=Node(name="node-1", ready="True", native=native)), *others]


def runs(name: str, cpu: int = 0, memory: int = 0, *claims: str, **more: object) -> Pod:
    native = (("cpu", cpu), ("memory", memory))
    return pod(name, *claims, node="node-1", native=native, **more)  # type: ignore[arg-type]


def asks(cpu: int = 100, memory: int = GI, *claims: str, **more: Any) -> Pod:
    return waits(*(claims or ("gpu",)), native=(("cpu", cpu), ("memory", memory)), **more)


def test_one_of_the_pods_whose_end_makes_room_and_how_much_there_is_room_for_now() -> None:
    there = (runs("a", 4000), runs("b", 3000), runs("small", 500))
    found = helps(wants(), *roomy(*there), about=asks(2500))
    assert said(found) == [
        ("free", "1 of these 2 pods ended (default/a, default/b)", ("node-1",)),
        ("resources", "the pod asked for 0.5 of cpu instead of 2.5", ("node-1",)),
    ]
    assert found[0].pods == ("default/a", "default/b")


def test_as_few_pods_as_it_takes_those_that_have_most_first() -> None:
    there = (runs("a", 2000), runs("b", 3000), runs("c", 1500), runs("d", 1500))
    found = helps(wants(), *roomy(*there), about=asks(4500))
    assert said(found)[0] == ("free", "pods default/b and default/a ended", ("node-1",))


def test_nobody_who_is_worth_more_or_comes_back_at_once_is_to_end() -> None:
    more, agent = runs("more", 4000, priority=1), runs("agent", 3000, owner=Owner("DaemonSet", "agent"))
    found = helps(wants(), *roomy(more, agent), about=asks(2500))
    assert said(found) == [("resources", "the pod asked for 1 of cpu instead of 2.5", ("node-1",))]
    lasting = {"pod default/even"}
    known = store(CLASS, asks(8000), wants(), *roomy(runs("even", 4000)))
    question = about_pod(known, asks(8000), VERSION)
    told = suggestions(known, question, list(by_node(known, question)), lasting=lasting)
    assert [each.kind for each in told] == ["resources"]


def test_a_pod_that_ends_gives_back_its_devices_too() -> None:
    """Neither its claim's end alone helps nor that of a pod without one."""
    holder = runs("nb", 4000, 0, "nb")
    held = claim("nb", result("gpu-0"), result("gpu-1"), pods=(holder,))
    found = helps(wants(), held, *roomy(holder, runs("other", 3000)), about=asks(2500))
    assert said(found)[0] == ("free", "pod default/nb ended", ("node-1",))


def test_where_there_are_too_many_pods_one_of_them_ends() -> None:
    found = helps(wants(), *roomy(runs("a", 1), runs("b", 1), pods=2), about=asks())
    assert said(found) == [("free", "1 of these 2 pods ended (default/a, default/b)", ("node-1",))]


def test_a_request_that_fits_is_in_units_that_one_writes() -> None:
    found = helps(wants(), *roomy(runs("a", 0, 5 * GI + 12345, priority=1)), about=asks(memory=12 * GI))
    assert said(found) == [("resources", "the pod asked for 11263Mi of memory instead of 12Gi", ("node-1",))]


def test_two_resources_that_are_short_are_asked_for_less_together() -> None:
    found = helps(wants(), *roomy(), about=asks(9000, 32 * GI))
    what = "the pod asked for 8 of cpu instead of 9 and the pod asked for 16Gi of memory instead of 32Gi"
    assert said(found) == [("two", what, ("node-1",))]


def test_a_pod_gives_back_what_it_has_of_a_device_plugin() -> None:
    offers = (("example.com/chip", 4),)
    there = runs("nb", 0, 0, extended={"example.com/chip": 2})
    about = asks(extended={"example.com/chip": 3})
    rows = roomy(there)
    rows[0] = msgspec.structs.replace(rows[0], allocatable=offers)
    assert said(helps(wants(), *rows, about=about)) == [("free", "pod default/nb ended", ("node-1",))]
