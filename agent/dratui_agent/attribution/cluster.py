"""What only the API server knows of a node's devices and claims: asked for it where the agent may, else left out.

Kubelet tells which device a container has, not for which request of the claim; and a driver that neither shows a UUID
in its CDI specs nor names its devices as gpu.nvidia.com does has it in its slices. Both hardly ever change: slices are
listed now and then, and a claim is got once, since an allocation does not change.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from dratui_agent.apiserver import ApiServer, NoAnswer
from dratui_agent.parsed import items, mapping
from dratui_agent.resources import Resources, claim_path

SLICES_SECONDS: Final = 60.0  # between two lists
CLAIM_SECONDS: Final = (
    300.0  # for which a claim is believed whose UID kubelet does not tell: it may be another by now
)
MOST_CLAIMS: Final = 20  # got in one pass; the others in the next

Place = tuple[str, str, str]
"""Driver, pool and name of a device."""
Allotted = tuple[str, str, str, str, str, str]
"""Namespace and name of a claim; driver, pool and name of a device; share id."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What was learnt so far."""

    uuids: Mapping[Place, str] = field(default_factory=dict)
    requests: Mapping[Allotted, str] = field(default_factory=dict)


NOTHING: Final = Facts()


@dataclass(frozen=True, slots=True)
class _Claim:
    until: float
    requests: Mapping[Allotted, str]


class Cluster:
    """Asks for slices of a node and for claims, and remembers."""

    def __init__(self, api: ApiServer, node: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._resources = Resources(api)
        self._node = node
        self._clock = clock
        self._listed = -SLICES_SECONDS
        self._uuids: Mapping[Place, str] = {}
        self._claims: dict[tuple[str, str, str], _Claim] = {}

    async def learn(self, claims: Iterable[tuple[str, str, str]]) -> tuple[Facts, str]:
        """What is known now, and why it is not more. `claims`: namespace, name and UID of those to know of."""
        wanted = dict.fromkeys(claims)
        for gone in self._claims.keys() - wanted.keys():
            del self._claims[gone]
        trouble = ""
        try:
            await self._list_slices()
            now = self._clock()
            missing = [key for key in wanted if key not in self._claims or self._claims[key].until < now]
            for key in missing[:MOST_CLAIMS]:
                self._claims[key] = _Claim(
                    float("inf") if key[2] else now + CLAIM_SECONDS, await self._requests(key)
                )
        except NoAnswer as why:
            trouble = f"requests and slices are not known any better: {why}"
        requests = {place: name for claim in self._claims.values() for place, name in claim.requests.items()}
        return Facts(self._uuids, requests), trouble

    async def _list_slices(self) -> None:
        now = self._clock()
        if now - self._listed < SLICES_SECONDS or not self._node:
            return
        of_node = f"&fieldSelector={quote(f'spec.nodeName={self._node}')}"
        slices = await self._resources.all("resourceslices", of_node)
        self._uuids = dict(_uuids(slices))
        self._listed = now

    async def _requests(self, key: tuple[str, str, str]) -> Mapping[Allotted, str]:
        namespace, name, uid = key
        try:
            claim = await self._resources.ask(claim_path(namespace, name))
        except NoAnswer as why:
            if why.status == 404:
                return {}  # gone, and its pod goes
            raise
        if uid and mapping(claim.get("metadata")).get("uid") != uid:
            return {}  # another one of that name
        devices = mapping(mapping(mapping(claim.get("status")).get("allocation")).get("devices"))
        found: dict[Allotted, str] = {}
        for result in map(mapping, items(devices.get("results"))):
            place = (
                result.get("driver"),
                result.get("pool"),
                result.get("device"),
                result.get("shareID") or "",
            )
            found[(namespace, name, *map(str, place))] = str(result.get("request", ""))  # type: ignore[index]  # six
        return found


def _uuids(slices: Iterable[Any]) -> Iterator[tuple[Place, str]]:
    """The devices' UUIDs, of the newest generation of pools of which all slices are there."""
    pools: dict[tuple[str, str], dict[int, list[Any]]] = {}
    for each in slices:
        spec = mapping(mapping(each).get("spec"))
        pool = mapping(spec.get("pool"))
        generations = pools.setdefault((str(spec.get("driver")), str(pool.get("name"))), {})
        generation = pool.get("generation")
        generations.setdefault(generation if isinstance(generation, int) else 0, []).append(spec)
    for (driver, name), generations in pools.items():
        newest = generations[max(generations)]
        if len(newest) != mapping(newest[0].get("pool")).get("resourceSliceCount"):
            continue
        for spec in newest:
            for device in map(mapping, items(spec.get("devices"))):
                # `basic` in v1beta1
                attributes = mapping((mapping(device.get("basic")) or device).get("attributes"))
                for key in ("uuid", f"{driver}/uuid"):
                    if isinstance(uuid := mapping(attributes.get(key)).get("string"), str):
                        yield (driver, name, str(device.get("name"))), uuid
