"""What one does in a table: find, sort, look closer, come back."""

import msgspec
import pytest
from textual.events import MouseScrollDown

from dratui.events import Gone, Phase
from dratui.tui import turns
from dratui.tui.screens import rows
from dratui.views.query import Query
from tests.tui.cluster import ScriptedSource, claim, listed, live, pod, put, small
from tests.tui.driving import flashing, press, running, screen, shows, text, type_in, under_cursor, until

CLAIMS = Query(kind="claims")


async def test_the_cursor_stays_on_its_object_when_rows_come_above_it() -> None:
    source = ScriptedSource(small())
    async with running(source, query=CLAIMS) as pilot:
        await shows(pilot, "train-7-gpu")
        await press(pilot, "j")
        assert "train-7-gpu" in under_cursor(pilot)
        source.say(put(claim("aaa-first"), "resourceclaims"))
        await shows(pilot, "aaa-first")
        assert "train-7-gpu" in under_cursor(pilot)


async def test_the_object_keeps_its_line_when_rows_come_above_a_scrolled_table() -> None:
    source = ScriptedSource(
        [listed("resourceclaims", *(claim(f"claim-{n:03}") for n in range(100))), *live()]
    )
    async with running(source, query=CLAIMS) as pilot:
        await shows(pilot, "claim-000")
        await press(pilot, "G", *["k"] * 5)
        line = next(y for y, row in enumerate(screen(pilot)) if "claim-094" in row)
        source.say(put(claim("claim-000a"), "resourceclaims"))
        await shows(pilot, "[101]")
        assert "claim-094" in screen(pilot)[line]
        assert "claim-094" in under_cursor(pilot)


async def test_the_cursor_goes_to_the_next_row_when_its_object_is_gone() -> None:
    source = ScriptedSource(small())
    async with running(source, query=CLAIMS) as pilot:
        await shows(pilot, "train-7-gpu")
        await press(pilot, "j")
        source.say(Gone("resourceclaims", claim("train-7-gpu", age=720)))
        await shows(pilot, "[2]")
        assert "eval-gpu" in under_cursor(pilot)


async def test_rows_that_stream_in_do_not_drag_an_untouched_cursor_away() -> None:
    source = ScriptedSource([*live(phase=Phase.SYNCING), put(claim("zzz"), "resourceclaims")])
    async with running(source, query=CLAIMS) as pilot:
        await shows(pilot, "zzz")
        source.say(put(claim("aaa"), "resourceclaims"))
        await shows(pilot, "aaa")
        assert "aaa" in under_cursor(pilot)


async def test_a_filter_applies_while_it_is_typed_and_esc_ends_it() -> None:
    async with running(ScriptedSource(small()), query=CLAIMS) as pilot:
        await shows(pilot, "eval-gpu")
        await type_in(pilot, "/pending")
        assert "eval-gpu" not in text(pilot)
        await press(pilot, "enter")
        assert "Claims(all)[1 of 3]</pending>" in text(pilot)
        await press(pilot, "escape")
        assert "eval-gpu" in text(pilot)


async def test_leaving_the_filter_prompt_brings_the_filter_before_back() -> None:
    async with running(ScriptedSource(small()), query=CLAIMS) as pilot:
        await shows(pilot, "eval-gpu")
        await type_in(pilot, "/train")
        await press(pilot, "enter")
        await type_in(pilot, "/-6")
        assert "</train-6>" in text(pilot)
        await press(pilot, "escape")
        assert "</train>" in text(pilot)


async def test_a_bad_filter_says_what_is_wrong_and_keeps_the_rows() -> None:
    async with running(ScriptedSource(small()), query=CLAIMS) as pilot:
        await shows(pilot, "eval-gpu")
        await type_in(pilot, "/gpu(")
        assert "missing ), unterminated subpattern" in text(pilot)
        assert "train-7-gpu" in text(pilot)
        await press(pilot, "enter")
        assert "/gpu(" in screen(pilot)[-1], "the prompt stays until the filter is one"
        await press(pilot, "backspace", "enter")
        assert "</gpu>" in text(pilot)


async def test_labels_filter_while_they_are_typed_and_what_has_none_says_so() -> None:
    labelled = msgspec.structs.replace(claim("with-label"), labels=(("app", "train"),))
    source = ScriptedSource([listed("resourceclaims", labelled, claim("without")), *live()])
    async with running(source, query=CLAIMS) as pilot:
        await shows(pilot, "without")
        await type_in(pilot, "/-l app=train,")
        assert "Claims(all)[1 of 2]" in text(pilot)
        await type_in(pilot, "=")
        assert "'=' is no a=b" in screen(pilot)[-1]
        await press(pilot, "escape", "escape")
        await type_in(pilot, ":claims app!=train")
        await press(pilot, "enter")
        assert "Claims(all)[1 of 2]</-l app!=train>" in text(pilot)
        source.say(put(labelled, "resourceclaims"))
        source.say(put(msgspec.structs.replace(labelled, labels=()), "resourceclaims"))
        await shows(pilot, "Claims(all)[2]")
        await type_in(pilot, ":devices a=b")
        await press(pilot, "enter")
        await shows(pilot, "devices are parts of slices and have no labels")


async def test_a_rough_name_finds_its_row() -> None:
    async with running(ScriptedSource(small()), query=CLAIMS) as pilot:
        await shows(pilot, "eval-gpu")
        await type_in(pilot, "/-f tn7")
        await press(pilot, "enter")
        assert "Claims(all)[1 of 3]</-f tn7>" in text(pilot)
        assert "train-7-gpu" in text(pilot)


async def test_who_is_on_the_first_row_sees_the_first_of_another_order_and_who_is_not_stays_on_the_object() -> (
    None
):
    claims = (claim(f"claim-{n:03}", age=60 * n) for n in range(100))
    async with running(ScriptedSource([listed("resourceclaims", *claims), *live()]), query=CLAIMS) as pilot:
        await shows(pilot, "claim-000", "1/100")
        await press(pilot, "A", "A")
        await until(pilot, lambda: "claim-099" in under_cursor(pilot), "the oldest")
        assert "1/100" in text(pilot)
        await press(pilot, "j", "A")
        await until(pilot, lambda: "99/100" in text(pilot), "the other order")
        assert "claim-098" in under_cursor(pilot)


async def test_sorting_by_a_chosen_column_and_again_reverses() -> None:
    async with running(ScriptedSource(small()), query=CLAIMS) as pilot:
        await shows(pilot, "eval-gpu")
        await press(pilot, "N")
        assert [row.split()[1] for row in screen(pilot)[3:6]] == ["eval-gpu", "train-6-gpu", "train-7-gpu"]
        await press(pilot, "N")
        assert [row.split()[1] for row in screen(pilot)[3:6]] == ["train-7-gpu", "train-6-gpu", "eval-gpu"]
        assert "NAME↓" in screen(pilot)[2]
        await press(pilot, "shift+left", "O")
        assert "NAMESPACE↑" in screen(pilot)[2]


@pytest.mark.parametrize(
    ("kind", "titles"),
    [("pods", "NAMESPACE NAME STATUS AGE WAITING"), ("claims", "NAMESPACE NAME STATE AGE DEVICES")],
)
async def test_what_matters_most_of_a_row_fits_a_small_screen(kind: str, titles: str) -> None:
    name = "a-trainer-with-a-long-name-7c9fd7d4f9-x2k9f"
    message = "0/16 nodes are available: 13 cannot allocate all claims, 3 node(s) had untolerated taint(s)."
    rows = [
        listed(
            "resourceclaims", claim(name, devices=("gpu-0", "gpu-1", "gpu-2"), node="gpu-node-1", pod=name)
        ),
        listed("pods", pod(name, message=message)),
        *live(),
    ]
    async with running(ScriptedSource(rows), query=Query(kind=kind)) as pilot:
        await shows(pilot, "a-train")
        assert screen(pilot)[2].replace("›", "").split()[:5] == titles.split()
        await type_in(pilot, f":{kind} ml-team")
        await press(pilot, "enter")
        assert "NAMESPACE" not in screen(pilot)[2], "the title has it"
        if kind == "pods":
            assert "13 nodes: cannot allocate all" in text(pilot), "a sentence is cut at its end"


async def test_the_keys_that_matter_fit_beside_the_counters() -> None:
    async with running(ScriptedSource(small()), query=CLAIMS) as pilot:
        await shows(pilot, "1 waiting  0 faults")
        assert all(
            hint in screen(pilot)[-1] for hint in ("<enter> open", "<x> why", "</> filter", "<?> help")
        )


async def test_the_title_stays_whole_and_numbers_of_namespaces_give_way() -> None:
    async with running(ScriptedSource(small()), query=CLAIMS) as pilot:
        await shows(pilot, "2 vision")
        wanted = "|".join(["train-7"] * 5)
        await type_in(pilot, f"/{wanted}")
        title, *rest = screen(pilot)[1].split("   ")
        assert title == f" Claims(all)[1 of 3]</{wanted}>"
        assert rest[-1].strip() == "1/1"


async def test_namespaces_by_number() -> None:
    async with running(ScriptedSource(small()), query=CLAIMS) as pilot:
        await shows(pilot, "2 vision")
        await press(pilot, "2")
        assert "Claims(vision)[1 of 3]" in text(pilot)
        await press(pilot, "0")
        assert "Claims(all)[3]" in text(pilot)


async def test_faults_only_and_more_columns() -> None:
    async with running(ScriptedSource(small()), query=CLAIMS, size=(200, 50)) as pilot:
        await shows(pilot, "eval-gpu")
        await press(pilot, "ctrl+z")
        assert "eval-gpu" not in text(pilot)
        assert "train-7-gpu" in text(pilot)
        await press(pilot, "ctrl+w")
        assert "REQUESTS" in text(pilot)


async def test_enter_goes_down_and_esc_comes_back_to_the_same_row() -> None:
    async with running(ScriptedSource(small()), query=Query(kind="namespaces")) as pilot:
        await shows(pilot, "vision")
        await press(pilot, "j", "enter")
        await shows(pilot, "eval")
        await press(pilot, "enter")
        await shows(pilot, "eval-gpu")
        await press(pilot, "enter")
        await shows(pilot, "gpu-3", "A100")
        assert "namespaces › … " not in screen(pilot)[0]
        await press(pilot, "enter")
        await shows(pilot, "Nodes", "gpu-node-2")
        await press(pilot, "escape", "escape", "escape", "escape")
        assert "Namespaces" in text(pilot)
        assert "vision" in under_cursor(pilot)


async def test_esc_brings_the_filter_and_the_cursor_back() -> None:
    async with running(ScriptedSource(small()), query=CLAIMS) as pilot:
        await shows(pilot, "eval-gpu")
        await type_in(pilot, "/train")
        await press(pilot, "enter", "j", "d")
        await shows(pilot, "claim ml-team/train-7-gpu")
        await press(pilot, "escape")
        assert "</train>" in text(pilot)
        assert "train-7-gpu" in under_cursor(pilot)


async def test_history_and_the_last_view() -> None:
    async with running(ScriptedSource(small())) as pilot:
        await shows(pilot, "TENANTS")
        await type_in(pilot, ":claims")
        await press(pilot, "enter")
        await type_in(pilot, ":nodes")
        await press(pilot, "enter")
        assert "Nodes[2]" in text(pilot)
        await press(pilot, "[")
        assert "Claims" in text(pilot)
        await press(pilot, "]")
        assert "Nodes[2]" in text(pilot)
        await press(pilot, "-")
        assert "Claims" in text(pilot)
        await press(pilot, "-")
        assert "Nodes[2]" in text(pilot)


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
async def test_columns_beyond_the_edge_are_marked_and_can_be_reached(size: tuple[int, int]) -> None:
    async with running(ScriptedSource(small()), query=CLAIMS, size=size) as pilot:
        await shows(pilot, "eval-gpu")
        headings = screen(pilot)[2]
        if size[0] == 80:
            assert headings.endswith("›")
            await press(pilot, "l", "l")
            assert screen(pilot)[2].startswith("‹")
            assert "NAME" in screen(pilot)[2], "what a row is about never scrolls away"
            await press(pilot, "h", "h")
            assert screen(pilot)[2] == headings
        else:
            assert not headings.endswith("›")
            assert "AGE" in headings
        assert all(len(line) <= size[0] for line in screen(pilot))


async def test_ages_go_on_by_themselves() -> None:
    source = ScriptedSource([listed("resourceclaims", claim("young", age=5)), *live()])
    async with running(source, query=CLAIMS) as pilot:
        await shows(pilot, "young", "5s")
        source.clock += 10
        await shows(pilot, "15s")


async def test_a_changed_cell_flashes_and_calms_down() -> None:
    source = ScriptedSource(small())
    async with running(source, query=CLAIMS) as pilot:
        await shows(pilot, "pending")
        source.say(
            put(claim("train-7-gpu", devices=("gpu-7",), node="gpu-node-1", age=720), "resourceclaims")
        )
        await until(pilot, lambda: flashing(pilot), "a flash")
        assert "gpu-7" in text(pilot)
        await until(pilot, lambda: not flashing(pilot), "the flash to end")


async def test_a_click_chooses_and_a_second_one_opens() -> None:
    async with running(ScriptedSource(small()), query=CLAIMS) as pilot:
        await shows(pilot, "train-7-gpu")
        await pilot.click("#rows", offset=(5, 2))
        assert "train-7-gpu" in under_cursor(pilot)
        await pilot.click("#rows", offset=(5, 1), times=2)
        await shows(pilot, "Devices[2 of 16] of train-6-gpu")
        await press(pilot, "escape")
        await pilot._post_mouse_events([MouseScrollDown], "#rows", offset=(5, 2))
        await until(pilot, lambda: "eval-gpu" in under_cursor(pilot), "the wheel")


async def test_jumps_go_to_the_node_the_owner_and_what_uses_it() -> None:
    async with running(ScriptedSource(small()), query=CLAIMS) as pilot:
        await shows(pilot, "train-6-gpu")
        await press(pilot, "o")
        assert "node gpu-node-1" in text(pilot)
        await press(pilot, "escape")
        await until(pilot, lambda: "train-6-gpu" in under_cursor(pilot), "the claims")
        await press(pilot, "J")
        assert "pod ml-team/train-6" in text(pilot)
        await press(pilot, "escape")
        await until(pilot, lambda: "train-6-gpu" in under_cursor(pilot), "the claims")
        await press(pilot, "u")
        assert "Pods(all)[1 of 3] of train-6-gpu" in text(pilot)
        await press(pilot, "u")
        assert "nothing here uses a pod" in screen(pilot)[-1]
        await press(pilot, "escape")
        assert "train-6-gpu" in under_cursor(pilot)


async def test_a_cursor_that_nobody_moved_is_on_the_first_row_however_rows_came(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in (turns, rows):  # no more than a piece at once, so that the first rows come late
        monkeypatch.setattr(module, "until", lambda seconds: lambda: True)
    claims = [claim(f"claim-{n:06}") for n in reversed(range(2000))]
    backwards = [listed("resourceclaims", *claims), *live()]
    async with running(ScriptedSource(backwards), query=CLAIMS) as pilot:
        await shows(pilot, "[2000]")
        await until(pilot, lambda: " 1/2000" in text(pilot), "the cursor on the first row")
