"""Which pools a node looks at, where many nodes publish counters of their own."""

from msgspec.structs import replace

from dratui.allocation.nodes import Place
from dratui.allocation.pools import Slices, gathered
from dratui.allocation.rules import DEFAULT_FEATURES, rules
from dratui.api.model import CounterConsumption, CounterSet, Device, Slice

RULES = rules("1.36", DEFAULT_FEATURES["1.36"])
DRIVER = "gpu.example.com"


def card(node: str, *, counter_set: str = "card", of: int = 2) -> list[Slice]:
    """The pool of a node with one card, in parts: a slice of counters and one of devices."""
    part = Device("part", consumes=(CounterConsumption("card", {"memory": "1"}),))
    both = (("counters", (), (CounterSet(counter_set, {"memory": "8"}),)), ("devices", (part,), ()))
    return [
        Slice(
            name=f"{node}-{what}",
            driver=DRIVER,
            pool=node,
            generation=1,
            expected_slices=of,
            node=node,
            devices=devices,
            counter_sets=sets,
        )
        for what, devices, sets in both
    ]


def looked_at(*slices: Slice, node: str = "a") -> dict[str, str]:
    """Pools by name, with what is amiss of them."""
    found = gathered(Slices(slices), Place(node), RULES)
    return {pool.id[1]: "incomplete" if pool.incomplete else pool.invalid for pool in found}


def test_a_node_looks_at_its_own_counters_only() -> None:
    assert looked_at(*card("a"), *card("b"), *card("c")) == {"a": ""}


def test_a_pool_of_counters_that_is_amiss_is_amiss_for_every_node() -> None:
    """The allocator takes counters to be everybody's, and an invalid pool ends its search."""
    assert looked_at(*card("a"), *card("b", of=3), *card("c", counter_set="other")) == {
        "a": "",
        "b": "incomplete",
        "c": "counter set card not found",
    }


def test_only_the_newest_counters_of_another_node_count() -> None:
    newer = [replace(each, generation=2, name=f"{each.name}-2") for each in card("b")]
    assert looked_at(*card("a"), *card("b", counter_set="other"), *newer) == {"a": ""}
