"""Answers of a Prometheus that says anything."""

import math

from hypothesis import given
from hypothesis import strategies as st

from dratui.telemetry import idling, measured
from dratui.telemetry.dialects import BY_SERIES, DIALECTS
from dratui.telemetry.promapi import Value
from dratui.telemetry.promql import NODE_LABELS

told_labels = {
    label
    for dialect in DIALECTS
    for field in dialect.labels.__slots__
    if isinstance(label := getattr(dialect.labels, field), str) and label
}
labels = st.dictionaries(
    st.sampled_from(
        sorted(
            {
                *told_labels,
                *NODE_LABELS,
                "job",
                "exported_pod",
                "pod",
                "namespace",
                "scope",
                "value",
                "reason",
            }
        )
    ),
    st.sampled_from(["", "a", "0", "1", "MIG-1", "GPU-1", "0:1", "utilization", "shared"]),
)


def value(name: str, told: dict[str, str], number: str) -> Value:
    known = BY_SERIES.get(name)
    needed = {} if known is None else dict.fromkeys((known[0].labels.group, *known[0].must), "GPU-1")
    return Value({"__name__": name, "exported_node": "a", **needed, **told}, (1.0, number))


values = st.builds(
    value,
    st.one_of(st.sampled_from(idling.BUSY), st.sampled_from([*BY_SERIES, "up", ""])),
    labels,
    st.one_of(st.floats().map(str), st.sampled_from(["", "1", "0.5", "NaN", "x"])),
)
answers = st.lists(values, max_size=12)


@given(answers, answers, answers, answers)
def test_nothing_that_it_says_is_an_error(
    now: list[Value], scrapes: list[Value], shares: list[Value], looks: list[Value]
) -> None:
    known = measured.scraped(scrapes, scrapes, over=300)
    measured.places(now)
    rows = measured.facts(shares, measured.rows(now, {"a", "1"}, known), known)
    for node, of in rows.items():
        found = measured.sample(node, of, known, now=100.0, at=100.0, interval=15.0)
        idleness = {metric: idling.idle(metric, shares, looks, of, step=5) for metric in idling.BUSY}
        if found is None:
            continue
        told = idling.told(found, of, idleness)
        assert len(told.devices) == len(found.devices)
        assert all(math.isfinite(value) for device in told.devices for value in device.values.values())


@given(answers)
def test_who_is_idle_all_the_time_is_so_in_its_sample(now: list[Value]) -> None:
    of = measured.rows(now, {"a"}, measured.Scraped()).get("a", ())
    found = measured.sample("a", of, measured.Scraped(), now=100.0, at=100.0, interval=15.0)
    idleness = {name: {row.own: idling.Idle(1.0, 60.0) for row in of} for name in idling.BUSY}
    if found is not None:
        for device in idling.told(found, of, idleness).devices:
            if "utilization" in device.values or "graphics_active" in device.values:
                assert (device.values["idle_share"], device.values["idle_watched"]) == (1.0, 60.0)
