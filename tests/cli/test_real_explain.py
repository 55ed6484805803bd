"""`dratui explain` beside the real scheduler, on the real control plane with every scenario."""

import asyncio
import json
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dratui.api.model import ObjectKey, Pod
from dratui.api.streams import STREAMS
from dratui.cli.explain import as_json
from dratui.cli.reading import once
from dratui.cluster.store import Store
from dratui.events import Gone
from dratui.kube.options import Options
from dratui.terminal import width
from dratui.views.why import opening, stories, wrapped
from dratui.why.answer import Answer, answer, by_node
from dratui.why.question import Question, about_pod
from tests.cli.commands import dratui
from tests.realparts import scenarios
from tests.realparts.controlplane import ControlPlane
from tests.realparts.scenarios import ScenarioPod


@dataclass(frozen=True)
class Cluster:
    """All that there is, read once."""

    store: Store
    version: str
    now: datetime

    def asks(self, pod: ScenarioPod) -> tuple[Pod, Question]:
        """A pod, and what it asks."""
        subject = self.store.pods[ObjectKey(pod.namespace, pod.name)]
        return subject, about_pod(self.store, subject, self.version)


@pytest.fixture(scope="module")
def cluster(all_scenarios: ControlPlane) -> Cluster:
    options = Options(kubeconfig=str(all_scenarios.kubeconfig("viewer")))
    store, about, now = asyncio.run(once(tuple(STREAMS), options, None, ""))
    return Cluster(store, about.server_version, datetime.fromtimestamp(now, UTC))


@pytest.fixture(scope="module")
def answers(cluster: Cluster) -> dict[ObjectKey, Answer]:
    """Of every pod that waits."""
    return {
        key: _answer(cluster.store, key, cluster.version)
        for key, pod in cluster.store.pods.items()
        if pod.phase == "Pending" and not pod.node
    }


def _answer(store: Store, key: ObjectKey, version: str) -> Answer:
    question = about_pod(store, store.pods[key], version)
    return answer(store, question, list(by_node(store, question)))


def test_we_and_the_scheduler_never_disagree(answers: dict[ObjectKey, Answer]) -> None:
    wrong = {
        f"{key.namespace}/{key.name}": (found.conflict, found.waiting and found.waiting.reason)
        for key, found in answers.items()
        if found.agrees is False
    }
    assert wrong == {}
    assert sum(found.agrees is True for found in answers.values()) >= MOST_AGREE


MOST_AGREE = 15

_BY_CHANCE = re.compile(r"(?<=quota-device)-\w{5}")


def test_what_the_scheduler_calls_unschedulable_fits_nowhere(answers: dict[ObjectKey, Answer]) -> None:
    for pod in scenarios.pods("waiting"):
        found = answers.get(ObjectKey(pod.namespace, pod.name))
        if found is not None and found.agrees:
            assert found.verdict in ("does not fit", "error"), pod.name


def test_every_pod_of_waiting_is_told_in_the_words_of_the_file(cluster: Cluster) -> None:
    """At 80 columns, without ages and the scheduler's words."""
    alone = replace(cluster, store=_alone(cluster.store))
    told = [line for pod in scenarios.pods("waiting") for line in _told(alone, pod).splitlines()]
    assert told == (Path(__file__).parent / "explained-waiting.txt").read_text().splitlines()


def _alone(store: Store) -> Store:
    """The scenario's nodes and their devices: others come and go."""
    alone = store.copy()
    alone.apply(
        [Gone("nodes", each) for each in store.nodes.values() if not each.name.startswith("waiting-")]
    )
    slices = store.slices.values()
    alone.apply([Gone("resourceslices", each) for each in slices if not each.node.startswith("waiting-")])
    return alone


def _told(cluster: Cluster, pod: ScenarioPod) -> str:
    subject, question = cluster.asks(pod)
    found = answer(cluster.store, question, list(by_node(cluster.store, question)))
    paragraphs = [f"{found.verdict}: {found.why}" if found.why else found.verdict]
    paragraphs += [
        each for each in opening(question, found, subject, cluster.now) if each.startswith("claim ")
    ]
    paragraphs = [_BY_CHANCE.sub("", each) for each in paragraphs]
    lines = [line for each in paragraphs for line in wrapped(each, 80)]
    lines += stories(found.groups, found.suggestions, 80)
    assert max(map(width, lines)) <= 80
    return "\n".join((f"--- {pod.namespace}/{pod.name}", *lines))


@pytest.mark.parametrize("pod", scenarios.pods("waiting"), ids=lambda pod: pod.name)
def test_json_tells_the_same_of_every_pod(cluster: Cluster, pod: ScenarioPod) -> None:
    subject, question = cluster.asks(pod)
    found = answer(cluster.store, question, list(by_node(cluster.store, question)))
    told = json.loads(as_json("pod", subject, question, found))
    assert told["pod"] == {"namespace": pod.namespace, "name": pod.name}
    assert (told["verdict"], told["agrees"], told["why"]) == (found.verdict, found.agrees, found.why)
    assert [(n["node"], n["fits"], n["cause"], n["request"], n["detail"]) for n in told["nodes"]] == [
        (n.node, n.fits, n.cause, n.request, n.detail) for n in found.nodes
    ]
    for node in told["nodes"]:
        assert (node["cause"] == "fits") is node["fits"]
        for device in node["devices"]:
            assert set(device) == {"driver", "pool", "device", "verdict", "why"}
    assert [each["what"] for each in told["suggestions"]] == [each.what for each in found.suggestions]
    settled = found.verdict in ("bound", "not tried")
    assert bool(told["nodes"]) or settled


def test_a_person_reads_it(all_scenarios: ControlPlane) -> None:
    done = dratui(
        *("--kubeconfig", str(all_scenarios.kubeconfig("viewer"))),
        *("explain", "pod", "counters-short", "-n", "waiting"),
        home=all_scenarios.path,
    )
    assert (done.status, done.err) == (0, "")
    assert "Our reading agrees." in done.lines
