"""The steps of a claim in words."""

from datetime import UTC, datetime, timedelta

import pytest

from dratui.cluster.step import Step
from dratui.views.describe.steps import MOST, steps
from dratui.views.table import Style
from dratui.views.words import clock
from tests.cluster.build import NOW, ago


def lines(*told: Step) -> list[tuple[str, str]]:
    return [(f.label, f.value) for f in steps(told, NOW).fields]


def at(**time: float) -> str:
    return clock(ago(**time), NOW)


CREATED = Step(step="created", at=ago(minutes=5))
ALLOCATED = Step(step="allocated", at=ago(minutes=4))


def test_each_step_tells_when_it_came_and_how_long_it_took() -> None:
    running = Step(step="running", pod="train", at=ago(minutes=1))
    between = Step(step="prepared", pod="train", after=ago(minutes=3), before=ago(minutes=2))
    assert lines(CREATED, ALLOCATED, between, running) == [
        ("created", f"{at(minutes=5)}, 5m ago"),
        ("allocated", f"{at(minutes=4)}, after 60s"),
        ("prepared", f"between {at(minutes=3)} and {at(minutes=2)}"),
        ("running", f"{at(minutes=1)}, after 3m, 60s ago"),
    ]


@pytest.mark.parametrize(
    ("step", "value"),
    [
        (Step(step="prepared", at=ago(minutes=2), took=0.0127), f"{at(minutes=2)}, 2m ago, took 13 ms"),
        (
            Step(step="prepared", at=ago(minutes=2), took=40.04, state="failed", reason="lost"),
            f"{at(minutes=2)} failed, 2m ago, took 40.0 s: lost",
        ),
        (Step(step="restored", at=ago(minutes=2), reason="CDI spec"), f"{at(minutes=2)}, 2m ago: CDI spec"),
        (Step(step="reserved"), "? nobody tells when"),
        (Step(step="reserved", after=ago(minutes=2)), f"after {at(minutes=2)}"),
        (Step(step="reserved", before=ago(minutes=2)), f"by {at(minutes=2)}"),
        (Step(step="reserved", after=ago(minutes=2), before=ago(minutes=2)), at(minutes=2)),
        (Step(step="prepared", state="unknown"), "? nobody tells"),
        (
            Step(step="running", state="waiting", after=ago(minutes=2), reason="pulls"),
            "not yet, for 2m: pulls",
        ),
        # A pod's deletionTimestamp is when its grace period ends.
        (Step(step="released", state="waiting", after=ago(seconds=-20), reason="ends"), "not yet: ends"),
    ],
)
def test_what_is_not_known_is_said(step: Step, value: str) -> None:
    assert lines(step)[0][1].replace("120s", "2m") == value


def test_of_several_pods_each_has_a_line_and_the_stuck_ones_come_first() -> None:
    runs = (
        Step(step="reserved", pod="a", after=ago(minutes=4)),
        Step(step="running", pod="a", at=ago(minutes=3)),
    )
    stuck = (
        Step(step="pod scheduled", pod="b", at=ago(minutes=2)),
        Step(step="prepared", pod="b", state="waiting", after=ago(seconds=90), reason="no driver"),
    )
    found = steps((CREATED, ALLOCATED, *runs, *stuck), NOW).fields
    assert [(f.label, f.value) for f in found[2:]] == [
        ("b", f"pod scheduled {at(minutes=2)}, 2m ago · prepared not yet, for 90s: no driver"),
        ("a", f"running {at(minutes=3)}, 3m ago"),
    ]
    assert [f.style for f in found[2:]] == [Style.WAITING, Style.PLAIN]


def test_a_claim_with_hundreds_of_pods_stays_readable() -> None:
    crowd = [Step(step="running", pod=f"pod-{n}", at=ago(minutes=1)) for n in range(200)]
    found = lines(CREATED, ALLOCATED, *crowd)
    assert len(found) == 2 + MOST + 1
    assert found[-1] == ("", f"and {200 - MOST} more pods")


def test_a_time_of_another_day_has_its_date() -> None:
    assert len(clock(NOW - timedelta(days=3), NOW)) == len("2026-02-26 12:00:00")


def test_the_time_that_go_writes_for_none_is_no_crash() -> None:
    assert clock(datetime(1, 1, 1, tzinfo=UTC), NOW)
