"""Preparation without kubelet and gRPC, in this process: real files, the driver of tests, a real API server."""

import asyncio
import json
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from dratui_agent.apiserver import ApiServer
from dratui_agent.kubelet.belief import Steps
from dratui_agent.kubelet.calls import Calls
from dratui_agent.kubelet.cdi import Folder
from dratui_agent.kubelet.checkpoint import Checkpoint
from dratui_agent.kubelet.claims import Claims, Named
from dratui_agent.kubelet.hardware import Instance
from dratui_agent.kubelet.inventory import Inventory
from dratui_agent.kubelet.lock import Turn
from dratui_agent.kubelet.nvidia import Nvidia
from dratui_agent.kubelet.offers import Offer
from dratui_agent.kubelet.preparation import Means, Preparation, nowhere
from dratui_agent.kubelet.prepared import PreparedClaim
from dratui_agent.kubelet.recovery import Recovery
from dratui_agent.nvml.node import Node

from tests.agent.kubelet_plugin.calling import Claim
from tests.agent.kubelet_plugin.cluster import DRIVER


@dataclass(frozen=True)
class Place:
    """What an agent is told of its node, and finds again after its end."""

    server: str
    account: Path
    node: str
    folder: Path  # the plugin's
    cdi: Path
    partitionable: bool = False
    boot: str = "one"

    @property
    def json(self) -> str:
        """For another process."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def of(cls, text: str) -> "Place":
        """What `json` says."""
        told = json.loads(text)
        return cls(**told | {key: Path(told[key]) for key in ("account", "folder", "cdi")})


class Failures:
    """What went wrong, counted."""

    def __init__(self) -> None:
        self.counted: list[tuple[str, str]] = []

    def failed(self, what: str, why: str) -> None:
        self.counted.append((what, why))


@dataclass
class Inside:
    """An agent's preparation, restored; its claims are asked for on a loop of its own."""

    means: Means
    failures: Failures
    preparation: Preparation = field(init=False)
    recovery: Recovery = field(init=False)

    def __post_init__(self) -> None:
        self.preparation = Preparation(self.means)
        self.recovery = Recovery(self.means, self.preparation)

    def prepare(self, *claims: Claim) -> list[list[str] | str]:
        """The names of the devices of each, or what is in the way."""
        answers = self.preparation.prepare([Named(ns, name, uid) for ns, name, uid in claims])
        return [
            said if isinstance(said := answers[uid], str) else [d.device for d in said]
            for _, _, uid in claims
        ]

    def unprepare(self, *claims: Claim) -> list[str]:
        """What is in the way of each, empty for nothing."""
        answers = self.preparation.unprepare([Named(ns, name, uid) for ns, name, uid in claims])
        return [said if isinstance(said := answers[uid], str) else "" for _, _, uid in claims]

    @property
    def claims(self) -> Mapping[str, PreparedClaim]:
        return self.means.checkpoint.claims

    @property
    def specs(self) -> list[str]:
        """UIDs of claims that have one."""
        return sorted(self.means.specs.claims())

    @property
    def instances(self) -> list[Instance]:
        return [*self.means.hardware.instances()]

    @property
    def steps(self) -> list[tuple[str, str, str]]:
        return [(step.what, step.detail, step.error) for step in self.means.steps.all()]

    @property
    def nothing(self) -> bool:
        """Whether nothing is left, on disk and in the driver."""
        left = (
            [path.name for path in self.means.specs.path.iterdir()] if self.means.specs.path.exists() else []
        )
        return not left and not self.claims and not self.instances


def offers(place: Place) -> Mapping[str, Offer]:
    """As the driver tells now."""
    node = Node()
    try:
        return Inventory(partitionable=place.partitionable, sys=place.folder).look(node.sample())
    finally:
        node.close()


@contextmanager
def inside(
    place: Place,
    *,
    at: Callable[[str], None] = nowhere,
    restored: bool = True,
    patience: float = 30.0,
    **others: Any,
) -> Iterator[Inside]:
    """An agent that begins: what was prepared is restored. `others`: of Means, instead of the real ones."""
    place.folder.mkdir(parents=True, exist_ok=True)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    api = ApiServer(place.server, place.account)
    offered = offers(place)
    failures = Failures()
    claims = Claims(api, loop, driver=DRIVER, node=place.node)
    means: dict[str, Any] = {
        "driver": DRIVER,
        "pool": place.node,
        "claims": claims,
        "offers": lambda: offered,
        "hardware": Nvidia(),
        "specs": Folder(place.cdi, DRIVER, at),
        "checkpoint": Checkpoint(place.folder / "checkpoint.json", place.boot, at),
        "turn": Turn(place.folder / "lock", patience),
        "calls": Calls(patience),
        "steps": Steps(),
        "told": failures,
        "at": at,
    }
    made = Inside(Means(**(means | others)), failures)
    if restored:
        made.recovery.restore()
    try:
        yield made
    finally:
        asyncio.run_coroutine_threadsafe(claims.close(), loop).result(5)
        asyncio.run_coroutine_threadsafe(api.close(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


def unknown(names: Sequence[str]) -> list[Claim]:
    """Claims that no API server has."""
    return [("nowhere", name, str(uuid.uuid4())) for name in names]
