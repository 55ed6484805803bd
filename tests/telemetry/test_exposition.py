"""The text of `/metrics`, whatever is in it."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from dratui.telemetry import devices, exposition
from dratui.telemetry.dialects import BY_SERIES, DIALECTS
from dratui.telemetry.exposition import Series, read


def every(_: str) -> bool:
    return True


values = st.text(st.characters(codec="utf-8"), max_size=30)


@given(
    st.lists(
        st.tuples(st.tuples(values, values), st.floats(allow_nan=False)),
        max_size=8,
        unique_by=lambda row: row[0],
    )
)
def test_what_the_client_library_writes_is_read_as_the_library_reads_it(
    rows: list[tuple[tuple[str, str], float]],
) -> None:
    registry = CollectorRegistry()
    gauge = Gauge("one_series", "With\nhelp", ["a", "b"], registry=registry)
    for labels, value in rows:
        gauge.labels(*labels).set(value)
    text = generate_latest(registry).decode()
    theirs = [
        (s.name, {k: v for k, v in s.labels.items() if v}, s.value)
        for family in text_string_to_metric_families(text)
        for s in family.samples
    ]
    assert [(s.name, dict(s.labels), s.value) for s in read(text, every)] == theirs


@pytest.mark.parametrize(
    ("line", "series"),
    [
        ("a 1", Series("a", {}, 1.0)),
        ("  a\t 1 1700000000000", Series("a", {}, 1.0)),
        ("a{} 1", Series("a", {}, 1.0)),
        ('a{ x = "1" , } 2', Series("a", {"x": "1"}, 2.0)),
        ('a{x="}",y="{"} 2', Series("a", {"x": "}", "y": "{"}, 2.0)),
        ('a{x="\\"}\\\\\\n"} 3', Series("a", {"x": '"}\\\n'}, 3.0)),
        ('a_total{x="1"} 4 # {trace_id="7"} 0.5 123', Series("a_total", {"x": "1"}, 4.0)),
        ('a{x=""} +Inf\r', Series("a", {}, math.inf)),
        ("a 1e3", Series("a", {}, 1000.0)),
    ],
)
def test_one_line_is_one_series(line: str, series: Series) -> None:
    assert list(read(f"# HELP a b\n\n{line}\n# EOF\n", every)) == [series]


@pytest.mark.parametrize(
    "line",
    [
        "# a 1",
        "a",
        "a one",
        "a 1_000",
        "a{ 1",
        'a{x="1} 1',
        'a{x="1"',
        "a{x=1} 1",
        'a{x="1"y="2"} 1',
        'a{,x="1"} 1',
        'a{x="' + "v" * 600 + '"} 1',
        "a{" + ",".join(f'x{n}="{n}"' for n in range(2000)) + "} 1",
        "9a 1",
        "\x00a 1",
    ],
)
def test_what_is_no_series_or_one_that_nobody_writes_is_passed_over(line: str) -> None:
    assert list(read(f"{line}\nb 2\n", every)) == [Series("b", {}, 2.0)]


def test_series_that_nobody_asked_for_are_not_looked_at() -> None:
    assert list(read('a{x="1"} 1\nb 2\n', "b".__eq__)) == [Series("b", {}, 2.0)]


def test_there_is_an_end_to_how_many_are_read() -> None:
    text = "a 1\n" * (exposition.MOST_SERIES + 10)
    assert sum(1 for _ in read(text, every)) == exposition.MOST_SERIES


def test_there_is_an_end_to_how_many_devices_and_holders_there_are() -> None:
    gpus = "".join(f'DCGM_FI_DEV_GPU_UTIL{{UUID="GPU-{n}"}} 1\n' for n in range(5000))
    instances = "".join(f'DCGM_FI_DEV_FB_USED{{UUID="GPU-0",GPU_I_ID="{n}"}} 1\n' for n in range(5000))
    pods = "".join(f'DCGM_FI_DEV_GPU_UTIL{{UUID="GPU-0",pod="{n}"}} 1\n' for n in range(5000))
    (found,) = devices.read(read(gpus + instances + pods, BY_SERIES.__contains__)).values()
    assert len(found) == devices.MOST_DEVICES
    assert len(found[0].holders) <= 256


@given(st.binary(max_size=400))
def test_bytes_of_any_kind_are_read_without_a_word(body: bytes) -> None:
    devices.read(read(body.decode(errors="replace"), every))


names = st.sampled_from([name for each in DIALECTS for name in each.series])
labels = st.sampled_from(
    sorted(
        {
            v
            for d in DIALECTS
            for v in (getattr(d.labels, f) for f in d.labels.__slots__)
            if isinstance(v, str) and v
        }
    )
)


def line(name: str, pairs: list[tuple[str, str]], value: str) -> str:
    told = ",".join(f'{label}="{text}"' for label, text in pairs)
    return f"{name}{{{told}}} {value}\n"


lines = st.builds(
    line,
    names,
    st.lists(st.tuples(labels, st.text("0:a-MIG,\\.", max_size=6)), max_size=8),
    st.one_of(st.floats().map(str), st.text(max_size=5)),
)


@given(st.lists(lines, max_size=30).map("".join))
def test_known_series_with_labels_of_any_kind_are_read_without_a_word(text: str) -> None:
    for found in devices.read(read(text, BY_SERIES.__contains__)).values():
        for device in found:
            assert all(math.isfinite(value) for value in device.values.values())
