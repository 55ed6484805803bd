"""The table of series says what is served."""

import re
from dataclasses import fields
from pathlib import Path

import pytest
from dratui_agent.cli import main
from dratui_agent.exporter.reference import DEVICE_FIELDS
from dratui_agent.sample import Device

from tests.agent.driver import FakeDriver, cut, gpu
from tests.agent.process import running

METRICS = Path(__file__).parents[2] / "agent" / "METRICS.md"


def test_the_table_is_as_the_program_writes_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--metrics"]) == 0
    assert capsys.readouterr().out == METRICS.read_text(), "dratui-agent --metrics > agent/METRICS.md"


def test_every_series_that_is_served_is_in_the_table(driver: FakeDriver, tmp_path: Path) -> None:
    driver.set({"count": "2", **gpu(0), **gpu(1, mig_mode="1,1", power="!4")})
    driver.set({**cut(1, 0, gi=1, profile=19, start=0, size=1), "event": "1,gpu0,8,79,4294967295"})
    with running(driver, tmp_path / "log", "--dcgm-names") as agent:
        text = agent.get("/metrics")[1]
    lines = [line.rpartition(" ")[0] for line in text.splitlines() if line[0] != "#"]
    assert len(lines) == len(set(lines)), "no series is there twice"
    served = set(re.findall(r"^# TYPE (\S+)", text, re.M))
    assert len(served) > 80
    listed = set(re.findall(r"`(\w+)`", METRICS.read_text()))
    assert {name for name in served if not name.startswith("process_")} <= listed


def test_every_field_of_a_device_in_the_stream_is_in_the_table() -> None:
    assert [*DEVICE_FIELDS] == [field.name for field in fields(Device)]
