"""What a step of time was, in a few words."""

from datetime import UTC, datetime

import pytest

from dratui.api.model import Consumer, Node, Slice
from dratui.api.streams import STREAMS
from dratui.events import Event, Gone, Health, HealthChanged, Page, Phase, Put
from dratui.prepared import Done, Plugin
from dratui.samples import STREAM as SAMPLES
from dratui.views.happened import happened
from tests.cluster.build import claim, pod, put, result, sample, slice_, warning

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
    assert happened([], events) == words


@pytest.mark.parametrize("stream", STREAMS)
def test_every_stream_has_a_word_for_one_object(stream: str) -> None:
    word, _ = happened([], [Put(stream, Node(name="x"))]).split()
    assert not word.endswith("s") or word == "class"


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (pod("a", status="Pending"), pod("a", status="Running"), "pod default/a Pending → Running"),
        (
            pod("a", status="Running"),
            pod("a", status="Running", deleted=datetime(2026, 3, 1, tzinfo=UTC)),
            "pod default/a Running → Terminating",
        ),
        (pod("a", status="Pending", node=""), pod("a", status="Pending", node="n"), "pod default/a on n"),
        (claim("c"), claim("c", result("gpu-0")), "claim default/c pending → allocated"),
        (
            claim("c", result("gpu-0"), consumers=(Consumer("pods", "a", "1"),)),
            claim("c", result("gpu-0"), consumers=(Consumer("pods", "a", "1"), Consumer("pods", "b", "2"))),
            "claim default/c 1 → 2 consumers",
        ),
        (Node(name="n", ready="True"), Node(name="n", ready="Unknown"), "node n Ready → NotReady"),
        (slice_("n", "gpu-0", "gpu-1"), slice_("n", "gpu-0"), "2 → 1 device"),
        (pod("a"), pod("a", priority=3), "pod default/a"),
    ],
)
def test_what_is_different_is_said_where_a_word_says_it(before: object, after: object, words: str) -> None:
    assert happened([put(before)], [put(after)]).endswith(words)


def test_what_was_not_there_the_instant_before_was_created() -> None:
    assert happened([Gone("pods", TRAIN)], [put(TRAIN)]) == "pod default/train created"


def told(*steps: Done) -> list[Event]:
    plugin = Plugin(driver="gpu.dratui.dev", steps=steps)
    return [Page(SAMPLES, (sample("node-1", plugin=plugin),), True, True)]


def done(what: str, at: float, **more: object) -> Done:
    return Done(at=at, what=what, claim="uid", namespace="ml", name="c", **more)  # type: ignore[arg-type]


def test_what_a_kubelet_plugin_did_is_told_of_its_claim_and_node() -> None:
    before, made, prepared = done("prepare", 1), done("mig_created", 2), done("prepare", 3)
    assert (
        happened(told(before), told(before, made, prepared))
        == "claim ml/c MIG device made, prepared on node-1"
    )
    assert happened(told(before), told(before)) == ""
    assert happened([], told(before)) == "", "nobody knows that it is new"


def test_a_failure_is_told_once_however_often_it_comes_again() -> None:
    once = done("prepare", 1, error="in use", first=1)
    again = done("prepare", 9, error="in use", first=1, times=9)
    assert happened(told(), told(once)) == "claim ml/c prepare failed on node-1"
    assert happened(told(once), told(again)) == ""
    assert happened(told(again), told(again, done("prepare", 12))) == "claim ml/c prepared on node-1"
