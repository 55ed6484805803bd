"""`dratui get --metrics-from`, on the real API server and with the agent's real server."""

import asyncio
import json

from dratui_agent.sample import Device, DeviceSample

from tests.cli.commands import Done, dratui
from tests.realparts.controlplane import ControlPlane
from tests.telemetry.agents import sample, serve

NODE = "a100-1"
UUID = "GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77"  # gpu-0 of tests/scenarios/both-worlds.yaml


async def get(plane: ControlPlane, *arguments: str) -> Done:
    return await asyncio.to_thread(
        dratui, "--kubeconfig", str(plane.kubeconfig("viewer")), "get", *arguments, home=plane.path
    )


async def test_what_the_agent_measures_stands_in_the_table(all_scenarios: ControlPlane) -> None:
    async with serve(NODE) as agent:
        device = Device(UUID, "gpu", "NVIDIA A100-SXM4-80GB", UUID, 0, 0)
        agent.state.take(sample(DeviceSample(device, {"utilization": 0.93, "power": 312.0}, {})))
        done = await get(all_scenarios, "devices", "-A", "--metrics-from", agent.url)
        assert done.status == 0, done.err
        head, *rows = done.lines
        assert "UTIL" in head.split()
        (measured,) = [row for row in rows if f" {NODE} " in row and " gpu-0 " in row]
        assert "93%" in measured
        assert "312 W" in measured


async def test_an_agent_that_does_not_answer_is_told_and_the_rest_is_printed(
    all_scenarios: ControlPlane,
) -> None:
    done = await get(all_scenarios, "nodes", NODE, "--metrics-from", "http://127.0.0.1:1")
    assert done.status == 0
    assert NODE in done.out
    assert "note: samples: no connection to agent (nobody answers at http://127.0.0.1:1" in done.err


async def test_a_cluster_without_agents_says_so(all_scenarios: ControlPlane) -> None:
    done = await get(all_scenarios, "nodes", NODE, "--metrics-from", "agent", "-o", "json")
    assert json.loads(done.out)
    assert (
        done.err == "note: samples: no agent (looked for pods labelled app.kubernetes.io/name=dratui-agent)\n"
    )


async def test_nobody_is_asked_unless_it_is_wanted(all_scenarios: ControlPlane) -> None:
    done = await get(all_scenarios, "nodes", NODE)
    assert (done.status, done.err) == (0, "")
    assert "UTIL" not in done.out
