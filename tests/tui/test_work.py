"""Work that takes long says how far it is, lets keys through, and ends with esc."""

import asyncio
from pathlib import Path

import pytest

from dratui.tui import work
from dratui.tui.saving import save
from dratui.views.query import Query
from tests.tui.cluster import ScriptedSource, many_claims
from tests.tui.driving import Driver, press, running, shows, text

CLAIMS = Query(kind="claims")
MANY = 10_000


@pytest.fixture
def views(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "dratui" / "views"


def files(folder: Path) -> list[Path]:
    return list(folder.glob("*")) if folder.exists() else []


async def all_listed(pilot: Driver) -> None:
    await shows(pilot, f"Claims(all)[{MANY}]", "● live")


async def test_saving_many_rows_says_how_far_it_is_lets_keys_through_and_ends_with_esc(
    views: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "SOON", 0.0)
    async with running(ScriptedSource(many_claims(MANY)), query=CLAIMS) as pilot:
        await all_listed(pilot)
        await press(pilot, "ctrl+s")
        await shows(pilot, "saving claims …", "esc stops it")
        await press(pilot, "j", "j", "escape")
        await shows(pilot, "stopped: saving claims", f"3/{MANY}")
        assert "Claims" in text(pilot), "esc did not also go back"
        assert not files(views)
        await press(pilot, "ctrl+s")
        await shows(pilot, "saved as ")
        (file,) = files(views)
        assert file.read_text().count("\n") == MANY + 1


async def test_a_file_that_is_not_written_to_its_end_goes(tmp_path: Path) -> None:
    told = []

    def tell(far: str) -> None:
        told.append(far)
        if far.endswith("written"):
            saving.cancel()

    saving = asyncio.create_task(save([("a", "b")] * 1000, "x", tmp_path, tell))
    with pytest.raises(asyncio.CancelledError):
        await saving
    assert [far.partition(" ")[2] for far in told] == [*["lines read"] * 5, "written"]
    assert not files(tmp_path)


async def test_a_long_filter_ends_with_esc() -> None:
    async with running(ScriptedSource(many_claims(MANY)), query=CLAIMS) as pilot:
        await all_listed(pilot)
        await press(pilot, "/", *"9999|nothing", "enter")
        await press(pilot, "escape")
        await all_listed(pilot)
