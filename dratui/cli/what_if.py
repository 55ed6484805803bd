"""`dratui what-if`: where the pods of a manifest would land, on which devices, and how many fit. The cluster is only
read."""

import asyncio
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from dratui.allocation import documents, manifests
from dratui.allocation.manifests import Manifests
from dratui.allocation.words import some
from dratui.api.model import Node, ObjectKey
from dratui.api.streams import PRIORITY_CLASSES
from dratui.cli.explain import NEEDED, judge
from dratui.cli.printing import escape_json
from dratui.cli.reading import note, once
from dratui.cluster.store import Store
from dratui.failure import Failure, UsageFailure
from dratui.kube.options import Options
from dratui.views.whatif import ORDER, told
from dratui.why.applied import apply, unused, waiting_first
from dratui.why.changes import copy_node, named, remove
from dratui.why.whatif import Outcome, Planner

_WIDE: Final = 120  # columns, where there is no terminal
_MOST_COPIES: Final = 5_000
_MOST_FILES: Final = 1_000  # of a folder
_SUFFIXES: Final = (".json", ".yaml", ".yml")
_STREAMS: Final = (
    *(
        name for name in NEEDED if not name.startswith("events:")
    ),  # of a pod that is not there nothing was said
    *("resourcequotas", PRIORITY_CLASSES.name),
)
_UNJUDGED: Final = ("podgroups", "namespaces")


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What to ask. `replicas`: of each workload, None as its manifest says, "max" for as many as fit."""

    files: Sequence[str]
    replicas: int | str | None
    without: Sequence[str]
    add_nodes: Sequence[str]
    namespace: str
    output: str
    at: str = ""


def run(wanted: Wanted, options: Options, recording: Path | None) -> int:
    """Print it. Raises Failure for what is not there and for manifests that are wrong."""
    texts = [(file if file != "-" else "stdin", _text(file)) for file in _files(wanted.files)]
    # What is wrong is told before the cluster is asked.
    _check(manifests.read(texts, wanted.namespace or "default"), wanted.namespace)
    store, about, _ = asyncio.run(once(_STREAMS, options, recording, wanted.at))
    judge(store, [each for each in _STREAMS if each not in _UNJUDGED])
    namespace = wanted.namespace or ("" if about.recorded else about.namespace) or "default"
    read = manifests.read(texts, namespace)
    changed = store.copy()
    said = [
        *_added_nodes(changed, wanted),
        *_without(changed, wanted),
        *apply(changed, read, about.server_version),
        waiting_first(changed),
    ]
    workloads = (*read.workloads, *unused(store, read))
    planner = Planner(changed, about.server_version, store)
    outcomes = []
    for workload in workloads:
        replicas = workload.replicas if wanted.replicas is None else wanted.replicas
        outcomes.append(planner.outcome(workload, replicas if isinstance(replicas, int) else None, _progress))
        _clear()
    notes = [*said, *(each for outcome in outcomes for each in _assumed(outcome))]
    if wanted.output == "json":
        print(_json(outcomes, notes))
    else:
        columns = shutil.get_terminal_size((_WIDE, 24)).columns if sys.stdout.isatty() else _WIDE
        for line in told(outcomes, notes, columns):
            print(line)
    return 0 if all(outcome.tried for outcome in outcomes) else 1


def _check(read: Manifests, namespace: str) -> None:
    """Whether there is anything to ask, where -n says it is. Raises Failure."""
    if not (read.workloads or read.claims or read.templates):
        raise Failure(
            f"the manifests have no pods and no claims{f', but {some(left)}' if (left := read.left_out) else ''}",
            hint="give a pod, what makes pods, or a claim",
        )
    for each in (*(of.pod for of in read.workloads), *read.claims, *read.templates):
        if namespace and each.namespace != namespace:
            raise UsageFailure(
                f"-n {namespace}: {each.name} is in namespace {each.namespace}, as its manifest says",
                hint="leave out the one or the other",
            )


def _assumed(outcome: Outcome) -> Sequence[str]:
    """What is said of a workload: that its claims are not made yet goes without saying."""
    of_question = outcome.question.notes if outcome.question and outcome.tried else ()
    order = [ORDER] if outcome.landed else []
    return [*outcome.notes, *order, *(each for each in of_question if "is not made yet" not in each)]


def _files(named: Sequence[str]) -> Iterator[str]:
    """As kubectl takes -f: of a folder its manifests, by name."""
    for name in named:
        if name.startswith(("http://", "https://")):
            raise UsageFailure(f"{name} is not read", hint=f"curl -sL {name} | dratui what-if -f -")
        if name == "-" or not Path(name).is_dir():
            yield name
            continue
        try:
            found = sorted(
                each for each in Path(name).iterdir() if each.suffix in _SUFFIXES and not each.is_dir()
            )
        except OSError as error:
            raise Failure(f"cannot read {name}: {error.strerror}") from error
        if not found:
            raise Failure(f"{name} has no manifest", hint=f"what ends in {', '.join(_SUFFIXES)} is read")
        yield from map(str, found[:_MOST_FILES])
        if len(found) > _MOST_FILES:
            raise Failure(
                f"{name} has {len(found)} manifests", hint=f"at most {_MOST_FILES} are read at once"
            )


def _text(file: str) -> bytes:
    """No more of it than may be."""
    try:
        if file == "-":
            return sys.stdin.buffer.read(documents.LARGEST + 1)
        with open(file, "rb") as opened:
            return opened.read(documents.LARGEST + 1)
    except OSError as error:
        raise Failure(f"cannot read {file}: {error.strerror}") from error


def _without(store: Store, wanted: Wanted) -> Sequence[str]:
    notes = []
    for text in wanted.without:
        found = named(store, text, wanted.namespace)
        if not found:
            within = f" in namespace {wanted.namespace}" if wanted.namespace else ""
            raise Failure(
                f"--without {text}: no claim, pod or node has that name{within}",
                hint="claim, pod or node: NAME, NAMESPACE/NAME or pod/NAMESPACE/NAME, as dratui get pods -A has them",
            )
        if len(found) > 1:
            all_ = ", ".join(f"{each.kind}/{'/'.join(filter(None, each.row.key))}" for each in found[:5])
            raise Failure(f"--without {text}: several have that name: {all_}", hint="name one like this")
        remove(store, found[0])
        notes.append(f"without {found[0].kind} {'/'.join(filter(None, found[0].row.key))}")
    return notes


def _added_nodes(store: Store, wanted: Wanted) -> Sequence[str]:
    """`LIKE=NODE`, `LIKE=3*NODE`."""
    notes = []
    for text in wanted.add_nodes:
        word, _, what = text.partition("=")
        times, star, name = what.partition("*")
        name, number = (name, times) if star else (what, "1")
        if word.lower() != "like" or not name or not (number.isascii() and number.isdigit()):
            raise UsageFailure(f"--add-node {text}: is not LIKE=NODE", hint="like=gpu-1, or like=3*gpu-1")
        copies = int(number[:9])
        if not 1 <= copies <= _MOST_COPIES:
            raise UsageFailure(f"--add-node {text}: from 1 to {_MOST_COPIES} nodes can be added")
        node: Node | None = store.nodes.get(ObjectKey("", name))
        if node is None:
            raise Failure(f"--add-node {text}: node {name!r} not found", hint="dratui get nodes")
        devices = copy_node(store, node, copies)
        if not devices:
            note(f"no driver publishes devices for {name} alone: copies of it have none")
        notes.append(
            f"with {copies} more node{'' if copies == 1 else 's'} like {name}, {devices} devices each"
        )
    return notes


def _progress(done: int) -> None:
    if done % 100 == 0 and sys.stderr.isatty():
        print(f"\r{done} replicas\x1b[K", end="", file=sys.stderr, flush=True)


def _clear() -> None:
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _json(outcomes: Sequence[Outcome], notes: Sequence[str]) -> str:
    document = {
        "workloads": [
            {
                "workload": each.workload,
                "wanted": each.wanted,
                "fit": len(each.landed),
                "why": each.why,
                "whicheverNodes": each.anyhow,
                "notLookedAt": each.unseen,
                "limit": each.limit,
                "limits": each.limits,
                "quota": each.quota,
                "gaveUp": each.gave_up,
                "landings": each.landed,
                "next": each.rest
                and {
                    "verdict": each.rest.verdict,
                    "nodes": each.rest.nodes,
                    "suggestions": each.rest.suggestions,
                },
            }
            for each in outcomes
        ],
        "notes": list(dict.fromkeys(filter(None, notes))),
    }
    return escape_json(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
