"""Whether what one sees is live: the streams' health in a few words."""

from collections.abc import Iterable, Mapping

from dratui.events import Health, Phase
from dratui.samples import STREAM as SAMPLES
from dratui.views import words
from dratui.views.table import Style

# Clusters without them are normal, and a screen without them is not wrong by much.
MINOR = ("events", "resourcequotas", "devicetaintrules", "podgroups", "computedomains")

DRA = ("resourceslices", "resourceclaims", "resourceclaimtemplates", "deviceclasses")
NO_DRA = "no DRA here (default from v1.34)"

WORDS: Mapping[Phase, tuple[str, Style]] = {
    Phase.WAITING: ("◌ waiting", Style.UNKNOWN),
    Phase.SYNCING: ("◌ syncing", Style.WAITING),
    Phase.LIVE: ("● live", Style.FREE),
    Phase.STALE: ("◍ stale", Style.WAITING),
    Phase.FORBIDDEN: ("⊘ forbidden", Style.FAULT),
    Phase.NOT_SERVED: ("– not served", Style.DIM),
    Phase.FAILED: ("✖ failed", Style.FAULT),
    Phase.ENDED: ("● ended", Style.DIM),
}


def live(health: Mapping[str, Health], now: float) -> tuple[str, Style]:
    """One state for all streams: the worst that concerns what is on the screens.

    What is measured says for itself how old it is, and is no part of what the API server tells.
    """
    health = {stream: each for stream, each in health.items() if stream != SAMPLES}
    if not health:
        return "◌ connecting", Style.WAITING
    syncing = [h for h in health.values() if h.phase in (Phase.SYNCING, Phase.WAITING)]
    stale = [h for h in health.values() if h.phase is Phase.STALE]
    if failed := _named(health, Phase.FAILED):
        return f"✖ {failed} failed", Style.FAULT
    if stale:
        return f"◍ stale {words.duration(now - min(h.since for h in stale))}", Style.WAITING
    if syncing:
        return f"◌ syncing{_progress(health.values())}", Style.WAITING
    if forbidden := _named(health, Phase.FORBIDDEN):
        return f"⊘ {forbidden} forbidden", Style.FAULT
    if partial := {h.namespace for h in health.values() if h.namespace}:
        return f"◐ live, only {', '.join(sorted(partial))}", Style.WAITING
    if all(h.phase in (Phase.ENDED, Phase.NOT_SERVED) for h in health.values()):
        return WORDS[Phase.ENDED]
    return WORDS[Phase.LIVE]


def absent(stream: str, health: Health) -> bool:
    """Whether the cluster has no such kind, as is normal: nothing of it is not known, then."""
    return health.phase is Phase.NOT_SERVED and stream.partition(":")[0] in MINOR


def _named(health: Mapping[str, Health], phase: Phase) -> str:
    streams = [s for s, h in health.items() if h.phase is phase and s.partition(":")[0] not in MINOR]
    return streams[0] if len(streams) == 1 else words.count(len(streams), "kind") if streams else ""


def _progress(health: Iterable[Health]) -> str:
    """Objects listed of objects to list; a stream that has not said how many counts when it has."""
    known = [h for h in health if h.total is not None or h.phase is Phase.LIVE]
    total = sum(h.total or 0 for h in known)
    seen = sum((h.total or 0) if h.phase is Phase.LIVE else h.seen for h in known)
    return f" {min(99, 100 * seen // total)} %" if total else ""


def why_unknown(health: Mapping[str, Health], streams: Iterable[str]) -> list[tuple[str, Style]]:
    """Why the rows made from `streams` may be missing or incomplete; one line a stream that is not live."""
    told = []
    for stream in streams:
        state = health.get(stream)
        if state is None:
            told.append((f"{stream}: not listed yet", Style.UNKNOWN))
        elif state.phase not in (Phase.LIVE, Phase.ENDED):
            word, style = WORDS[state.phase]
            detail = state.detail or (NO_DRA if state.phase is Phase.NOT_SERVED and stream in DRA else "")
            told.append((f"{stream}: {word}{f': {detail}' if detail else ''}", style))
        elif state.namespace:
            told.append((f"{stream}: your rights allow only namespace {state.namespace}", Style.WAITING))
    return told
