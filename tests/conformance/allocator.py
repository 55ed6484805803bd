"""Runs allocator case files, and prints each answer that is not one of the recorded ones.

`python -m tests.conformance.allocator FILE...`: files of the schemas of the data's README.
"""

import gzip
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast
from unittest.mock import patch

import msgspec

from dratui.allocation.nodes import Place
from dratui.allocation.patience import Patience
from dratui.allocation.rules import Feature, Release, Rules, rules
from dratui.allocation.search import AllocationError, Chosen, allocate
from dratui.allocation.world import Held, World, held
from dratui.api import quantity
from dratui.api.model import Claim, DeviceClass, DeviceKey, Slice
from dratui.api.streams import codec
from tests.conformance.tally import tally

Json = dict[str, Any]


class Answer(NamedTuple):
    """`allocated`, `none`, `nodeError`, `error`; of each claim the devices, and the error's text."""

    outcome: str
    devices: tuple[tuple[tuple[Any, ...], ...], ...] = ()
    error: str = ""


def cases(path: Path) -> tuple[Release, list[Json]]:
    """Those of a file, and the release that answered."""
    data = path.read_bytes()
    document = msgspec.json.decode(gzip.decompress(data) if path.suffix == ".gz" else data)
    if isinstance(document, list):
        return "1.36", document
    version = document.get("version", "1.36")
    return cast(Release, ".".join(version.lstrip("v").split(".")[:2])), document["cases"]


def rows(plural: str, objects: Sequence[Json]) -> list[Any]:
    """As the API server's list of them is read."""
    items = [{"apiVersion": "resource.k8s.io/v1", **each} for each in objects]
    body = json.dumps({"metadata": {"resourceVersion": "1"}, "items": items})
    found: list[Any] = list(codec(plural, "v1").page(body.encode()).rows)
    return found


def place(node: Json) -> Place:
    """A node."""
    features = node.get("status", {}).get("declaredFeatures", ())
    return Place(node["metadata"]["name"], node["metadata"].get("labels", {}), features)


def rules_of(release: Release, case: Json) -> Rules:
    """Those of a case."""
    features = frozenset(Feature(name) for name, on in case["features"].items() if on)
    cel: Json = case.get("celFeatures") or case["features"]
    return rules(
        release, features, list_attributes=bool(cel.get("ListTypeAttributes")), chosen=case["default"]
    )


def answers(release: Release, case: Json) -> Iterator[tuple[str, Sequence[Answer]]]:
    """Ours, node by node: as ever, and with shortcuts from the start of the search."""
    found = rules_of(release, case)
    slices = cast("list[Slice]", rows("resourceslices", case["slices"]))
    classes = cast("list[DeviceClass]", rows("deviceclasses", case["classes"]))
    claims = cast("list[Claim]", rows("resourceclaims", case["claims"]))
    if "allocatedState" in case:
        state = _state(case["allocatedState"])
    else:
        state = held(cast("list[Claim]", rows("resourceclaims", case["allocatedClaims"])), found)
    world = World(slices, classes, state, found)
    for node in case.get("nodes") or [case["node"]]:
        at = place(node)
        ours = answer(world, at, claims)
        with patch("dratui.allocation.search._PLAIN", 0):
            yield node["metadata"]["name"], (ours, answer(world, at, claims))


def _state(state: Json) -> Held:
    def key(of: Json) -> DeviceKey:
        return DeviceKey(of["driver"], of["pool"], of["device"])

    shared: dict[DeviceKey, dict[str, int]] = {key(of): {} for of in state["allocatedSharedDeviceIDs"] or ()}
    for of in state["aggregatedCapacity"] or ():
        shared[key(of)] = {name: quantity.parse(value) or 0 for name, value in of["capacity"].items()}
    return Held(frozenset(key(of) for of in state["allocatedDevices"] or ()), shared)


def answer(world: World, at: Place, claims: Sequence[Claim], most_steps: int = 1_000_000) -> Answer:
    """Ours. Raises GaveUp after so many steps."""
    try:
        found = allocate(world, at, claims, Patience(most_steps, most_steps))
    except AllocationError as error:
        return Answer("nodeError" if error.of_node else "error", error=str(error))
    if found is None:
        return Answer("none")
    return Answer("allocated", tuple(tuple(map(_ours, chosen)) for chosen in found))


def _ours(chosen: Chosen) -> tuple[Any, ...]:
    takes = tuple(sorted(chosen.takes.items())) if chosen.takes else ()
    return (chosen.request, *chosen.key, chosen.admin_access, chosen.shared, takes)


def recorded(found: Mapping[str, Any]) -> Answer:
    """Theirs, in the same form."""
    devices = tuple(
        tuple(_theirs(device) for device in result["devices"].get("results", ()))
        for result in found.get("results") or ()
    )
    return Answer(found["outcome"], devices, found.get("error") or "")


def _theirs(device: Json) -> tuple[Any, ...]:
    takes = {name: quantity.parse(value) or 0 for name, value in device.get("consumedCapacity", {}).items()}
    return (
        device["request"],
        device["driver"],
        device["pool"],
        device["device"],
        bool(device.get("adminAccess")),
        "shareID" in device,
        tuple(sorted(takes.items())),
    )


def accepted(case: Json, index: int) -> list[Answer]:
    """The answers that were recorded of a node; none where the real code panics."""
    if "actual" in case:
        actual = case["actual"][case["default"]]
        return [recorded(a) for a in actual.get("anyOf") or [actual]]
    stable: list[list[Json]] | None = case.get("stableAnswers")
    if stable:
        return [recorded(a) for a in stable[index]]
    found = case.get("anyOf") and case["anyOf"][index]
    given = [recorded(a) for a in found or [case["answers"][index]]]
    return [] if any(a.outcome == "panic" for a in given) else given


def compared(release: Release, case: Json) -> Iterator[tuple[str, str]]:
    """Every node of a case, with what is not as recorded; nothing where it is."""
    for index, (node, ours) in enumerate(answers(release, case)):
        if theirs := accepted(case, index):
            wrong = [each for each in ours if not any(agrees(each, answer) for answer in theirs)]
            yield (
                f"{case.get('id') or case['name']} {node}",
                f"{theirs[0]}\n    ours {wrong[0]}" if wrong else "",
            )


def run(paths: Sequence[Path]) -> Iterator[tuple[str, str]]:
    """Every case of these files."""
    for path in paths:
        release, found = cases(path)
        for case in found:
            yield from compared(release, case)


def agrees(ours: Answer, theirs: Answer) -> bool:
    """The same outcome and devices, and the same words but for what compilers say."""
    if ours[:2] != theirs[:2]:
        return False
    if "CEL compile error" in theirs.error:
        return ours.error.partition("CEL compile error")[0] == theirs.error.partition("CEL compile error")[0]
    return ours.error == theirs.error


def main(arguments: Sequence[str]) -> int:
    """Print and count."""
    return tally(run([Path(argument) for argument in arguments]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
