"""What is odd costs neither the list nor the program: null, missing, unknown, malformed."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dratui.api.streams import STREAMS, codec
from dratui.api.trim import trim
from dratui.api.wire import Decoding
from tests.api.wire_objects import CLAIM, SLICE
from tests.breadth import examples

CODECS = [(stream, version) for stream in STREAMS.values() for version in stream.versions]
CLAIMS = codec("resourceclaims", "v1")

every_codec = pytest.mark.parametrize(
    "decoding",
    [pytest.param(stream.codec(version), id=f"{stream.name}-{version}") for stream, version in CODECS],
)


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode()


def listed(*items: Any, **metadata: Any) -> bytes:
    return encoded({"kind": "List", "metadata": {"resourceVersion": "7", **metadata}, "items": items})


def event(kind: str, object_: Any) -> bytes:
    return encoded({"type": kind, "object": object_})


# --- lists and watches --------------------------------------------------------------------------------


def test_a_page_says_where_it_stands() -> None:
    page = CLAIMS.page(listed(CLAIM, **{"continue": "token", "remainingItemCount": 41}))
    assert (len(page.rows), page.resource_version, page.continue_token, page.remaining) == (
        1,
        "7",
        "token",
        41,
    )
    last = CLAIMS.page(listed())
    assert (last.rows, last.continue_token, last.remaining) == ([], "", None)


@pytest.mark.parametrize("kind", ["ADDED", "MODIFIED", "DELETED"])
def test_a_change_brings_the_row_and_its_version(kind: str) -> None:
    change = CLAIMS.event(event(kind, CLAIM))
    assert (change.type, change.resource_version) == (kind, "41")
    assert change.row == CLAIMS.row(encoded(CLAIM))


@every_codec
def test_a_bookmark_has_a_version_and_no_row(decoding: Decoding[Any]) -> None:
    bookmark = decoding.event(
        event("BOOKMARK", {"kind": "X", "metadata": {"resourceVersion": "99", "creationTimestamp": None}})
    )
    assert (bookmark.type, bookmark.row, bookmark.resource_version) == ("BOOKMARK", None, "99")


def test_an_error_tells_its_status() -> None:
    gone = CLAIMS.event(
        event("ERROR", {"kind": "Status", "code": 410, "message": "too old", "reason": "Expired"})
    )
    assert (gone.row, gone.code, gone.message) == (None, 410, "too old")


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"items":5}', b'{"type":"ADDED"}', b"\xff", b'"'])
def test_what_is_no_list_and_no_event_is_a_decode_error(data: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        CLAIMS.event(data)
    if data != b'{"type":"ADDED"}':  # an object without items is an empty list
        with pytest.raises(msgspec.DecodeError):
            CLAIMS.page(data)


# --- odd objects --------------------------------------------------------------------------------------


@every_codec
def test_an_object_of_metadata_only_is_a_row(decoding: Decoding[Any]) -> None:
    assert decoding.row(encoded({"metadata": {"name": "x"}})).name == "x"


@every_codec
def test_unknown_fields_are_nobodys_business(decoding: Decoding[Any]) -> None:
    object_ = {"metadata": {"name": "x"}}
    future = {**object_, "future": [1, {}], "metadata": {"name": "x", "managedFields": [{"x": {}}], "new": 1}}
    assert decoding.row(encoded(future)) == decoding.row(encoded(object_))


@every_codec
@pytest.mark.parametrize("field", ["spec", "status"])
def test_a_part_that_is_null_or_of_another_type_leaves_the_name(decoding: Decoding[Any], field: str) -> None:
    odds: list[Any] = [None, 5, "x", [], {"devices": 5}]
    for odd in odds:
        assert decoding.row(encoded({"metadata": {"name": "x"}, field: odd})).name == "x"


def test_an_odd_object_costs_the_others_of_its_page_nothing() -> None:
    odd = {"metadata": {"name": "odd"}, "spec": 5}
    assert [row.name for row in CLAIMS.page(listed(CLAIM, odd, CLAIM)).rows] == [
        "train-gpu",
        "odd",
        "train-gpu",
    ]
    assert CLAIMS.page(listed(CLAIM, odd)).rows[0] == CLAIMS.page(listed(CLAIM)).rows[0]


@pytest.mark.parametrize(
    "metadata",
    [{"creationTimestamp": "yesterday"}, {"labels": [1]}, {"ownerReferences": {}}, {"finalizers": 1}],
)
def test_metadata_that_is_partly_odd_still_names_the_object(metadata: dict[str, Any]) -> None:
    odd = {"metadata": {"namespace": "ns", "name": "odd", "uid": "u", **metadata}}
    assert CLAIMS.row(encoded(odd)).key == ("ns", "odd")


def _nulled(value: Any) -> Iterator[Any]:
    """The value with each of its parts in turn made null."""
    if isinstance(value, dict):
        for key, part in value.items():
            if key not in ("metadata", "name"):
                yield {**value, key: None}
            for odd in _nulled(part):
                yield {**value, key: odd}
    elif isinstance(value, list):
        for n, part in enumerate(value):
            for odd in _nulled(part):
                yield [*value[:n], odd, *value[n + 1 :]]


@pytest.mark.parametrize(("plural", "object_"), [("resourceclaims", CLAIM), ("resourceslices", SLICE)])
def test_null_is_as_good_as_absent(plural: str, object_: Any) -> None:
    decoding = codec(plural, "v1")
    for odd in _nulled(object_):
        assert decoding.row(encoded(odd)) == decoding.row(encoded(_without_nulls(odd)))


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(part) for key, part in value.items() if part is not None}
    return [_without_nulls(part) for part in value] if isinstance(value, list) else value


@contextmanager
def only_decode_errors() -> Iterator[None]:
    with suppress(msgspec.DecodeError):
        yield


_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4),
    lambda inside: (
        st.lists(inside, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["metadata", "spec", "status", "name", "namespace", "uid", "devices", "requests", "labels"]
            )
            | st.text(max_size=3),
            inside,
            max_size=4,
        )
    ),
    max_leaves=12,
)
_named = st.builds(
    lambda spec, status: {"metadata": {"name": "x"}, "spec": spec, "status": status}, _json, _json
)


@examples(150)
@given(odd=_json | _named, which=st.sampled_from(CODECS))
def test_any_json_is_a_row_or_a_decode_error(odd: Any, which: Any) -> None:
    stream, version = which
    decoding = stream.codec(version)
    with only_decode_errors():
        row = decoding.row(encoded(odd))
        _, trimmed = trim(decoding, encoded(odd))
        assert decoding.row(trimmed) == row
    with only_decode_errors():
        decoding.page(listed(odd))
    for kind in ("ADDED", "BOOKMARK", "ERROR"):
        with only_decode_errors():
            decoding.event(event(kind, odd))


@examples(60)
@given(odd=_named, which=st.sampled_from(CODECS))
def test_any_object_with_a_name_keeps_its_place(odd: Any, which: Any) -> None:
    stream, version = which
    assert [row.name for row in stream.codec(version).page(listed(odd)).rows] == ["x"]


@examples(60)
@given(data=st.binary(max_size=40))
def test_any_bytes_are_a_decode_error_at_worst(data: bytes) -> None:
    for read in (CLAIMS.row, CLAIMS.page, CLAIMS.event):
        with only_decode_errors():
            read(data)
