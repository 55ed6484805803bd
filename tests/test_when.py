"""Times as people type them."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dratui.failure import UsageFailure
from dratui.when import FORMS, parse

BEGINS = datetime(2026, 3, 1, 13, 50).astimezone()
ENDS = BEGINS + timedelta(minutes=30)


def of(text: str, *, begins: datetime = BEGINS, ends: datetime = ENDS) -> datetime:
    return datetime.fromtimestamp(parse(text, begins.timestamp(), ends.timestamp()), UTC).astimezone()


def local(day: int, hour: int, minute: int, second: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, second).astimezone()


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("14:03", local(1, 14, 3)),
        (" 14:03:11 ", local(1, 14, 3, 11)),
        ("9:05", local(1, 9, 5)),
        ("-5m", ENDS - timedelta(minutes=5)),
        ("+90s", BEGINS + timedelta(seconds=90)),
        ("-1h30m", ENDS - timedelta(minutes=90)),
        ("+0.5s", BEGINS + timedelta(seconds=0.5)),
        ("2026-03-01T14:03:11Z", datetime(2026, 3, 1, 14, 3, 11, tzinfo=UTC)),
        ("2026-03-01T14:03:11.25+02:00", datetime(2026, 3, 1, 12, 3, 11, 250000, tzinfo=UTC)),
        ("2026-03-01 14:03", local(1, 14, 3)),
    ],
)
def test_what_is_meant(text: str, meant: datetime) -> None:
    assert of(text) == meant


def test_a_time_of_day_is_of_the_day_on_which_it_lies_in_the_past() -> None:
    late, early = local(1, 23, 50), local(2, 0, 20)
    assert of("23:55", begins=late, ends=early) == local(1, 23, 55)
    assert of("0:05", begins=late, ends=early) == local(2, 0, 5)
    assert of("00:30", begins=late, ends=early) == local(2, 0, 30), "not yet, but nearer than a day ago"


def test_of_a_past_of_days_the_last_one_is_meant() -> None:
    assert of("14:03", begins=local(1, 0, 0), ends=local(9, 15, 0)) == local(9, 14, 3)


@pytest.mark.parametrize(
    "text", ["", "soon", "25:00", "14:60", "5m", "-", "-5x", "+9999999999s", "2026-13-01"]
)
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(UsageFailure, match="is no time") as failure:
        of(text)
    assert "-5m" in failure.value.hint


def test_every_form_that_is_offered_is_one() -> None:
    for form in FORMS:
        of(form)


@given(st.text())
def test_whatever_is_typed_is_a_time_or_said_to_be_none(text: str) -> None:
    with suppress(UsageFailure):
        parse(text, BEGINS.timestamp(), ENDS.timestamp())
