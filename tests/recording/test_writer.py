"""What is in the file, and when."""

import gzip
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dratui.events import Page, Put
from dratui.recording.format import PIECE, RecordingFailure
from dratui.recording.reader import Reader
from dratui.recording.writer import Writer
from tests.recording.samples import ABOUT, STARTED, claim, write


def test_the_file_is_what_the_format_says(tmp_path: Path) -> None:
    text = gzip.decompress(write(tmp_path / "a.rec").read_bytes())
    lines = [json.loads(line) for line in text.splitlines()]
    assert lines[0] == {
        "dratui": "recording",
        "format": 1,
        "started": STARTED,
        "about": {
            "cluster": "prod",
            "user": "jane",
            "namespace": "ml",
            "server_version": "v1.36.3",
            "recorded": False,
        },
    }
    page, three = lines[2], lines[4]
    assert (page["stream"], page["version"], page["first"], page["last"]) == (
        "resourceclaims",
        "v1",
        True,
        True,
    )
    assert [each["metadata"]["name"] for each in page["page"]] == ["one", "two"]
    assert (three["t"], three["put"]["metadata"]["name"]) == (10.0, "three")
    assert (lines[-1]["t"], lines[-1]["end"]) == (60.0, True)


def test_the_same_events_give_the_same_bytes_whatever_the_name(tmp_path: Path) -> None:
    one, other = write(tmp_path / "one.rec"), write(tmp_path / "other.rec")
    assert one.read_bytes() == other.read_bytes()
    assert b"one.rec" not in one.read_bytes()


def test_a_long_page_is_written_in_pieces(tmp_path: Path) -> None:
    rows = [claim(f"claim-{n}", spec={"text": "x" * 1000}) for n in range(1000)]
    path = write(tmp_path / "a.rec", [(0.0, [Page("resourceclaims", rows, first=True, last=True)])])
    with Reader(path) as reader:
        pages = list(reader.lines())
    assert sum(len(line.page or ()) for line in pages) == 1000
    assert len(pages) > 2
    assert all(sum(map(len, map(bytes, line.page or ()))) < PIECE + 2000 for line in pages)
    assert [line.first for line in pages] == [True] + [False] * (len(pages) - 1)
    assert [line.last for line in pages] == [False] * (len(pages) - 1) + [True]


def test_an_empty_page_is_written(tmp_path: Path) -> None:
    path = write(tmp_path / "a.rec", [(0.0, [Page("pods", (), first=True, last=True)])])
    with Reader(path) as reader:
        [line] = reader.lines()
    assert (line.page, line.first, line.last) == ((), True, True)


def test_an_existing_file_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "a.rec"
    path.write_text("precious")
    with pytest.raises(RecordingFailure, match="exists already"):
        Writer(path)
    assert path.read_text() == "precious"


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordingFailure, match=r"cannot write .*missing/a\.rec: No such file"):
        Writer(tmp_path / "missing" / "a.rec")


def test_a_recording_that_never_began_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "a.rec"
    Writer(path).close(STARTED)
    assert not path.exists()


def test_what_was_flushed_can_be_read_while_the_writer_lives(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "a.rec")
    writer.begin(ABOUT, STARTED)
    writer.write([Put("resourceclaims", claim("one"))], STARTED + 1)
    size = writer.flush()
    assert size == writer.path.stat().st_size
    assert writer.flush() == size  # nothing new: nothing written
    with Reader(writer.path) as reader:
        assert [line.t for line in reader.lines()] == [1.0]
        assert reader.torn == "the file ends in the middle"
    writer.close(STARTED + 2)


def test_a_killed_writer_loses_only_what_it_had_not_flushed(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from dratui.events import Put\n"
        "from dratui.recording.writer import Writer\n"
        "from tests.recording.samples import ABOUT, STARTED, claim\n"
        "writer = Writer(Path(sys.argv[1]))\n"
        "writer.begin(ABOUT, STARTED)\n"
        "writer.write([Put('resourceclaims', claim('flushed'))], STARTED + 1)\n"
        "writer.flush()\n"
        "writer.write([Put('resourceclaims', claim('lost'))], STARTED + 2)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    path = tmp_path / "a.rec"
    done = subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    with Reader(path) as reader:
        assert [b"flushed" in bytes(line.put) for line in reader.lines()] == [True]


@pytest.fixture
def full_disk() -> Iterator[int]:
    """No file may grow beyond this many bytes. (The error is EFBIG where a full disk gives ENOSPC.)"""
    size = 1 << 16
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    yield size
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_one_clear_failure_and_the_file_can_be_read(tmp_path: Path, full_disk: int) -> None:
    writer = Writer(tmp_path / "a.rec")
    writer.begin(ABOUT, STARTED)

    def fill() -> None:
        for n in range(1000):
            noise = os.urandom(500).hex()
            writer.write([Put("resourceclaims", claim(f"claim-{n}", noise=noise))], STARTED + n)
            writer.flush()

    with pytest.raises(RecordingFailure, match=r"cannot write .*a\.rec: File too large"):
        fill()
    with pytest.raises(RecordingFailure):
        writer.close(STARTED + 1000)
    with Reader(writer.path) as reader:
        assert len(list(reader.lines())) > 50
        assert reader.torn
