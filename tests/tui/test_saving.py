"""`ctrl-s`: what shows, as a file."""

import re
from pathlib import Path

import pytest

from dratui.failure import Failure
from dratui.tui.saving import save
from dratui.views.query import Query
from tests.tui.cluster import ScriptedSource, many_claims, small
from tests.tui.driving import press, running, shows, type_in


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "dratui" / "views"


def the_file_in(folder: Path) -> Path:
    (file,) = folder.iterdir()
    return file


async def test_a_table_is_saved_whole_and_only_for_its_owner(state: Path) -> None:
    async with running(ScriptedSource(many_claims(1000)), query=Query(kind="claims")) as pilot:
        await shows(pilot, "Claims(all)[1000]")
        await press(pilot, "ctrl+s")
        await shows(pilot, "saved as ")
    file = the_file_in(state)
    assert re.fullmatch(r"claims-\d{8}-\d{6}\.txt", file.name)
    assert file.stat().st_mode & 0o777 == 0o600
    lines = file.read_text().splitlines()
    assert len(lines) == 1001
    assert lines[0].startswith("NAMESPACE  NAME          STATE")
    assert lines[1000].startswith("ml-team    claim-000999  … pending")


@pytest.mark.parametrize(
    ("place", "wanted"), [("overview", "DEVICES"), ("help", "ctrl-s"), ("health", "pods")]
)
async def test_every_other_view_is_saved_too(state: Path, place: str, wanted: str) -> None:
    async with running(ScriptedSource(small())) as pilot:
        await shows(pilot, "train-7")
        await type_in(pilot, f":{place}")
        await press(pilot, "enter", "ctrl+s")
        await shows(pilot, "saved as ")
    file = the_file_in(state)
    assert wanted in file.read_text()


async def test_nothing_is_overwritten_and_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    rows = [("a", "b"), ("long", "\x1b[31m")]
    paths = {await save(rows, "x", tmp_path, lambda _: None) for _ in range(3)}
    assert len(paths) == 3
    assert {path.read_text() for path in paths} == {"a     b\nlong  \\x1b[31m\n"}
    (tmp_path / "file").touch()
    with pytest.raises(Failure, match="could not be saved"):
        await save([("a",)], "x", tmp_path / "file", lambda _: None)
