"""`dratui explain`: why a pod or a claim waits, node by node."""

import asyncio
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from dratui.allocation.explain import NodeExplained
from dratui.api.model import Claim, ObjectKey, Pod
from dratui.api.streams import STREAMS
from dratui.cli.printing import escape_json
from dratui.cli.reading import cannot_list, note, once
from dratui.cluster.store import Store
from dratui.events import COMPLETE, About, Phase
from dratui.failure import Failure, UsageFailure
from dratui.kube.options import Options
from dratui.views.why import told
from dratui.why.answer import Answer, answer, by_node
from dratui.why.question import Question, about_claim, about_pod

KINDS: Final = ("pod", "claim")
_NAMES: Final = {
    **dict.fromkeys(("pod", "pods", "po"), "pod"),
    **dict.fromkeys(("claim", "claims", "resourceclaim", "resourceclaims", "rc"), "claim"),
}
NEEDED: Final = tuple(
    name
    for name in STREAMS
    if name not in ("resourcequotas", "computedomains")  # nothing is decided by these
)
"""The streams without which an answer lacks something."""
_WIDE: Final = 120  # columns, where there is no terminal


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """Whom to explain. `at`: when in the recording, as typed; empty for its end."""

    kind: str
    name: str
    namespace: str
    everywhere: bool
    output: str
    at: str = ""


def run(wanted: Wanted, options: Options, recording: Path | None) -> int:
    """Print it. Raises Failure for what is not there."""
    kind = _NAMES.get(wanted.kind)
    if kind is None:
        raise UsageFailure(f"cannot explain {wanted.kind!r}", hint=f"one of {', '.join(KINDS)}")
    if not wanted.name:
        raise UsageFailure(f"which {kind}?", hint=f"dratui explain {kind} NAME")
    store, about, now = asyncio.run(once(NEEDED, options, recording, wanted.at))
    plural = "pods" if kind == "pod" else "resourceclaims"
    judge(store, (plural,), must=True)
    subject = _find(store, kind, wanted, about)
    grouped = isinstance(subject, Pod) and bool(subject.group)
    idle = {plural, "namespaces", *(() if grouped else ("podgroups",))}
    judge(store, [each for each in NEEDED if each not in idle])
    question = (
        about_pod(store, subject, about.server_version)
        if isinstance(subject, Pod)
        else about_claim(store, subject, about.server_version)
    )
    if question.admin:  # only then its label counts
        judge(store, ("namespaces",))
    found = answer(store, question, _nodes(store, question))
    if wanted.output == "json":
        print(as_json(kind, subject, question, found))
        return 0
    columns = shutil.get_terminal_size((_WIDE, 24)).columns if sys.stdout.isatty() else _WIDE
    for line in told(question, found, subject, datetime.fromtimestamp(now, UTC), columns):
        print(line)
    return 0


def _nodes(store: Store, question: Question) -> Sequence[NodeExplained]:
    total = len(question.nodes)
    nodes = []
    for done, node in enumerate(by_node(store, question), start=1):
        nodes.append(node)
        if sys.stderr.isatty() and done % 200 == 0:
            print(f"\r{done} of {total} nodes\x1b[K", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty() and total >= 200:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
    return nodes


def _find(store: Store, kind: str, wanted: Wanted, about: About) -> Pod | Claim:
    table: dict[ObjectKey, Any] = store.pods if kind == "pod" else store.claims
    anywhere = wanted.everywhere or about.recorded
    namespace = wanted.namespace or ("" if anywhere else about.namespace or "default")
    if namespace:
        found = [row] if (row := table.get(ObjectKey(namespace, wanted.name))) else []
    else:
        found = [row for key, row in sorted(table.items()) if key.name == wanted.name]
    if len(found) == 1:
        return found[0]  # type: ignore[no-any-return]  # of one of the two tables
    if found:
        namespaces = ", ".join(row.namespace for row in found)
        raise Failure(
            f"{kind} {wanted.name!r} is in several namespaces: {namespaces}", hint="name one with -n"
        )
    where = f" in namespace {namespace}" if namespace else ""
    raise Failure(f"{kind} {wanted.name!r} not found{where}", hint=f"dratui get {kind}s -A")


def judge(store: Store, streams: Sequence[str], *, must: bool = False) -> None:
    """Without its own kind there is nothing to explain; what else is missing is said."""
    for stream in streams:
        health = store.health.get(stream)
        if health is None or (health.phase is Phase.NOT_SERVED and not must):
            continue
        if health.phase not in COMPLETE:
            if must:
                raise cannot_list(stream, health)
            note(f"{stream} {health.phase}: what depends on them is unknown. {health.detail}")
        elif health.namespace:
            note(f"{stream}: your rights allow only namespace {health.namespace}")


def as_json(kind: str, subject: Pod | Claim, question: Question, found: Answer) -> str:
    """The document of `-o json`."""
    document = {
        kind: {"namespace": subject.namespace, "name": subject.name},
        "verdict": found.verdict,
        "why": found.why,
        "agrees": found.agrees,
        "conflict": found.conflict,
        "waiting": found.waiting,
        "claims": [{"name": claim.name, "requests": claim.requests} for claim in question.wanted],
        "notes": question.notes,
        "nodes": found.nodes,
        "suggestions": found.suggestions,
    }
    return escape_json(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
