"""`dratui record` on a real API server, and that a recording says what the server said."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from dratui.api.streams import STREAMS
from dratui.events import Phase
from dratui.recording.format import RecordingFailure
from dratui.recording.reader import Reader
from dratui.views.tables import TABLES
from tests.realparts.controlplane import ControlPlane
from tests.realparts.polling import wait


def dratui(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    argv = [sys.executable, "-m", "dratui", *map(str, arguments)]
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)


class Recorder:
    """A running `dratui record`."""

    def __init__(self, plane: ControlPlane, path: Path, *arguments: str) -> None:
        self.path = path
        argv = [sys.executable, "-m", "dratui", "record", str(path), *arguments]
        argv += ["--kubeconfig", str(plane.kubeconfig("viewer"))]
        self.process = subprocess.Popen(argv, stderr=subprocess.PIPE, text=True)

    def holds(self, streams: int) -> bool:
        """Whether so many streams are live, or not served here, as far as the file tells already."""
        assert self.process.poll() is None, "it ended early"
        try:
            with Reader(self.path) as reader:
                said = {line.stream: line.health.phase for line in reader.lines() if line.health}
        except RecordingFailure:
            return False
        return sum(phase in (Phase.LIVE, Phase.NOT_SERVED) for phase in said.values()) >= streams

    def end(self, number: signal.Signals) -> tuple[int, str]:
        """Signal it; returns its exit status and what it complained about."""
        self.process.send_signal(number)
        _, said = self.process.communicate(timeout=30)
        return self.process.returncode, said


def items(*arguments: str | Path) -> Sequence[dict[str, Any]]:
    done = dratui("get", *arguments, "-A", "-o", "json")
    assert done.returncode == 0, done.stderr
    found: Sequence[dict[str, Any]] = json.loads(done.stdout)["items"]
    return found


SERVED = [kind for kind in TABLES if kind != "podgroups"]
"""By the control plane of the tests as it is."""

Rows = Mapping[str, Sequence[dict[str, Any]]]


@pytest.fixture(scope="module")
def live_and_recorded(
    all_scenarios: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Rows, Rows]:
    """All rows of all kinds from the server, and from a recording that ended while nothing changed there.

    The claim controller tries again what it cannot do, less and less often, and says so in new words each time.
    """
    folder = tmp_path_factory.mktemp("recordings")

    def live() -> Rows:
        return {kind: items(kind, "--kubeconfig", all_scenarios.kubeconfig("viewer")) for kind in SERVED}

    def recorded_in_peace() -> tuple[Rows, Path]:
        recorder = Recorder(all_scenarios, folder / f"{len(list(folder.iterdir()))}.rec")
        wait(lambda: recorder.holds(len(STREAMS)), 30, "every stream to be recorded")
        before = live()
        assert recorder.end(signal.SIGINT) == (0, "")
        assert live() == before
        return before, recorder.path

    rows, path = wait(recorded_in_peace, 120, "the cluster to come to rest")
    return rows, {kind: items(kind, "--from", path) for kind in SERVED}


@pytest.mark.parametrize("kind", SERVED)
def test_a_recording_says_what_the_server_said(live_and_recorded: tuple[Rows, Rows], kind: str) -> None:
    live, recorded = live_and_recorded
    assert live[kind]
    assert recorded[kind] == live[kind]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_recorder_that_is_told_to_end_completes_the_file(
    control_plane: ControlPlane, tmp_path: Path, number: signal.Signals
) -> None:
    recorder = Recorder(control_plane, tmp_path / "a.rec")
    wait(lambda: recorder.holds(1), 30, "something to be recorded")
    assert recorder.end(number) == (0, "")
    with Reader(recorder.path) as reader:
        assert reader.header.about.user == "viewer"
        assert reader.duration
        list(reader.lines())
        assert (reader.torn, reader.skipped) == ("", 0)


def test_a_killed_recorder_leaves_what_it_had(control_plane: ControlPlane, tmp_path: Path) -> None:
    recorder = Recorder(control_plane, tmp_path / "a.rec")
    wait(lambda: recorder.holds(len(STREAMS)), 30, "every stream to be recorded")
    assert recorder.end(signal.SIGKILL)[0] == -signal.SIGKILL
    assert items("nodes", "--from", recorder.path) == items("nodes", "--from", recorder.path)
    with Reader(recorder.path) as reader:
        list(reader.lines())
        assert reader.torn == "the file ends in the middle"


def test_it_ends_by_itself_after_the_time_that_was_asked_for(
    control_plane: ControlPlane, tmp_path: Path
) -> None:
    recorder = Recorder(control_plane, tmp_path / "a.rec", "--for", "2s")
    _, said = recorder.process.communicate(timeout=30)
    assert (recorder.process.returncode, said) == (0, "")
    with Reader(recorder.path) as reader:
        assert reader.duration is not None
        assert 0 < reader.duration <= 2.5


def test_managed_fields_and_nothing_else_is_dropped(control_plane: ControlPlane, tmp_path: Path) -> None:
    recorder = Recorder(control_plane, tmp_path / "a.rec")
    wait(lambda: recorder.holds(len(STREAMS)), 30, "every stream to be recorded")
    assert recorder.end(signal.SIGINT) == (0, "")
    with Reader(recorder.path) as reader:
        found = [
            json.loads(bytes(o))
            for line in reader.lines()
            if line.stream == "namespaces"
            for o in line.page or ()
        ]
    server = {each["metadata"]["uid"]: each for each in control_plane.objects("namespaces")}
    default = next(each for each in found if each["metadata"]["name"] == "default")
    expected = server[default["metadata"]["uid"]]
    expected["metadata"].pop("managedFields", None)
    assert default == expected


def test_an_existing_file_is_not_overwritten(control_plane: ControlPlane, tmp_path: Path) -> None:
    path = tmp_path / "a.rec"
    path.write_text("precious")
    done = dratui("record", path, "--kubeconfig", control_plane.kubeconfig("viewer"))
    assert done.returncode == 1
    assert "exists already" in done.stderr
    assert path.read_text() == "precious"


def test_without_a_cluster_there_is_no_file(tmp_path: Path) -> None:
    done = dratui("record", tmp_path / "a.rec", "--kubeconfig", tmp_path / "absent")
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_full_disk_ends_the_recording_with_one_sentence(
    control_plane: ControlPlane, tmp_path: Path
) -> None:
    script = (
        "import resource, sys; from dratui.cli import main\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    path = tmp_path / "a.rec"
    argv = [sys.executable, "-c", script, "record", str(path), "--kubeconfig"]
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [*argv, str(control_plane.kubeconfig("viewer"))],
        capture_output=True, text=True, timeout=60, check=False, env=environment,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == f"error: cannot write {path}: File too large\n"


@pytest.mark.parametrize("command", ["get", "replay"])
def test_a_foreign_file_is_one_sentence(tmp_path: Path, command: str) -> None:
    path = tmp_path / "foreign"
    path.write_text("NAME   READY\n")
    done = dratui("get", "claims", "--from", path) if command == "get" else dratui("replay", path)
    assert done.returncode == 1
    assert done.stderr == f"error: {path} is no recording of dratui, or was cut off before it began\n"
