"""What the plugin believes, as text for a terminal."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from dratui_agent.kubelet.prepared import Belief, Orphan, PreparedDevice, Step

NONE: Final = "–"
UNKNOWN: Final = "?"
_ORPHANS: Final = {
    "spec": "a CDI spec that belongs to no prepared claim: the agent removes it at its next look",
    "entry": "a prepared claim whose CDI spec is gone: the agent writes it again when it starts",
    "mig": "a MIG device that no prepared claim has; the agent destroys it with --destroy-unclaimed-mig only",
}


def table(
    source: str, belief: Belief, in_cluster: Mapping[str, bool], notes: Sequence[str], now: float
) -> str:
    """All of it in sections; one without lines says so."""
    says = "as the running agent says" if source == "agent" else "as read from its files"
    lines = [f"driver {belief.driver}, {says}, {_since(belief.at, now)} ago"]
    if belief.problem:
        lines.append(f"PROBLEM  {belief.problem}")
    lines += [f"note: {note}" for note in notes]
    sections: Sequence[tuple[str, Sequence[str], Iterable[Sequence[str]]]] = (
        ("PREPARED CLAIMS", _CLAIMS, _claims(belief, in_cluster, now)),
        ("LAST ERRORS", _ERRORS, _errors(belief, now)),
        ("CDI SPECS", _SPECS, _specs(belief, now)),
        ("MIG DEVICES", _INSTANCES, _instances(belief)),
        ("ORPHANS", _ORPHAN, (_orphan(each, now) for each in belief.orphans)),
        ("LAST STEPS", _STEPS, _steps(belief, now)),
    )
    unknown = {"MIG DEVICES"} if belief.instances is None else set()
    unknown |= {"LAST ERRORS", "LAST STEPS"} if source != "agent" else set()
    unknown |= {"PREPARED CLAIMS", "ORPHANS"} if belief.problem else set()
    for title, headings, rows in sections:
        found = [*rows]
        lines += ["", title]
        lines += [f"  {line}" for line in _aligned([headings, *found])] if found else []
        if not found:
            lines.append(f"  {UNKNOWN} not known" if title in unknown else "  none")
    return "\n".join(map(_clean, lines))


_CLAIMS: Final = ("NAMESPACE", "NAME", "UID", "STATE", "SINCE", "DEVICES", "CDI", "IN CLUSTER")
_ERRORS: Final = ("NAMESPACE", "NAME", "UID", "WHAT", "AGO", "TIMES", "ERROR")
_SPECS: Final = ("FILE", "CLAIM", "DEVICES", "WRITTEN")
_INSTANCES: Final = ("GPU", "GI", "CI", "UUID", "PROFILE", "SLICES", "CLAIM")
_ORPHAN: Final = ("WHAT", "SINCE", "WHICH", "MEANS")
_STEPS: Final = ("AGO", "WHAT", "NAMESPACE", "NAME", "TOOK", "DETAIL", "ERROR")


def _claims(belief: Belief, in_cluster: Mapping[str, bool], now: float) -> Iterator[Sequence[str]]:
    told = {name for spec in belief.specs for name in spec.devices}
    for each in sorted(belief.claims, key=lambda c: (c.namespace, c.name, c.uid)):
        wanted = {device.cdi for device in each.devices if device.cdi}
        yield (
            each.namespace,
            each.name,
            each.uid,
            each.state,
            _since(each.completed or each.started, now),
            ", ".join(map(_device, each.devices)),
            "there" if wanted <= told else "missing" if each.state == "completed" else NONE,
            {True: "there", False: "gone", None: UNKNOWN}[in_cluster.get(each.uid)],
        )


def _device(device: PreparedDevice) -> str:
    made = ", made for it" if device.made else ""
    return f"{device.device} ({device.uuid or UNKNOWN}{made}{', admin' if device.admin else ''})"


def _errors(belief: Belief, now: float) -> Iterator[Sequence[str]]:
    for step in belief.errors:
        yield (
            *(step.namespace, step.name, step.claim, step.what),
            *(_since(step.at, now), str(step.times), step.error),
        )


def _specs(belief: Belief, now: float) -> Iterator[Sequence[str]]:
    names = {each.uid: f"{each.namespace}/{each.name}" for each in belief.claims}
    for spec in belief.specs:
        devices = ", ".join(name.partition("=")[2].removeprefix(f"{spec.claim}-") for name in spec.devices)
        yield spec.file, names.get(spec.claim, NONE), devices, f"{_since(spec.written, now)} ago"


def _instances(belief: Belief) -> Iterator[Sequence[str]]:
    owners = {
        (device.gpu, device.gi): f"{each.namespace}/{each.name}"
        for each in belief.claims
        for device in each.devices
    }
    for each in belief.instances or ():
        place = each.placement
        slices = str(place.start) if place.size == 1 else f"{place.start}-{place.start + place.size - 1}"
        ci = NONE if each.ci is None else str(each.ci)
        owner = owners.get((each.gpu, each.gi), NONE)
        yield each.gpu, str(each.gi), ci, each.uuid, str(place.profile), slices, owner


def _orphan(orphan: Orphan, now: float) -> Sequence[str]:
    return orphan.what, _since(orphan.since, now), orphan.subject, _ORPHANS[orphan.what]


def _steps(belief: Belief, now: float) -> Iterator[Sequence[str]]:
    for step in reversed(belief.steps):
        yield _step(step, now)


def _step(step: Step, now: float) -> Sequence[str]:
    times = f" ({step.times} times)" if step.times > 1 else ""
    return (
        *(_since(step.at, now), step.what, step.namespace, step.name or step.claim),
        *(f"{step.took:.3f}s", step.detail, step.error + times),
    )


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    cells = [[_clean(cell) or NONE for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _since(at: float, now: float) -> str:
    """`42s`, `3m12s`, `25m`, `4h3m`, `2d`."""
    seconds = max(0, int(now - at))
    for unit, length, smaller in (("d", 86400, "h"), ("h", 3600, "m"), ("m", 60, "s")):
        if seconds >= length:
            rest = seconds % length // {"h": 3600, "m": 60, "s": 1}[smaller]
            return f"{seconds // length}{unit}" + (
                f"{rest}{smaller}" if rest and seconds < 10 * length else ""
            )
    return f"{seconds}s"


def _clean(text: str) -> str:
    """What may stand on a terminal: names of files and errors are anybody's text."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
