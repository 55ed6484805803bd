"""What if, as text: how many replicas fit, where they would land, why the next one does not fit, and what that rests
on."""

import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from dratui.allocation.explain import Cause
from dratui.terminal import clean, cut, width
from dratui.views.why import stories
from dratui.views.words import count
from dratui.why.placement import UNSEEN
from dratui.why.placing import Landing
from dratui.why.whatif import MOST_REPLICAS, Limit, Outcome

_MOST_NODES: Final = 40
_MOST_DEVICES: Final = 8

ORDER: Final = (
    "each is shown on the first node by name that fits, with the best of alternatives; the scheduler takes one by its "
    "scores (cpu and memory left, spread, images), and by chance among equals"
)
_UNSEEN: Final = (
    f"not looked at: {UNSEEN}; quotas of cpu, memory and number of pods, or with scopes; what admission adds "
    "(LimitRange, RuntimeClass, webhooks)"
)

_RUNS_OUT: Final[Mapping[Cause, str]] = {
    "capacity": "capacity of shared devices",
    "counters": "what partitions share",
    "device plugin": "devices of a device plugin",
    "constraint": "devices that go together",
    "together": "devices that go together",
}
"""Of a node that had room before; whatever else keeps the devices that are left, those that do fit are held."""


def told(outcomes: Sequence[Outcome], notes: Sequence[str], columns: int) -> Iterator[str]:
    """The lines, cleaned, none wider than `columns`."""
    for outcome in outcomes:
        yield from _wrapped(_headline(outcome), columns)
        if outcome.limits:
            yield from _wrapped(f"Runs out first: {_limits(outcome.limits)}.", columns)
        yield from _landed(outcome.landed, columns)
        if outcome.rest is not None:
            yield _why_not(outcome)
            yield from stories(outcome.rest.groups, outcome.rest.suggestions, columns)
        yield ""
    unseen = _UNSEEN if any(outcome.tried for outcome in outcomes) else ""
    for note in dict.fromkeys(filter(None, (*notes, unseen))):
        for number, line in enumerate(_wrapped(note, columns - 2)):
            yield f"{'  ' if number else '- '}{line}"


def _why_not(outcome: Outcome) -> str:
    if not outcome.landed:
        return "It fits nowhere:"
    daemons = outcome.workload.startswith("DaemonSet ")
    return "On the others it does not fit:" if daemons else "The next one does not fit:"


def _headline(outcome: Outcome) -> str:
    fit, wanted, name = len(outcome.landed), outcome.wanted, outcome.workload
    if outcome.why:
        return f"{name}: {outcome.why}."
    fits = "fits" if fit == 1 else "fit"
    if name.startswith("DaemonSet "):
        text = f"{name}: fits on {fit} of {count(wanted or 0, 'node')} that it is for"
    elif wanted is None:
        text = f"{name}: {fit} more {fits}{', and no more were tried' if fit == MOST_REPLICAS else ''}"
    elif wanted == 0:
        return f"{name}: wants no replica; --replicas N asks for some."
    elif wanted == 1 and name.startswith(("Pod ", "ResourceClaim ")):
        text = f"{name}: {'fits' if fit else 'does not fit'}"
    elif fit == wanted:
        text = f"{name}: {count(fit, 'replica')} {fits}"
    else:
        text = f"{name}: {fit} of {count(wanted, 'replica')} {fits}"
    if evicting := [each for each in outcome.landed if each.evicts]:
        gone = count(sum(len(each.evicts) for each in evicting), "pod")
        text += f", {len(evicting)} of them by evicting {gone} of lower priority"
    text += _whichever(outcome)
    if limit := outcome.quota:
        lets = f"only {limit.most}" if limit.most else "none"
        takes = f"{limit.used} of {limit.hard} {limit.resource} used, {limit.each} each"
        text += f" But quota {limit.quota} lets {lets} of them be made: {takes}."
    if outcome.limit:
        text += f" No more do: {outcome.limit}."
    if outcome.unseen:
        text += f" Fewer may fit: what its pods say of {_and(outcome.unseen)} is not looked at."
    if outcome.gave_up:
        text += (
            f" On {count(outcome.gave_up, 'node')} the search took too long and was given up: more may fit."
        )
    return text


def _and(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _whichever(outcome: Outcome) -> str:
    """How much of it depends on which nodes the scheduler takes."""
    of = outcome.landed[0].of if outcome.landed else 0
    if len(outcome.landed) == 1 and of > 1:
        return f", on any of {of} nodes."
    if of <= 1 or outcome.unseen:
        return "."
    if outcome.anyhow:
        return f", whichever of {of} nodes the scheduler takes."
    return f". The first may go to any of {of} nodes, and in another order another number may fit."


def _limits(limits: Sequence[Limit]) -> str:
    nodes: Counter[str] = Counter()
    for each in limits:
        short = [what.removeprefix("Insufficient ").replace("Too many pods", "pods") for what in each.short]
        nodes[" and ".join(short) or _RUNS_OUT.get(each.cause, "free devices")] += each.nodes
    return ", ".join(f"{what} ({count(number, 'node')})" for what, number in nodes.most_common())


def _landed(landed: Sequence[Landing], columns: int) -> Iterator[str]:
    by_node: dict[str, list[Landing]] = {}
    for each in landed:
        by_node.setdefault(each.node, []).append(each)
    indent = " " * 6
    for node, there in list(by_node.items())[:_MOST_NODES]:
        yield from _wrapped(f"  {len(there)} on {node}", columns)
        shown = there[:_MOST_DEVICES]
        for each in shown:
            text = f"{each.replica}: {_devices(each)}"
            if each.evicts:
                text += f"; evicts {', '.join(each.evicts)}"
            for number, line in enumerate(_wrapped(text, columns - 8)):
                yield f"{indent}{'  ' if number else ''}{line}"
        if len(there) > len(shown):
            yield from (indent + line for line in _wrapped(f"… {len(there) - len(shown)} more", columns - 6))
    if (more := len(by_node) - _MOST_NODES) > 0:
        yield from _wrapped(f"  … {count(more, 'more node')}; -o json has all", columns)


def _devices(landing: Landing) -> str:
    taken = landing.devices
    words = [
        f"{each.device}{f' (now held by {each.holder})' if each.holder else ''}"
        for each in taken[:_MOST_DEVICES]
    ]
    if len(taken) > _MOST_DEVICES:
        words.append(f"{len(taken) - _MOST_DEVICES} more devices")
    if landing.shares:
        words.append(f"shares claim {', '.join(landing.shares)}")
    words += [f"{number} {name} of its device plugin" for name, number in landing.plugin.items()]
    return ", ".join(words) or "no devices"


def _wrapped(text: str, columns: int) -> Iterator[str]:
    indent = " " * (len(text) - len(text.lstrip()))
    for line in textwrap.wrap(
        clean(text.lstrip()), max(columns - len(indent), 20), break_on_hyphens=False
    ) or [""]:
        yield indent + (cut(line, columns - len(indent)) if width(line) > columns - len(indent) else line)
