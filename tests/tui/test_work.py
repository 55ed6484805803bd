"""Work that takes long says how far it is, lets keys through, and ends with esc."""

import asyncio
import threading
from pathlib import Path
from typing import TextIO

import pytest

from dratui.tui import saving, work
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
            task.cancel()

    task = asyncio.create_task(saving.save([("a", "b")] * 1000, "x", tmp_path, tell))
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [far.partition(" ")[2] for far in told] == [*["lines read"] * 5, "written"]
    assert not files(tmp_path)


async def test_a_file_that_is_being_opened_when_one_stops_goes_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opening, stopped, made = threading.Event(), threading.Event(), threading.Event()
    opened = saving._new

    def slow(folder: Path, stem: str) -> tuple[Path, TextIO]:
        opening.set()
        assert stopped.wait(60)
        found = opened(folder, stem)
        made.set()
        return found

    monkeypatch.setattr(saving, "_new", slow)
    task = asyncio.create_task(saving.save([("a",)], "x", tmp_path / "views", lambda _: None))
    await asyncio.to_thread(opening.wait, 60)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    stopped.set()
    await asyncio.to_thread(made.wait, 60)
    async with asyncio.timeout(60):
        while files(tmp_path / "views"):  # noqa: ASYNC110 — nothing tells
            await asyncio.sleep(0)


async def test_a_long_filter_ends_with_esc() -> None:
    async with running(ScriptedSource(many_claims(MANY)), query=CLAIMS) as pilot:
        await all_listed(pilot)
        await press(pilot, "/", *"9999|nothing", "enter")
        await press(pilot, "escape")
        await all_listed(pilot)
