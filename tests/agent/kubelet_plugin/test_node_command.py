"""`dratui-agent node`, beside an agent and after its end."""

import json
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import trustme
from dratui_agent.cli import main
from dratui_agent.kubelet.hardware import Instance
from dratui_agent.kubelet.offers import Placement
from dratui_agent.kubelet.prepared import Belief, Orphan, PreparedClaim, PreparedDevice, Spec, Step
from dratui_agent.kubelet.printed import table

from tests.agent.driver import FakeDriver, gpu
from tests.agent.kubelet_plugin.cluster import DRIVER
from tests.agent.kubelet_plugin.node import PluginNode
from tests.agent.process import Agent
from tests.agent.test_web_config import HASH, TLS, keys

NO_AGENT = "http://127.0.0.1:1"


class Told:
    """What the command prints of a node."""

    def __init__(self, node: PluginNode, capsys: pytest.CaptureFixture[str]) -> None:
        self._flags = [
            "node",
            f"--kubelet-folder={node.folder}",
            f"--cdi-folder={node.cdi}",
            f"--service-account={node.cluster.account}",
        ]
        self._capsys = capsys
        self.status = 0

    def text(self, agent: str) -> str:
        self.status = main([*self._flags, f"--agent={agent}"])
        return self._capsys.readouterr().out

    def json(self, agent: str) -> Any:
        self.status = main([*self._flags, f"--agent={agent}", "-o", "json"])
        return json.loads(self._capsys.readouterr().out)


@pytest.fixture
def told(node: PluginNode, capsys: pytest.CaptureFixture[str]) -> Told:
    return Told(node, capsys)


def ready(node: PluginNode) -> Agent:
    agent = node.start()
    agent.until(lambda: agent.get("/-/ready")[0] == 200)
    return agent


def test_beside_an_agent_it_says_what_that_believes(node: PluginNode, told: Told) -> None:
    agent = ready(node)
    claim = node.cluster.claim("train", {"big": "gpu-0"})
    lost = node.cluster.claim("lost", {"big": "gpu-9"})
    node.kubelet.prepare(claim)
    node.kubelet.prepare(lost)
    agent.until(lambda: len(told.json(agent.address)["steps"]) == 2)
    found = told.json(agent.address)
    assert (found["source"], found["driver"], found["orphans"]) == ("agent", DRIVER, [])
    assert [(c["name"], c["state"]) for c in found["claims"]] == [("train", "completed")]
    assert [(e["name"], e["times"]) for e in found["errors"]] == [("lost", 1)]
    assert found["in_cluster"] == {claim[2]: True}
    assert told.status == 0
    text = told.text(agent.address)
    assert "as the running agent says" in text
    assert f"gpu-0 ({gpu(0)['gpu0.uuid']})" in text


def test_when_the_agent_is_down_it_reads_its_files(node: PluginNode, told: Told) -> None:
    agent = ready(node)
    claim = node.cluster.claim("train", {"big": "gpu-0"})
    node.kubelet.prepare(claim)
    agent.kill()
    found = told.json(agent.address)
    assert found["source"] == "files"
    assert any("Connection refused" in note and "errors are not known" in note for note in found["notes"])
    assert [(c["uid"], c["devices"][0]["device"]) for c in found["claims"]] == [(claim[2], "gpu-0")]
    assert [s["claim"] for s in found["specs"]] == [claim[2]]
    assert found["orphans"] == []
    node.cluster.delete("train")
    assert told.json(NO_AGENT)["in_cluster"] == {claim[2]: False}


def test_what_lost_its_counterpart_is_found_without_an_agent(node: PluginNode, told: Told) -> None:
    agent = ready(node)
    claim = node.cluster.claim("train", {"big": "gpu-0"})
    node.kubelet.prepare(claim)
    agent.kill()
    (spec,) = node.cdi.iterdir()
    spec.rename(spec.with_name(f"k8s.{DRIVER}-claim_0a1b2c3d-0000-1111-2222-333344445555.json"))
    spec.with_name(f"k8s.{DRIVER}-claim_0a1b2c3d-0000-1111-2222-333344445555.json").write_text("{}")
    assert [(o["what"], o["subject"][-10:]) for o in told.json(NO_AGENT)["orphans"]] == [
        ("spec", "45555.json"),
        ("entry", claim[2][-10:]),
    ]


def test_a_damaged_checkpoint_is_a_problem_and_an_exit_status(node: PluginNode, told: Told) -> None:
    node.plugin.mkdir(parents=True)
    (node.plugin / "checkpoint.json").write_text('{"version": 1')
    text = told.text(NO_AGENT)
    assert told.status == 1
    assert "PROBLEM" in text
    assert "checkpoint.json: it is no checkpoint" in text
    assert "PREPARED CLAIMS\n  ? not known" in text


def test_where_no_plugin_ever_was_it_says_so(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["node", "--agent=", f"--kubelet-folder={tmp_path}", f"--cdi-folder={tmp_path}"]) == 0
    assert "no claim was ever prepared under this driver name" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("config", "scheme", "says"),
    [
        (TLS, "http", "it does not answer in HTTP: https:// if it has TLS"),
        (TLS, "https", "SSL_CERT_FILE names whom to trust"),
        (f"basic_auth_users: {{me: '{HASH}'}}\n", "http", "401 Unauthorized: it wants a log-in"),
        ("", "http", "it is no kubelet plugin"),
    ],
    ids=["tls", "an authority of its own", "a log-in", "no plugin"],
)
def test_an_agent_that_does_not_tell_is_named_with_why(
    driver: FakeDriver,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    config: str,
    scheme: str,
    says: str,
) -> None:
    keys(tmp_path, trustme.CA())
    (tmp_path / "web.yml").write_text(config)
    agent = Agent(
        driver, tmp_path / "log", "--kubelet-socket=", "--proc=", f"--web.config.file={tmp_path}/web.yml"
    )
    try:
        address = f"{scheme}://{agent.authority}"
        assert main(["node", f"--agent={address}/", f"--kubelet-folder={tmp_path}"]) == 0
    finally:
        agent.kill()
    said = capsys.readouterr().out
    assert f"note: no word of the agent at {address}: " in said
    assert says in said
    assert "as read from its files," in said


def test_what_is_no_agent_is_named_with_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:

        def answer() -> None:
            asking, _ = other.accept()
            with asking:
                asking.recv(1000)
                asking.sendall(b"SSH-2.0-other\r\n")

        answering = threading.Thread(target=answer)
        answering.start()
        address = f"http://127.0.0.1:{other.getsockname()[1]}"
        assert main(["node", f"--agent={address}", f"--kubelet-folder={tmp_path}"]) == 0
        answering.join()
    assert "it does not answer in HTTP" in capsys.readouterr().out


@pytest.mark.parametrize("url", ["127.0.0.1:9402", "file:///etc/passwd", "http://", "http://a/b"])
def test_what_is_no_url_is_refused(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["node", f"--agent={url}"])
    assert ended.value.code == 2
    assert "is no agent's URL: such as http://127.0.0.1:9402" in capsys.readouterr().err


def test_a_reader_that_has_enough_is_no_error(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "dratui_agent.cli", "node", "--agent=", f"--kubelet-folder={tmp_path}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_tables_say_what_each_thing_belongs_to_and_let_no_escape_through() -> None:
    now = time.time()
    uid = "0a1b2c3d-0000-1111-2222-333344445555"
    device = PreparedDevice(
        ("r",), "n", "gpu-0-mig", "MIG-7", f"k/claim={uid}-gpu-0-mig", gpu="GPU-0", gi=7, made=True
    )
    instances = (
        Instance("GPU-0", 7, 0, "MIG-7", Placement(19, 0, 1)),
        Instance("GPU-0", 8, None, "", Placement(9, 4, 4)),
    )
    belief = Belief(
        DRIVER,
        now,
        (PreparedClaim(uid, "ml", "train", "completed", (device,), now - 200, now - 192),),
        (Spec("evil\x1b[2J.json", "", (), now - 7200),),
        instances,
        (Step(now, uid, "prepare", error="no\nroom", namespace="ml", name="train", times=3),),
        (Orphan("mig", "GPU-0/8", now - 90000),),
    )
    text = table("agent", belief, {uid: True}, ["a note"], now)
    lines = [line.split() for line in text.splitlines()]
    assert ["GPU-0", "7", "0", "MIG-7", "19", "0", "ml/train"] in lines
    assert ["GPU-0", "8", "–", "–", "9", "4-7", "–"] in lines
    assert any(line[:3] == ["ml", "train", uid] and "3m12s" in line and "missing" in line for line in lines)
    assert any(line[:3] == ["mig", "1d1h", "GPU-0/8"] for line in lines)
    assert "note: a note" in text
    assert "\x1b" not in text
    assert "no\N{REPLACEMENT CHARACTER}room" in text
