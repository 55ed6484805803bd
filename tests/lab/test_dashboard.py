"""From the driver to the cell: the dashboard reads the agents of a cluster through the API server's pod proxy."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from dratui.views.query import Query
from tests.agent.driver import gpu
from tests.lab.agents import NAMESPACE, Agent
from tests.lab.cluster import Lab
from tests.lab.dashboard import watching
from tests.realparts.users import CERTIFICATE_USER
from tests.tui.driving import shows, text, until

LATER = 30.0
DEVICES = Query(kind="devices", filter="seen-")
PLAIN, SECURE = "seen-plainly", "seen-securely"


@pytest.fixture(scope="module")
def agents(lab: Lab) -> Iterator[dict[str, Agent]]:
    """Two nodes with a GPU each, and an agent, of which one speaks https."""
    made = {}
    for name in (PLAIN, SECURE):
        lab.node(name)
        driver = lab.driver(name)
        driver.set({"count": "1", **gpu(0)})
        lab.offer(name, driver)
        made[name] = lab.agent(name, driver, interval="100ms", https=name == SECURE)
    yield made
    for name in (PLAIN, SECURE):
        lab.withdraw(name)


@pytest.mark.parametrize("node", [PLAIN, SECURE])
async def test_what_changes_in_the_driver_changes_on_the_screen(
    lab: Lab, agents: dict[str, Agent], node: str
) -> None:
    driver = agents[node].driver
    async with watching(lab, Query(kind="devices", filter=node)) as pilot:
        await shows(pilot, "93%", "62.0/80.0", "612 W")
        driver.set({"gpu0.utilization": "17,1", "gpu0.power": "101000"})
        await shows(pilot, "17%", "101 W")
        driver.set(gpu(0))
        await shows(pilot, "93%", "612 W")


async def test_an_agent_that_ends_leaves_its_last_values_with_their_age_until_it_is_back(
    lab: Lab, agents: dict[str, Agent]
) -> None:
    agent = agents[PLAIN]
    async with watching(lab, Query(kind="devices", filter=PLAIN)) as pilot:
        await shows(pilot, "93%")
        agent.kill()
        await until(pilot, lambda: "93% " in text(pilot) and "s old" in text(pilot), "the age", LATER)
        agent.driver.set({"gpu0.utilization": "18,1"})
        agent.start()
        await until(pilot, lambda: "18%" in text(pilot), "the present", LATER)
        assert "s old" not in text(pilot)
    agent.driver.set(gpu(0))


async def test_who_may_not_read_agents_sees_so_in_the_cell(lab: Lab, agents: dict[str, Agent]) -> None:
    async with watching(lab, DEVICES, user=CERTIFICATE_USER) as pilot:
        await shows(pilot, "? needs get")


def test_who_may_not_read_agents_is_told_the_right_that_is_missing(
    lab: Lab, agents: dict[str, Agent]
) -> None:
    command = [sys.executable, "-m", "dratui", "get", "devices", "-o", "wide", "--metrics-from=agent"]
    kubeconfig = f"--kubeconfig={lab.plane.kubeconfig(CERTIFICATE_USER)}"
    said = subprocess.run([*command, kubeconfig], capture_output=True, text=True, check=False)
    assert f"needs get on pods/proxy in {NAMESPACE}" in said.stdout
    assert f"kubectl auth can-i get pods --subresource=proxy -n {NAMESPACE}" in said.stderr
