"""The control plane itself: rights, restarts, and that nothing stays behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.realparts.controlplane import ControlPlane
from tests.realparts.kubectl import KubectlError
from tests.realparts.polling import wait
from tests.realparts.users import CERTIFICATE_USER, ONE_NAMESPACE


def may(plane: ControlPlane, user: str, verb: str, resource: str, *where: str) -> bool:
    try:
        return plane.kubectl("auth", "can-i", verb, resource, *where, user=user).strip() == "yes"
    except KubectlError:
        return False


@pytest.mark.parametrize(
    ("user", "slices", "claims_everywhere", "claims_in_one_namespace"),
    [
        ("admin", True, True, True),
        ("viewer", True, True, True),
        (CERTIFICATE_USER, True, True, True),
        ("no-slices", False, True, True),
        ("one-namespace", False, False, True),
        ("nobody", False, False, False),
    ],
)
def test_people_have_their_rights(
    control_plane: ControlPlane,
    user: str,
    slices: bool,
    claims_everywhere: bool,
    claims_in_one_namespace: bool,
) -> None:
    assert may(control_plane, user, "watch", "resourceslices") is slices
    assert may(control_plane, user, "watch", "resourceclaims", "-A") is claims_everywhere
    assert may(control_plane, user, "watch", "resourceclaims", "-n", ONE_NAMESPACE) is claims_in_one_namespace
    assert may(control_plane, user, "delete", "resourceclaims", "-n", ONE_NAMESPACE) is (user == "admin")


def test_a_restarted_api_server_has_the_same_address_and_data(
    control_plane: ControlPlane, namespace: str
) -> None:
    control_plane.restart_apiserver()
    assert namespace in control_plane.kubectl("get", "namespaces", "-o", "name")


def test_every_version_of_the_api_is_served(control_plane: ControlPlane) -> None:
    served = control_plane.kubectl("api-versions").split()
    assert {f"resource.k8s.io/{version}" for version in ("v1", "v1beta2", "v1beta1", "v1alpha3")} <= set(
        served
    )


def test_a_stopped_control_plane_leaves_no_process_and_no_file(control_plane: ControlPlane) -> None:
    with ControlPlane(control_plane.binaries) as plane:
        plane.start()
        pids = plane.pids()
        assert len(pids) == 5
        assert all(alive(pid) for pid in pids.values())
    assert not any(alive(pid) for pid in pids.values())
    assert not plane.path.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_a_killed_test_run_leaves_no_process(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from tests.realparts.processes import Process\n"
        "child = Process(['/bin/sleep', '1000'], Path(sys.argv[1]), {})\n"
        "print(child.pid, flush=True)\n"
        "sys.stdin.read()"
    )
    run = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "log")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with run:
        assert run.stdout is not None
        child = int(run.stdout.readline())
        run.send_signal(signal.SIGKILL)
    wait(lambda: not alive(child), 10, f"process {child} to end")


def alive(pid: int) -> bool:
    """Whether it runs; a zombie that nobody has waited for does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"
