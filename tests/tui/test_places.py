"""The places beside tables: overview, cards, YAML, help, health, messages, and how one gets there."""

import pytest

from dratui.api.model import Namespace
from dratui.events import Event, Health, HealthChanged, Phase
from dratui.failure import Failure
from dratui.tui.keymap import KEYMAP
from dratui.tui.shell import Shell
from dratui.views.query import Query
from tests.tui.cluster import NOW, ScriptedSource, as_json, claim, listed, live, pod, put, slice_of, small
from tests.tui.driving import hides, press, running, screen, shows, text, tick, type_in, under_cursor, until

SIZES = pytest.mark.parametrize("size", [(80, 24), (200, 50)], ids=["80x24", "200x50"])
CLAIMS = Query(kind="claims")


@SIZES
async def test_the_overview_answers_what_there_is_who_holds_it_and_who_waits(size: tuple[int, int]) -> None:
    async with running(ScriptedSource(small()), size=size) as pilot:
        await shows(
            pilot, "DEVICES", "H100", "WAITING 1", "ml-team/train-7", "TENANTS", "vision", "2 of 2 complete"
        )
        side_by_side = any("DEVICES" in line and "TENANTS" in line for line in screen(pilot))
        assert side_by_side == (size[0] == 200)
        assert screen(pilot)[-1].endswith("1 waiting  0 faults")
        assert screen(pilot)[0].endswith("read-only  ● live")


def crowded() -> list[Event]:
    """More groups of devices, pods that wait and tenants than a small screen has lines."""
    names = [f"tenant-{n:02}" for n in range(20)]
    message = "0/2 nodes are available: 2 cannot allocate all claims."
    return [
        listed(
            "resourceslices",
            *(slice_of(f"node-{n:02}", devices=n + 1, product=f"model {n:02}") for n in range(20)),
        ),
        listed("namespaces", *(Namespace(name=name, phase="Active") for name in names)),
        listed("resourceclaims", *(claim("gpu", namespace=name) for name in names)),
        listed("pods", *(pod("job", namespace=name, claims=("gpu",), message=message) for name in names)),
        *live(),
    ]


async def test_a_small_overview_answers_all_on_its_first_screen() -> None:
    async with running(ScriptedSource(crowded())) as pilot:
        await shows(
            pilot, "WAITING 20", "tenant-00/job", "tenant-04/job", "2 nodes: cannot allocate all claims"
        )
        await shows(
            pilot, "WAITING FOR  20 × cannot allocate all claims", "TENANTS      20: tenant-00 1 waiting"
        )
        await shows(pilot, "POOLS        20 of 20 complete")
        groups = [line for line in screen(pilot) if " model " in line]
        assert [line.split()[-4] for line in groups] == ["20", "19", "18", "17", "16"], "the biggest first"
        assert " … 15 more  120 devices  120 free" in text(pilot)


async def test_what_the_overview_leaves_out_is_a_key_away() -> None:
    async with running(ScriptedSource(crowded())) as pilot:
        await shows(pilot, "… 15 more")
        await press(pilot, *"jjjjj", "enter")
        assert "model 12" in text(pilot)
        await press(pilot, *"j" * 15)
        assert "▾ fewer" in under_cursor(pilot)
        await press(pilot, "enter")
        assert "… 15 more" in text(pilot)
        await press(pilot, "G", "k", "k", "k", "enter")
        assert "Pods(all)[20] faults only" in text(pilot)


async def test_a_reason_opens_as_the_pods_that_wait_for_it() -> None:
    async with running(ScriptedSource(small()), size=(200, 50)) as pilot:
        await shows(pilot, "1 × cannot allocate all claims")
        await press(pilot, "l", "j", "j", "j", "enter")
        assert "Pods(all)[1 of 3]</cannot allocate all claims>" in text(pilot)


async def test_a_group_of_devices_opens_as_those_devices() -> None:
    async with running(ScriptedSource(small())) as pilot:
        await shows(pilot, "H100")
        await press(pilot, "j", "enter")
        assert "Devices[8 of 16]" in text(pilot)
        assert "gpu-node-1" in text(pilot)
        await press(pilot, "escape", "escape")
        assert "H100" in under_cursor(pilot)


async def test_a_waiting_pod_opens_as_its_card_and_a_tenant_as_its_pods() -> None:
    async with running(ScriptedSource(small())) as pilot:
        await shows(pilot, "train-7")
        await press(pilot, "j", "j")
        assert "ml-team/train-7" in under_cursor(pilot)
        await press(pilot, "enter")
        assert "pod ml-team/train-7" in text(pilot)
        assert "cannot allocate all claims" in text(pilot)
        await press(pilot, "escape", "j", "j", "j")
        assert "vision" in under_cursor(pilot)
        await press(pilot, "enter")
        assert "Pods(vision)[1 of 3]" in text(pilot)


async def test_sections_of_a_card_open_and_close() -> None:
    async with running(ScriptedSource(small()), query=Query(kind="devices")) as pilot:
        await shows(pilot, "gpu-0")
        await press(pilot, "d")
        assert screen(pilot)[1].endswith("■ held by ml-team/train-6-gpu")
        assert "for train-6 · request gpu" in text(pilot)
        assert "uuid" in text(pilot)
        await press(pilot, "G", "space")
        assert "▸" in text(pilot)
        assert "uuid" not in text(pilot)
        await press(pilot, "space")
        assert "uuid" in text(pilot)


async def test_a_page_of_a_card_is_a_page_of_lines_and_its_end_is_all_there() -> None:
    long = "0/2 nodes are available: 2 cannot allocate all claims. " + "because of this " * 80
    waits = pod("long", claims=("train-7-gpu",), message=long)
    async with running(ScriptedSource([*small(), put(waits, "pods")]), query=Query(kind="pods")) as pilot:
        await shows(pilot, "long")
        await type_in(pilot, "/long")
        await press(pilot, "enter", "d")
        await shows(pilot, "pod ml-team/long")
        shell = pilot.app.screen
        assert isinstance(shell, Shell)
        whole = {line.rstrip() for (line,) in shell._guide.face.view.as_text()}
        for key, times in (("ctrl+f", 6), ("j", 40)):
            await press(pilot, *["ctrl+b"] * 6)
            assert "POD" in screen(pilot)[2]
            seen = set(screen(pilot)[2:-1])
            for _ in range(times):
                await press(pilot, key)
                seen |= set(screen(pilot)[2:-1])
            assert whole <= seen, "nothing is skipped"
            assert screen(pilot)[-2].strip().startswith("╰"), "the end"


async def test_a_line_of_a_card_that_is_about_an_object_opens_it_and_any_other_what_the_card_holds() -> None:
    async with running(ScriptedSource(small()), query=CLAIMS, size=(100, 50)) as pilot:
        await shows(pilot, "train-6-gpu")
        await type_in(pilot, "/train-6")
        await press(pilot, "enter", "d")
        await shows(pilot, "claim ml-team/train-6-gpu")
        await press(pilot, "enter")
        assert "Devices[2 of 16] of train-6-gpu" in text(pilot)
        for line, opens in (
            ("node ", "node gpu-node-1"),
            ("pod ", "pod ml-team/train-6"),
            ("gpu-1 ", "device gpu.nvidia.com/gpu-node-1/gpu-1"),
        ):
            await press(pilot, "escape", "g")
            for _ in range(30):
                if f"│ {line}" in under_cursor(pilot):
                    break
                await press(pilot, "j")
            assert f"│ {line}" in under_cursor(pilot)
            await press(pilot, "enter")
            assert screen(pilot)[1].startswith(f" {opens}")


async def test_a_card_follows_its_object_and_says_when_it_is_gone() -> None:
    source = ScriptedSource(small())
    async with running(source, query=CLAIMS) as pilot:
        await shows(pilot, "train-7-gpu")
        await press(pilot, "j", "d")
        await shows(pilot, "… pending")
        source.say(put(claim("train-7-gpu", devices=("gpu-7",), node="gpu-node-1"), "resourceclaims"))
        await shows(pilot, "□ allocated", "gpu-7")
        source.say(listed("resourceclaims"))
        await shows(pilot, "✖ gone", "gpu-7")


async def test_yaml_is_the_live_object_without_managed_fields() -> None:
    source = ScriptedSource(small())
    source.objects["resourceclaims", "ml-team", "train-6-gpu"] = as_json(
        kind="ResourceClaim", metadata={"name": "train-6-gpu", "managedFields": [{"manager": "kubectl"}]}
    )
    async with running(source, query=CLAIMS) as pilot:
        await shows(pilot, "train-6-gpu")
        await press(pilot, "y")
        await shows(pilot, "kind: ResourceClaim")
        assert "managedFields" not in text(pilot)
        await press(pilot, "escape", "j", "y")
        await shows(pilot, "error: resourceclaims 'train-7-gpu' was not found")


async def test_yaml_of_a_device_is_its_slice() -> None:
    source = ScriptedSource(small())
    source.objects["resourceslices", "", "gpu-node-1-gpu.nvidia.com"] = as_json(kind="ResourceSlice")
    async with running(source, query=Query(kind="devices")) as pilot:
        await shows(pilot, "gpu-0")
        await press(pilot, "y")
        await shows(pilot, "kind: ResourceSlice")


async def test_a_slow_fetch_can_be_left() -> None:
    source = ScriptedSource(small())
    source.answer.clear()
    async with running(source, query=CLAIMS) as pilot:
        await shows(pilot, "train-6-gpu")
        await press(pilot, "y")
        await shows(pilot, "fetching resourceclaims train-6-gpu …  esc leaves it")
        await press(pilot, "escape")
        assert "Claims(all)[3]" in text(pilot)


async def test_the_help_fits_one_small_screen_and_has_every_key() -> None:
    async with running(ScriptedSource(small())) as pilot:
        await press(pilot, "?")
        shown = text(pilot)
        for key in KEYMAP:
            assert key.help in shown
        assert ":namespaces" in shown
        assert screen(pilot)[-2] == "", "no line is beyond the screen"


async def test_on_a_narrow_screen_no_key_of_the_help_is_cut_off() -> None:
    async with running(ScriptedSource(small()), size=(40, 60)) as pilot:
        await press(pilot, "?")
        for key in KEYMAP:
            assert key.help in text(pilot)
        assert "…" not in "".join(screen(pilot)[3:-1]).replace(":pods …", "")
        await pilot.resize_terminal(80, 24)
        await until(
            pilot, lambda: tick(pilot) and "MOVE " in text(pilot) and " GO " in text(pilot), "columns"
        )
        assert any("MOVE" in line and "GO" in line for line in screen(pilot))


async def test_in_ascii_the_help_takes_no_arrow_for_another_key() -> None:
    async with running(ScriptedSource(small()), ascii_only=True) as pilot:
        await press(pilot, "?")
        shown = text(pilot)
        assert "h l      columns" in shown
        assert "up down  more suggestions" in shown
        assert shown.count(" < >") == 1, "the keys of time"


async def test_a_theme_without_a_name_says_which_there_are() -> None:
    async with running(ScriptedSource(small())) as pilot:
        await type_in(pilot, ":theme")
        await press(pilot, "enter")
        await shows(pilot, ":theme terminal dark light high-contrast colour-blind")


async def test_commands_complete_and_unknown_ones_are_explained() -> None:
    async with running(ScriptedSource(small())) as pilot:
        await shows(pilot, "TENANTS")
        await type_in(pilot, ":dev")
        await press(pilot, "tab", "enter")
        assert "Devices[16]" in text(pilot)
        await type_in(pilot, ":pods vi")
        await press(pilot, "tab", "enter")
        assert "Pods(vision)" in text(pilot)
        await type_in(pilot, ":rc all /7")
        await press(pilot, "enter")
        assert "Claims(all)[1 of 3]</7>" in text(pilot)
        await type_in(pilot, ":nonsense")
        await press(pilot, "enter")
        assert "there is no place 'nonsense'" in screen(pilot)[-1]
        await type_in(pilot, ":messages")
        await press(pilot, "enter")
        assert "hint: tab completes" in text(pilot)


@SIZES
async def test_what_may_not_be_listed_is_unknown_not_none(size: tuple[int, int]) -> None:
    source = ScriptedSource(live(phase=Phase.FORBIDDEN, detail='User "jane" cannot list it'))
    async with running(source, size=size) as pilot:
        await shows(pilot, "resourceslices: ⊘ forbidden", "pods: ⊘ forbidden", "namespaces: ⊘ forbidden")
        if size == (80, 24):
            await shows(pilot, "NOT KNOWN    9 kinds, :health says why")
            await press(pilot, "G", "enter")
            assert 'User "jane" cannot list it' in text(pilot)
        assert "none" not in text(pilot)


async def test_what_a_cluster_has_not_is_no_question() -> None:
    health = [
        *live("computedomains", phase=Phase.NOT_SERVED),
        *live("podgroups", phase=Phase.NOT_SERVED),
        *live("devicetaintrules", phase=Phase.FORBIDDEN, detail="no rights"),
    ]
    async with running(ScriptedSource([*small(), *health]), size=(200, 50)) as pilot:
        await shows(pilot, "NOT KNOWN", "devicetaintrules: ⊘ forbidden: no rights")
        assert "not served" not in text(pilot)
        await type_in(pilot, ":health")
        await press(pilot, "enter")
        await shows(pilot, "podgroups")
        order = [line.split()[0] for line in screen(pilot) if " forbidden" in line or " not served" in line]
        assert order == ["devicetaintrules", "computedomains", "podgroups"]
        await type_in(pilot, ":podgroups")
        await press(pilot, "enter")
        await shows(pilot, "No PodGroups. Kubernetes has them from 1.36", "podgroups: – not served")


async def test_what_needs_a_person_is_on_the_first_screen() -> None:
    lost = claim("lost", devices=("gpu-0",), node="gone")
    source = ScriptedSource([*small(), put(lost, "resourceclaims"), *live()])
    async with running(source, size=(200, 50)) as pilot:
        await shows(pilot, "FAULTS 2", "claim ml-team/lost", "no longer published: gpu-0", "2 faults")
        await press(pilot, *"jjjj")
        assert "claim ml-team/lost" in under_cursor(pilot)
        await press(pilot, "enter")
        await shows(pilot, "claim ml-team/lost", "CLAIM")
    async with running(source) as pilot:
        await shows(
            pilot, "FAULTS       2: claim ml-team/lost no longer published", "2 of 3 complete  ✖ 1 gone"
        )


async def test_health_of_nothing_listed_yet_is_an_empty_table() -> None:
    async with running(ScriptedSource()) as pilot:
        await type_in(pilot, ":health")
        await press(pilot, "enter")
        await shows(pilot, "STREAM", "VERSION")


async def test_health_on_a_small_screen_has_a_line_a_stream() -> None:
    names = ("events:FailedPrepareDynamicResources", "resourceclaims", "devicetaintrules")
    health = [
        HealthChanged(n, Health(phase=Phase.LIVE, since=NOW.timestamp(), version="resource.k8s.io/v1beta2"))
        for n in names
    ]
    async with running(ScriptedSource(health)) as pilot:
        await type_in(pilot, ":health")
        await press(pilot, "enter")
        await shows(pilot, "v1beta2")
        assert [line.split()[0] for line in screen(pilot)[3:6]] == sorted(names)


async def test_health_tells_each_stream() -> None:
    source = ScriptedSource(
        [*small(), *live("pods", phase=Phase.FORBIDDEN, detail='User "jane" cannot list pods')]
    )
    async with running(source) as pilot:
        await shows(pilot, "⊘ pods forbidden")
        await type_in(pilot, ":health")
        await press(pilot, "enter")
        await shows(pilot, "resourceclaims", "⊘ forbidden", 'User "jane" cannot list pods')


async def test_the_first_line_tells_how_far_the_sync_is_and_how_long_it_is_stale() -> None:
    syncing = Health(phase=Phase.SYNCING, since=NOW.timestamp(), seen=43, total=100)
    source = ScriptedSource([HealthChanged("pods", syncing)])
    async with running(source) as pilot:
        await shows(pilot, "◌ syncing 43 %")
        source.say(HealthChanged("pods", Health(phase=Phase.STALE, since=NOW.timestamp() - 12)))
        await shows(pilot, "◍ stale 12s")
        source.clock += 1
        await shows(pilot, "◍ stale 13s")


@pytest.mark.parametrize(
    ("events", "kind", "reason"),
    [
        (live(), "slices", "No ResourceSlices"),
        ([*small(), *live("resourceclaims")], "taintrules", "Looked at"),
        (live("resourceslices", phase=Phase.NOT_SERVED), "slices", "– not served: no DRA here"),
        (
            live("resourceslices", phase=Phase.FORBIDDEN, detail="no rights"),
            "slices",
            "⊘ forbidden: no rights",
        ),
        (live("resourceslices", phase=Phase.SYNCING), "slices", "◌ syncing"),
    ],
)
async def test_empty_is_explained(events: list[HealthChanged], kind: str, reason: str) -> None:
    query = Query(kind=kind, filter="x" if reason == "Looked at" else "")
    async with running(ScriptedSource(events), query=query) as pilot:
        await shows(pilot, reason)


async def test_nothing_unescaped_reaches_the_screen() -> None:
    evil = "x\x1b[31m\x07\u202e\n\u200bz"
    rows = [
        listed("resourceclaims", claim(evil, namespace="ml-team")),
        listed("pods", pod(evil, claims=(evil,), message=f"0/2 nodes are available: 2 {evil}.")),
        listed("resourceslices", slice_of(evil, product=evil)),
        *live(detail=evil),
        *live("nodes", phase=Phase.FAILED, detail=evil),
    ]
    source = ScriptedSource(rows)
    key = ("resourceclaims", "ml-team", evil)
    source.objects[key] = as_json(kind=evil)
    async with running(source) as pilot:
        await shows(pilot, "DEVICES")
        for place in ("overview", "claims", "pods", "devices", "pools", "slices", "health"):
            await type_in(pilot, f":{place}")
            await press(pilot, "enter", "d")
            for line in screen(pilot):
                assert line.isprintable(), line
                assert "\u202e" not in line
        await type_in(pilot, ":claims")
        await press(pilot, "enter", "y")
        await shows(pilot, "YAML", "kind:")
        assert all(line.isprintable() for line in screen(pilot))


async def test_without_more_than_ascii() -> None:
    async with running(ScriptedSource(small()), ascii_only=True) as pilot:
        await shows(pilot, "DEVICES", "* live")
        await type_in(pilot, ":claims")
        await press(pilot, "enter")
        assert "# allocated" in text(pilot)
        assert text(pilot).isascii()


async def test_a_source_that_fails_at_once_ends_the_program_with_its_failure() -> None:
    source = ScriptedSource(failure=Failure("cannot reach https://10.0.0.1"))
    async with running(source) as pilot:
        await until(pilot, lambda: pilot.app.return_value is not None, "the end")
    assert isinstance(pilot.app.return_value, Failure)
    assert pilot.app.return_code == 1


async def test_a_query_that_cannot_be_shown_leaves_the_overview_and_a_word() -> None:
    async with running(ScriptedSource(small()), query=Query(kind="claims", filter="(")) as pilot:
        await shows(pilot, "Overview", "is no regular expression")
        await press(pilot, "j")
        await hides(pilot, "is no regular expression")


async def test_looking_for_words_in_yaml_marks_them() -> None:
    source = ScriptedSource(small())
    source.objects["resourceclaims", "ml-team", "train-6-gpu"] = as_json(
        kind="ResourceClaim", lines=[f"line {n}" for n in range(100)]
    )
    async with running(source, query=CLAIMS) as pilot:
        await shows(pilot, "train-6-gpu")
        await press(pilot, "y")
        await shows(pilot, "line 3")
        await type_in(pilot, "/line 77")
        assert "line 77" in under_cursor(pilot)
        await press(pilot, "enter", "escape")
        assert under_cursor(pilot) == ""
        assert "YAML" in text(pilot)


class ScriptedReplay(ScriptedSource):
    """A recording that a test holds."""

    paused = False
    speed = 2.0
    progress = 0.43

    def toggle_pause(self) -> None:
        self.paused = not self.paused


async def test_a_recording_has_no_contexts_and_says_so() -> None:
    async with running(ScriptedSource(small())) as pilot:
        for command in (":ctx", ":ctx prod", ":claims @prod"):
            await type_in(pilot, command)
            await press(pilot, "enter")
            await shows(pilot, "a recording has no contexts to switch to", "› overview ")


async def test_a_replay_tells_how_far_it_is_and_is_held_by_space() -> None:
    async with running(ScriptedReplay(small())) as pilot:
        await shows(pilot, "▶ replay 2× 43 %")
        await press(pilot, "space")
        assert "‖ paused 43 %" in text(pilot)
        await press(pilot, "space")
        assert "▶ replay 2× 43 %" in text(pilot)
