"""What if, as text: how many replicas fit, where they would land, and why the next one does not fit."""

import textwrap
from collections.abc import Iterator, Sequence
from typing import Final

from dratui.terminal import clean, cut, width
from dratui.views.why import stories
from dratui.views.words import count
from dratui.why.placement import UNSEEN
from dratui.why.whatif import MOST_REPLICAS, Landing, Outcome

_MOST_NODES: Final = 40
_MOST_DEVICES: Final = 8

ORDER: Final = (
    "Each gets the first node by name that fits; the scheduler has scores of its own, and may choose another"
)


def told(outcomes: Sequence[Outcome], notes: Sequence[str], columns: int) -> Iterator[str]:
    """The lines, cleaned, none wider than `columns`."""
    for outcome in outcomes:
        yield from _wrapped(_headline(outcome), columns)
        yield from _landed(outcome.landed, columns)
        if outcome.rest is not None:
            name = "It fits nowhere:" if not outcome.landed else "The next one does not fit:"
            yield from _wrapped(name, columns)
            yield from stories(outcome.rest.groups, outcome.rest.suggestions, columns)
        yield ""
    said = "; ".join(dict.fromkeys(note for note in notes if note))
    yield from _wrapped(f"{ORDER}. {said[:1].upper()}{said[1:]}. Not looked at: {UNSEEN}.", columns)


def _headline(outcome: Outcome) -> str:
    fit = len(outcome.landed)
    if outcome.why:
        return f"{outcome.workload}: {outcome.why}."
    if outcome.wanted is None:
        at_most = ", and no more were tried" if fit == MOST_REPLICAS else ""
        text = f"{outcome.workload}: {fit} more fit{'s' if fit == 1 else ''}{at_most}."
    elif outcome.wanted == 0:
        text = f"{outcome.workload}: wants no replica; --replicas N asks for some."
    elif fit == outcome.wanted:
        text = f"{outcome.workload}: {count(fit, 'replica')} {'fits' if fit == 1 else 'fit'}."
    else:
        text = f"{outcome.workload}: {fit} of {count(outcome.wanted, 'replica')} fit."
    if outcome.gave_up:
        text += (
            f" On {count(outcome.gave_up, 'node')} the search took too long and was given up: more may fit."
        )
    return text


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
            for number, line in enumerate(_wrapped(text, columns - 8)):
                yield f"{indent}{'  ' if number else ''}{line}"
        if len(there) > len(shown):
            yield from (indent + line for line in _wrapped(f"… {len(there) - len(shown)} more", columns - 6))
    if (more := len(by_node) - _MOST_NODES) > 0:
        yield from _wrapped(f"  … {count(more, 'more node')}; -o json has all", columns)


def _devices(landing: Landing) -> str:
    taken = landing.devices
    if not taken:
        return f"shares claim {', '.join(landing.shares)}" if landing.shares else "no device"
    words = [
        f"{each.device}{f' (now held by {each.holder})' if each.holder else ''}"
        for each in taken[:_MOST_DEVICES]
    ]
    more = f" and {len(taken) - _MOST_DEVICES} more" if len(taken) > _MOST_DEVICES else ""
    return f"{', '.join(words)}{more}"


def _wrapped(text: str, columns: int) -> Iterator[str]:
    indent = " " * (len(text) - len(text.lstrip()))
    for line in textwrap.wrap(
        clean(text.lstrip()), max(columns - len(indent), 20), break_on_hyphens=False
    ) or [""]:
        yield indent + (cut(line, columns - len(indent)) if width(line) > columns - len(indent) else line)
