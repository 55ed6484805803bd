"""Files that are torn, damaged, or something else."""

import gzip
import json
import os
import random
import tracemalloc
from pathlib import Path

import pytest

from dratui.recording.format import Line, RecordingFailure
from dratui.recording.reader import Reader
from tests.recording import samples
from tests.recording.samples import STARTED, write, write_lines


def test_a_whole_file_is_read_to_its_end(tmp_path: Path) -> None:
    with Reader(write(tmp_path / "a.rec")) as reader:
        assert reader.header.about == samples.ABOUT
        assert reader.duration == 60.0
        assert [line.t for line in reader.lines()] == [0.0, 0.5, 0.5, 10.0, 20.0, 30.0]
        assert (reader.torn, reader.skipped, reader.read) == ("", 0, 1.0)


def read(path: Path) -> tuple[list[Line], str] | None:
    """The lines, and what tore the file; None for what is said to be no recording."""
    try:
        with Reader(path) as reader:
            return list(reader.lines()), reader.torn
    except RecordingFailure:
        return None


def test_a_file_cut_off_at_any_byte_is_read_up_to_there(tmp_path: Path) -> None:
    path = write(tmp_path / "a.rec")
    data = path.read_bytes()
    whole = read(path)
    assert whole is not None
    every, _ = whole
    counts: list[int] = []
    for size in range(len(data)):
        path.write_bytes(data[:size])
        found = read(path)
        if found is None:
            assert not counts, f"the header can be read at less than {size} bytes, and not at {size}"
            continue
        lines, torn = found
        assert torn or lines == every  # only the checksum of the end is missing
        assert lines == every[: len(lines)]
        counts.append(len(lines))
    assert counts == sorted(counts)
    assert (counts[0], counts[-1]) == (0, len(every))


def test_a_byte_that_changed_anywhere_never_raises(tmp_path: Path) -> None:
    path = write(tmp_path / "a.rec")
    data = path.read_bytes()
    chance = random.Random(7)
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 1 << chance.randrange(8)
        path.write_bytes(changed)
        read(path)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"NAME READY\n", id="text"),
        pytest.param(b"\x00" * 100, id="zeros"),
        pytest.param(random.Random(7).randbytes(1000), id="noise"),
        pytest.param(b"\x1f\x8b\x08" + random.Random(7).randbytes(1000), id="noise that begins like gzip"),
        pytest.param(gzip.compress(b"a log\n" * 100), id="a compressed log"),
        pytest.param(gzip.compress(b'{"kind": "PodList"}\n'), id="a list"),
        pytest.param(gzip.compress(b'{"dratui": "recording"}\n'), id="no format"),
        pytest.param(gzip.compress(b"[" * 100_000 + b"\n"), id="deep"),
        pytest.param(
            gzip.compress(
                b'{"dratui": "recording", "format": 1, "started": 1e300, "about": {"cluster": ""}}\n'
            ),
            id="an absurd time",
        ),
        pytest.param(gzip.compress(b"\xff\n"), id="no UTF-8"),
    ],
)
def test_a_foreign_file_is_one_clear_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "foreign"
    path.write_bytes(content)
    with pytest.raises(RecordingFailure, match=r"foreign is no recording of dratui"):
        Reader(path)


def test_an_empty_file_is_called_empty(tmp_path: Path) -> None:
    path = tmp_path / "empty.rec"
    path.touch()
    with pytest.raises(RecordingFailure, match=r"empty\.rec is empty"):
        Reader(path)


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordingFailure, match=r"cannot read .*absent\.rec: No such file"):
        Reader(tmp_path / "absent.rec")


def test_a_folder_and_a_pipe_are_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(RecordingFailure, match="it is no regular file"):
            Reader(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.rec")
    path.chmod(0)
    with pytest.raises(RecordingFailure, match=r"cannot read .*a\.rec: Permission denied"):
        Reader(path)


def test_another_format_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordingFailure, match="of format 2, this dratui reads 1"):
        Reader(write_lines(tmp_path / "a.rec", [], format=2))


def test_a_line_without_end_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dratui.recording.reader.LONGEST_LINE", 1 << 20)
    path = tmp_path / "bomb.rec"
    first = {"dratui": "recording", "format": 1, "started": STARTED, "about": {"cluster": "prod"}}
    with gzip.open(path, "wb") as file:
        file.write(json.dumps(first).encode() + b"\n")
        for _ in range(64):
            file.write(b" " * (1 << 20))
    tracemalloc.start()
    try:
        assert read(path) == ([], "a line has no end")
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_odd_lines_are_skipped_and_counted(tmp_path: Path) -> None:
    good = {"t": 1.0, "stream": "pods", "page": [], "first": True, "last": True}
    odd = [
        b"",
        b"{",
        b"[]",
        b"null",
        b"[" * 100_000,
        b'{"t": "late"}',
        b'{"t": 1e999}',
        b'{"t": NaN}',
        b'{"t": -1}',
        b'{"t": 1e18}',
        b'{"t": 1, "stream": "pods", "health": {"phase": "dancing", "since": 0}}',
        b"\xff\xfe",
    ]
    with Reader(write_lines(tmp_path / "a.rec", [*odd, good])) as reader:
        assert [line.t for line in reader.lines()] == [1.0]
        assert reader.skipped == len(odd)


def test_the_duration_is_unknown_where_the_end_was_cut_off(tmp_path: Path) -> None:
    with Reader(write_lines(tmp_path / "a.rec", [{"t": 5.0, "stream": "pods"}])) as reader:
        assert reader.duration is None


def test_what_follows_the_end_is_left_alone(tmp_path: Path) -> None:
    path = write(tmp_path / "a.rec")
    path.write_bytes(path.read_bytes() + b"trailing")
    with Reader(path) as reader:
        assert len(list(reader.lines())) == 6
        assert reader.torn == ""
