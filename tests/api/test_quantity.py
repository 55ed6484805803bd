"""Quantities: what the API server reads and writes, exactly."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dratui.api.quantity import LARGEST, NANO, parse, write


@pytest.mark.parametrize(
    ("text", "nano"),
    [
        ("0", 0),
        ("7", 7 * NANO),
        ("+7", 7 * NANO),
        ("-7", -7 * NANO),
        ("1.5", 1_500_000_000),
        (".5", 500_000_000),
        ("5.", 5 * NANO),
        ("500m", 500_000_000),
        ("1n", 1),
        ("0.1n", 1),  # finer than there is: rounded away from zero
        ("-0.1n", -1),
        ("1u", 1000),
        ("2k", 2000 * NANO),
        ("1E", 10**18 * NANO),
        ("1Ei", 2**60 * NANO),
        ("1e3", 1000 * NANO),
        ("1E3", 1000 * NANO),
        ("1e-3", 1_000_000),
        ("81559Mi", 81559 * 2**20 * NANO),
        ("1.5Gi", 3 * 2**29 * NANO),
        ("10E", LARGEST),
        ("-10Ei", -LARGEST),
        ("1e999999999999", LARGEST),
        ("1e-999999999999", 1),
        ("0e999999999999", 0),
    ],
)
def test_what_is_a_quantity(text: str, nano: int) -> None:
    assert parse(text) == nano


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        ".",
        "k",
        "1K",
        "1ki",
        "1 k",
        " 1",
        "1e",
        "1e1.5",
        "0x1",
        "1_000",
        "1kk",
        "٣",
        "1\n",
        "9" * 300,
    ],
)
def test_what_is_none(text: str) -> None:
    assert parse(text) is None


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("0Ki", "0"),
        ("1000", "1k"),
        ("1500", "1500"),
        ("1.5", "1500m"),
        ("1024Ki", "1Mi"),
        ("81559Mi", "81559Mi"),
        ("1.5Gi", "1536Mi"),
        ("0.5Ki", "512"),
        ("1.0005Ki", "1024512m"),
        ("1e3", "1e3"),
        ("15e2", "1500"),
        ("1E", "1E"),
        ("-2Gi", "-2Gi"),
    ],
)
def test_it_is_written_as_the_server_writes_it(text: str, canonical: str) -> None:
    nano = parse(text)
    assert nano is not None
    assert write(nano, text) == canonical


_numbers = st.decimals(
    min_value=0, max_value=Decimal(2**63 - 1) / 10**3, places=3, allow_nan=False, allow_infinity=False
)


@given(number=_numbers, suffix=st.sampled_from(["", "k", "Ki", "m", "e0"]))
def test_what_is_written_is_the_same_quantity(number: Decimal, suffix: str) -> None:
    text = f"{number:f}{suffix}"
    nano = parse(text)
    assert nano is not None
    written = write(nano, text)
    assert parse(written) == nano
    assert write(nano, written) == written


@given(st.text(max_size=40))
def test_any_text_is_a_quantity_or_none(text: str) -> None:
    parse(text)
