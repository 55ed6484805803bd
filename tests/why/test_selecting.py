"""A selector tried on a fleet, what the API server says of it, and what may be written next."""

import re
from collections.abc import Mapping

import pytest
import yaml

from dratui.allocation.cel.errors import CompileError, Problem, line_and_column
from dratui.allocation.cel.selector import LONGEST, Dialect
from dratui.api.model import AttributeValue, Capacity, Device, DeviceClass, Slice, Version
from dratui.failure import Failure
from dratui.tui.thinking import Stopped
from dratui.views.selecting import counted, raised, wrong
from dratui.why.selecting import Fleet, Tried
from dratui.why.vocabulary import Vocabulary
from tests.realparts.controlplane import ControlPlane
from tests.realparts.kubectl import KubectlError

GPU, NIC = "gpu.example.com", "nic.example.com"
A, C = f'device.attributes["{GPU}"]', f'device.capacity["{GPU}"]'


def device(name: str, memory: str = "", **attributes: AttributeValue) -> Device:
    return Device(name=name, attributes=attributes, capacity={"memory": Capacity(memory)} if memory else {})


def slice_(node: str, *devices: Device, driver: str = GPU, generation: int = 1) -> Slice:
    return Slice(
        name=f"{node}-{driver}-{generation}",
        driver=driver,
        pool=node,
        generation=generation,
        expected_slices=1,
        node=node,
        devices=devices,
    )


FLEET = Fleet(
    [
        slice_("a", device("old", "80Gi", type="gpu"), generation=1),
        slice_(
            "a",
            device("gpu-0", "80Gi", type="gpu", index=0),
            device("gpu-1", "80Gi", type="gpu", index=1),
            generation=2,
        ),
        slice_(
            "b",
            device("mig-0", "10Gi", type="mig", profile="1g.10gb"),
            device("mig-1", "40Gi", type="mig", profile="3g.40gb"),
        ),
        slice_("b", device("nic-0", speed=400), driver=NIC),
    ],
    [
        DeviceClass(name="gpu", selectors=(f'device.driver == "{GPU}"', f"has({A}.type)")),
        DeviceClass(name="broken", selectors=(f'{A}.type == "gpu"',)),
    ],
    Dialect(),
)


def names(tried: Tried) -> list[str]:
    return sorted(key.device for key in tried.matches)


def test_a_selector_matches_devices_of_the_newest_generation() -> None:
    tried = FLEET.tried(f'device.driver == "{GPU}" && {A}.type == "gpu"')
    assert (names(tried), tried.among, tried.nodes, tried.errors) == (["gpu-0", "gpu-1"], 5, 1, {})
    assert FLEET.tried("").matches == frozenset(FLEET.keys)


def test_at_least_so_much_and_mig_is_one_line() -> None:
    tried = FLEET.tried(f'{C}.memory.compareTo(quantity("40Gi")) >= 0 && {A}.type == "mig"', "gpu")
    assert (names(tried), tried.among) == (["mig-1"], 4)


def test_of_a_class_only_its_devices_are_looked_at() -> None:
    tried = FLEET.tried(f'{A}.profile == "1g.10gb"', "gpu")
    assert names(tried) == ["mig-0"]
    assert {error: len(keys) for error, keys in tried.errors.items()} == {"no such key: profile": 2}
    assert list(raised(tried)) == ["2 devices raise: no such key: profile (a/gpu-0, a/gpu-1)"]
    with pytest.raises(Failure, match="no device class 'gone'"):
        FLEET.tried("true", "gone")


def test_devices_at_which_the_class_itself_fails_are_told_with_its_name() -> None:
    tried = FLEET.tried("true", "broken")
    assert list(tried.errors) == ["class broken: no such key: type"]
    assert names(tried) == ["gpu-0", "gpu-1"]


def test_trying_ends_when_who_asked_no_longer_waits() -> None:
    def heed(seen: int) -> None:
        if seen == 2:
            raise Stopped

    with pytest.raises(Stopped):
        FLEET.tried("device == device", heed=heed)


@pytest.mark.parametrize(
    ("tried", "free", "device_class", "empty", "said"),
    [
        (Tried(frozenset(FLEET.keys[:2]), 5, 1), 1, "", False, "2 of 5 devices match · 1 free · on 1 node"),
        (Tried(frozenset(), 5, 0), 0, "gpu", False, "0 of 5 devices of class gpu match"),
        (Tried(frozenset(FLEET.keys), 5, 2), None, "", True, "no selector: all of 5 devices · on 2 nodes"),
        (Tried(frozenset(FLEET.keys[:1]), 1, 1), 0, "", False, "1 of 1 device matches · 0 free · on 1 node"),
    ],
)
def test_how_many_match_is_told_in_a_line(
    tried: Tried, free: int | None, device_class: str, empty: bool, said: str
) -> None:
    assert counted(tried, free, device_class=device_class, empty=empty) == said


# From here on we say more, or say it in other words.
OURS = re.compile(r"(?<= argument): |(?<= regexp): | expecting \{|: it may cost|, and is ")
WRONG = (
    "device.dri",
    f'{A}.type == "gpu" &&',
    "1 + 1",
    'device.driver == 1 ||\n  device.driver.startsWith("gpu" + 2)',
    'true &&\n  device.driver.matches("[")',
    'true && matches(device.driver, "[")',
    "duration('1x') == duration('1s')",
    "timestamp('noon') == timestamp(0)",
    "bool('yes')",
    f"{A}.all(a, {A}.all(b, {A}.all(c, {A}.all(d, a + b + c + d == 'x'))))",
    "true" + " " * LONGEST,
)


@pytest.mark.parametrize("expression", WRONG, ids=lambda text: text[:30])
def test_what_is_wrong_is_told_as_the_api_server_tells_it(
    control_plane: ControlPlane, expression: str
) -> None:
    request: Mapping[str, object] = {
        "name": "gpu",
        "exactly": {"deviceClassName": "gpu", "selectors": [{"cel": {"expression": expression}}]},
    }
    claim = {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "ResourceClaim",
        "metadata": {"name": "tried", "namespace": "default"},
        "spec": {"devices": {"requests": [request]}},
    }
    with pytest.raises(KubectlError) as refused:
        control_plane.kubectl("create", "--dry-run=server", "-f", "-", input=yaml.safe_dump(claim))
    refusal = str(refused.value)
    try:
        said = [FLEET.tried(expression).refused]
    except CompileError as failure:
        said = [_placed(expression, problem) for problem in failure.problems]
    except Failure as failure:
        said = list(wrong(failure))
    assert said
    for text in said:
        assert OURS.split(text)[0] in refusal, text


def _placed(expression: str, problem: Problem) -> str:
    if problem.text.startswith("program instantiation failed"):
        return problem.text
    line, column = line_and_column(expression, problem.at)
    return f"ERROR: <input>:{line}:{column}: {problem.text}"


VOCABULARY = Vocabulary(FLEET.of_class(""))


@pytest.mark.parametrize(
    ("before", "following"),
    [
        ("device.att", ['attributes["gpu.example.com"].', 'attributes["nic.example.com"].']),
        ("device.cap", ['capacity["gpu.example.com"].']),
        ('device.attributes["n', ['"nic.example.com"].']),
        ("device.attributes['g", ["'gpu.example.com']."]),
        (f"{A}.", ["index", "profile", "type"]),
        (f"{A}.t", ["type"]),
        (f"x && {A}.type == ", ['"gpu"', '"mig"']),
        (f'{A}.type == "m', ['"mig"']),
        (f"{A}.index != ", ["0", "1"]),
        (f"{C}.memory.comp", [f'compareTo(quantity("{n}Gi")) >= 0' for n in (80, 40, 10)]),
        (f"{A}.type == 'gpu' ", []),
        ('device.attributes["gone"].', []),
    ],
)
def test_names_and_values_of_the_fleet_are_offered(before: str, following: list[str]) -> None:
    assert [each.text for each in VOCABULARY.after(before)] == following
    for keep, text, _ in VOCABULARY.after(before):
        assert (before[:keep] + text).startswith(before)


def test_conditions_that_are_offered_choose_devices_and_raise_nothing() -> None:
    offered = VOCABULARY.after("")
    assert [each.brief for each in offered][:6] == [
        'gpu.example.com: type == "gpu"',
        "gpu.example.com: memory >= 40Gi",
        "gpu.example.com: index == 0",
        'gpu.example.com: profile == "1g.10gb"',
        'device.driver == "gpu.example.com"',
        'device.driver == "nic.example.com"',
    ]
    for each in offered:
        tried = FLEET.tried(each.text)
        assert 0 < len(tried.matches) < tried.among
        assert not tried.errors
    begun = f'device.driver == "{GPU}" && '
    for each in VOCABULARY.after(begun):
        assert FLEET.tried(begun + each.text) is not None


def test_a_word_brings_the_conditions_that_have_it_in_their_name_or_value() -> None:
    gpus = Vocabulary(FLEET.of_class("gpu"))
    assert [each.brief for each in gpus.after("mem")][:2] == ["memory >= 80Gi", "memory >= 40Gi"]
    assert [each.brief for each in gpus.after("MIG")] == ['type == "mig"']
    assert gpus.after("nothing of that") == []
    (mig,) = [each for each in gpus.after("!(mig") if each.brief == 'type == "mig"']
    assert (mig.keep, mig.text) == (2, f'{A}.type == "mig"')
    for each in VOCABULARY.after("m"):
        assert not FLEET.tried(each.text).errors, "guarded against devices of other drivers"


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("memory >= 33", [f'{C}.memory.compareTo(quantity("33Gi")) >= 0']),
        ("true && Memory<4", [f'{C}.memory.compareTo(quantity("{n}Gi")) < 0' for n in (40, 4)]),
        ("type == mig", [f'{A}.type == "mig"']),
        ('type != "gp', [f'{A}.type != "gpu"']),
        ("type >= 1", []),
        ("nothing == 1", []),
    ],
)
def test_what_one_says_in_brief_is_offered_in_cel(typed: str, offered: list[str]) -> None:
    gpus = Vocabulary(FLEET.of_class("gpu"))
    assert [each.text for each in gpus.after(typed)] == offered
    for keep, text, _ in gpus.after(typed):
        FLEET.tried(typed[:keep] + text)


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("", '.compareTo(quantity("80Gi")) >= 0'),
        (" >= 40", '.compareTo(quantity("40Gi")) >= 0'),
        (" > 33", '.compareTo(quantity("33Gi")) > 0'),
        (' <= "1', '.compareTo(quantity("10Gi")) <= 0'),
        ("==40G", '.compareTo(quantity("40Gi")) == 0'),
    ],
)
def test_a_capacity_compared_like_a_number_is_offered_as_a_quantity(typed: str, offered: str) -> None:
    before = f"{C}.memory"
    first = VOCABULARY.after(before + typed)[0]
    assert (first.keep, first.text) == (len(before), offered)
    FLEET.tried(before + first.text)


def test_of_one_driver_nothing_guards_against_others() -> None:
    offered = Vocabulary(FLEET.of_class("gpu")).after("")
    assert offered[0].text == f'{A}.type == "gpu"'
    assert [each.text for each in offered if "profile" in each.text] == [
        f'"profile" in {A} && {A}.profile == "1g.10gb"'
    ]


def test_values_are_written_so_that_they_are_equal() -> None:
    odd = [
        device(f"d{n}", text=text, version=Version(f"1.{n % 2}.0"), flag=bool(n % 2), number=n % 2)
        for n, text in enumerate(['"q"', '"q"', "back\\slash", "back\\slash"])
    ]
    fleet = Fleet([slice_("a", *odd)], (), Dialect())
    offered = Vocabulary(fleet.of_class("")).after("")
    assert {each.brief.partition(" ")[0] for each in offered} == {"text", "version", "flag", "number"}
    for each in offered:
        assert len(fleet.tried(each.text).matches) == 2, each.text
