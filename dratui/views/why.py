"""Why a pod or a claim waits, as text: what the scheduler says, whether we find the same, and the nodes' stories."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from dratui.allocation.explain import Cause
from dratui.api.model import Claim, Pod
from dratui.terminal import clean, cut, width
from dratui.views.words import age, count, wanted
from dratui.why.answer import Answer, Group
from dratui.why.placement import UNSEEN
from dratui.why.question import Question
from dratui.why.suggestions import Suggestion

INDENT: Final = 12
_MOST_GROUPS: Final = 30
_MOST_DEVICES: Final = 8
MOST_SUGGESTIONS: Final = 6

_HEADLINE: Final[Mapping[Cause, str]] = {
    "fits": "fits",
    "too few": "too few devices",
    "selector": "too few devices pass its selectors",
    "node": "devices cannot be used on this node",
    "held": "devices are held",
    "capacity": "too little capacity is left of shared devices",
    "counters": "too little is left of the cards that partitions share",
    "taint": "devices are tainted",
    "constraint": "no choice of devices meets the constraints",
    "together": "the requests do not fit together",
    "pool incomplete": "a pool is incomplete",
    "pool invalid": "a pool is invalid",
    "gave up": "gave up",
    "device plugin": "too few devices of a device plugin",
}

_SAME_WORDS: Final = frozenset[Cause](
    (
        "no devices",
        "class",
        "error",
        "admin access",
        "cordoned",
        "not ready",
        "node taint",
        "node affinity",
        "elsewhere",
    )
)
"""Causes that all nodes of a group tell in the same words."""


def told(
    question: Question, answer: Answer, subject: Pod | Claim, now: datetime, columns: int
) -> Iterator[str]:
    """The lines, cleaned, none wider than `columns`."""
    for paragraph in opening(question, answer, subject, now):
        yield from wrapped(paragraph, columns)
    yield from stories(answer.groups, answer.suggestions, columns)
    if answer.nodes:
        yield ""
        yield from wrapped(assumed(question), columns)


def stories(groups: Sequence[Group], changes: Sequence[Suggestion], columns: int) -> Iterator[str]:
    """What the nodes say, those with the same story together, and what would help."""
    if groups:
        yield ""
        for group in groups[:_MOST_GROUPS]:
            yield from story(group, columns)
        if (more := len(groups) - _MOST_GROUPS) > 0:
            yield from wrapped(f"… {count(more, 'more story', 'more stories')}; -o json has all", columns)
    if changes:
        yield ""
        yield "It would fit if"
        for each in changes[:MOST_SUGGESTIONS]:
            yield from suggested(each, columns)


def opening(question: Question, answer: Answer, subject: Pod | Claim, now: datetime) -> Iterator[str]:
    """What comes first, a paragraph each, not cleaned: a disagreement, the scheduler's words, the verdict, what is
    asked for."""
    name = f"{subject.namespace}/{subject.name}"
    if answer.agrees is False:
        yield f"We and the scheduler disagree: {answer.conflict}. What it said may be old; else trust neither."
    if answer.verdict in ("bound", "allocated") or (answer.verdict == "unknown" and not answer.nodes):
        yield f"{name}: {answer.why}."
    else:
        yield from _waits(answer, subject, name, now)
    if answer.agrees:
        yield "Our reading agrees."
    if answer.nodes:
        yield from verdict(answer, subject)
        for claim in question.wanted:
            yield f"claim {claim.name}: {wanted(claim.requests)}"
        for resource, of in question.extended.items():
            yield f"extended resource {resource}: {question.plugin[resource]} × {of}"


def _waits(answer: Answer, subject: Pod | Claim, name: str, now: datetime) -> Iterator[str]:
    waits = answer.waiting
    for_ = f"{name} has waited for {age(subject.created, now)}"
    if waits is None:
        yield f"{for_}: {answer.why}." if answer.why else f"{for_}."
    elif waits.source == "scheduler":
        yield f"{for_}. The scheduler: {waits.reason}"
    else:
        yield f"{for_}. {waits.reason[:1].upper()}{waits.reason[1:]}."


def verdict(answer: Answer, subject: Pod | Claim) -> Iterator[str]:
    """What it comes to, the paragraphs of the opening that say it; not cleaned."""
    fits = sum(node.fits for node in answer.nodes)
    of = count(len(answer.nodes), "node")
    match answer.verdict:
        case "fits":
            what = "Its claims fit" if isinstance(subject, Pod) and subject.claims else "It fits"
            yield f"{what} on {fits} of {of}."
            if answer.agrees:
                yield "What keeps it waiting is something else that the scheduler says."
        case "not tried":
            yield f"The scheduler does not try it yet. If it did: the claims fit on {fits} of {of}."
        case "does not fit":
            yield f"It fits on none of {of}."
        case "unknown":
            yield f"Whether it fits is not known: {answer.why}."
        case "error":
            yield "The scheduler stops at an error, for all nodes:"
        case _:
            pass


def assumed(question: Question) -> str:
    """What the answer rests on, and what was not looked at; not cleaned."""
    notes = "; ".join(question.notes)
    return f"{notes[:1].upper()}{notes[1:]}. Not looked at: {UNSEEN}."


def story(group: Group, columns: int) -> Iterator[str]:
    """Nodes with the same story: how many, the story, the nearest miss, which; cleaned."""
    nearest = group.nearest
    names = ", ".join(group.nodes)
    request = f"request {nearest.request}: " if nearest.request else ""
    if len(group.nodes) == 1:
        head = f"{names}: {request}{_detail(group)}"
        rest = []
    elif group.cause in _SAME_WORDS:
        story = nearest.detail if group.cause == "error" else nearest.why or nearest.detail
        head = f"{request}{story}"
        rest = [names]
    else:
        head = f"{request}{_HEADLINE.get(group.cause) or nearest.why}"
        which = "on" if nearest.fits else "nearest"
        rest = [f"{which} {nearest.node}: {_detail(group)}", names]
    label = count(len(group.nodes), "node").rjust(INDENT - 3)
    lines = list(wrapped(head, columns - INDENT))
    yield f"{label}   {lines[0]}"
    for line in lines[1:]:
        yield " " * INDENT + line
    for text in rest:
        if text is names:
            yield " " * INDENT + _some(group.nodes, columns - INDENT)
        else:
            for line in wrapped(text, columns - INDENT):
                yield " " * INDENT + line


def suggested(each: Suggestion, columns: int) -> Iterator[str]:
    """A change that would help, as an item of a list; cleaned."""
    where = f"on {each.nodes[0]}" if len(each.nodes) == 1 else f"on {len(each.nodes)} nodes"
    for number, line in enumerate(wrapped(f"{each.what}: {where}", columns - 4)):
        yield f"{'    ' if number else '  - '}{line}"


def _detail(group: Group) -> str:
    node = group.nearest
    if not node.fits:
        return node.detail
    of_request: dict[str, list[str]] = {}
    for each in node.devices[:_MOST_DEVICES]:
        of_request.setdefault(each.why, []).append(each.device)
    devices = [f"{', '.join(names)} for request {request}" for request, names in of_request.items()]
    if len(node.devices) > _MOST_DEVICES:
        devices.append("…")
    gets = f"would get {'; '.join(devices)}" if devices else "fits"
    return f"{gets}; {node.detail}" if node.detail else gets


def _some(names: tuple[str, ...], columns: int) -> str:
    """As many as there is room for, and how many more."""
    line = ""
    for number, name in enumerate(names):
        more = f" and {len(names) - number} more" if number else ""
        following = f"{line}, {clean(name)}" if line else clean(name)
        last = number == len(names) - 1
        if width(following) + (0 if last else len(f" and {len(names)} more")) > columns:
            return cut(line + more if line else following, columns)
        line = following
    return line


def wrapped(text: str, columns: int) -> Iterator[str]:
    """Cleaned, and broken between words, or where the room ends."""
    lines = textwrap.wrap(clean(text), max(columns, 20), break_on_hyphens=False)
    for line in lines or [""]:
        yield cut(line, columns) if width(line) > columns else line
