"""Expressions that mean harm: each is answered, in bounded time and memory."""

import pytest

from dratui.allocation.cel.errors import EvaluationError
from dratui.failure import Failure
from tests.allocation.cel.asking import matches

BINDS = "".join(f"cel.bind(a{n}, a{n - 1} + a{n - 1}, " for n in range(1, 40))


@pytest.mark.parametrize(
    "expression",
    [
        "(" * 9000 + "true" + ")" * 9000,
        "[" * 3000,
        "1" + "+1" * 4000 + " == 1",
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
        "true" + " && true" * 2000,
        "!" * 2000 + "true",
        "'" + "a" * 5000 + "!'.matches('^(a+)+$') == false",
        "quantity('1e999999999').isGreaterThan(quantity('1e-999999999'))",
        "true // " + "x" * 10_000,
        "'a\\u001b[2J' != '\\x00'",
    ],
)
def test_it_is_answered(expression: str) -> None:
    assert matches(expression)
