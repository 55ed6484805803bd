"""`dratui get` on a recording: the forms of output, byte for byte safe, without a cluster."""

import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from dratui.api.streams import STREAMS
from dratui.cli import main

HOSTILE = "\x1b]0;owned\x07\u202egnp\x9b2J"
STARTED = datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp()
HEADER = {
    "dratui": "recording",
    "format": 1,
    "started": STARTED,
    "about": {"cluster": "test"},
}


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A claim that is held, in one namespace, one that waits in another, and hostile texts in each."""
    slice_ = {
        "metadata": {"name": "node-1-gpu", "creationTimestamp": "2026-03-01T11:00:00Z"},
        "spec": {
            "driver": "gpu.example.com",
            "nodeName": "node-1",
            "pool": {"name": "node-1", "generation": 1, "resourceSliceCount": 1},
            "devices": [{"name": "gpu-0", "attributes": {"model": {"string": f"H100 {HOSTILE}"}}}],
        },
    }
    result = {"request": "gpu", "driver": "gpu.example.com", "pool": "node-1", "device": "gpu-0"}
    held = {
        "metadata": {"namespace": "red", "name": "held", "creationTimestamp": "2026-03-01T11:00:00Z"},
        "status": {"allocation": {"devices": {"results": [result]}}},
    }
    waits = {"metadata": {"namespace": "blue", "name": "waits"}, "spec": {"devices": {"requests": []}}}
    pages: dict[str, list[Any]] = {"resourceslices": [slice_], "resourceclaims": [held, waits]}
    lines: list[Mapping[str, Any]] = [HEADER]
    for stream in STREAMS:
        page = {"page": pages.get(stream, []), "version": "v1", "first": True, "last": True}
        lines.append({"t": 0.0, "stream": stream, **page})
        lines.append({"t": 0.0, "stream": stream, "health": {"phase": "live", "since": 0.0}})
    path = tmp_path / "test.rec"
    lines.append({"t": 60.0, "end": True})
    text = "".join(json.dumps(line) + "\n" for line in lines)
    path.write_bytes(gzip.compress(text.encode()))
    return path


Get = Callable[..., str]


@pytest.fixture
def get(recording: Path, capsys: pytest.CaptureFixture[str]) -> Get:
    """What `dratui get …` prints; it must succeed."""

    def run(*arguments: str) -> str:
        assert main(("get", *arguments, "--from", str(recording))) == 0
        return capsys.readouterr().out

    return run


def cells(line: str) -> Sequence[str]:
    return line.split()


def test_a_table_has_kubectls_columns_first_and_sentences_last(get: Get) -> None:
    title, waits, held = get("claims").splitlines()
    assert cells(title) == [
        *("NAMESPACE", "NAME", "STATE", "AGE"),
        *("NODE", "CONSUMERS", "DEVICES", "REASON"),
    ]
    assert cells(waits)[:3] == ["blue", "waits", "pending"]
    assert cells(held)[:4] == ["red", "held", "allocated", "60m"]
    assert "gpu-0" in held[title.index("DEVICES") :]
    assert title.index("STATE") == waits.index("pending") == held.index("allocated")


def test_one_namespace_needs_no_column_for_it(get: Get) -> None:
    title, held = get("claims", "-n", "red").splitlines()
    assert cells(title)[0] == "NAME"
    assert cells(held)[0] == "held"


def test_wide_has_more(get: Get) -> None:
    assert "SLICE" not in get("devices")
    assert "SLICE" in get("devices", "-o", "wide")


def test_names_alone(get: Get) -> None:
    assert get("claims", "-o", "name").splitlines() == ["claim/waits", "claim/held"]
    assert get("devices", "-o", "name").splitlines() == ["device/gpu.example.com/node-1/gpu-0"]
    assert get("pools", "-o", "name").splitlines() == ["pool/gpu.example.com/node-1"]


@pytest.mark.parametrize(
    ("kind", "list_kind", "fields"),
    [
        ("claims", "ClaimList", "namespace name state devices consumers node reason created"),
        ("devices", "DeviceList", "driver pool device node state claims attributes capacity taints"),
        ("pools", "PoolList", "driver pool node generation slices expectedSlices state devices free"),
        ("slices", "SliceList", "name node driver pool generation devices state created"),
    ],
)
def test_json_is_a_list_with_the_documented_fields(get: Get, kind: str, list_kind: str, fields: str) -> None:
    document = json.loads(get(kind, "-o", "json"))
    assert document["kind"] == list_kind
    assert document["items"]
    for item in document["items"]:
        assert set(item) >= set(fields.split())


def test_one_object_is_printed_alone(get: Get) -> None:
    assert json.loads(get("claim", "held", "-o", "json"))["devices"] == [
        {
            "request": "gpu",
            "driver": "gpu.example.com",
            "pool": "node-1",
            "device": "gpu-0",
            "node": "node-1",
            "shareID": "",
            "consumedCapacity": {},
            "roundingWaste": {},
            "choice": None,
            "adminAccess": False,
            "product": f"H100 {HOSTILE}",
            "conditions": [],
            "networkData": None,
            "data": None,
            "health": [],
            "bindingPending": [],
            "bindingFailed": [],
            "evictedAt": None,
            "changed": [],
            "vanished": False,
        }
    ]
    assert len(get("claims", "held").splitlines()) == 2


def test_yaml_says_what_json_says(get: Get) -> None:
    for kind in ("claims", "devices"):
        assert yaml.safe_load(get(kind, "-o", "yaml")) == json.loads(get(kind, "-o", "json"))


@pytest.mark.parametrize("output", ["table", "wide", "json", "yaml", "name"])
@pytest.mark.parametrize("kind", ["claims", "devices", "nodes"])
def test_nothing_hostile_comes_out(get: Get, kind: str, output: str) -> None:
    assert get(kind, "-o", output).replace("\n", "").isprintable()


def test_an_object_that_is_not_there_is_an_error(recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(("get", "claims", "absent\x1b[31m", "-n", "red", "--from", str(recording))) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("error: claim 'absent")
    assert "not found in namespace red" in said.err
    assert "\x1b" not in said.err


def test_an_empty_table_is_explained_and_no_error(
    recording: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(("get", "pods", "--from", str(recording))) == 0
    assert capsys.readouterr() == ("", "No pods.\n")
    assert main(("get", "pods", "-o", "json", "--from", str(recording))) == 0
    assert json.loads(capsys.readouterr().out) == {"kind": "PodList", "items": []}


def test_a_file_that_is_no_recording_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    foreign = tmp_path / "foreign"
    foreign.write_text("apiVersion: v1")
    for path in (foreign, tmp_path / "absent"):
        assert main(("get", "claims", "--from", str(path))) == 1
        said = capsys.readouterr().err
        assert said.startswith("error: ")
        assert str(path) in said
        assert "Traceback" not in said


# --- at a time ----------------------------------------------------------------------------------------


@pytest.fixture
def changing(tmp_path: Path) -> Path:
    """A claim that is created at 12:00:10 and allocated at 12:00:40; pods are listed at 12:00:20. It ends at 12:01."""
    claim = {"metadata": {"namespace": "red", "name": "one", "creationTimestamp": "2026-03-01T12:00:10Z"}}
    result = {"request": "gpu", "driver": "gpu.example.com", "pool": "node-1", "device": "gpu-0"}
    allocated = claim | {"status": {"allocation": {"devices": {"results": [result]}}}}
    lines: list[Mapping[str, Any]] = [HEADER]
    for t, streams in ((1.0, [s for s in STREAMS if s != "pods"]), (20.0, ["pods"])):
        for stream in streams:
            lines.append({"t": t, "stream": stream, "page": [], "version": "v1", "first": True, "last": True})
            lines.append({"t": t, "stream": stream, "health": {"phase": "live", "since": 0.0}})
    stale = {"phase": "stale", "since": STARTED + 50, "detail": "the server is silent"}
    for t, what in ((10.0, {"put": claim}), (40.0, {"put": allocated}), (50.0, {"health": stale})):
        lines.append({"t": t, "stream": "resourceclaims", "version": "v1", **what})
    lines = [HEADER, *sorted(lines[1:], key=lambda line: line["t"]), {"t": 60.0, "end": True}]
    path = tmp_path / "changing.rec"
    path.write_bytes(gzip.compress("".join(json.dumps(line) + "\n" for line in lines).encode()))
    return path


@pytest.mark.parametrize(
    ("time", "state", "age"),
    [
        ("2026-03-01T12:00:10Z", "pending", "0s"),
        ("2026-03-01T13:00:39+01:00", "pending", "29s"),
        ("+39s", "pending", "29s"),
        ("+40s", "allocated", "30s"),
        ("-15s", "allocated", "35s"),
        ("-0s", "allocated", "50s"),
    ],
)
def test_a_table_is_as_it_was_then_and_so_are_ages(
    changing: Path, capsys: pytest.CaptureFixture[str], time: str, state: str, age: str
) -> None:
    assert main(("get", "claims", "--from", str(changing), "--at", time)) == 0
    _, line = capsys.readouterr().out.splitlines()
    assert cells(line)[:4] == ["red", "one", state, age]


@pytest.mark.parametrize("output", ["table", "wide", "json", "yaml", "name"])
def test_every_form_of_output_is_as_it_was_then(
    changing: Path, capsys: pytest.CaptureFixture[str], output: str
) -> None:
    for time, there in (("+9s", False), ("+10s", True)):
        assert main(("get", "claims", "--from", str(changing), "--at", time, "-o", output)) == 0
        assert ("one" in capsys.readouterr().out) is there


@pytest.mark.parametrize("time", ["2026-03-01T11:59:59Z", "+61s", "-61s", "2027-01-01"])
def test_a_time_outside_is_told_from_when_to_when(
    changing: Path, capsys: pytest.CaptureFixture[str], time: str
) -> None:
    assert main(("get", "claims", "--from", str(changing), "--at", time)) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "it is from 2026-03-01T12:00:00Z to 2026-03-01T12:01:00Z" in said.err


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--at", "soon", "--from", "FILE"), "'soon' is no time"),
        (("--at", "12:00"), "--at is a time of a recording"),
        (("--at", "+1s", "-w", "--from", "FILE"), "there is nothing to watch"),
    ],
)
def test_what_makes_no_sense_is_refused(
    changing: Path, capsys: pytest.CaptureFixture[str], arguments: Sequence[str], why: str
) -> None:
    given = [str(changing) if word == "FILE" else word for word in arguments]
    assert main(("get", "claims", *given)) == 2
    assert why in capsys.readouterr().err


def test_what_was_not_listed_yet_is_not_taken_for_empty(
    changing: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(("get", "pods", "--from", str(changing), "--at", "+5s")) == 1
    assert "cannot list pods: was not listed yet" in capsys.readouterr().err
    assert main(("get", "pods", "--from", str(changing), "--at", "+20s")) == 0


def test_what_was_stale_then_says_since_when(changing: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(("get", "claims", "--from", str(changing), "--at", "+55s")) == 0
    said = capsys.readouterr().err
    assert "note: resourceclaims: as it was at 12:00:50Z; not heard of since. the server is silent" in said
