"""What a 1.33 control plane said, in each version that it served, gives the rows that the usual release gives.

`make version-recordings` makes the recordings anew; `make test-versions` asks the releases themselves.
"""

import pytest

from dratui.recording.reader import Reader
from tests.versions import rows
from tests.versions.record import FOLDER, NEW, OLD, RECORDED, name

LARGEST = 50_000  # bytes each: they are checked in


@pytest.mark.parametrize("version", OLD.served)
def test_a_recording_is_of_its_version(version: str) -> None:
    with Reader(FOLDER / name(OLD, version)) as reader:
        versions = {line.version for line in reader.lines() if line.stream == "resourceclaims" and line.page}
    assert versions == {version}
    assert reader.header.about.server_version == OLD.version


@pytest.mark.parametrize("version", OLD.served[1:])
def test_an_older_version_gives_the_same_rows(version: str) -> None:
    newest, older = (rows.recorded(FOLDER / name(OLD, each)) for each in (OLD.served[0], version))
    rows.assert_same(newest, older)


def test_an_old_release_gives_the_rows_of_the_usual_one() -> None:
    old, new = (rows.recorded(FOLDER / name(each, each.served[0])) for each in (OLD, NEW))
    rows.assert_same(rows.comparable(old, OLD), rows.comparable(new, OLD))


def test_the_recordings_are_small() -> None:
    files = {name(release, version) for release, versions in RECORDED.items() for version in versions}
    assert {path.name for path in FOLDER.iterdir()} == files
    assert all(path.stat().st_size < LARGEST for path in FOLDER.iterdir())
