"""The agent through the real API server's pod proxy: all that a person needs is a kubeconfig."""

import json
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPResponse
from typing import Any

import pytest

from tests.agent.driver import gpu
from tests.lab.agents import Agent
from tests.lab.cluster import Lab


@pytest.fixture(scope="module", params=["http", "https"])
def agent(lab: Lab, request: pytest.FixtureRequest) -> Agent:
    scheme = request.param
    lab.node(scheme)
    driver = lab.driver(scheme)
    driver.set({"count": "1", **gpu(0)})
    return lab.agent(scheme, driver, interval="100ms", https=scheme == "https")


def events(response: HTTPResponse) -> Iterator[tuple[str, Any]]:
    """Kind and data of each event of a stream, as it arrives."""
    kind = ""
    while line := response.readline().decode():
        name, _, value = line.rstrip("\n").partition(": ")
        if name == "event":
            kind = value
        elif name == "data":
            yield kind, json.loads(value)


def test_metrics(agent: Agent) -> None:
    status, text = agent.get("/metrics", user="viewer")
    assert status == 200
    assert "dratui_gpu_power_watts{" in text
    assert f'node="{agent.node}"' in text
    assert " 612.345\n" in text


def test_a_snapshot(agent: Agent) -> None:
    status, text = agent.get("/v1/snapshot", user="viewer")
    assert status == 200
    assert [device["name"] for device in json.loads(text)["devices"]] == ["NVIDIA H100 80GB HBM3"]


def test_the_stream_comes_event_by_event(agent: Agent) -> None:
    """One that were held back on the way would never come: the next change is made only after it was read."""
    with closing(agent.open("/v1/stream", user="viewer")) as response:
        coming = events(response)
        kind, full = next(coming)
        assert (kind, full["node"]) == ("full", agent.node)
        power = full["keys"].index("power")
        for watts in (100.0, 200.0, 300.0):
            agent.driver.set({"gpu0.power": f"{watts * 1000:.0f}"})
            assert any(data["values"][0][power] == watts for _, data in coming)
    agent.driver.set(gpu(0))


def test_without_the_right_nothing_is_read(agent: Agent) -> None:
    for path in ("/metrics", "/v1/snapshot", "/v1/stream"):
        status, text = agent.get(path, user="no-slices")
        assert status == 403
        assert "pods/proxy" in json.loads(text)["message"]


def test_a_stream_ends_with_its_agent_and_another_begins_when_it_is_back(agent: Agent) -> None:
    with closing(agent.open("/v1/stream", user="viewer")) as response:
        coming = events(response)
        next(coming)
        agent.kill()
        for _ in coming:
            pass  # what was under way; then it ends
    status, said = agent.get("/v1/snapshot", user="viewer")
    assert (status, json.loads(said)["reason"]) == (503, "ServiceUnavailable")
    agent.start()
    with closing(agent.open("/v1/stream", user="viewer")) as response:
        assert next(events(response))[0] == "full"
