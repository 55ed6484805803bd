"""What a node's kubelet plugin believes, beside what kubelet and the API say of the same."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from dratui.api.model import ObjectKey
from dratui.cluster.claims import ClaimRow
from dratui.cluster.nodes import NodeRow
from dratui.cluster.reconciliation import Disagreement, Sides, sides
from dratui.cluster.store import Store
from dratui.prepared import Done, Plugin, Prepared
from dratui.terminal import clean
from dratui.views import words
from dratui.views.describe.document import Field, Section, section
from dratui.views.table import Style

MOST: Final = 40  # claims that a node's card lists
STEPS: Final = 20  # of the plugin's, the last ones

_STEPS: Final = {
    "prepare": "prepared",
    "unprepare": "unprepared",
    "mig_created": "made a MIG device for",
    "mig_destroyed": "destroyed the MIG device of",
    "restored": "restored",
    "swept": "swept",
}


def of_claim(store: Store, row: ClaimRow, now: datetime) -> Iterator[Section]:
    """The claim's status, kubelet and the plugin side by side."""
    found = sides(store, store.claims[row.key])
    if found is None:
        return
    agree = row.amiss == () and found.entry is not None
    yield section(
        "PREPARED ON " + clean(found.node),
        ("allocated", ", ".join(found.allocated)),
        _kubelet(found),
        _plugin(found, now),
        _spec(found, now),
        *_disagreements(row.amiss or (), now),
        ("agree", "yes, all of them" if agree and found.given is not None else ""),
    )


def of_node(store: Store, row: NodeRow, now: datetime) -> Iterator[Section]:
    """All that the plugin told, and what does not fit."""
    sample = store.samples.get(row.key)
    plugin = sample.plugin if sample is not None else None
    if sample is None or plugin is None:
        served = {s.plugin.driver for s in store.samples.values() if s.plugin is not None}
        if served & {*(row.drivers or ())}:
            yield section("KUBELET PLUGIN", Field("state", f"{words.UNKNOWN} no agent tells", Style.UNKNOWN))
        return
    told = (
        ("told", f"{words.UNKNOWN} not now; this was {_ago(sample.at, now)}", Style.UNKNOWN)
        if sample.believed is None
        else ("told", _ago(sample.believed, now), Style.DIM)
    )
    parts = plugin.instances
    yield section(
        "KUBELET PLUGIN",
        ("driver", plugin.driver),
        ("problem", plugin.problem, Style.FAULT),
        told,
        ("prepared", words.UNKNOWN if plugin.problem else words.count(len(plugin.claims), "claim")),
        ("CDI specs", str(len(plugin.specs))),
        ("MIG", f"{words.UNKNOWN} the driver does not answer" if parts is None else _parts(len(parts))),
        *_disagreements(row.amiss or (), now, named=True),
    )
    yield section("PREPARED CLAIMS", *_claims(plugin, now))
    yield section("PLUGIN STEPS", *_steps(plugin, now))


def aged(found: Disagreement, now: datetime) -> str:
    """What does not fit, and since when."""
    if found.since is not None:
        return f"{found.text}, for {words.age(found.since, now)}"
    if found.after is not None:
        return f"{found.text}, for at most {words.age(found.after, now)}"
    return found.text


def _disagreements(amiss: tuple[Disagreement, ...], now: datetime, *, named: bool = False) -> Iterator[Field]:
    for found in amiss:
        of = f"{found.namespace}/{found.claim}: " if named and found.claim else ""
        leads = ("claims", ObjectKey(found.namespace, found.claim)) if of else None
        yield Field("amiss", of + aged(found, now), Style.FAULT, leads=leads)


def _kubelet(found: Sides) -> Field:
    if found.given is None:
        return Field("kubelet", f"{words.UNKNOWN} not asked which containers have it", Style.UNKNOWN)
    gave = ", ".join(f"{device} ({uuid}) to {container}" for device, uuid, container in found.given)
    return Field("kubelet", f"gave {gave}" if gave else "gave it to no container")


def _plugin(found: Sides, now: datetime) -> Field:
    entry = found.entry
    if entry is None:
        said = "has not prepared it"
    elif entry.state != "completed":
        said = f"began {_ago(entry.started, now)} to prepare {_devices(entry)}"
    else:
        said = f"prepared {_devices(entry)}, {_ago(entry.completed, now)}"
    if found.known:
        return Field("plugin", said, Style.PLAIN if entry and entry.state == "completed" else Style.WAITING)
    before = f"; {_ago(found.at, now)} it {said}" if entry is not None else ""
    return Field("plugin", f"{words.UNKNOWN} {found.why}{before}", Style.UNKNOWN)


def _devices(entry: Prepared) -> str:
    return ", ".join(
        f"{d.device} ({d.uuid}{', made for it' if d.made else ''}{', admin access' if d.admin else ''})"
        for d in entry.devices
    )


def _spec(found: Sides, now: datetime) -> Field:
    if found.spec is not None:
        return Field("CDI", f"{found.spec.file}, written {_ago(found.spec.written, now)}")
    missing = found.known and found.entry is not None and found.entry.state == "completed"
    said = "no spec" if found.known else words.UNKNOWN
    return Field("CDI", said, Style.FAULT if missing else Style.PLAIN if found.known else Style.UNKNOWN)


def _parts(number: int) -> str:
    return words.count(number, "MIG device") if number else "no MIG device for claims"


def _claims(plugin: Plugin, now: datetime) -> Iterator[Field]:
    for each in sorted(plugin.claims, key=lambda c: (c.namespace, c.name))[:MOST]:
        name = f"{each.namespace}/{each.name}" if each.name else each.uid
        leads = ("claims", ObjectKey(each.namespace, each.name)) if each.name else None
        if each.state == "completed":
            yield Field(name, f"{_devices(each)}, {_ago(each.completed, now)}", leads=leads)
        else:
            said = f"{each.state} {_ago(each.started, now)}: {_devices(each)}"
            yield Field(name, said, Style.WAITING, leads=leads)
    if (left_out := len(plugin.claims) - MOST) > 0:
        yield Field("", f"and {left_out} more", Style.DIM)


def _steps(plugin: Plugin, now: datetime) -> Iterator[Field]:
    for step in plugin.steps[: -STEPS - 1 : -1]:
        at = words.clock(datetime.fromtimestamp(step.at, UTC), now)
        yield Field(at, _step(step), Style.FAULT if step.error else Style.PLAIN)


def _step(step: Done) -> str:
    of = f"{step.namespace}/{step.name}" if step.name else step.claim
    said = f"{_STEPS.get(step.what, step.what)} {of}".strip()
    times = f" {step.times} times" if step.times > 1 else ""
    took = f", took {words.took(step.took)}" if step.took else ""
    detail = f": {step.detail}" if step.detail and not step.error else ""
    return f"{said}{took}{detail}" if not step.error else f"{said}: failed{times}{took}: {step.error}"


def _ago(t: float | None, now: datetime) -> str:
    return words.UNKNOWN if t is None else f"{words.duration(now.timestamp() - t)} ago"
