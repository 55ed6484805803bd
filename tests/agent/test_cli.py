"""The agent's command: its flags, and the process as a supervisor and a scraper have it."""

import json
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from dratui_agent.cli import main
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parsed

from tests.agent.driver import FakeDriver, cut, gpu
from tests.agent.process import PATIENCE, Agent, running


@pytest.fixture
def agent(driver: FakeDriver, tmp_path: Path) -> Iterator[Agent]:
    driver.set({"count": "1", **gpu(0, mig_mode="1,1"), **cut(0, 0, gi=1, profile=19, start=0, size=1)})
    started = Agent(driver, tmp_path / "agent.log")
    yield started
    driver.set({"hang": None})
    started.kill()


def test_what_the_driver_says_is_scraped(agent: Agent) -> None:
    agent.until(lambda: agent.get("/-/ready")[0] == 200)
    status, text = agent.get("/metrics", "application/openmetrics-text; version=1.0.0")
    assert status == 200
    found = {s.name: s for family in parsed(text) for s in family.samples}  # type: ignore[no-untyped-call]  # it has none
    assert found["dratui_gpu_power_watts"].value == pytest.approx(612.345)
    assert found["dratui_gpu_power_watts"].labels["node"] == "node-1"
    assert found["dratui_agent_devices"].value == 2
    assert found["dratui_agent_driver_info"].labels == {"version": "595.58.03"}
    assert found["dratui_agent_sample_age_seconds"].value < PATIENCE
    assert found["process_resident_memory_bytes"].value > 0


def test_plain_text_for_who_asks_for_nothing_else(agent: Agent) -> None:
    agent.until(lambda: agent.get("/-/ready")[0] == 200)
    _, text = agent.get("/metrics")
    assert "# TYPE dratui_gpu_energy_joules_total counter\n" in text
    assert "# EOF" not in text


def test_health(agent: Agent) -> None:
    assert agent.get("/-/healthy") == (200, "healthy\n")
    assert agent.get("/")[0] == 200
    assert agent.get("/nothing")[0] == 404


def test_a_driver_that_hangs_makes_it_not_ready_and_its_values_old(agent: Agent, driver: FakeDriver) -> None:
    agent.until(lambda: agent.get("/-/ready")[0] == 200)
    driver.set({"hang": "1"})
    agent.until(lambda: agent.get("/-/ready")[0] == 503)
    assert "the driver does not answer" in agent.get("/-/ready")[1]
    assert "dratui_gpu_power_watts{" in agent.get("/metrics")[1]
    assert "dratui_agent_ready 0" in agent.get("/metrics")[1]
    driver.set({"hang": None})
    agent.until(lambda: agent.get("/-/ready")[0] == 200)


def test_without_a_driver_it_goes_on_and_says_so(agent: Agent, driver: FakeDriver) -> None:
    driver.set({"init": "9", "count": "!9"})
    agent.until(lambda: agent.get("/-/ready") == (503, "not ready: the NVIDIA driver is not loaded\n"))
    assert "dratui_gpu_power_watts" not in agent.get("/metrics")[1]
    assert agent.get("/-/healthy")[0] == 200


def test_a_replaced_driver_ends_the_process_for_its_supervisor(agent: Agent, driver: FakeDriver) -> None:
    agent.until(lambda: agent.get("/-/ready")[0] == 200)
    driver.set({"count": "!18"})
    assert agent.process.wait(PATIENCE) == 1
    assert "another version" in agent.said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_when_it_is_told_to_even_while_the_driver_hangs(
    agent: Agent, driver: FakeDriver, number: signal.Signals
) -> None:
    driver.set({"hang": "1"})
    agent.process.send_signal(number)
    assert agent.process.wait(PATIENCE) == 0
    assert "Traceback" not in agent.said


def test_a_port_that_is_taken_is_one_sentence(capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        assert main([f"--web.listen-address={address}"]) == 1
    said = capfd.readouterr().err
    assert f'level=ERROR msg="cannot listen on {address}: Address already in use"\n' in said
    assert said.count("\n") == 1


def test_slices_are_asked_for_by_node(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("NODE_NAME", raising=False)
    with pytest.raises(SystemExit):
        main(["--attribution.api-server"])
    assert "asks for the slices of --node" in capsys.readouterr().err


def test_a_broken_web_config_is_one_sentence(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "web.yml").write_text("tls_server_config: {cert_file: none.crt, key_file: none.key}\n")
    assert main(["--web.listen-address=127.0.0.1:0", f"--web.config.file={tmp_path / 'web.yml'}"]) == 1
    said = capfd.readouterr().err
    assert "none.crt" in said
    assert "cannot be read" in said
    assert said.count("\n") == 1


def test_the_log_says_what_comes_and_goes_once(agent: Agent, driver: FakeDriver) -> None:
    agent.until(lambda: "driver 595.58.03, GPUs: 1, MIG devices: 1" in agent.said)
    driver.set({"init": "9", "count": "!9"})
    agent.until(lambda: "level=WARN" in agent.said and "is not loaded" in agent.said)
    assert agent.said.count("MIG devices: 1") == 1
    assert "level=DEBUG" not in agent.said


def test_as_much_is_said_as_is_asked_for(driver: FakeDriver, tmp_path: Path) -> None:
    driver.set({"count": "1", **gpu(0)})
    with running(driver, tmp_path / "log", "--log.level=debug", "--log.format=json") as agent:
        agent.until(lambda: "a sample of 1 devices" in agent.said)
        lines = [json.loads(line) for line in agent.said.splitlines()]
    assert {"DEBUG", "INFO"} <= {line["level"] for line in lines}
    assert all(line.keys() == {"time", "level", "msg"} for line in lines)


def test_dcgm_names_beside_ours(driver: FakeDriver, tmp_path: Path) -> None:
    driver.set({"count": "1", **gpu(0)})
    with running(driver, tmp_path / "log", "--dcgm-names") as agent:
        for accept in ("", "application/openmetrics-text; version=1.0.0"):
            text = agent.get("/metrics", accept)[1]
            assert "\nDCGM_FI_DEV_POWER_USAGE{" in text
            assert "\ndratui_gpu_power_watts{" in text


@pytest.mark.parametrize(
    "flag", ["--web.listen-address=nowhere", "--web.listen-address=:70000", "--interval=0", "--interval=soon"]
)
def test_a_flag_that_is_wrong_names_what_would_be_right(
    flag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([flag])
    assert ended.value.code == 2
    assert "such as" in (said := capsys.readouterr().err) or "from 100ms to 5m" in said


def test_nothing_is_said_of_asking_where_kubelet_is_not_to_be_asked(
    driver: FakeDriver, tmp_path: Path
) -> None:
    driver.set({"count": "1", **gpu(0)})
    for flag, said in (("--kubelet-socket=", False), (f"--kubelet-socket={tmp_path / 'none'}", True)):
        agent = Agent(driver, tmp_path / "agent.log", flag)
        try:
            assert ("dratui_agent_attribution_ok" in agent.get("/metrics")[1]) is said
        finally:
            agent.kill()
