"""Names in expressions are only ever names."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from dratui.telemetry import measured, promql
from dratui.telemetry.protocol import MOST


@pytest.mark.parametrize(
    ("text", "literal"),
    [
        ("node-1", '"node-1"'),
        ('a"b', r'"a\"b"'),
        ("a\\b", r'"a\\b"'),
        ("a\nb\x00", r'"a\nb\u0000"'),
        ("é\U0001f600", '"é\U0001f600"'),
        ("\ue000\U000e0001", r'"\ue000\U000e0001"'),
    ],
)
def test_a_string_is_one_literal(text: str, literal: str) -> None:
    assert promql.string(text) == literal


def test_a_name_is_no_expression_of_a_regular_expression() -> None:
    assert promql.one_of(["a.b", "c|d", "a.b"]) == r'"a\\.b|c\\|d"'


def unquoted(literal: str) -> str:
    """As Prometheus reads it; of its escapes only those that we write."""
    assert literal[0] == literal[-1] == '"'
    return re.sub(
        r'\\(?:u([0-9a-f]{4})|U([0-9a-f]{8})|([nrt"\\]))',
        lambda m: (
            chr(int(m[1] or m[2], 16)) if m[1] or m[2] else {"n": "\n", "r": "\r", "t": "\t"}.get(m[3], m[3])
        ),
        literal[1:-1],
    )


@given(
    st.lists(st.text(st.characters(codec="utf-8"), min_size=1), min_size=1),
    st.text(st.characters(codec="utf-8")),
)
def test_a_matcher_matches_those_names_and_no_other(names: list[str], other: str) -> None:
    matcher = re.compile(unquoted(promql.one_of(names)))
    assert all(matcher.fullmatch(name) for name in names)
    assert bool(matcher.fullmatch(other)) == (other in names)


@given(st.text())
def test_no_name_ends_its_literal(name: str) -> None:
    inner = promql.string(name)[1:-1]
    assert '"' not in re.sub(r"\\.", "", inner)
    assert "\n" not in inner


LONG = [f"ip-10-0-{100 + n}-145.eu-central-1.compute.internal" for n in range(MOST)]


@pytest.mark.parametrize("dialect", measured.SERIES)
def test_a_question_for_as_many_nodes_as_are_followed_fits_a_url(dialect: str) -> None:
    """Through the API server there is only GET, and gateways in front of it take 8 KiB."""
    asked = promql.of_nodes(measured.SERIES[dialect], "exported_hostname", LONG)
    for expression in (
        asked,
        promql.places(measured.MARKS),
        promql.of_same(measured.FACTS, "uuid", asked),
        promql.below(asked, 0.05, window=604800, step=300),
    ):
        assert len(str(URL("http://localhost/").with_query(query=expression))) < 5000
