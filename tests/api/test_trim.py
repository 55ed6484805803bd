"""What is kept of an object where not all of it is needed: enough for the same row."""

import json
from importlib.resources import as_file, files

import pytest

from dratui.api.model import ObjectKey
from dratui.api.streams import STREAMS, codec
from dratui.api.trim import fields, trim
from dratui.recording.reader import Reader
from tests.api.wire_objects import CLAIM, SLICE


def encoded(value: object) -> bytes:
    return json.dumps(value).encode()


def test_the_same_row_is_made_of_it_for_every_object_of_the_demo() -> None:
    seen, whole, trimmed = set(), 0, 0
    with as_file(files("dratui") / "demo.rec") as path, Reader(path) as reader:
        for line in reader.lines():
            if (
                line.stream not in STREAMS or not line.version
            ):  # samples are kept whole; health has no version
                continue
            decoding = codec(line.stream.partition(":")[0], line.version)
            for raw in (*(line.page or ()), *filter(None, (line.put, line.gone))):
                data = bytes(raw)
                key, less = trim(decoding, data)
                assert decoding.row(less) == decoding.row(data)
                assert key == decoding.row(data).key
                seen.add(line.stream)
                whole += len(data)
                trimmed += len(less)
    assert len(seen) >= 9
    assert trimmed < whole * 0.6


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param({"metadata": {"name": "one", "labels": None}, "spec": None}, id="null"),
        pytest.param({"metadata": {"name": "one"}, "spec": 7}, id="malformed"),
        pytest.param({"metadata": {"name": "one"}, "status": {"conditions": "no"}}, id="another type"),
        pytest.param({}, id="empty"),
    ],
)
@pytest.mark.parametrize("plural", ["resourceclaims", "pods", "resourceslices"])
def test_an_odd_object_stays_the_row_that_it_was(odd: object, plural: str) -> None:
    decoding = codec(plural, "v1")
    assert decoding.row(trim(decoding, encoded(odd))[1]) == decoding.row(encoded(odd))


def test_what_is_no_object_is_refused() -> None:
    with pytest.raises(ValueError, match="this is no object"):
        trim(codec("pods", "v1"), b"7")


def test_what_differs_only_in_what_is_not_read_is_the_same() -> None:
    claims = codec("resourceclaims", "v1")
    notes = CLAIM["metadata"].get("annotations", {}) | {"note": "long"}
    meta = {"resourceVersion": "99", "annotations": notes, "generation": 4}
    other = CLAIM | {"metadata": CLAIM["metadata"] | meta}
    key, data = trim(claims, encoded(other))
    assert key == ObjectKey(CLAIM["metadata"].get("namespace", ""), CLAIM["metadata"]["name"])
    assert data == trim(claims, encoded(CLAIM))[1]
    assert b"note" not in data


def test_fields_are_named_by_their_path() -> None:
    assert fields(codec("resourceclaims", "v1")) >= {
        "metadata.name",
        "metadata.annotations[resource.kubernetes.io/pod-claim-name]",
        "spec.devices.requests.exactly.deviceClassName",
        "status.allocation.devices.results.shareID",
    }
    assert fields(codec("resourceslices", "v1")) != fields(codec("resourceslices", "v1beta1"))
    assert SLICE["spec"].keys() <= {
        f.split(".")[1] for f in fields(codec("resourceslices", "v1")) if "." in f
    }
