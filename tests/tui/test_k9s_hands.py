"""What operators' fingers know, as a table: every key does here what it does in k9s, or the help says what it does.

Each key of the keymap stands in `HANDS` with what it leads to; flags are in `test_flags`, `:ctx` in `tests/live`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from dratui.events import Event
from dratui.tui.keymap import KEYMAP, Where
from tests.tui.cluster import ScriptedSource, as_json, claim, listed, live, small
from tests.tui.driving import Driver, hides, press, running, screen, shows, text, type_in, under_cursor

TEXTUAL = {"esc": "escape", "pgdn": "pagedown", "pgup": "pageup"}


@dataclass(frozen=True, kw_only=True)
class Hand:
    """`keys`, pressed in this order after `:command`, lead to what `shows`; the last of them is the one that is told.

    `cursor` is on the line under the cursor, `hides` is not on the screen.
    """

    command: str = "claims"
    keys: str
    shows: Sequence[str] = ()
    cursor: str = ""
    hides: str = ""


# Claims, as listed: ml-team/train-6-gpu (held), ml-team/train-7-gpu (pending, young), vision/eval-gpu (held).
HANDS = {
    # move
    "j": Hand(keys="j", cursor="train-7-gpu"),
    "down": Hand(keys="down", cursor="train-7-gpu"),
    "k": Hand(keys="G k", cursor="train-7-gpu"),
    "up": Hand(keys="G up", cursor="train-7-gpu"),
    "g": Hand(keys="G g", cursor="train-6-gpu"),
    "home": Hand(keys="G home", cursor="train-6-gpu"),
    "G": Hand(keys="G", cursor="eval-gpu"),
    "end": Hand(keys="end", cursor="eval-gpu"),
    "ctrl-f": Hand(keys="ctrl-f", cursor="eval-gpu"),
    "pgdn": Hand(keys="pgdn", cursor="eval-gpu"),
    "ctrl-b": Hand(keys="G ctrl-b", cursor="train-6-gpu"),
    "pgup": Hand(keys="G pgup", cursor="train-6-gpu"),
    "l": Hand(keys="ctrl-w l", shows=["‹NAMESPACE   NAME"]),
    "right": Hand(keys="ctrl-w right", shows=["‹NAMESPACE   NAME"]),
    "h": Hand(keys="ctrl-w l h", hides="‹NAMESPACE"),
    "left": Hand(keys="ctrl-w l left", hides="‹NAMESPACE"),
    "enter": Hand(keys="enter", shows=["claims › train-6-gpu: devices", "Devices[2 of 16] of train-6-gpu"]),
    "esc": Hand(keys="enter esc", shows=["overview › claims "], cursor="train-6-gpu"),
    "q": Hand(keys="enter q", shows=["overview › claims "], cursor="train-6-gpu"),
    "[": Hand(keys=": n o enter [", shows=["Claims(all)[3]"]),
    "]": Hand(keys=": n o enter [ ]", shows=["Nodes[2]"]),
    "-": Hand(keys=": n o enter - - -", shows=["Claims(all)[3]"]),
    # modes
    ":": Hand(keys=":", shows=[" :claims   claims  devices  pools"]),
    "/": Hand(keys="/ e v a l", shows=[" /eval", "Claims(all)[1 of 3]</eval>"]),
    "?": Hand(keys="?", shows=["› keys", "these keys"]),
    # namespaces, the busiest first
    "0": Hand(keys="2 0", shows=["Claims(all)[3]"]),
    "1": Hand(keys="1", shows=["Claims(ml-team)[2 of 3]"], hides="eval-gpu"),
    "2": Hand(keys="2", shows=["Claims(vision)[1 of 3]"], hides="train-6-gpu"),
    **{key: Hand(keys=key, shows=["Claims(all)[3]"]) for key in "3456789"},  # of no namespace here
    # inspect
    "d": Hand(keys="d", shows=["claim ml-team/train-6-gpu"]),
    "x": Hand(keys="j x", shows=["Why claim ml-team/train-7-gpu", "NODES 2"]),
    "y": Hand(keys="y", shows=["YAML claim ml-team/train-6-gpu", "kind: ResourceClaim"]),
    "o": Hand(keys="o", shows=["node gpu-node-1"]),
    "J": Hand(keys="J", shows=["pod ml-team/train-6"]),
    "u": Hand(keys="u", shows=["Pods(all)[1 of 3] of train-6-gpu"]),
    # copy, save
    "c": Hand(keys="c", shows=["copied train-6-gpu"]),
    "n": Hand(keys="n", shows=["copied ml-team"]),
    "ctrl-s": Hand(keys="ctrl-s", shows=["saved as "]),
    # sort: up, then down
    "shift-right": Hand(keys="shift-right O", shows=["NAMESPACE↑"], cursor="train-6-gpu"),
    "shift-left": Hand(keys="shift-right shift-right shift-left O", shows=["NAMESPACE↑"]),
    "O": Hand(keys="shift-right O O", shows=["NAMESPACE↓"]),
    "N": Hand(keys="N g", shows=["NAME↑"], cursor="eval-gpu"),
    "A": Hand(keys="A g", shows=["AGE↑"], cursor="train-7-gpu"),
    "S": Hand(keys="S S g", shows=["STATE↓"], cursor="train-7-gpu"),
    **{key: Hand(keys=key, shows=["nothing here is measured"]) for key in "UMI"},  # else: test_measured
    # toggle
    "ctrl-w": Hand(keys="ctrl-w", shows=["›"]),
    "ctrl-z": Hand(keys="ctrl-z", shows=["Claims(all)[1 of 3] faults only"], hides="eval-gpu"),
    # not in k9s's table, or otherwise there
    "ctrl-r": Hand(keys="ctrl-r", shows=["Claims(all)[3]"]),
    "space": Hand(
        keys="d space", shows=["▸"]
    ),  # k9s marks rows for what is done to many; nothing is done here
}
TYPED_KEYS = {"tab", "right", "up", "down", "ctrl-u", "ctrl-z", "enter", "esc"}
LEAVES = {"ctrl-c"}
ELSEWHERE = {"ctrl-a", "<", ">", "t", "e"}  # aliases, time travel, selectors: have their own tests


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    for display in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(display, raising=False)


def cluster() -> ScriptedSource:
    source = ScriptedSource(small())
    source.objects["resourceclaims", "ml-team", "train-6-gpu"] = as_json(kind="ResourceClaim")
    return source


async def go(pilot: Driver, command: str) -> None:
    await shows(pilot, "TENANTS", "● live")
    await type_in(pilot, f":{command}")
    await press(pilot, "enter")


async def strike(pilot: Driver, keys: str) -> None:
    for key in keys.split():
        await press(pilot, TEXTUAL.get(key, key.replace("-", "+") if len(key) > 1 else key))


@pytest.mark.parametrize("key", HANDS)
async def test_a_key_does_what_hands_expect(key: str) -> None:
    hand = HANDS[key]
    async with running(cluster()) as pilot:
        await go(pilot, hand.command)
        await shows(pilot, "eval-gpu")
        await strike(pilot, hand.keys)
        await shows(pilot, *hand.shows)
        assert hand.cursor in under_cursor(pilot)
        if hand.hides:
            await hides(pilot, hand.hides)


def test_every_key_of_the_keymap_is_in_the_table() -> None:
    names = {n for key in KEYMAP if key.where is not Where.PROMPT for n in key.names}
    assert names - set(HANDS) - LEAVES <= ELSEWHERE
    assert {n for key in KEYMAP if key.where is Where.PROMPT for n in key.names} == TYPED_KEYS


@pytest.mark.parametrize("accept", ["tab", "right"])
async def test_a_suggestion_is_chosen_with_up_and_down_and_accepted(accept: str) -> None:
    async with running(cluster()) as pilot:
        await go(pilot, "nodes")
        await type_in(pilot, ":cl")
        await shows(pilot, ":claims   claims  classes")
        await press(pilot, "down", accept, "enter")
        await shows(pilot, "Classes[0]")
        await type_in(pilot, ":cl")
        await press(pilot, "down", "up", accept, "enter")
        await shows(pilot, "Claims(all)[3]")


async def test_the_prompt_is_cleared_left_and_quit_from() -> None:
    async with running(cluster()) as pilot:
        await go(pilot, "claims")
        await type_in(pilot, ":nodes")
        await press(pilot, "ctrl+u")
        await type_in(pilot, "pods")
        await press(pilot, "escape")
        assert "Claims(all)[3]" in text(pilot)
        await type_in(pilot, "/vision")
        await press(pilot, "ctrl+c")
    assert pilot.app.return_code == 0


@pytest.mark.parametrize("word", ["q", "q!", "quit", "exit"])
async def test_words_that_quit(word: str) -> None:
    async with running(cluster()) as pilot:
        await go(pilot, word)
    assert pilot.app.return_code == 0


async def test_q_goes_back_and_from_the_first_view_out() -> None:
    async with running(cluster()) as pilot:
        await go(pilot, "claims")
        await type_in(pilot, "/train")
        await press(pilot, "enter", "q")
        await shows(pilot, "Claims(all)[3]")
        await press(pilot, "q")
        await shows(pilot, "TENANTS")
        await press(pilot, "q")
    assert pilot.app.return_code == 0


@pytest.mark.parametrize(
    ("command", "title"),
    [
        ("claims vision", "Claims(vision)[1 of 3]"),
        ("rc /TRAIN", "Claims(all)[2 of 3]</TRAIN>"),
        ("claims ml-team /6", "Claims(ml-team)[1 of 3]</6>"),
        ("claims app=none", "Claims(all)[0 of 3]</-l app=none>"),
        ("ns", "Namespaces[2]"),
        ("ns vision", "Pods(vision)[1 of 3]"),
    ],
)
async def test_commands(command: str, title: str) -> None:
    async with running(cluster()) as pilot:
        await go(pilot, command)
        await shows(pilot, title)


@pytest.mark.parametrize(
    ("typed", "rows"),
    [
        ("TRAIN", ["train-6-gpu", "train-7-gpu"]),  # whatever the case
        ("train-6-gpu alloc", ["train-6-gpu"]),  # from one column to the next
        ("!train", ["eval-gpu"]),
        ("-l team=ml", ["train-7-gpu"]),
        ("-f tr7", ["train-7-gpu"]),
        ("gpu no such", []),  # in k9s a filter with a blank lets all through
    ],
)
async def test_filters(typed: str, rows: list[str]) -> None:
    async with running(ScriptedSource(labelled())) as pilot:
        await go(pilot, "claims")
        await shows(pilot, "eval-gpu")
        await type_in(pilot, f"/{typed}")
        await shows(pilot, f"[{len(rows)} of 3]")
        assert [name for name in ("train-6-gpu", "train-7-gpu", "eval-gpu") if name in text(pilot)] == rows


def labelled() -> list[Event]:
    """The claims of `small`, one of them with a label."""
    import msgspec

    young = msgspec.structs.replace(claim("train-7-gpu", age=720), labels=(("team", "ml"),))
    held = claim("train-6-gpu", devices=("gpu-0",), node="gpu-node-1", pod="train-6")
    return [listed("resourceclaims", held, young, claim("eval-gpu", namespace="vision")), *live()]


async def test_a_bad_filter_is_marked_at_its_column_while_one_types() -> None:
    async with running(cluster()) as pilot:
        await go(pilot, "claims")
        await type_in(pilot, "/train(")
        assert "missing ), unterminated subpattern" in screen(pilot)[-1]
        marked = pilot.app.screen._compositor.render_strips()[-1]
        column = next(n for n, cell in enumerate(cells(marked)) if cell[1])
        assert column == len(" /train"), "at the parenthesis that is not closed"
        assert "Claims(all)[2 of 3]</train>" in text(pilot), "what showed still does"


def cells(strip: object) -> list[tuple[str, bool]]:
    """Each character, and whether it is marked."""
    from textual.strip import Strip

    from tests.tui.driving import FLASH

    assert isinstance(strip, Strip)
    return [(c, bool(s.style and s.style.bgcolor == FLASH)) for s in strip for c in s.text]


async def test_enter_on_a_namespace_looks_at_it_from_then_on() -> None:
    async with running(cluster()) as pilot:
        await go(pilot, "ns")
        await shows(pilot, "vision")
        await press(pilot, "G", "enter")
        await shows(pilot, "Pods(vision)[1 of 3]")
        await type_in(pilot, ":claims")
        await press(pilot, "enter")
        await shows(pilot, "Claims(vision)[1 of 3]")


async def test_history_ends_with_a_word() -> None:
    async with running(cluster()) as pilot:
        await go(pilot, "claims")
        await press(pilot, "enter", "[")
        await shows(pilot, "TENANTS")
        await press(pilot, "[")
        assert "there is no view before this one" in screen(pilot)[-1]
        await press(pilot, "]")
        await shows(pilot, "Devices[2 of 16] of train-6-gpu")


async def test_the_help_says_what_is_otherwise() -> None:
    async with running(cluster(), size=(80, 24)) as pilot:
        await go(pilot, "help")
        await shows(pilot, "as in k9s, but: q leaves the first view, space folds, ctrl-s saves text")


async def test_it_says_that_it_only_reads() -> None:
    async with running(cluster()) as pilot:
        await shows(pilot, "read-only")
