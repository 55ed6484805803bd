"""Expressions that mean harm: each is answered, in bounded time and memory."""

import gc
from collections.abc import Sequence
from contextlib import suppress

import pytest

from dratui.allocation.cel.clauses import refusal
from dratui.allocation.cel.columns import Columns
from dratui.allocation.cel.errors import EvaluationError, TooLong
from dratui.allocation.cel.selector import Dialect, Selector, selector
from dratui.allocation.fleet import Devices, view
from dratui.api.model import Device
from dratui.failure import Failure
from tests.allocation.cel.asking import matches
from tests.bench.hostile import HOSTILE

BINDS = "".join(f"cel.bind(a{n}, a{n - 1} + a{n - 1}, " for n in range(1, 40))


@pytest.mark.parametrize(
    "expression",
    [
        "(" * 9000 + "true" + ")" * 9000,
        "[" * 3000,
        "1" + "+1" * 4000 + " == 1",
        "1" + "*1" * 150 + "+1" * 150 + " == 301",  # deeper than the API server goes
        "device" + ".a" * 3000,
        "9" * 10_000 + " == 1",
        "0x" + "f" * 10_000 + " == 1",
        "int('" + "9" * 9000 + "') == 1",
        "1e309 == 1.0",
        "lists.range(1000).all(x, lists.range(1000).all(y, lists.range(1000).all(z, true)))",
        "lists.range(99999999999).size() > 0",
        "lists.range(3000).distinct().size() > 0",
        "lists.range(3000).sortBy(x, -x).size() > 0",
        "sets.contains(lists.range(2000), lists.range(2000))",
        "lists.range(300).map(x, lists.range(300).map(y, [x, y])).flatten().flatten().size() > 1",
        "'" + "a" * 2000 + "'.replace('', '" + "b" * 2000 + "').size() > 1",
        f"cel.bind(a0, 'xxxxxxxx', {BINDS}a39.size() > 0{')' * 40}",
        "device.driver.matches('((a{100}){100}){100}')",
        "'%.999999999f'.format([1.0]) == ''",
        "string(timestamp('9999-12-31T23:59:59Z') + duration('2500000h')) == ''",
        "timestamp('2020-01-01T00:00:00Z').getHours('../../etc/passwd') == 1",
        "cidr('1.1.1.1/" + "9" * 5000 + "').prefixLength() == 1",
        "semver('" + "9" * 5000 + ".0.0').major() == 1",
    ],
)
def test_it_is_refused(expression: str) -> None:
    with pytest.raises((Failure, EvaluationError)):
        matches(expression)


@pytest.mark.parametrize(
    "expression",
    [
        "(" * 200 + "true" + ")" * 200,
        "true" + " && true" * 1200,
        "!" * 10_000 + "true",
        "'" + "a" * 5000 + "!'.matches('^(a+)+$') == false",
        "quantity('1e999999999').isGreaterThan(quantity('1e-999999999'))",
        "true // " + "x" * 10_000,
        "'a\\u001b[2J' != '\\x00'",
    ],
)
def test_it_is_answered(expression: str) -> None:
    assert matches(expression)


DIALECT = Dialect()


def verdicts(source: str, devices: int = 1) -> Sequence[object]:
    fleet = [("d", Device(f"gpu-{n}", attributes={"number": n})) for n in range(devices)]
    return Columns(Devices(fleet, DIALECT)).verdicts(selector(source, DIALECT))


@pytest.mark.parametrize("source", ["true", "1 +", 'device.driver.matches("(")'])
def test_garbage_is_collected_again_afterwards(source: str) -> None:
    with suppress(Failure):
        Selector(source, DIALECT)
    assert gc.isenabled()


@pytest.mark.parametrize("source", HOSTILE.values(), ids=HOSTILE)
def test_of_a_device_it_is_answered_or_refused_or_given_up(source: str) -> None:
    """How long that takes is in the bench."""
    answer: object
    try:
        [answer] = Columns(Devices([("d", Device("gpu-0"))], DIALECT)).verdicts(Selector(source, DIALECT))
    except Failure as failure:
        answer = failure
    assert isinstance(answer, bool | EvaluationError | Failure)
    assert len(str(answer)) < 2_000_000


@pytest.mark.parametrize(
    "name",
    [
        *("exists_one in exists_one", "map in map", "lists of the same list", "maps of the same map"),
        *("text of the same list", "patterns made in a loop", "quantities in a loop", "versions in a loop"),
        "optional of optional",
    ],
)
def test_what_would_take_long_is_given_up_which_is_no_verdict(name: str) -> None:
    [verdict] = verdicts(HOSTILE[name])
    assert isinstance(verdict, TooLong)


def test_devices_share_what_a_selector_may_take() -> None:
    """The rest is not even begun."""
    slow = 'lists.range(40000).all(x, x >= 0) && device.attributes["d"].number >= 0'
    found = verdicts(slow, 40)
    assert found[:5] == [True] * 5
    assert all(isinstance(each, TooLong) for each in found[-5:]), found


def test_a_clause_that_takes_too_long_is_no_refusal_of_another() -> None:
    source = f"{HOSTILE['lists of the same list']} && device.driver == 'other'"
    found = refusal(selector(source, DIALECT), view("d", Device("gpu-0"), DIALECT))
    assert found is not None
    assert found.clause.text == "device.driver == 'other'"
