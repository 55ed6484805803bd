"""What must be written so that a pool's slices are what they should be. Pure.

Readers take the slices of the highest generation, and the pool is whole when there are as many as each says. So what
changes more than one slice gets a new generation, and a change of one alone does not: no reader ever sees a mixture.

Source: dynamic-resource-allocation 1.36, resourceslice/resourceslicecontroller.go, syncPool.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dratui_agent.kubelet.slices import Content

Object = Mapping[str, Any]
"""A ResourceSlice as the API server has it."""


@dataclass(frozen=True, slots=True)
class Rollout:
    """`changed`: a slice and the spec that it gets. `fresh`: the place in the pool of a slice that there is to be."""

    generation: int
    obsolete: Sequence[Object] = ()
    changed: Sequence[tuple[Object, Mapping[str, Any]]] = ()
    fresh: Sequence[tuple[int, Mapping[str, Any]]] = ()


def plan(
    wanted: Sequence[Content],
    found: Iterable[Object],
    *,
    driver: str,
    node: str,
    least: int,
    same: Callable[[Content, Object], bool],
) -> Rollout:
    """From all slices of the driver and node. `least`: the generation that was written last, or 0."""
    there = sorted(found, key=lambda each: str(each["metadata"]["name"]))
    newest = max((_pool(each).get("generation", 0) for each in there), default=0)
    matched: dict[int, Object] = {}
    obsolete: list[Object] = []
    for each in there:
        place = _place(each, len(wanted))
        current = _pool(each).get("generation", 0) == newest and _pool(each).get("name") == node
        if current and place is not None and place < len(wanted) and place not in matched:
            matched[place] = each
        else:
            obsolete.append(each)

    def spec(place: int, generation: int) -> Mapping[str, Any]:
        pool = {"name": node, "generation": generation, "resourceSliceCount": len(wanted)}
        return {"driver": driver, "nodeName": node, "pool": pool, **wanted[place]}

    changed = [
        place
        for place, each in sorted(matched.items())
        if _pool(each).get("resourceSliceCount") != len(wanted) or not same(wanted[place], each)
    ]
    missing = [place for place in range(len(wanted)) if place not in matched]
    generation = newest
    if missing or len(changed) > 1:
        generation = max(newest, least) + 1
        changed = sorted(matched)
    return Rollout(
        generation,
        obsolete,
        [(matched[place], spec(place, generation)) for place in changed],
        [(place, spec(place, generation)) for place in missing],
    )


def called(place: int, count: int, driver: str, node: str) -> str:
    """The beginning of a slice's name. The place comes first, since the server cuts what is long."""
    return f"{place:0{_digits(count)}d}-{driver}-{node}-"


def _digits(count: int) -> int:
    return len(str(max(count - 1, 0)))


def _place(slice_: Object, count: int) -> int | None:
    """As its name tells; None where one of so many slices would not be called that."""
    found = re.match(r"(\d+)-", slice_["metadata"]["name"])
    return int(found[1]) if found and len(found[1]) == _digits(count) else None


def _pool(slice_: Object) -> Mapping[str, Any]:
    pool: Mapping[str, Any] = slice_["spec"].get("pool", {})
    return pool
