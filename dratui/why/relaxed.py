"""The same question, asking for less: what a person could change of a claim, the least change first."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

import msgspec

from dratui.allocation import capacity
from dratui.allocation.cel.clauses import clauses
from dratui.allocation.cel.limits import Limit, Value, limits
from dratui.allocation.cel.selector import Selector, selector
from dratui.allocation.explain import Cause, NodeExplained
from dratui.allocation.fleet import Devices, view
from dratui.api import quantity
from dratui.api.model import Device, DeviceKey, Request, Taint, Toleration
from dratui.failure import Failure
from dratui.why.ladder import Change, Ladder
from dratui.why.question import Question

MOST: Final = 6
"""Of the values of a limit, and of the taints: those that ask for the smallest changes."""

TAKEN: Final = frozenset[Cause](("held", "capacity", "counters", "together", "constraint"))


def changed(question: Question, changes: Iterable[Change]) -> Question | None:
    """The question with all of them; None where two are of the same thing."""
    edits: dict[str, list[Change]] = {}
    for each in changes:
        if each.source:
            edits.setdefault(each.source, []).append(each)
        if each.pod is not None and question.pod is not None:
            question = replace(question, pod=each.pod(question.pod))
        if each.request is not None:
            question = _each_request(question, each.request)
    sources = {source: _edited(source, of) for source, of in edits.items()}
    if not all(sources.values()):
        return None
    return _each_request(question, partial(_reselected, sources)) if sources else question


def _edited(source: str, changes: Sequence[Change]) -> str:
    """Nothing, if they overlap."""
    text, behind = source, len(source)
    for each in sorted(changes, key=lambda each: each.span, reverse=True):
        begin, end = each.span
        if end > behind:
            return ""
        text, behind = text[:begin] + each.text + text[end:], begin
    return text


def _reselected(sources: Mapping[str, str], claim: int, name: str, request: Request) -> Request:
    if not any(each in sources for each in request.selectors):
        return request
    return msgspec.structs.replace(request, selectors=tuple(sources.get(s, s) for s in request.selectors))


def _each_request(question: Question, change: Callable[[int, str, Request], Request]) -> Question:
    """With all requests and alternatives changed."""
    wanted = []
    for number, claim in enumerate(question.wanted):
        requests = []
        for request in claim.requests:
            subs = tuple(change(number, f"{request.name}/{sub.name}", sub) for sub in request.alternatives)
            requests.append(
                msgspec.structs.replace(request, alternatives=subs)
                if subs
                else change(number, request.name, request)
            )
        wanted.append(msgspec.structs.replace(claim, requests=tuple(requests)))
    return replace(question, wanted=tuple(wanted))


def _requests(question: Question) -> Iterator[tuple[int, str, Request]]:
    """All, alternatives in place of what they are of."""
    for number, claim in enumerate(question.wanted):
        for request in claim.requests:
            for sub in request.alternatives:
                yield number, f"{request.name}/{sub.name}", sub
            if not request.alternatives:
                yield number, request.name, request


def ladders(question: Question, nodes: Sequence[NodeExplained]) -> Iterator[Ladder]:
    """All that may help on these nodes, of claims."""
    refused = _refused(question, nodes)
    yield from _clauses(question, refused.get("selector", ()))
    yield from _tolerations(question, refused.get("taint", ()))
    yield from _capacities(question, refused.get("capacity", ()))
    yield from _counts(question)


_Refused = Sequence[tuple[DeviceKey, Device]]


def _refused(question: Question, nodes: Sequence[NodeExplained]) -> Mapping[Cause, _Refused]:
    """Devices by what kept them away."""
    wanted: dict[DeviceKey, Cause] = {
        DeviceKey(each.driver, each.pool, each.device): each.verdict
        for node in nodes
        for each in node.devices
        if each.verdict in ("selector", "taint", "capacity")
    }
    found: dict[Cause, list[tuple[DeviceKey, Device]]] = {}
    for pool in {(key.driver, key.pool) for key in wanted}:
        for each in question.world.slices.of_pool[pool]:
            for device in each.devices:
                key = DeviceKey(*pool, device.name)
                if key in wanted:
                    found.setdefault(wanted[key], []).append((key, device))
    return found


# Selectors


def _clauses(question: Question, refused: _Refused) -> Iterator[Ladder]:
    """Of each clause another limit, or none at all."""
    dialect = question.world.rules.dialect
    for source in sorted({s for _, _, request in _requests(question) for s in request.selectors}):
        try:
            compiled = selector(source, dialect)
        except Failure:
            continue
        of_clause = {limit.clause: limit for limit in limits(compiled)}
        for clause in clauses(compiled):
            rungs = []
            if (limit := of_clause.get(clause.text)) is not None:
                rungs = list(_limits(compiled, limit, refused))
            dropped = Change(
                "clause",
                f"it did not ask for {clause.text}",
                frozenset(("selector",)),
                source=source,
                span=clause.span,
                text="true",
            )
            yield [*rungs, dropped]


def _limits(compiled: Selector, limit: Limit, refused: _Refused) -> Iterator[Change]:
    for value in limit.nearest(set(_values(compiled, limit, refused)))[:MOST]:
        written = limit.admitting(value)
        if written and written != limit.written:
            yield Change(
                "limit",
                f"it asked for {limit.path[-1]} {limit.relation} {written} instead of {limit.written}",
                frozenset(("selector",)),
                source=compiled.source,
                span=limit.span,
                text=f"{limit.quote}{written}{limit.quote}",
            )


def _values(compiled: Selector, limit: Limit, refused: _Refused) -> Iterator[Value]:
    """What devices have, each value once."""
    devices = [(key.driver, device) for key, device in refused]
    keys = Devices(devices, compiled.dialect).keys(limit.path)
    for driver, device in dict(zip(keys, devices, strict=True)).values():
        value = limit.value(view(driver, device, compiled.dialect))
        if value is not None:
            yield value


# Requests


def _tolerations(question: Question, refused: _Refused) -> Iterator[Ladder]:
    found = {taint.text: taint for _, device in refused for taint in device.taints}
    for text in sorted(found)[:MOST]:
        added = tolerating(found[text])
        yield [Change("tolerate", f"it tolerated {text}", frozenset(("taint",)), partial(_tolerates, added))]


def tolerating(taint: Taint) -> Toleration:
    return Toleration(key=taint.key, operator="Equal", value=taint.value, effect=taint.effect)


def _tolerates(added: Toleration, claim: int, name: str, request: Request) -> Request:
    return msgspec.structs.replace(request, tolerations=(*request.tolerations, added))


def _capacities(question: Question, refused: _Refused) -> Iterator[Ladder]:
    shared = question.world.held.shared
    for number, name, request in _requests(question):
        for of, asked in request.capacity.items():
            left = {
                capacity.most(device.capacity[of], shared.get(key, {}).get(of, 0))
                for key, device in refused
                if of in device.capacity
            }
            asked_for = quantity.parse(asked) or 0
            less = [
                quantity.write(nano, asked) for nano in sorted(left, reverse=True) if 0 < nano < asked_for
            ]
            yield [
                Change(
                    "capacity",
                    f"{_named(question, number, name)} asked for {amount} of {of} instead of {asked}",
                    frozenset(("capacity",)),
                    partial(_asking, (number, name), of, amount),
                )
                for amount in less[:MOST]
            ]


def _asking(which: tuple[int, str], of: str, amount: str, claim: int, name: str, request: Request) -> Request:
    if (claim, name) != which:
        return request
    return msgspec.structs.replace(request, capacity={**request.capacity, of: amount})


def _counts(question: Question) -> Iterator[Ladder]:
    for number, name, request in _requests(question):
        if request.mode != "ExactCount":
            continue
        claim = question.wanted[number]
        yield [
            Change(
                "count",
                f"{_named(question, number, name)} wanted {count} instead of {request.count}",
                frozenset((*TAKEN, "too few", "taint", "selector", "class")),
                partial(_counting, (number, name), count),
                left=(f"{claim.namespace}/{claim.name}", name, count),
            )
            for count in range(request.count - 1, 0, -1)
        ]


def _counting(which: tuple[int, str], count: int, claim: int, name: str, request: Request) -> Request:
    return request if (claim, name) != which else msgspec.structs.replace(request, count=count)


def _named(question: Question, claim: int, name: str) -> str:
    of = f" of claim {question.wanted[claim].name}" if len(question.wanted) > 1 else ""
    return f"request {name}{of}"
