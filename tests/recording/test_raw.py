"""What of an object gets into a recording."""

import json
from typing import Any

import pytest

from dratui.recording.raw import RawCodec

CODEC = RawCodec("v1beta2")


def object_(**metadata: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "one", "resourceVersion": "7", **metadata},
        "spec": {"anything": [1, None, 1.50]},
    }


def test_an_object_is_kept_whole_but_for_managed_fields() -> None:
    page = CODEC.page(json.dumps({"items": [object_(managedFields=[{"manager": "kubectl"}])]}).encode())
    assert [json.loads(row.data) for row in page.rows] == [object_()]
    assert [row.version for row in page.rows] == ["v1beta2"]


def test_items_of_a_list_say_what_they_are() -> None:
    body = {"kind": "ResourceClaimList", "apiVersion": "resource.k8s.io/v1beta2", "items": [object_()]}
    [row] = CODEC.page(json.dumps(body).encode()).rows
    typed = json.loads(row.data)
    assert (typed["apiVersion"], typed["kind"]) == ("resource.k8s.io/v1beta2", "ResourceClaim")


def test_a_page_says_where_the_list_goes_on() -> None:
    metadata = {"resourceVersion": "42", "continue": "more", "remainingItemCount": 3}
    page = CODEC.page(json.dumps({"metadata": metadata, "items": None}).encode())
    assert (page.rows, page.resource_version, page.continue_token, page.remaining) == ([], "42", "more", 3)


def test_an_event_has_its_object_and_version() -> None:
    line = {"type": "MODIFIED", "object": object_(managedFields=[])}
    event = CODEC.event(json.dumps(line).encode())
    assert event.row is not None
    assert (json.loads(event.row.data), event.resource_version) == (object_(), "7")


def test_a_bookmark_has_no_object() -> None:
    event = CODEC.event(b'{"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "9"}}}')
    assert (event.row, event.resource_version) == (None, "9")


def test_an_error_says_why() -> None:
    event = CODEC.event(b'{"type": "ERROR", "object": {"code": 410, "message": "too old"}}')
    assert (event.code, event.message) == (410, "too old")


@pytest.mark.parametrize("odd", ["[]", "7", '"text"', "null", '{"metadata": 7}', '{"metadata": null}'])
def test_an_odd_object_is_passed_on_as_it_is(odd: str) -> None:
    [row] = CODEC.page(f'{{"items": [{odd}]}}'.encode()).rows
    assert row.data == odd.encode()
