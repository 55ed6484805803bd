"""What selectors mean, where it surprises: the traps that other implementations fall into."""

import pytest

from dratui.allocation.cel.errors import CompileError
from dratui.allocation.cel.selector import Dialect, Selector
from dratui.failure import Failure
from tests.allocation.cel.asking import matches, outcome

A = 'device.attributes["gpu.example.com"]'


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("9223372036854775807 + 1 > 0", "integer overflow"),
        ("1 / 0 == 1", "division by zero"),
        ("1 % 0 == 1", "modulus by zero"),
        ("-7 / 2 == -3 && -7 % 2 == -1", "true"),
        ("dyn(1) == 1.0 && dyn(1u) == 1 && 2u < 3 && 1.5 > 1", "true"),
        ("dyn(true) == dyn(1)", "false"),
        ("dyn(1) == dyn('1')", "false"),
        (f"{A}.driverVersion == '550.54.15'", "no such overload"),
        (f"'550.54.15' == {A}.driverVersion", "false"),
        (f"{A}.driverVersion != '550.54.15'", "true"),
        (f"{A}.tags.includes('nvlink') && {A}.model.includes('H100')", "true"),
        (f"{A}.nope || true", "true"),
        (f"true || {A}.nope", "true"),
        (f"{A}.nope && false", "false"),
        (f"{A}.nope && true", "no such key: nope"),
        (f"[1, 0].exists(x, 1 / x > 0) && {A}.tags.all(t, t.size() > 3)", "true"),
        ("[0, 1].all(x, 1 / x > 0)", "division by zero"),
        ("[0, -1].all(x, 1 / x > 0)", "false"),
        ('has(device.attributes["nope"].x)', "false"),
        ("has(device.attributes.nope)", "true"),
        ('"nope" in device.attributes', "false"),
        ('device.attributes[?"nope"].hasValue()', "true"),
        (f"{A}.?nope.orValue('x') == 'x'", "true"),
        (
            "quantity('1Pi').isInteger() || quantity('1.5Gi').isInteger() || quantity('1000m').isInteger()",
            "false",
        ),
        ("quantity('1Ki').asInteger() == 1024 && sign(quantity('-1')) == -1", "true"),
        ("quantity('16Ei') == quantity('8Ei')", "true"),
        ("semver('1.2.3+a') == semver('1.2.3+b')", "true"),
        ("semver('v1', true) == semver('1.0.0')", "true"),
        ("semver('1.0.0-rc.1').isLessThan(semver('1.0.0'))", "true"),
        ("type(device.driver) == string", "true"),
        ("'%s of %d'.format(['a', dyn(2)]) == 'a of 2'", "true"),
        ("[3, 1, 2].sortBy(x, -x) == [3, 2, 1]", "true"),
        ("{'a': 1}.transformMap(k, v, v + 1) == {'a': 2}", "true"),
        ("cel.bind(x, 1 / 0, true)", "true"),
        ("optional.of(2).optMap(x, x + 1).value() == 3", "true"),
        ("device.driver", "CEL result of type string could not be converted to bool"),
        (f"{A}.model", "CEL result of type string could not be converted to bool: unsupported native"),
        ('device.attributes["resource.kubernetes.io"].pcieRoot.startsWith("pci")', "true"),
        ("device.allowMultipleAllocations", "false"),
    ],
)
def test_what_an_expression_means(expression: str, expected: str) -> None:
    try:
        found = outcome(expression)
    except Failure as failure:  # that a string is no selector is known before
        found = f"CEL result of type {str(failure).rpartition(' ')[2]} could not be converted to bool"
    assert found.startswith(expected)


@pytest.mark.parametrize(
    ("expression", "line", "told"),
    [
        ("device.name == 'x'", 1, "undefined field 'name'"),
        ("true &&\n  devices.driver == 'x'", 2, "undeclared reference to 'devices'"),
        ("[1, 'a'].size() > 0", 1, "expected type 'int' but found 'string'"),
        ('device.capacity["a"].b > quantity("1")', 1, "found no matching overload for '_>_'"),
        ("true &&", 1, "Syntax error"),
        ("device.driver.matches(1)", 1, "found no matching overload for 'matches' applied to 'string.(int)'"),
        ("'%d'.format(['x']) == ''", 1, "decimal clause can only be used on integers, was given string"),
        ("in == 1", 1, "Syntax error"),
        ("for == 1", 1, "reserved identifier: for"),
        ("has(device)", 1, "invalid argument to has() macro"),
    ],
)
def test_what_is_no_expression_is_told_with_its_place(expression: str, line: int, told: str) -> None:
    with pytest.raises(CompileError) as caught:
        Selector(expression, Dialect())
    assert f"<input>:{line}:" in str(caught.value)
    assert told in str(caught.value)


def test_the_place_is_underlined() -> None:
    with pytest.raises(CompileError) as caught:
        Selector("true && device.nmae == 'x'", Dialect())
    _, text, mark = str(caught.value).split("\n")
    assert text[mark.index("^")] == "."  # of `.nmae`


def test_of_very_many_mistakes_the_first_hundred_are_told() -> None:
    with pytest.raises(CompileError) as caught:
        Selector("@" * 10_000, Dialect())
    assert len(caught.value.problems) >= 10_000
    assert len(str(caught.value)) < 4_000_000
    assert str(caught.value).endswith("more errors were truncated")


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        (
            'true && device.driver.matches("(a")',
            "invalid matches argument: error parsing regexp: missing ): (a",
        ),
        ("true && matches(device.driver, '(a')", "program instantiation failed: error parsing regexp: "),
        ("true && duration('1x') != duration('1s')", "invalid duration argument: "),
        ("true && timestamp('noon') == timestamp(0)", "invalid timestamp argument: "),
        ("true && bool('yes')", "program instantiation failed: type conversion error"),
        ("true && uint(-1) == 1u", "program instantiation failed: unsigned integer overflow"),
    ],
)
def test_constants_that_cannot_work_are_refused_at_once_with_their_place(expression: str, told: str) -> None:
    with pytest.raises(CompileError) as caught:
        Selector(expression, Dialect())
    [problem] = caught.value.problems
    assert problem.text.startswith(told)
    assert expression[problem.at] in "\"'-"


def test_what_is_no_bool_is_no_selector() -> None:
    with pytest.raises(Failure, match="must evaluate to bool or the unknown type, not string"):
        Selector("device.driver", Dialect())


def test_a_list_is_no_value_where_lists_are_not_known() -> None:
    told = outcome("true", dialect=Dialect())
    assert told == "attribute tags: unsupported attribute value"  # though nothing reads it


def test_lists_may_be_looped_over_only_where_they_are_known() -> None:
    loop = f"{A}.tags.exists(t, t == 'fast')"
    assert matches(loop)
    with pytest.raises(CompileError, match="cannot be range of a comprehension"):
        Selector(loop, Dialect())
