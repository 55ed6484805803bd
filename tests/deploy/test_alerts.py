"""The alert rules: promtool reads them, each is seen to fire and not to, and what they ask for exists."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.agent.scraped import PATIENCE, RULES, Scraped
from tests.realparts.polling import wait
from tests.realparts.prometheus import Tools

CASES = Path(__file__).with_name("alerts.test.yaml")


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def test_promtool_has_nothing_to_say_of_the_rules(prometheus_tools: Tools) -> None:
    asked: list[str | Path] = [
        prometheus_tools.promtool,
        "check",
        "rules",
        "--lint=all",
        "--lint-fatal",
        RULES,
    ]
    said = subprocess.run(asked, capture_output=True, text=True)
    assert said.returncode == 0, said.stdout + said.stderr
    assert f"SUCCESS: {len(rules())} rules found" in said.stdout


def test_alerts_fire_when_they_should(prometheus_tools: Tools) -> None:
    asked: list[str | Path] = [prometheus_tools.promtool, "test", "rules", CASES]
    said = subprocess.run(asked, capture_output=True, text=True)
    assert said.returncode == 0, said.stdout + said.stderr


def test_each_alert_is_seen_to_fire() -> None:
    cases = [
        case
        for test in yaml.safe_load(CASES.read_text())["tests"]
        for case in test.get("alert_rule_test", ())
    ]
    assert {case["alertname"] for case in cases if case.get("exp_alerts")} == {
        rule["alert"] for rule in rules()
    }


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_each_says_how_bad_it_is_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    assert rule["annotations"].keys() == {"summary", "description"}


def test_what_they_ask_for_is_what_the_agent_tells(scraped: Scraped) -> None:
    """Names and labels: a rule on a series that was renamed would never fire, and nobody would know."""
    asked = {name for rule in rules() for name in re.findall(r"\bdratui_\w+|\bup\b", rule["expr"])}
    assert asked
    for name in asked:
        assert scraped.value(f"count({name})") > 0, name
    for selector in ('clocks_event_active{reason="power_brake"}', 'ecc_errors_total{kind="uncorrected"}'):
        assert scraped.value(f"count(dratui_gpu_{selector})") > 0, selector


def test_a_prometheus_that_evaluates_them_tells_of_the_xid_and_of_nothing_else(scraped: Scraped) -> None:
    wait(lambda: "GpuXidCritical" in scraped.prometheus.firing(), PATIENCE, "the alert")
    assert scraped.prometheus.firing() == {"GpuXidCritical"}
