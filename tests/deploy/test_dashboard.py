"""The Grafana dashboard: every query of it returns data from a Prometheus that scrapes an agent."""

import json
import re
from typing import Any

import pytest

from tests.agent.scraped import PATIENCE, Scraped
from tests.deploy import FOLDER
from tests.realparts.polling import wait

DASHBOARD: dict[str, Any] = json.loads((FOLDER / "grafana" / "dratui.json").read_text())
PANELS: list[dict[str, Any]] = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
VARIABLES: list[dict[str, Any]] = DASHBOARD["templating"]["list"]


def asked(expression: str) -> str:
    """As Grafana asks when it is opened: all nodes, all namespaces."""
    values = {variable["name"]: variable.get("allValue", "") for variable in VARIABLES}
    values["__rate_interval"] = "1m"
    filled = re.sub(r"\$(?:\{(\w+)\}|(\w+))", lambda found: values[found[1] or found[2]], expression)
    assert "$" not in filled
    return filled


def test_every_query_returns_data(scraped: Scraped) -> None:
    queries = {
        (panel["title"], target["refId"]): target["expr"] for panel in PANELS for target in panel["targets"]
    }
    assert len(queries) > 30
    waiting = dict(queries)

    def all_answered() -> bool:
        for key, expression in list(waiting.items()):
            if scraped.prometheus.query(asked(expression)):
                del waiting[key]
        assert not waiting, waiting
        return True

    wait(all_answered, PATIENCE, "every panel to have data")


@pytest.mark.parametrize(
    ("title", "label", "values"),
    [
        ("GPUs", "", {"": 3}),
        ("MIG devices", "", {"": 2}),
        ("Held devices", "", {"": 3}),
        ("Agents without fresh values", "", {"": 0}),
        ("Utilisation by namespace", "namespace", {"ml-team": 0.915, "vision": 0.54, "shared": 0.54}),
    ],
)
def test_it_says_what_the_driver_said(
    scraped: Scraped, title: str, label: str, values: dict[str, float]
) -> None:
    (panel,) = [panel for panel in PANELS if panel["title"] == title]
    (target,) = panel["targets"]
    scraped.comes_to(label, asked(target["expr"]), pytest.approx(values))


def test_variables_offer_what_there_is(scraped: Scraped) -> None:
    offered = {}
    for variable in VARIABLES:
        if found := re.fullmatch(r"label_values\((\w+), (\w+)\)", str(variable.get("definition", ""))):
            series, label = found.groups()
            scraped.value(f"count({series})")
            offered[variable["name"]] = {*scraped.by(label, series)} - {""}
    assert offered == {"node": {"node-1"}, "namespace": {"ml-team", "vision", "shared"}}


def test_panels_do_not_overlap_and_each_reads_the_chosen_prometheus() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells
        for each in [panel, *panel.get("targets", ())]:
            assert each.get("datasource", {"uid": "${datasource}"})["uid"] == "${datasource}"
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
