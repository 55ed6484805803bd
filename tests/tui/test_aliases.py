"""Short names: built in, and a person's."""

from pathlib import Path

import pytest

from dratui.failure import UsageFailure
from dratui.settings.document import Wrong, read
from dratui.tui import commands
from dratui.tui.aliases import Aliases, default, read_aliases
from dratui.tui.places import Rows, Switch
from dratui.views.query import Query
from tests.tui.cluster import ScriptedSource, small
from tests.tui.driving import press, running, shows, text, type_in, under_cursor

OWN = Aliases(
    {"gpu": ("claims all /nvidia", "aliases.yaml line 1"), "mine": ("pods ml-team", "aliases.yaml line 2")}
)


def read_file(folder: Path, file: str) -> Aliases:
    path = folder / "aliases.yaml"
    path.write_text(file)
    return read_aliases(read(path), lambda command: commands.parse(command, ""))


def test_an_alias_is_the_line_that_it_stands_for() -> None:
    assert OWN.expand("gpu") == "claims all /nvidia"
    assert OWN.expand(" mine app=train ") == "pods ml-team app=train"
    assert OWN.expand("mine/train") == "pods ml-team /train"
    assert OWN.expand("claims ml") == "claims ml"
    with pytest.raises(UsageFailure, match="gpu is `claims all /nvidia`: nothing can follow it"):
        OWN.expand("gpu ml")


def test_every_alias_leads_somewhere() -> None:
    for alias in Aliases().all:
        if alias.command not in ("quit", "theme"):
            assert commands.parse(alias.name, "") == commands.parse(alias.command, "")


def test_a_file_adds_aliases_and_wins_over_those_built_in(tmp_path: Path) -> None:
    aliases = read_file(tmp_path, "gpu: :claims all /nvidia\npo: pods ml-team\nprod: ctx prod\n")
    assert commands.parse(aliases.expand("po"), "") == Rows(Query(kind="pods", namespace="ml-team"))
    assert commands.parse(aliases.expand("prod"), "") == Switch("prod")
    assert [(a.name, a.source) for a in aliases.all][:2] == [
        ("gpu", "aliases.yaml line 1"),
        ("po", "aliases.yaml line 2"),
    ]
    assert [a.name for a in aliases.all].count("po") == 1


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("gpu: gpus", "line 1: gpu: there is no place 'gpus'"),
        ("\na/b: pods", "line 2: a/b: is no alias"),
        ("aliases:\n  gpu: pods", "line 1: aliases: is to be one value"),
        ("gpu:", "line 1: gpu: has no value"),
        ("gpu: claims a=b /x", "line 1: gpu: labels or an expression, not both"),
    ],
)
def test_what_is_wrong_is_told_with_file_line_and_key(tmp_path: Path, file: str, says: str) -> None:
    with pytest.raises(Wrong) as wrong:
        read_file(tmp_path, file)
    assert str(wrong.value).startswith(f"error: {tmp_path}/aliases.yaml {says}")


def test_what_info_prints_to_begin_with_can_be_read(tmp_path: Path) -> None:
    assert not read_file(tmp_path, default()).own, "all of it is a comment"
    examples = "".join(line.removeprefix("# ") + "\n" for line in default().splitlines()[:2])
    assert read_file(tmp_path, examples).own == ["gpu", "mine"]


async def test_ctrl_a_lists_them_and_enter_goes_there() -> None:
    async with running(ScriptedSource(small()), aliases=OWN) as pilot:
        await shows(pilot, "TENANTS")
        await press(pilot, "ctrl+a")
        assert under_cursor(pilot).split() == [
            ":gpu",
            ":claims",
            "all",
            "/nvidia",
            "aliases.yaml",
            "line",
            "1",
        ]
        assert ":ctx" in text(pilot)
        await type_in(pilot, "/mine")
        await press(pilot, "enter")
        assert "Aliases[1 of " in text(pilot)
        await press(pilot, "enter")
        assert "Pods(ml-team)" in text(pilot)
        await press(pilot, "escape")
        assert "Aliases[1 of " in text(pilot)


async def test_they_are_typed_and_completed_as_commands() -> None:
    async with running(ScriptedSource(small()), aliases=OWN) as pilot:
        await shows(pilot, "TENANTS")
        await type_in(pilot, ":mi")
        await press(pilot, "tab", "enter")
        assert "Pods(ml-team)" in text(pilot)
        await type_in(pilot, ":gpu")
        await press(pilot, "enter")
        assert "</nvidia>" in text(pilot)
        await type_in(pilot, ":gpu x")
        await press(pilot, "enter")
        assert "nothing can follow it" in text(pilot)
