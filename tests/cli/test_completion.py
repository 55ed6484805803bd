"""Completion in real shells on a pty: commands, flags, and the names that a real cluster has at the moment."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from dratui.settings.metrics import WORDS
from dratui.tui.themes import BUILT_IN
from tests.realparts.controlplane import ControlPlane
from tests.realparts.processes import free_ports
from tests.tui.terminal import Terminal

SHELLS = {
    "bash": ["--norc", "--noprofile", "-i"],
    "zsh": ["-f", "-i"],
    "fish": ["--no-config", "-i"],
}
LOADS = {
    "bash": "source <(dratui completion bash)",
    "zsh": "autoload -Uz compinit && compinit -u -D && source <(dratui completion zsh)",
    "fish": "dratui completion fish | source",
}


class Typing:
    """An interactive shell with the completion loaded."""

    def __init__(self, name: str, kubeconfig: Path, home: Path) -> None:
        programs = Path(sys.executable).parent
        env = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home),
            "XDG_DATA_HOME": str(home),
            "KUBECONFIG": str(kubeconfig),
            "PS1": "> ",
        }
        self.tty = Terminal(*SHELLS[name], program=name, size=(200, 50), env=env)
        self.tty.press(f"{LOADS[name]}; echo loa''ded\r")
        self.tty.shows("\nloaded")

    def completes(self, typed: str, to: str) -> None:
        """Type, press tab, and wait until the line reads so."""
        self.tty.press("\x15\x0c")  # an empty line on an empty screen
        self.tty.until(lambda: not self.shown("loaded") and not self.shown("dratui"), "an empty screen")
        self.tty.press(f"{typed}\t")
        self.tty.until(lambda: self.shown(f"{to} "), repr(to))

    def shown(self, text: str) -> bool:
        """Whether it is on the screen; blanks at the end of a line, too."""
        return text in f"{self.tty.screen}\n".replace("\n", " \n")


@contextmanager
def shell(name: str, kubeconfig: Path, home: Path) -> Iterator[Typing]:
    if shutil.which(name) is None:
        pytest.skip(f"needs the system package {name}")
    typing = Typing(name, kubeconfig, home)
    try:
        yield typing
    finally:
        typing.tty.child.close(force=True)


def compgen(kubeconfig: Path, line: str) -> list[str]:
    """What the shells' scripts are told about a line."""
    env = os.environ | {
        "KUBECONFIG": str(kubeconfig),
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_IFS": "\n",
        "_ARGCOMPLETE_SUPPRESS_SPACE": "1",
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
    }
    read, write = os.pipe()
    command = [f"{Path(sys.executable).parent}/dratui"]
    child = subprocess.run(
        ["bash", "-c", f"exec 8>&{write}; exec {command[0]}"],
        env=env,
        pass_fds=[write],
        capture_output=True,
        timeout=30,
        check=False,
    )
    os.close(write)
    with os.fdopen(read) as answer:
        words = answer.read().split("\n")
    assert child.stdout == child.stderr == b"", "nothing but words"
    return [word for word in words if word]


@pytest.mark.parametrize("name", SHELLS)
def test_a_shell_completes_commands_flags_kinds_and_live_names(
    name: str, control_plane: ControlPlane, namespace: str, tmp_path: Path
) -> None:
    control_plane.apply(
        "apiVersion: resource.k8s.io/v1\nkind: ResourceClaim\n"
        f"metadata: {{name: only-this-one, namespace: {namespace}}}\n"
        "spec: {devices: {requests: [{name: gpu, exactly: {deviceClassName: none}}]}}\n"
    )
    with shell(name, control_plane.kubeconfig("viewer"), tmp_path) as typing:
        typing.completes("dratui rep", "dratui replay")
        typing.completes("dratui get clai", "dratui get claims")
        typing.completes("dratui --kubec", "dratui --kubeconfig")
        typing.completes("dratui --context vie", "dratui --context viewer")
        typing.completes(f"dratui get claims -n {namespace[:-1]}", f"dratui get claims -n {namespace}")
        typing.completes(
            f"dratui get claims -n {namespace} onl", f"dratui get claims -n {namespace} only-this-one"
        )


def test_names_are_those_of_the_namespace_that_is_meant(all_scenarios: ControlPlane, tmp_path: Path) -> None:
    admin = yaml.safe_load(all_scenarios.kubeconfig("viewer").read_text())
    admin["contexts"][0]["context"]["namespace"] = "ml-team"
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(yaml.safe_dump(admin))
    listed = all_scenarios.objects("resourceclaims.v1.resource.k8s.io", "-A")
    here = {c["metadata"]["name"] for c in listed if c["metadata"]["namespace"] == "ml-team"}
    everywhere = {c["metadata"]["name"] for c in listed}
    assert here < everywhere
    assert (
        here <= set(compgen(kubeconfig, "dratui get claims ")) < everywhere | {"--help"} | flags(kubeconfig)
    )
    assert everywhere <= set(compgen(kubeconfig, "dratui get claims -A "))
    assert compgen(kubeconfig, "dratui explain po") == ["pod"]
    assert compgen(kubeconfig, "dratui what-if --replicas ") == ["max"]
    assert here <= set(compgen(kubeconfig, "dratui explain claim "))
    assert compgen(kubeconfig, "dratui explain pod -n waiting counters-") == ["counters-short"]
    devices = compgen(kubeconfig, "dratui get devices gpu.nvidia.com/")
    assert devices
    assert all(device.count("/") >= 2 for device in devices)


def test_who_may_measure_is_completed(tmp_path: Path) -> None:
    absent = tmp_path / "none"
    assert compgen(absent, "dratui get nodes --metrics-from ") == sorted(WORDS)
    assert compgen(absent, "dratui --metrics-from ag") == ["agent"]


def flags(kubeconfig: Path) -> set[str]:
    return set(compgen(kubeconfig, "dratui get claims name --")) | set(
        compgen(kubeconfig, "dratui get claims name -")
    )


def test_who_may_not_list_and_who_is_not_there_is_told_nothing(
    control_plane: ControlPlane, tmp_path: Path
) -> None:
    assert compgen(control_plane.kubeconfig("nobody"), "dratui get claims x") == []
    config = yaml.safe_load(control_plane.kubeconfig("viewer").read_text())
    (port,) = free_ports(1)
    config["clusters"][0]["cluster"] = {"server": f"http://127.0.0.1:{port}"}
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(yaml.safe_dump(config))
    assert compgen(kubeconfig, "dratui get claims x") == []
    with socket.create_server(("127.0.0.1", port)):  # the kernel accepts, nobody answers
        assert compgen(kubeconfig, "dratui get claims x") == []
    assert compgen(tmp_path / "none", "dratui get claims x") == []
    kubeconfig.write_text("{")
    assert compgen(kubeconfig, "dratui --context x") == []


def test_themes_and_files_to_begin_with_are_completed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "dratui" / "themes"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text("")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    none = tmp_path / "none"
    assert set(compgen(none, "dratui demo --theme ")) == {*BUILT_IN, "mine"}
    assert compgen(none, "dratui info k") == ["keymap"]
