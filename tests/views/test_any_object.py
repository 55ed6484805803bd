"""Objects as no server should send them: whatever is a row can be listed, sorted, described, summed up and printed."""

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dratui.api.streams import STREAMS
from dratui.cluster.store import Changes, Store
from dratui.events import Gone, Health, HealthChanged, Phase, Put
from dratui.failure import Failure
from dratui.recording.decode import READ, decoding_of
from dratui.recording.reader import Reader
from dratui.views.describe import describe
from dratui.views.jumps import JUMPS
from dratui.views.listing import Listing
from dratui.views.overview import Summary
from dratui.views.query import Query
from dratui.views.tables import TABLES
from tests.breadth import examples

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
Path_ = tuple[str | int, ...]


@dataclass(frozen=True)
class Sent:
    """An object as a real server sent it."""

    stream: str
    version: str
    json: Any


def demo() -> Sequence[Sent]:
    """What the demo's cluster had: every kind, in many states."""
    with Reader(Path(str(files("dratui") / "demo.rec"))) as reader:
        return [
            Sent(line.stream, line.version, json.loads(bytes(data)))
            for line in reader.lines()
            for data in (*(line.page or ()), *([line.put] if line.put else ()))
        ]


SENT = demo()
OF_STREAM = {stream: [sent for sent in SENT if sent.stream == stream] for stream in READ}
STREAMS_SENT = sorted(stream for stream in READ if OF_STREAM[stream])


def row_of(sent: Sent, object_: Any) -> Any:
    decoding = decoding_of(sent.stream, sent.version)
    assert decoding is not None
    return decoding.row(json.dumps(object_).encode())


@pytest.fixture(scope="module")
def world() -> tuple[Store, Summary]:
    """The demo's cluster. A test that puts an odd object into it takes it out again."""
    store = Store()
    for stream in STREAMS:
        store.apply([HealthChanged(stream, Health(phase=Phase.LIVE, since=0.0))])
    store.apply([Put(sent.stream, row_of(sent, sent.json)) for sent in SENT])
    return store, Summary(store)


def paths(value: Any, at: Path_ = ()) -> Iterator[Path_]:
    """To every part of an object, but for what names it."""
    if at and at not in (("metadata",), ("metadata", "name"), ("metadata", "namespace")):
        yield at
    parts: Any = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, part in parts:
        yield from paths(part, (*at, key))


def replaced(value: Any, at: Path_, by: Any) -> Any:
    if not at:
        return by
    copy = value.copy()
    copy[at[0]] = replaced(value[at[0]], at[1:], by)
    return copy


_TEXTS = (
    *("", "0", "-1", "1e400", "1Ki", "8Ei", "1.5.2", "True", "False", "a/b/c", "%s{0}", "9" * 5000),
    *(
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "2026-03-01T12:00:00+14:00",
        "\x1b[31m",
        "\u202e",
        "\0",
    ),
)
_text = st.sampled_from(_TEXTS) | st.text(max_size=4)
_number = st.integers(-(2**70), 2**70) | st.sampled_from([0, -1, 2**31, 2**63 - 1])
_odd = st.recursive(
    st.none() | st.booleans() | _number | st.floats(allow_nan=False, allow_infinity=False) | _text,
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=3), inside, max_size=3),
    max_leaves=5,
)


def _like(value: Any) -> st.SearchStrategy[Any]:
    """Other values of the type: what differs in type costs an object all but its name, so that little is shown."""
    match value:
        case bool():
            return st.just(not value)
        case str():
            return _text
        case int():
            return _number
        case [_, *_]:
            return st.lists(st.sampled_from(value), max_size=4)  # some left out, some twice
        case dict() if value:
            return st.sets(st.sampled_from(sorted(value))).map(lambda some: {key: value[key] for key in some})
    return _odd


@st.composite
def odd_objects(draw: st.DrawFn) -> tuple[Sent, Any]:
    """A real object, some parts of which are something else, and perhaps one is anything."""
    sent = draw(st.sampled_from(OF_STREAM[draw(st.sampled_from(STREAMS_SENT))]))
    object_ = sent.json
    for _ in range(draw(st.integers(1, 4))):
        if all_paths := list(paths(object_)):
            at = draw(st.sampled_from(all_paths))
            object_ = replaced(object_, at, draw(_like(found(object_, at))))
    if draw(st.integers(0, 3)) == 3 and (all_paths := list(paths(object_))):
        object_ = replaced(object_, draw(st.sampled_from(all_paths)), draw(_odd))
    return sent, object_


def found(value: Any, at: Path_) -> Any:
    for part in at:
        value = value[part]
    return value


@examples(200)
@given(odd=odd_objects())
def test_any_row_can_be_shown_everywhere(world: tuple[Store, Summary], odd: tuple[Sent, Any]) -> None:
    store, summary = world
    sent, object_ = odd
    try:
        row = row_of(sent, object_)
    except msgspec.DecodeError:  # no object at all
        return
    before = store.rows().get(sent.stream, {}).get(row.key)
    try:
        show(store, summary, store.apply([Put(sent.stream, row)]))
    finally:
        back = Gone(sent.stream, row) if before is None else Put(sent.stream, before)
        show(store, summary, store.apply([back]))


def show(store: Store, summary: Summary, changes: Changes) -> None:
    """All that can be shown of the rows that may look different now."""
    summary.apply(changes)
    summary.overview()
    for kind in {*changes.rows, *changes.live}:
        table = TABLES[kind]
        for key in changes.of(kind):
            document = describe(store, kind, key, NOW)
            for jump in JUMPS.values():
                with suppress(Failure):  # there is nowhere to go, in words
                    jump(store, kind, key)
            row = table.row(store, key)
            assert (row is None) is (document is None)
            if row is not None:
                table.text(row, NOW)
                for column in table.columns:
                    column.style_of(row, NOW)
                msgspec.json.encode(table.told(store, key) if table.told else row)


@examples(40)
@given(odd=st.lists(odd_objects(), min_size=1, max_size=6), descending=st.booleans())
def test_odd_rows_can_be_sorted_and_filtered_by_every_column(
    odd: Sequence[tuple[Sent, Any]], descending: bool
) -> None:
    store = Store()
    for sent, object_ in odd:
        store.apply([Put(sent.stream, row_of(sent, sent.json))])
        try:
            store.apply([Put(sent.stream, row_of(sent, {**object_, "metadata": {"name": "odd"}}))])
        except msgspec.DecodeError:
            continue
    for kind, table in TABLES.items():
        for column in table.columns:
            query = Query(kind=kind, sort=column.title, descending=descending, wide=True, filter="!odd")
            assert len(list(Listing(store, query, NOW).rows())) <= len(list(table.keys(store)))
