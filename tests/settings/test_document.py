"""Reading a file that a person wrote: whatever it is, one gets its content or one sentence with its place."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dratui.settings.document import LARGEST, Document, Items, Text, Wrong, read, text_of


def file(folder: Path, data: bytes | str) -> Path:
    path = folder / "config.yaml"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def complaint(path: Path) -> str:
    with pytest.raises(Wrong) as wrong:
        read(path)
    text = str(wrong.value)
    assert text.startswith(f"error: {path}"), "the file is named first"
    return text.removeprefix(f"error: {path}")


def test_what_is_written_is_read_with_its_lines(tmp_path: Path) -> None:
    document = read(file(tmp_path, "# mine\na: x y\nb: [1, on]\nc:\n  d: 'null'\n"))
    assert document is not None
    a, b, c = document.fields.values()
    assert isinstance(a, Text)
    assert (a.value, a.at.line, a.at.key) == ("x y", 2, "a")
    assert isinstance(b, Items)
    assert [text_of(item) for item in b.items] == ["1", "on"], "as written, not as YAML would have it"
    assert isinstance(c, Document)
    assert (text_of(c.fields["d"]), c.fields["d"].at.line, c.fields["d"].at.key) == ("null", 5, "c.d")


@pytest.mark.parametrize("data", ["", "# nothing\n", "---\n", "\n\n", "﻿", "null"])
def test_a_file_that_says_nothing_sets_nothing(tmp_path: Path, data: str) -> None:
    document = read(file(tmp_path, data))
    assert document is not None
    assert not document.fields


def test_no_file_is_none(tmp_path: Path) -> None:
    assert read(tmp_path / "none.yaml") is None
    assert read(file(tmp_path, "a: b") / "none.yaml") is None


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ("a: 1\nb: 2\na: 3", " line 3: a: is set twice: also on line 1"),
        ("a: &x 1\nb: *x", " line 2: b: aliases (*) mean nothing here"),
        ("a: !!python/object/apply:os.system [id]", " line 1: a: tags (!) mean nothing here"),
        ("a:\n b:\n  c:\n   d: {e: 1}", " line 4: a.b.c: is nested too deeply"),
        ("a: [[[[[[", " line 1: a: is nested too deeply"),
        ("- a\n", " line 1: is no `key: value`"),
        ("theme dark", " line 1: is no `key: value`"),
        ("a: 1\n---\nb: 2", " line 2: starts a second document"),
        ("? [a]\n: b", " line 1: a key is one word"),
        ("a: 1\npast: [\nb: 2", " line 2: past: is no YAML"),
        ("a: 1\nhelp: ?", " line 2: help: is no YAML: mapping keys are not allowed here"),
        ("a: 1\nb: 'x", " line 2: b: is no YAML"),
        ("a: 1\n\tb: 2", " line 2: b: is no YAML: found character '\\t'"),
        ("a: 1\nb: \x01", " line 2: b: has a character that is no text: U+0001"),
        (b"a: 1\nb: \xff\xfe", " line 2: b: is not UTF-8"),
        ("a: 1".encode("utf-16"), " line 1: is not UTF-8"),
        (b"\x7fELF\x02\x01\x01\0\0\0", " line 1: has a character that is no text: U+007F"),
        ("a: 1\n" * LARGEST, ": is larger than 64 KiB"),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_key(tmp_path: Path, data: bytes | str, says: str) -> None:
    assert complaint(file(tmp_path, data)).startswith(says)


def test_what_is_no_file_is_told_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")  # to open it would wait for ever
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "endless").symlink_to("/dev/zero")
    for path in (tmp_path / "pipe", tmp_path / "endless", tmp_path):
        assert complaint(path).startswith(": is no text file")
    assert complaint(tmp_path / "loop").startswith(": cannot be read: Too many levels of symbolic links")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_told(tmp_path: Path) -> None:
    path = file(tmp_path, "a: b")
    path.chmod(0)
    assert complaint(path).startswith(": cannot be read: Permission denied")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(
    st.one_of(
        st.binary(max_size=200),
        st.text(max_size=200).map(str.encode),
        st.lists(st.sampled_from(list("ab:-?[]{},&*!|>'\"%@`# \n\t~")), max_size=60).map(
            lambda c: "".join(c).encode()
        ),
    )
)
@example(b"[" * 5_000)
@example(b"{a: " * 1_000)
@example(b"a: &a [*a, *a]")
def test_any_bytes_are_content_or_a_sentence(tmp_path: Path, data: bytes) -> None:
    try:
        assert isinstance(read(file(tmp_path, data)), Document)
    except Wrong as wrong:
        said = wrong.what
    else:
        return
    assert said.startswith(str(tmp_path))
