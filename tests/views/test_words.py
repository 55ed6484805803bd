"""How values read."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dratui.terminal import clean
from dratui.views import words
from tests.cluster.build import NOW

MINUTE, HOUR, DAY = 60, 3600, 86400


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        # Source: k8s.io/apimachinery/pkg/util/duration, duration_test.go
        (0, "0s"),
        (1, "1s"),
        (70, "70s"),
        (190, "3m10s"),
        (9 * MINUTE + 59, "9m59s"),
        (10 * MINUTE, "10m"),
        (70 * MINUTE, "70m"),
        (47 * HOUR, "47h"),
        (49 * HOUR, "2d1h"),
        (3 * HOUR, "3h"),
        (5 * HOUR + MINUTE, "5h1m"),
        (8 * HOUR, "8h"),
        (4 * DAY, "4d"),
        (8 * DAY, "8d"),
        (400 * DAY, "400d"),
        (2 * 365 * DAY, "2y"),
        (2 * 365 * DAY + DAY, "2y1d"),
        (8 * 365 * DAY + DAY, "8y"),
        (-1, "0s"),
        (-2, "<invalid>"),
    ],
)
def test_durations_are_kubectls(seconds: int, text: str) -> None:
    assert words.duration(seconds) == text


def test_an_age_that_is_not_told_is_unknown_and_what_did_not_happen_is_nothing() -> None:
    assert words.age(None, NOW) == "?"
    assert words.since(None, NOW) == "–"
    assert words.age(NOW - timedelta(minutes=12), NOW) == "12m"


def test_unknown_differs_from_nothing() -> None:
    assert (words.plain(None, NOW), words.plain("", NOW), words.plain(0, NOW)) == ("?", "–", "0")
    assert (words.listing(None, NOW), words.listing((), NOW), words.listing(("a", "b"), NOW)) == (
        "?",
        "–",
        "a, b",
    )


def test_counts() -> None:
    assert (words.count(1, "pod"), words.count(3, "pod"), words.count(2, "class", "classes")) == (
        "1 pod",
        "3 pods",
        "2 classes",
    )


def test_numbers_sort_as_numbers() -> None:
    assert sorted(["gpu-10", "gpu-2", "gpu-2-mig-1", "a"], key=words.natural) == [
        "a",
        "gpu-2",
        "gpu-2-mig-1",
        "gpu-10",
    ]


@given(st.text(), st.text())
def test_any_two_names_have_an_order(a: str, b: str) -> None:
    assert (words.natural(a) < words.natural(b)) or (words.natural(a) >= words.natural(b))


@given(st.text())
def test_what_is_cleaned_is_printable_and_stays_clean(text: str) -> None:
    cleaned = clean(text)
    assert "".join(cleaned.split()).isprintable()  # spaces of all widths are harmless
    assert clean(cleaned) == cleaned
