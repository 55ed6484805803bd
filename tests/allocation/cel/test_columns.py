"""Asked once for many devices alike, a selector says of each what it says of it alone."""

import random

import pytest

from dratui.allocation.cel.columns import Columns, read
from dratui.allocation.cel.errors import EvaluationError
from dratui.allocation.cel.selector import Dialect, Selector
from dratui.allocation.fleet import Devices, view
from dratui.api.model import AttributeValue, Capacity, Device, Version

A = 'device.attributes["gpu.example.com"]'
SELECTORS = [
    "true",
    'device.driver == "gpu.example.com"',
    f'{A}.model == "H100"',
    f'has({A}.mig) && {A}.mig && {A}.profile == "1g.10gb"',
    f'{A}.driverVersion.isGreaterThan(semver("1.0.0"))',
    'device.capacity["gpu.example.com"].memory.isGreaterThan(quantity("40Gi"))',
    f"{A}.flag == true || {A}.flag == 1",
    f'cel.bind(d, {A}, d.model == "L4" && d.flag)',
    '"gpu.example.com" in device.attributes && device.allowMultipleAllocations',
    'device.attributes.exists(d, d == "nic.example.com")',
    '["x"].exists(device, device == "x")',
    f'{A}.?profile.orValue("") in ["", "1g.10gb"]',
]


def fleet(*, lists: bool) -> list[tuple[str, Device]]:
    choose = random.Random(7)

    def attributes() -> dict[str, AttributeValue]:
        found: dict[str, AttributeValue] = {
            "model": choose.choice(("H100", "L4", Version("1.0.0"), 1)),
            "driverVersion": choose.choice((Version("550.1.0"), Version("0.1.0"), "550.1.0")),
            "flag": choose.choice((True, 1, "1", False)),
            "profile": choose.choice(("1g.10gb", "2g.20gb")),
            "gpu.example.com/mig": choose.random() < 0.5,
        }
        if lists and choose.random() < 0.2:
            found["tags"] = ("a", "b")
        dropped = choose.choice([*found, ""])
        return {name: value for name, value in found.items() if name != dropped}

    return [
        (
            choose.choice(("gpu.example.com", "nic.example.com")),
            Device(
                name=f"d{n}",
                attributes=attributes(),
                capacity={"memory": Capacity(value=choose.choice(("80Gi", "40Gi", "nonsense")))},
                multiple_allocations=choose.random() < 0.5,
            ),
        )
        for n in range(400)
    ]


def alone(selector: Selector, driver: str, device: Device, dialect: Dialect) -> bool | str:
    try:
        return selector.matches(view(driver, device, dialect))
    except EvaluationError as error:
        return str(error)


@pytest.mark.parametrize("dialect", [Dialect(), Dialect(list_attributes=True)])
@pytest.mark.parametrize("expression", SELECTORS)
def test_together_as_alone(expression: str, dialect: Dialect) -> None:
    devices = fleet(lists=True)
    selector = Selector(expression, dialect)
    together = Columns(Devices(devices, dialect)).verdicts(selector)
    assert [str(v) if isinstance(v, EvaluationError) else v for v in together] == [
        alone(selector, driver, device, dialect) for driver, device in devices
    ]


def test_what_a_selector_reads() -> None:
    assert read(Selector(f'{A}.model == "x" && {A}["model"] != "y"', Dialect())) == (
        ("attributes", "gpu.example.com", "model"),
    )
    assert read(Selector(f"cel.bind(d, {A}, d.x == d.y)", Dialect())) == (("attributes", "gpu.example.com"),)
    assert read(Selector("device.attributes.exists(d, true)", Dialect())) is None
    assert read(Selector("true", Dialect())) == ()
