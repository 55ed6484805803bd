"""ctrl-c ends every command that waits, without a traceback."""

import socket
import sys
from pathlib import Path

import pytest
import yaml

from tests.realparts.controlplane import ControlPlane
from tests.realparts.processes import free_ports
from tests.tui.terminal import Terminal


def kubeconfig(folder: Path, port: int) -> Path:
    path = folder / "kubeconfig"
    path.write_text(
        yaml.safe_dump(
            {
                "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
                "contexts": [{"name": "c", "context": {"cluster": "c"}}],
                "current-context": "c",
            }
        )
    )
    return path


def run(*command: str, kubeconfig: Path) -> Terminal:
    return Terminal("-m", "dratui", *command, env={"KUBECONFIG": str(kubeconfig)}, program=sys.executable)


@pytest.mark.parametrize("command", [("get", "claims"), ("record", "x.rec")])
def test_while_the_server_does_not_answer(
    command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (port,) = free_ports(1)
    with socket.create_server(("127.0.0.1", port)) as silent:  # the kernel accepts, nobody answers
        tty = run(*command, kubeconfig=kubeconfig(tmp_path, port))
        silent.settimeout(20)
        connection, _ = silent.accept()
        with connection:
            tty.press("\x03")
            assert tty.ends() in (1, 130)
    assert "Traceback" not in tty.written


def test_while_it_follows(control_plane: ControlPlane, tmp_path: Path) -> None:
    viewer = control_plane.kubeconfig("viewer")
    watching = run("get", "namespaces", "-w", kubeconfig=viewer)
    watching.until(lambda: "kube-system" in watching.written, "the list")
    watching.press("\x03")
    assert watching.ends() == 130
    recording = run("record", str(tmp_path / "x.rec"), kubeconfig=viewer)
    recording.shows("kinds live")
    recording.press("\x03")
    assert recording.ends() == 0
    assert "Traceback" not in watching.written + recording.written
