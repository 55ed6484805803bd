"""`e` and `:selector`: an expression that one types, what is wrong with it, and the devices that it matches."""

import json
import threading
from typing import Any

import pytest
from msgspec.structs import replace

from dratui.allocation.cel.columns import Columns
from dratui.api.model import DeviceClass, DeviceKey
from dratui.cluster.store import Store
from dratui.events import Event, Gone
from dratui.tui.shell import Shell
from dratui.tui.typed_line import TypedLine
from dratui.views.drafts import draft
from dratui.views.query import Query
from tests.realparts.controlplane import ControlPlane
from tests.tui.cluster import ScriptedSource, ago, claim, listed, pod, put, slice_of, small
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

SIZES = [(80, 24), (200, 50)]
A, C = 'device.attributes["gpu.nvidia.com"]', 'device.capacity["gpu.nvidia.com"]'
WANTED = f'{C}.memory.compareTo(quantity("40Gi")) >= 0 &&\n{A}.type == "mig"'


NICS = slice_of("nic-node", driver="nic.com", devices=2)


def fleet() -> list[Event]:
    """Two nodes of eight GPUs, six of them held, and a claim that wants what nobody has."""
    request = replace(claim("x").requests[0], selectors=(WANTED,))
    return [
        *small(),
        listed(
            "deviceclasses",
            DeviceClass(name="gpu.nvidia.com", selectors=('device.driver == "gpu.nvidia.com"',), created=ago(days=9)),
        ),
        listed("resourceslices", slice_of("gpu-node-1"), slice_of("gpu-node-2"), NICS),
        listed(
            "resourceclaims",
            claim("train-6-gpu", devices=tuple(f"gpu-{n}" for n in range(6)), node="gpu-node-1", pod="train-6"),
            replace(claim("train-7-gpu"), requests=(request,)),
        ),
        put(pod("train-7", claims=("train-7-gpu",)), "pods"),
    ]  # fmt: skip


async def opened(pilot: Driver, command: str = ":selector") -> None:
    await shows(pilot, "● live")
    await type_in(pilot, command)
    await press(pilot, "enter")
    await shows(pilot, "<enter> devices")


@pytest.mark.parametrize("size", SIZES)
async def test_matching_devices_follow_what_is_typed(size: tuple[int, int]) -> None:
    async with running(ScriptedSource(fleet()), size=size) as pilot:
        await opened(pilot)
        await shows(pilot, "no selector: all of 18 devices · 12 free · on 3 nodes", "nic-node")
        await type_in(pilot, 'device.driver == "gpu.nvidia.com"')
        await shows(pilot, "16 of 18 devices match · 10 free · on 2 nodes")
        await hides(pilot, "nic-node")
        await type_in(pilot, f' && {A}.uuid.endsWith("-7")')
        await shows(pilot, "2 of 18 devices match · 2 free · on 2 nodes", "1/2")
        assert sum("H100 80GB HBM3" in line or "gpu-7" in line for line in screen(pilot)) == 2


@pytest.mark.parametrize("size", SIZES)
async def test_what_is_wrong_is_told_below_and_what_matched_before_stays(size: tuple[int, int]) -> None:
    async with running(ScriptedSource(fleet()), size=size) as pilot:
        await opened(pilot)
        await type_in(pilot, 'device.driver == "nic.com"')
        await shows(pilot, "2 of 18 devices match")
        await type_in(pilot, " && device.dri")
        await shows(pilot, "✖ 1:37: undefined field 'dri'", "what matched before 1/2", "nic-node")
        wrong = [
            segment.text
            for line in pilot.app.screen._compositor.render_strips()
            for segment in line
            if segment.style is not None and segment.style.underline
        ]
        assert "".join(wrong).strip() == ".dri"
        await press(pilot, *["backspace"] * 14)
        await shows(pilot, "2 of 18 devices match")
        await hides(pilot, "what matched before")


async def test_devices_at_which_it_fails_are_counted_and_named() -> None:
    async with running(ScriptedSource(fleet())) as pilot:
        await opened(pilot)
        await type_in(pilot, f'{A}.type == "gpu"')
        await shows(
            pilot,
            "16 of 18 devices match",
            "✖ 2 devices raise: no such key: type (nic-node/gpu-0, nic-node/gpu-1)",
        )


async def test_what_the_api_server_would_refuse_is_said_with_its_cost() -> None:
    nested = f"{A}.all(a, {A}.all(b, {A}.all(c, {A}.all(d, a + b + c + d == 'x'))))"
    async with running(ScriptedSource(fleet()), size=(200, 50)) as pilot:
        await opened(pilot)
        await type_in(pilot, nested)
        await shows(pilot, "too complex, exceeds cost limit: it may cost", "at most 1,000,000")


@pytest.mark.parametrize("size", SIZES)
async def test_from_a_claim_it_begins_with_the_selector_of_its_request(size: tuple[int, int]) -> None:
    async with running(ScriptedSource(fleet()), query=Query(kind="claims"), size=size) as pilot:
        await shows(pilot, "Claims(all)[2]", "● live")
        await type_in(pilot, "/train-7")
        await press(pilot, "enter", "e")
        await shows(pilot, "Selector request gpu of claim ml-team/train-7-gpu", f'{A}.type == "mig"')
        await shows(pilot, "0 of 16 devices of class gpu.nvidia.com match", "train-7-gpu selector")
        await press(pilot, *["backspace"] * 4, *'gpu"')
        await shows(pilot, "16 of 16 devices of class gpu.nvidia.com match · 10 free · on 2 nodes")


async def test_from_why_a_pod_waits_it_begins_with_the_request_that_cannot_be_served() -> None:
    async with running(ScriptedSource(fleet()), query=Query(kind="pods")) as pilot:
        await shows(pilot, "Pods(all)", "● live")
        await type_in(pilot, "/train-7")
        await press(pilot, "enter", "x")
        await shows(pilot, "NODES 2")
        await press(pilot, "e")
        await shows(pilot, "Selector request gpu of claim ml-team/train-7-gpu")
        await press(pilot, "escape", "escape")
        await shows(pilot, "Why pod ml-team/train-7")


async def test_a_draft_is_kept_and_esc_leaves_step_by_step() -> None:
    async with running(ScriptedSource(fleet())) as pilot:
        await opened(pilot)
        await type_in(pilot, 'device.driver == "nic.com"')
        await shows(pilot, "2 of 18 devices match")
        await press(pilot, "escape")
        await shows(pilot, "<e> edit", "<c> copy")
        await press(pilot, "j", "d")
        await shows(pilot, "device nic.com/nic-node/gpu-1")
        await press(pilot, "escape")
        await shows(pilot, "<e> edit", "2 of 18 devices match", "2/2")
        assert "gpu-1" in under_cursor(pilot)
        await press(pilot, "escape")
        await hides(pilot, "Selector")
        await opened(pilot, ":cel")
        await shows(pilot, 'device.driver == "nic.com"', "2 of 18 devices match")
        await press(pilot, "ctrl+u")
        await shows(pilot, "no selector: all of 18 devices")
        await press(pilot, "ctrl+z")
        await shows(pilot, "2 of 18 devices match")
        await press(pilot, "enter", "e", *" && true")
        await shows(pilot, '"nic.com" && true')


async def test_names_and_conditions_are_offered_and_tab_takes_them() -> None:
    async with running(ScriptedSource(fleet())) as pilot:
        await opened(pilot, ":selector gpu.nvidia.com")
        await shows(pilot, "no selector: all of 16 devices of class gpu.nvidia.com")
        await type_in(pilot, "device.cap")
        await shows(pilot, '<tab> capacity["gpu.nvidia.com"].')
        await press(pilot, "tab")
        await shows(pilot, "<tab> memory")
        await press(pilot, "tab", *".comp")
        await shows(pilot, '<tab> compareTo(quantity("81559Mi")) >= 0')
        await press(pilot, "tab", *f" && {A}.type ==")
        await shows(pilot, '<tab>  "gpu"'.replace("  ", " "))
        await press(pilot, "tab")
        await shows(pilot, "16 of 16 devices of class gpu.nvidia.com match")


async def test_at_least_so_much_and_a_product_are_two_words_and_tabs() -> None:
    async with running(ScriptedSource(fleet())) as pilot:
        await opened(pilot, ":selector gpu.nvidia.com")
        await type_in(pilot, "mem")
        await shows(pilot, "<tab> memory >= 81559Mi")
        await press(pilot, "tab", *" && h100")
        await shows(pilot, '<tab> productName == "NVIDIA H100 80GB HBM3"')
        await press(pilot, "tab")
        await shows(pilot, "16 of 16 devices of class gpu.nvidia.com match")
        await press(pilot, "ctrl+u", *f"{C}.memory >= 40")
        await shows(pilot, "✖ 1:42: found no matching overload", "<tab> memory >= 40Gi")
        await press(pilot, "tab")
        await shows(pilot, "16 of 16 devices of class gpu.nvidia.com match")


async def test_it_is_tried_anew_when_devices_come_and_go_and_who_holds_them_counts_at_once() -> None:
    source = ScriptedSource(fleet())
    async with running(source) as pilot:
        await opened(pilot, ":selector gpu.nvidia.com")
        await type_in(pilot, "true")
        await shows(pilot, "16 of 16 devices of class gpu.nvidia.com match · 10 free · on 2 nodes")
        source.say(Gone("resourceclaims", claim("train-6-gpu")))
        await shows(pilot, "16 of 16 devices of class gpu.nvidia.com match · 16 free")
        source.say(put(slice_of("gpu-node-3"), "resourceslices"))
        await until(
            pilot, lambda: tick(pilot) and "24 of 24 devices" in text(pilot), "the new node's devices"
        )
        await until(pilot, lambda: "24 free · on 3 nodes" in text(pilot), "the count")


async def test_a_slow_one_is_replaced_by_what_is_typed_next(monkeypatch: pytest.MonkeyPatch) -> None:
    go, asked = threading.Event(), threading.Event()
    verdicts = Columns.verdicts

    def slow(columns: Columns, selector: Any, heed: Any = lambda: None) -> Any:
        if "slow" in selector.source:
            asked.set()
            go.wait()
        return verdicts(columns, selector, heed)

    monkeypatch.setattr(Columns, "verdicts", slow)
    async with running(ScriptedSource(fleet())) as pilot:
        try:
            await opened(pilot)
            await type_in(pilot, 'device.driver == "slow"')
            await until(pilot, asked.is_set, "the slow one to begin")
            await shows(pilot, "trying the selector …")
            await press(pilot, "escape", "?")
            await shows(pilot, "try a selector")
            await press(pilot, "escape", "e", "ctrl+u", *'device.driver == "nic.com"')
            assert "nic.com" in text(pilot), "keys go on"
        finally:
            go.set()
        await shows(pilot, "2 of 18 devices match")


async def test_the_expression_is_copied_and_the_table_is_one_as_everywhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for display in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(display, raising=False)
    async with running(ScriptedSource(fleet())) as pilot:
        await opened(pilot)
        await type_in(pilot, "true")
        await press(pilot, "enter", "c")
        await shows(pilot, "copied the expression")
        await type_in(pilot, "/node-2")
        await press(pilot, "enter")
        await shows(pilot, "Selector </node-2>", "1/8", "18 of 18 devices match · 12 free")
        await press(pilot, "escape", "S")
        await shows(pilot, "STATE↑", "1/18")


async def test_its_yaml_is_an_object_that_the_api_server_takes(
    control_plane: ControlPlane,
) -> None:
    for command, kind in ((":selector gpu.nvidia.com", "ResourceClaim"), (":selector", "DeviceClass")):
        async with running(ScriptedSource(fleet()), size=(200, 50)) as pilot:
            await opened(pilot, command)
            shell = pilot.app.screen
            assert isinstance(shell, Shell)
            shell._selector.paste(WANTED)
            await press(pilot, "enter", "y")
            await shows(pilot, f"kind: {kind}", "expression: ", "YAML of the draft")
            text_of = shell._guide.face.copied()
            assert text_of is not None
            created = control_plane.kubectl(
                "create", "--dry-run=server", "-f", "-", "-o", "json", input=text_of[0]
            )
            assert json.dumps(WANTED) in json.dumps(json.loads(created))
            await press(pilot, "escape")
            await shows(pilot, "<e> edit")


async def test_in_the_past_it_is_tried_on_the_devices_of_then() -> None:
    source = ScriptedSource(fleet())
    async with running(source) as pilot:
        await opened(pilot)
        await type_in(pilot, "true")
        await shows(pilot, "18 of 18 devices match")
        source.clock += 10
        source.say(put(slice_of("gpu-node-3"), "resourceslices"))
        await until(pilot, lambda: tick(pilot) and "26 of 26 devices match" in text(pilot), "the new devices")
        await press(pilot, "escape", "<", "<")
        await shows(pilot, "◀", "18 of 18 devices match")
        await press(pilot, "end")
        await shows(pilot, "● live", "26 of 26 devices match")


async def test_hostile_text_is_pasted_without_harm() -> None:
    async with running(ScriptedSource(fleet())) as pilot:
        await opened(pilot)
        shell = pilot.app.screen
        assert isinstance(shell, Shell)
        shell._selector.paste("\x1b]0;owned\x07" + "(" * 300 + "\r\n" + "x")
        await shows(pilot, "\\x1b]0;owned\\x07", "✖ 1:1: ")
        assert "\x1b" not in text(pilot)


def test_lines_are_moved_through_as_far_to_the_right_as_they_go() -> None:
    text = TypedLine("long line\nab\nlonger line", 6)
    down = text.moved(1)
    assert down.at == 12
    assert down.moved(1) == TypedLine(text.text, 15)
    assert down.moved(-1).at == 2
    assert text.moved(-1) == text
    assert TypedLine(text.text, 15).pressed("home") == TypedLine(text.text, 13)
    assert TypedLine(text.text, 12).pressed("ctrl+u") == TypedLine("long line\n\nlonger line", 10)
    assert TypedLine("one two", 7).pressed("ctrl+left") == TypedLine("one two", 4)
    assert TypedLine("one two", 0).pressed("ctrl+right") == TypedLine("one two", 3)


def test_every_kind_has_something_to_begin_with() -> None:
    store = Store()
    store.apply(fleet())
    claims = draft(store, "claims", claim("train-7-gpu").key)
    assert (claims.text, claims.device_class) == (WANTED, "gpu.nvidia.com")
    assert draft(store, "pods", pod("train-7").key) == claims
    assert draft(store, "classes", next(iter(store.classes))).text == 'device.driver == "gpu.nvidia.com"'
    like = draft(store, "devices", DeviceKey("gpu.nvidia.com", "gpu-node-1", "gpu-3"))
    assert like.text == (
        f'device.driver == "gpu.nvidia.com" && {A}.productName == "NVIDIA H100 80GB HBM3" && {A}.type == "gpu"'
    )
    assert draft(store, "claims", claim("gone").key).text == ""
