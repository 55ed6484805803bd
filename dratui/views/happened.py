"""What changed in one step of time, in a few words."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from dratui.api.model import WarningEvent
from dratui.events import Event, Gone, HealthChanged, Page, Put
from dratui.samples import STREAM as SAMPLES
from dratui.views import words

_SINGULAR: Final = {
    "resourceslices": "slice",
    "resourceclaims": "claim",
    "resourceclaimtemplates": "template",
    "deviceclasses": "class",
    "devicetaintrules": "taintrule",
    "resourcequotas": "quota",
    "events": "warning",
}
"""Where a table has another word than the stream; the others are the stream's without its s."""


def happened(events: Sequence[Event]) -> str:
    """`pod ml-team/train-7`, `claim batch/a gone`, `3 pods, 1 claim`, `pods stale`; not cleaned.

    Nothing for whole lists: what in them is new is not known.
    """
    events = [event for event in events if event.stream != SAMPLES]  # they are no steps
    if any(isinstance(event, Page) for event in events):
        return ""
    if len(events) == 1:
        (event,) = events
        match event:
            case Put(_, WarningEvent() as warning):
                about = f"{warning.about_kind.lower()} {warning.namespace}/{warning.about_name}"
                return f"warning of {about}: {warning.reason}"
            case Put(stream, row) | Gone(stream, row):
                name = f"{row.namespace}/{row.name}" if row.namespace else row.name
                return f"{_kind(stream)} {name}{' gone' if isinstance(event, Gone) else ''}"
            case HealthChanged(stream, health):
                return f"{stream} {health.phase}"
    changed = Counter(_kind(event.stream) for event in events if isinstance(event, Put | Gone))
    return ", ".join(words.count(number, kind) for kind, number in changed.items())


def _kind(stream: str) -> str:
    kind = stream.partition(":")[0]
    return _SINGULAR.get(kind, kind.removesuffix("s"))
