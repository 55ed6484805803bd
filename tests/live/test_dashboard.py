"""The dashboard as its user runs it: the command on a pty, against the real control plane."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.live.conftest import OneGpu
from tests.tui.terminal import Terminal

SIZES = [(80, 24), (200, 50)]


@contextmanager
def dratui(world: OneGpu, size: tuple[int, int], *flags: str) -> Iterator[Terminal]:
    kubeconfig = str(world.plane.kubeconfig("viewer"))
    tty = Terminal("-m", "dratui", "--kubeconfig", kubeconfig, *flags, size=size)
    try:
        tty.shows("● live")
        yield tty
        tty.press("\x03")
        assert tty.ends() == 0
        assert tty.is_restored()
    finally:
        tty.child.close(force=True)


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "200x50"])
def test_a_pods_life_is_seen_from_its_wait_to_the_freed_device(
    one_gpu: OneGpu, size: tuple[int, int]
) -> None:
    with dratui(one_gpu, size) as tty:
        tty.press(f":devices /{one_gpu.name}\r")
        tty.shows("□ free")

        one_gpu.start("first")
        tty.shows("■ held")
        one_gpu.start("second")
        tty.press(f":claims {one_gpu.name}\r")
        tty.shows("… pending")
        tty.shows("■ allocated,reserved")

        one_gpu.end("first")
        tty.until(
            lambda: "first-" not in tty.screen and "■ allocated" in tty.screen, "the GPU to be second's"
        )

        one_gpu.end("second")
        tty.press(f":devices /{one_gpu.name}\r")
        tty.shows("□ free")


def test_a_waiting_pod_says_why(one_gpu: OneGpu) -> None:
    one_gpu.start("first")
    one_gpu.start("second")
    with dratui(one_gpu, (200, 50)) as tty:
        tty.press(f":pods {one_gpu.name}\r")
        tty.shows("1 node: cannot allocate all claims")


def test_the_api_server_restarts_and_nothing_is_lost(one_gpu: OneGpu) -> None:
    one_gpu.start("first")
    with dratui(one_gpu, (80, 24)) as tty:
        tty.press(f":claims {one_gpu.name}\r")
        tty.shows("■ allocated,reserved")

        one_gpu.plane.kill_apiserver()
        tty.shows("◍ stale")
        assert "■ allocated,reserved" in tty.screen, "what was known stays"

        one_gpu.plane.start_apiserver()
        one_gpu.start("second")
        tty.shows("● live")
        tty.shows("… pending")
        assert "■ allocated,reserved" in tty.screen


def test_enter_drills_from_namespace_to_node_and_esc_comes_back(one_gpu: OneGpu) -> None:
    one_gpu.start("first")
    with dratui(one_gpu, (80, 24)) as tty:
        tty.press(f":namespaces /{one_gpu.name}\r")
        tty.shows("Namespaces[1 of")
        for title in ("Pods", "Claims", "Devices", "Nodes"):
            tty.press("\r")
            tty.shows(f" {title}")
            tty.until(lambda: "[1]" in tty.screen or "[1 of" in tty.screen, "one row")
        for title in ("Devices", "Claims", "Pods", "Namespaces"):
            tty.press("\x1b")
            tty.shows(f" {title}")


def test_rights_in_one_namespace_are_enough_for_it(one_gpu: OneGpu) -> None:
    kubeconfig = str(one_gpu.plane.kubeconfig("one-namespace"))
    tty = Terminal("-m", "dratui", "--kubeconfig", kubeconfig, "-n", "one-namespace", size=(80, 24))
    try:
        tty.shows("forbidden")
        tty.press(":claims\r")
        tty.shows("Claims(one-namespace)[")
        tty.press(":devices\r")
        tty.shows("forbidden")
    finally:
        tty.child.close(force=True)
