"""Why a pod waits, as text: hostile names, narrow screens, and a disagreement that comes first."""

from collections.abc import Sequence

import pytest

from dratui.events import Row
from dratui.terminal import width
from dratui.views.why import told
from dratui.why.answer import answer, by_node
from dratui.why.question import about_pod
from tests.cluster.build import NOW, ago, claim, pod, result, slice_, store
from tests.why.test_answer import CLASS, VERSION, node


def text(*rows: Row, says: str = "", columns: int = 80) -> Sequence[str]:
    waits = pod("train", "gpu", says=says, created=ago(minutes=12))
    known = store(CLASS, claim("gpu"), waits, *rows)
    question = about_pod(known, waits, VERSION)
    found = answer(known, question, list(by_node(known, question)))
    return list(told(question, found, waits, NOW, columns))


def test_a_disagreement_comes_first_with_both() -> None:
    says = "0/1 nodes are available: 1 cannot allocate all claims."
    lines = text(node("node-1"), slice_("node-1", "gpu-0"), says=says, columns=200)
    assert lines[0].startswith("We and the scheduler disagree: we find that the claims fit on node-1.")
    assert lines[1] == f"default/train has waited for 12m. The scheduler: {says}"


def test_a_pod_without_claims_fits_itself() -> None:
    bare = pod("train")
    known = store(CLASS, node("node-1"), bare)
    question = about_pod(known, bare, VERSION)
    lines = told(question, answer(known, question, list(by_node(known, question))), bare, NOW, 80)
    assert "It fits on 1 of 1 node." in list(lines)


HOSTILE = "\x1b]0;owned\x07\u202e 好"


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_nothing_is_wider_than_the_screen_or_moves_its_cursor(columns: int) -> None:
    nodes = [node(f"node-{n}") for n in range(60)]
    slices = [slice_(f"node-{n}", "gpu-0") for n in range(60)]
    held = [claim(f"c{HOSTILE}-{n}", result("gpu-0", f"node-{n}")) for n in range(60)]
    lines = text(*nodes, *slices, *held, says=f"{HOSTILE * 30}", columns=columns)
    assert max(map(width, lines)) <= columns
    assert all(line.isprintable() for line in lines)
    assert any("more" in line and "node-0" in line for line in lines)
