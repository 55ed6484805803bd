"""The answer: node by node, the nodes with the same story together, and whether the scheduler says the same."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, Literal

import msgspec

from dratui.allocation.explain import Cause, NodeExplained, explain
from dratui.allocation.patience import Patience
from dratui.api.native import is_native
from dratui.cluster.claims import waits_for
from dratui.cluster.groups import not_tried
from dratui.cluster.pending import Waiting, before_the_queue, node_counts, nodes_looked_at, settled, waiting
from dratui.cluster.store import Store
from dratui.why.placement import kept_away, place_of
from dratui.why.question import Question, holders
from dratui.why.suggestions import Suggestion, suggestions

Verdict = Literal["fits", "does not fit", "error", "not tried", "bound", "allocated", "unknown"]
"""`error`: the scheduler gives up at an error, wherever else the claims would fit. `not tried`: it does not begin
before something else is there; nodes are what it would find. `bound`, `allocated`: there is nothing to decide."""

_BEFORE: Final = frozenset[Cause](("cordoned", "not ready", "node taint", "node affinity", "resources"))
_OWN_WORDS: Final = frozenset[Cause](("held", "capacity", "counters", "too few", "device plugin", "gave up"))
"""Causes whose words differ from node to node while the story is the same."""

_MOST_WORDS: Final = 12  # for one of these causes of one request
_MERGED: Final = frozenset[Cause](("selector", "taint", "node"))

_TIERS: Final[Sequence[frozenset[Cause]]] = (
    frozenset(("fits", "error", "admin access")),
    frozenset(("resources",)),
    frozenset(("taint", "counters", "capacity", "held", "selector", "node", "too few", "gave up")),
    frozenset(("constraint", "together", "device plugin", "elsewhere")),
    frozenset(("pool incomplete", "pool invalid")),
    frozenset(("class", "no devices")),
    _BEFORE - {"resources"},
)
"""What comes nearest to fitting first."""

_RANK: Final[Sequence[Cause]] = ("taint", "counters", "capacity", "held")

_SAID_OF_DEVICES: Final = (
    *("cannot allocate all claims", "resourceclaim not available", "invalid resource pools"),
    *("cannot schedule extended resource", "cannot fit resource", "timed out trying to allocate"),
    *("device class", "Insufficient "),
)
_SAID_OF_PLACEMENT: Final = (
    *(
        "node(s) were unschedulable",
        "node(s) had untolerated taint",
        "node(s) didn't match Pod's node affinity",
    ),
)


_ADMIN: Final = "admin access to devices requires"  # of the API server, when the scheduler writes them down


class Group(msgspec.Struct, frozen=True, gc=False):
    """Nodes with the same story, by name; `nearest` is the one that misses least."""

    cause: Cause
    nodes: tuple[str, ...]
    nearest: NodeExplained


class Answer(msgspec.Struct, frozen=True, gc=False):
    """`agrees` is None where the scheduler said nothing that can be compared; `conflict` says where it does not.

    `waiting` is why the pod waits, in the scheduler's or our words; None for a claim.
    """

    verdict: Verdict
    waiting: Waiting | None
    agrees: bool | None
    conflict: str
    nodes: tuple[NodeExplained, ...]
    groups: tuple[Group, ...]
    suggestions: tuple[Suggestion, ...] = ()
    why: str = (
        ""  # nothing is decided: `not tried`, `bound`, `allocated`, `unknown`; or what a claim waits for
    )


def by_node(store: Store, question: Question, patience: Patience | None = None) -> Iterator[NodeExplained]:
    """One node after the other, so that one may stop, and tell how far one is."""
    if question.missing or question.unknown or question.settled:
        return
    patience = patience or Patience()
    for node in question.nodes:
        found = kept_away(store, question, node)
        if found is None or found.cause == "resources":
            devices = explain(
                question.world,
                place_of(node),
                question.claims_on(node),
                lambda key: holders(store, key),
                patience,
            )
            found = _with_its_devices(found, devices) if found else _unless_refused(question, devices)
        yield found


def _unless_refused(question: Question, devices: NodeExplained) -> NodeExplained:
    """It would fit, if it were allowed to."""
    if not (devices.fits and (why := question.refused)):
        return devices
    return msgspec.structs.replace(devices, fits=False, cause="admin access", detail=why, why=why)


def _with_its_devices(kept: NodeExplained, devices: NodeExplained) -> NodeExplained:
    """What would be if there were room for the pod."""
    if devices.fits and not devices.devices:
        return kept  # it asks for none
    also = "its claims would fit" if devices.fits else "nor do its claims fit"
    if devices.cause == "gave up":
        also = "whether its claims would fit is not known"
    return msgspec.structs.replace(
        kept,
        detail=f"{kept.detail}; {also}" + ("" if devices.fits else f": {devices.detail}"),
        why=f"{kept.why}; {also}",
        devices=devices.devices,
        wanted=devices.wanted,
        got=devices.got,
    )


def answer(
    store: Store,
    question: Question,
    nodes: Sequence[NodeExplained],
    heed: Callable[[], None] = lambda: None,
) -> Answer:
    """What the nodes amount to. `heed` is called again and again meanwhile; what it raises ends it."""
    pod = question.pod
    waits = waiting(store, pod) if pod else None
    verdict, why = _verdict(store, question, nodes, waits)
    if pod is None and not why:
        why = waits_for(store, question.wanted[0])
    agrees, conflict = compared(question, nodes) if pod and verdict in _COMPARED else (None, "")
    changes = suggestions(store, question, nodes, heed)
    return Answer(verdict, waits, agrees, conflict, tuple(nodes), grouped(nodes), changes, why)


_COMPARED: Final = ("fits", "does not fit", "error")


def _verdict(
    store: Store, question: Question, nodes: Sequence[NodeExplained], waits: Waiting | None
) -> tuple[Verdict, str]:
    pod = question.pod
    if question.settled:
        return ("bound", settled(pod)) if pod is not None else ("allocated", settled(question.given[0]))
    if pod is not None and (pod.gates or pod.deleted or not_tried(store, pod)):
        return "not tried", waits.reason if waits else ""
    if question.missing:
        return "not tried", waits.reason if waits and waits.source != "scheduler" else question.missing
    if question.unknown:
        return "unknown", f"{' and '.join(question.unknown)} cannot be read"
    if pod is not None and (before := before_the_queue(store, pod)):
        return "not tried", before.reason
    if any(node.cause == "error" for node in nodes):
        return "error", ""
    if any(node.fits for node in nodes):
        return "fits", ""
    if given_up := sum(node.cause == "gave up" for node in nodes):
        where = "there" if given_up == len(nodes) else "there; it fits on no other"
        return "unknown", f"the search gave up on {given_up} of {_nodes(len(nodes))}: it may fit {where}"
    return "does not fit", ""


def grouped(nodes: Sequence[NodeExplained]) -> tuple[Group, ...]:
    """The same story once, what came nearest to fitting first. Where there would be too many, words do not count."""
    told = [(node, (node.cause, node.claim, node.request), _story(node)) for node in nodes]
    words = Counter(of for of, _ in {(of, words) for _, of, words in told})
    stories: dict[tuple[object, str], list[NodeExplained]] = {}
    for node, of, said in told:
        merged = words[of] > _MOST_WORDS and node.cause in _MERGED
        stories.setdefault((of, "" if merged else said), []).append(node)
    groups = [
        Group(of[0].cause, tuple(node.node for node in of), min(of, key=_missing)) for of in stories.values()
    ]
    return tuple(sorted(groups, key=_nearness))


def _story(node: NodeExplained) -> str:
    if node.cause in _OWN_WORDS or node.fits:
        return ""
    return _unnamed(node.why or node.detail, node.node)


def _missing(node: NodeExplained) -> tuple[int, str]:
    return node.wanted - node.got, node.node


def _nearness(group: Group) -> tuple[int, int, int, int]:
    cause: Cause = "held" if group.cause == "resources" and _missing(group.nearest)[0] else group.cause
    tier = next((n for n, causes in enumerate(_TIERS) if cause in causes), len(_TIERS))
    rank = _RANK.index(group.cause) if group.cause in _RANK else len(_RANK)
    return tier, group.nearest.wanted - group.nearest.got, rank, -len(group.nodes)


def _unnamed(text: str, node: str) -> str:
    """Words without the node's own name."""
    if node not in text:
        return text
    return re.sub(rf"(?<![\w.-]){re.escape(node)}(?![\w-])", "…", text)


def compared(question: Question, nodes: Sequence[NodeExplained]) -> tuple[bool | None, str]:
    """Whether the scheduler's last words and our reading can both be true; if not, what cannot."""
    condition = question.pod.scheduled if question.pod else None
    if condition is None or condition.status != "False" or not condition.message:
        return None, ""
    if condition.reason not in ("Unschedulable", "SchedulerError"):
        return None, ""
    if "timed out trying to allocate devices" in condition.message:
        return None, ""  # we have shortcuts, and no ten seconds
    errors = [node.why or node.detail for node in nodes if node.cause == "error"]
    said = node_counts(condition.message)
    if not said:
        if any(error in condition.message for error in errors):
            return True, ""
        if _ADMIN in condition.message and any(node.cause == "admin access" for node in nodes):
            return True, ""
        return (False, "it stopped at an error, and we find none") if not errors else (None, "")
    if errors:
        if any("device class" in text for text in said):
            return True, ""
        return False, f"it should have stopped at an error: {errors[0]}"
    if nodes_looked_at(condition.message) != len(nodes):
        return None, ""  # there were other nodes then
    conflict = _conflict(said, nodes, rooms=question.room.whole)
    return not conflict, conflict


def _conflict(said: Mapping[str, int], nodes: Sequence[NodeExplained], *, rooms: bool) -> str:
    """`rooms`: whether it is known what all pods take. A node that is short of something is not counted by what its
    devices are, nor the other way round: since the scheduler looked, another pod may have come."""
    short = Counter(text for node in nodes for text in node.short)
    of_room = {text: n for text, n in said.items() if rooms and _is_of_room(text)}
    devices = sum(n for text, n in said.items() if _is_of_devices(text))
    placement = sum(n for text, n in said.items() if text.startswith(_SAID_OF_PLACEMENT))
    others = sum(n for text, n in said.items() if text not in of_room) - devices - placement
    fits = [node.node for node in nodes if node.fits]
    if len(fits) > others:
        where = ", ".join(fits[:3]) + (", …" if len(fits) > 3 else "")
        return f"we find that {'it fits' if of_room else 'the claims fit'} on {where}"
    for text, number in of_room.items():
        if number > short[text]:
            return f"it finds {text} on {_nodes(number)}, we on {short[text]}"
    by_devices = sum(not node.fits and node.cause not in _BEFORE for node in nodes)
    if devices > by_devices + sum(node.cause == "resources" for node in nodes):
        return f"it finds no devices on {_nodes(devices)}, we on {by_devices}"
    if by_devices > devices + others + sum(of_room.values()):
        return f"it finds no devices on {_nodes(devices)}, we on {by_devices}"
    return ""


def _is_of_room(text: str) -> bool:
    return text == "Too many pods" or (
        text.startswith("Insufficient ") and is_native(text.removeprefix("Insufficient "))
    )


def _is_of_devices(text: str) -> bool:
    return any(words in text for words in _SAID_OF_DEVICES) and not _is_of_room(text)


def _nodes(number: int) -> str:
    return "1 node" if number == 1 else f"{number} nodes"
