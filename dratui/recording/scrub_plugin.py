"""What a kubelet plugin believes, with other names: as objects are scrubbed."""

import re
from typing import Final, Protocol

from msgspec.structs import replace

from dratui.prepared import Done, Orphan, Plugin, Prepared

_WORD: Final = re.compile(r"[a-z_]{1,32}")
_INSTANCE: Final = re.compile(r"[0-9]{1,4}")


class Renaming(Protocol):
    """As `dratui.recording.scrub.Scrubber` does it."""

    def name(self, text: str) -> str: ...

    def uid(self, text: str) -> str: ...

    def message(self, text: str) -> str: ...


def scrubbed_plugin(plugin: Plugin, to: Renaming) -> Plugin:
    """All of it. Errors are the agent's own words, or the driver's, and treated as messages are."""
    instances = plugin.instances
    return replace(
        plugin,
        problem=to.message(plugin.problem),
        claims=tuple(_claim(each, to) for each in plugin.claims),
        specs=tuple(
            replace(each, file=to.name(each.file), claim=to.uid(each.claim)) for each in plugin.specs
        ),
        instances=instances
        and tuple(replace(i, gpu=to.name(i.gpu), uuid=to.name(i.uuid)) for i in instances),
        orphans=tuple(_orphan(each, to) for each in plugin.orphans),
        steps=tuple(_step(each, to) for each in plugin.steps),
    )


def _claim(claim: Prepared, to: Renaming) -> Prepared:
    return replace(
        claim,
        uid=to.uid(claim.uid),
        namespace=to.name(claim.namespace),
        name=to.name(claim.name),
        state=_word(claim.state),
        devices=tuple(
            replace(
                each,
                pool=to.name(each.pool),
                device=to.name(each.device),
                uuid=to.name(each.uuid),
                gpu=to.name(each.gpu),
            )
            for each in claim.devices
        ),
    )


def _orphan(orphan: Orphan, to: Renaming) -> Orphan:
    gpu, _, gi = orphan.subject.rpartition("/")
    match orphan.what:
        case "entry":
            subject = to.uid(orphan.subject)
        case "mig" if _INSTANCE.fullmatch(gi):
            subject = f"{to.name(gpu)}/{gi}"
        case _:
            subject = to.name(orphan.subject)
    return replace(orphan, what=_word(orphan.what), subject=subject)


def _step(step: Done, to: Renaming) -> Done:
    return replace(
        step,
        claim=to.uid(step.claim),
        namespace=to.name(step.namespace),
        name=to.name(step.name),
        what=_word(step.what),
        detail=to.message(step.detail),
        error=to.message(step.error),
    )


def _word(text: str) -> str:
    """One that a rule is for: a state, a kind of step."""
    return text if _WORD.fullmatch(text) else ""
