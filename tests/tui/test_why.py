"""`x`: why a pod or a claim waits, in the words of `dratui explain`, worked out beside the keys."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dratui.api.model import DeviceClass, Node
from dratui.cluster.store import Store
from dratui.events import Event, Gone
from dratui.tui.asking import Asking
from dratui.tui.screens import why
from dratui.tui.shell import Shell
from dratui.views.query import Query
from dratui.views.why import told
from dratui.why import answer as answers
from dratui.why.answer import answer, by_node
from dratui.why.question import about_pod
from tests.tui.cluster import NOW, ScriptedSource, ago, claim, listed, pod, put, slice_of, small
from tests.tui.driving import (
    Driver,
    hides,
    press,
    running,
    screen,
    shows,
    text,
    tick,
    type_in,
    under_cursor,
    until,
)

PODS = Query(kind="pods")
SIZES = [(80, 24), (200, 50)]
ALL_HELD = tuple(f"gpu-{n}" for n in range(8))
SAYS = "0/2 nodes are available: 2 cannot allocate all claims."


def full() -> list[Event]:
    """Both nodes are held whole, and train-7 waits."""
    return [
        *small(),
        listed("deviceclasses", DeviceClass(name="gpu.nvidia.com", created=ago(days=9))),
        listed(
            "resourceclaims",
            claim("train-6-gpu", devices=ALL_HELD, node="gpu-node-1", pod="train-6"),
            claim("train-7-gpu", age=720),
            claim("eval-gpu", namespace="vision", devices=ALL_HELD, node="gpu-node-2", pod="eval"),
        ),
        put(pod("train-7", claims=("train-7-gpu",), message=SAYS), "pods"),
    ]


async def ask(pilot: Driver, name: str = "train-7") -> None:
    """Go to its line, and press x."""
    await shows(pilot, "Pods(all)[3]", "● live")
    await type_in(pilot, f"/{name}")
    await press(pilot, "enter", "x")


def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers nobody asks for come with the next tick."""
    monkeypatch.setattr(why, "EVERY", 0.0)
    monkeypatch.setattr(why, "SHARE", 0)


@pytest.mark.parametrize("size", SIZES)
async def test_x_says_what_explain_says(size: tuple[int, int]) -> None:
    store = Store()
    store.apply(full())
    subject = store.pods[pod("train-7").key]
    question = about_pod(store, subject, "v1.36.3")
    found = answer(store, question, list(by_node(store, question)))
    async with running(ScriptedSource(full()), query=PODS, size=size) as pilot:
        await ask(pilot)
        await shows(
            pilot,
            "Why pod ml-team/train-7",
            "pods › train-7 why",
            " would help  ",
            "■ request gpu: devices are held",
        )
        shell = pilot.app.screen
        assert isinstance(shell, Shell)
        lines = (
            shell._guide.face.view.as_text()
        )  # beyond the screen, too; what stands side by side, one after the other
        words = " ".join(" ".join("".join(line) for line in lines).replace("■", "").split())
        for line in told(question, found, subject, NOW, size[0] - 4):
            if line != "It would fit if":
                assert " ".join(line.split()) in words
        assert "Our reading agrees." in words


@pytest.mark.parametrize("size", SIZES)
async def test_a_story_opens_to_its_devices_and_each_to_its_card(size: tuple[int, int]) -> None:
    async with running(ScriptedSource(full()), query=PODS, size=size) as pilot:
        await ask(pilot)
        await shows(pilot, "NODES 2", "▸   2 nodes")
        assert "2 nodes" in under_cursor(pilot)
        await press(pilot, "enter")
        await shows(pilot, "▾   2 nodes", "gpu-0  held by claim ml-team/train-6-gpu of train-6")
        await press(pilot, "j", "j", "enter")
        await shows(pilot, "device gpu.nvidia.com/gpu-node-1/gpu-1", "train-7 why › gpu-1")
        await press(pilot, "escape")
        await shows(pilot, "Why pod ml-team/train-7", "▾   2 nodes")
        assert "gpu-1" in under_cursor(pilot)
        await press(pilot, "k", "k", "space")
        await shows(pilot, "▸   2 nodes")
        await press(pilot, "escape")
        await shows(pilot, "Pods(all)[1 of 3]")


async def test_it_is_asked_of_a_claim_and_from_cards_too() -> None:
    async with running(ScriptedSource(full()), query=Query(kind="claims")) as pilot:
        await shows(pilot, "Claims(all)[3]", "● live")
        await type_in(pilot, "/train-7")
        await press(pilot, "enter", "d", "x")
        await shows(pilot, "Why claim ml-team/train-7-gpu", "It fits on none of 2 nodes.")


@pytest.mark.parametrize("size", SIZES)
async def test_of_who_does_not_wait_it_tells_what_it_has(size: tuple[int, int]) -> None:
    async with running(ScriptedSource(full()), query=PODS, size=size) as pilot:
        await ask(pilot, "train-6")
        await shows(pilot, "HAS", "ml-team/train-6: it is on node gpu-node-1.", "DEVICES 8")
        await shows(pilot, "gpu-0  H100 80GB HBM3  request gpu  claim train-6-gpu")
        await press(pilot, "j", "j", "enter")
        await shows(pilot, "device gpu.nvidia.com/gpu-node-1/gpu-1", "train-6 why › gpu-1")
        await type_in(pilot, ":claims /train-6")
        await press(pilot, "enter", "x")
        await shows(pilot, "ml-team/train-6-gpu: it has its devices on node gpu-node-1.", "DEVICES 8")


async def test_of_a_device_and_a_node_it_says_a_sentence() -> None:
    async with running(ScriptedSource(full()), query=Query(kind="devices")) as pilot:
        await shows(pilot, "Devices[16]", "● live")
        await press(pilot, "x")
        await shows(pilot, "gpu-0 is held by ml-team/train-6-gpu", "Devices[16]")
        await type_in(pilot, ":nodes")
        await press(pilot, "enter", "x")
        await shows(pilot, "gpu-node-1 has 0 of 8 devices free", "Nodes[2]")
        await type_in(pilot, ":classes")
        await press(pilot, "enter", "x")
        await shows(pilot, "why is asked of a pod or a claim", "[1]")


@pytest.mark.parametrize("kind", ["claims", "pods", "devices"])
async def test_the_last_line_of_a_list_names_it_where_it_opens_something(kind: str) -> None:
    async with running(ScriptedSource(full()), query=Query(kind=kind)) as pilot:
        await shows(pilot, "<enter> open", "● live")
        assert ("<x> why" in screen(pilot)[-1]) == (kind != "devices")


async def test_it_is_answered_anew_when_something_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    at_once(monkeypatch)
    source = ScriptedSource(full())
    async with running(source, query=PODS) as pilot:
        await ask(pilot)
        await shows(pilot, "It fits on none of 2 nodes.")
        source.say(Gone("resourceclaims", claim("eval-gpu", namespace="vision")))
        await until(
            pilot, lambda: tick(pilot) and "Its claims fit on 1 of 2 nodes." in text(pilot), "the new answer"
        )
        assert "We and the scheduler disagree" in text(pilot)
        source.say(put(pod("train-7", claims=("train-7-gpu",), node="gpu-node-2"), "pods"))
        await until(pilot, lambda: tick(pilot) and "it is on node gpu-node-2." in text(pilot), "its node")
        source.say(Gone("pods", pod("train-7")))
        await shows(pilot, "✖ gone")


class Held:
    """Nodes are looked at only up to the second, until it is let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.go = threading.Event()
        self.ended = threading.Event()

        def held(*arguments: Any, **more: Any) -> Iterator[Any]:
            for number, node in enumerate(by_node(*arguments, **more)):
                if number == 1:
                    self.go.wait()
                yield node

        monkeypatch.setattr(answers, "by_node", held)
        think = Asking.think

        def watched(asking: Asking) -> Any:
            try:
                return think(asking)
            finally:
                self.ended.set()

        monkeypatch.setattr(Asking, "think", watched)


async def test_keys_go_on_while_it_looks_and_esc_stops_it(monkeypatch: pytest.MonkeyPatch) -> None:
    held = Held(monkeypatch)
    async with running(ScriptedSource(full()), query=PODS) as pilot:
        try:
            await ask(pilot)
            await shows(pilot, "asking why …  looking at 0 of 2 nodes  esc stops it")
            await press(pilot, "?")
            await shows(pilot, "why it waits")
            await press(pilot, "escape")
            await shows(pilot, "Looking at 0 of 2 nodes …")
            await press(pilot, "escape")
            await shows(pilot, "stopped: asking why", "x looks again.")
        finally:
            held.go.set()
        await until(pilot, held.ended.is_set, "the thread to end")
        await press(pilot, "x")
        await shows(pilot, "It fits on none of 2 nodes.")


async def test_it_is_of_the_time_that_one_looks_at() -> None:
    source = ScriptedSource(full())
    async with running(source, query=PODS) as pilot:
        await ask(pilot)
        await shows(pilot, "It fits on none of 2 nodes.")
        source.clock += 10
        source.say(Gone("resourceclaims", claim("eval-gpu", namespace="vision")))
        await press(pilot, "x")
        await shows(pilot, "Its claims fit on 1 of 2 nodes.")
        source.clock += 10
        await press(pilot, "<", "<")
        await shows(pilot, "◀", "It fits on none of 2 nodes.")
        await press(pilot, "end")
        await shows(pilot, "● live", "Its claims fit on 1 of 2 nodes.")


async def test_it_is_saved_and_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    for display in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(display, raising=False)
    async with running(ScriptedSource(full()), query=PODS) as pilot:
        await ask(pilot)
        await shows(pilot, "NODES 2")
        await press(pilot, "c")
        await shows(pilot, "copied train-7")
        await press(pilot, "ctrl+s")
        await shows(pilot, "saved as ")
    (file,) = (tmp_path / "dratui" / "views").iterdir()
    assert file.name.startswith("train-7-why-")
    assert "It fits on none of 2 nodes." in file.read_text()


async def test_hostile_names_and_words_are_cleaned() -> None:
    odd = "\x1b]0;owned\x07"
    first = [
        *full(),
        listed("nodes", *(Node(name=f"{odd}{n}", ready="True", created=ago(days=9)) for n in range(2))),
        listed("resourceslices", *(slice_of(f"{odd}{n}", devices=0) for n in range(2))),
        put(pod("train-7", claims=("train-7-gpu",), message=f"0/2 nodes are available: 2 {odd}."), "pods"),
    ]
    async with running(ScriptedSource(first), query=PODS) as pilot:
        await ask(pilot)
        await shows(pilot, "\\x1b]0;owned", "NODES 2")
        assert "\x1b" not in text(pilot)
        await hides(pilot, "\x07")
