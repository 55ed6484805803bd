"""What is told of streams that fail and come back, and of a clock that leaps: each thing once."""

from dratui.events import Health, Phase
from dratui.tui.notices import Notices

KINDS = ("pods", "nodes", "resourceclaims")


def all_(phase: Phase, detail: str = "", since: float = 0.0, *kinds: str) -> dict[str, Health]:
    return {kind: Health(phase=phase, since=since, detail=detail) for kind in kinds or KINDS}


def told(notices: Notices, health: dict[str, Health], now: float) -> list[str]:
    return [notice.text for notice in notices.of_health(health, now)]


def test_a_trouble_is_told_when_it_begins_and_when_it_is_over() -> None:
    notices = Notices()
    live = all_(Phase.LIVE)
    assert told(notices, live, 0) == []
    one = live | all_(Phase.STALE, "no route", 10, "pods")
    assert told(notices, one, 10) == ["◍ stale: pods: no route"]
    assert told(notices, all_(Phase.STALE, "no route", 10), 12) == []
    assert told(notices, one, 40) == []
    assert told(notices, live, 52) == ["● live again after 42s; it had begun with ◍ stale: pods: no route"]
    assert told(notices, live, 53) == []


def test_another_reason_and_a_worse_state_are_told_too() -> None:
    notices = Notices()
    told(notices, all_(Phase.LIVE), 0)
    assert told(notices, all_(Phase.STALE, "broken off"), 1) == ["◍ stale: 3 kinds: broken off"]
    mixed = all_(Phase.STALE, "broken off", 0, "pods") | all_(Phase.STALE, "refused", 0, "nodes")
    assert told(notices, mixed, 2) == []
    assert told(notices, all_(Phase.STALE, "refused"), 3) == ["◍ stale: 3 kinds: refused"]
    assert told(notices, all_(Phase.FORBIDDEN, "403"), 4) == ["⊘ forbidden: 3 kinds: 403"]


def test_of_several_reasons_at_once_one_is_told_and_the_other_when_it_is_the_only_one() -> None:
    notices = Notices()
    told(notices, all_(Phase.LIVE), 0)
    mixed = all_(Phase.STALE, "broken off", 0) | all_(Phase.STALE, "refused", 0, "nodes")
    assert told(notices, mixed, 1) == ["◍ stale: 2 kinds: broken off"]
    assert told(notices, all_(Phase.STALE, "refused"), 2) == ["◍ stale: 3 kinds: refused"]


def test_what_was_never_there_is_no_news() -> None:
    notices = Notices()
    assert told(notices, all_(Phase.FORBIDDEN, "403"), 0) == []
    assert told(notices, all_(Phase.LIVE), 9) == []


def test_that_a_short_trouble_is_over_is_only_written_down() -> None:
    notices = Notices()
    for now, phase in ((0.0, Phase.LIVE), (100.0, Phase.STALE)):
        notices.of_health(all_(phase, since=now), now)
    [over] = notices.of_health(all_(Phase.LIVE, since=101.0), 101.0)
    assert over.quiet


def test_a_remark_of_a_stream_that_is_live_is_told_once() -> None:
    notices = Notices()
    remark = all_(Phase.LIVE) | all_(Phase.LIVE, "too large: x", 0, "pods")
    assert told(notices, remark, 0) == ["pods: too large: x"]
    assert told(notices, remark, 1) == []


def test_a_leap_of_the_clock_is_told_with_its_direction() -> None:
    notices = Notices()
    assert notices.of_time(1000.0, 0.0) == []
    assert notices.of_time(1001.0, 1.0) == []
    [forward] = notices.of_time(1002.0 + 7200, 2.0)
    assert "set forward by 120m, or it slept" in forward.text
    [back] = notices.of_time(1003.0, 3.0)
    assert "set back by 120m: ages follow it" in back.text
