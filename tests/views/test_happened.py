"""What a step of time was, in a few words."""

import pytest

from dratui.api.model import Node, Slice
from dratui.api.streams import STREAMS
from dratui.events import Event, Gone, Health, HealthChanged, Page, Phase, Put
from dratui.samples import STREAM as SAMPLES
from dratui.views.happened import happened
from tests.cluster.build import claim, pod, put, sample, warning

TRAIN = pod("train")


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ([put(TRAIN)], "pod default/train"),
        ([Gone("resourceclaims", claim("gpu"))], "claim default/gpu gone"),
        ([put(Node(name="node-1"))], "node node-1"),
        ([put(Slice(name="s"))], "slice s"),
        ([put(warning(TRAIN, "FailedX", "no"))], "warning of pod default/train: FailedX"),
        ([put(TRAIN), put(pod("b")), put(claim("gpu"))], "2 pods, 1 claim"),
        ([Page("pods", (TRAIN,), True, True), put(TRAIN)], ""),
        ([HealthChanged("pods", Health(phase=Phase.STALE, since=0))], "pods stale"),
        ([Page(SAMPLES, (sample("node-1"),), True, True), put(TRAIN)], "pod default/train"),
        ([], ""),
    ],
)
def test_it_is_named_or_counted(events: list[Event], words: str) -> None:
    assert happened(events) == words


@pytest.mark.parametrize("stream", STREAMS)
def test_every_stream_has_a_word_for_one_object(stream: str) -> None:
    word, _ = happened([Put(stream, Node(name="x"))]).split()
    assert not word.endswith("s") or word == "class"
