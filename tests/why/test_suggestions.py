"""What would help: every suggestion was tried out, and nothing that does not help is said."""

from collections.abc import Sequence

from dratui.api.model import Device, Node, Placement, Pod, Request, Taint
from dratui.events import Row
from dratui.why.suggestions import Suggestion
from tests.cluster.build import DRIVER, claim, pod, result, slice_
from tests.why.test_answer import TAINT, asked, node, waits


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
    assert said(found) == [("free", "one of the claims default/a, default/b ended", ("node-1",))]
    assert found[0].claims == ("default/a", "default/b")


def test_a_claim_whose_end_is_not_enough_is_not_named() -> None:
    rows = (claim("a", result("gpu-0")), claim("b", result("gpu-1")), *machine("gpu-0", "gpu-1"))
    assert [each.kind for each in helps(wants(2), *rows)] == []
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


def test_one_device_less() -> None:
    found = helps(wants(3), *machine("gpu-0", "gpu-1"))
    assert said(found) == [("count", "request gpu wanted 2 instead of 3", ("node-1",))]


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
    assert helps(wants(5), *machine("gpu-0"), about=pod("train", "gpu")) == ()
