"""Claims as the API server has them, and what their users are told: events, and conditions of the devices.

Preparing waits for an answer, on its own thread; what is told waits for nobody. A status that cannot be written while
the API server is away is written later, an event is lost.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import CancelledError
from concurrent.futures import TimeoutError as Late
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from dratui_agent.apiserver import PATIENCE_SECONDS, ApiServer, NoAnswer
from dratui_agent.kubelet.prepared import PreparedDevice
from dratui_agent.log import log
from dratui_agent.resources import GROUP, VERSIONS, Resources, claim_path

COMPONENT: Final = "dratui-agent"
LONGEST: Final = 1000  # characters of an event's message; the server takes 1024
AGAIN_SECONDS: Final = 600.0  # after which the same event is told anew
MOST_EVENTS: Final = 200  # that are remembered
SOON_SECONDS: Final = 0.5  # after which statuses say what has become of their claims
LATER_SECONDS: Final = 30.0  # the longest time until that is tried again
MOST_UNSAID: Final = 1000  # statuses that wait for the API server; the oldest is lost first
LAST_SECONDS: Final = 1.0  # for what is being told at the end


@dataclass(frozen=True, slots=True)
class Named:
    """A claim as kubelet names it."""

    namespace: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class _Unsaid:
    """What a claim's status is to say: that it has got these devices, or that it has none any more."""

    claim: Named
    devices: Sequence[PreparedDevice]
    since: float  # unix seconds


class Claims:
    """Asks and tells on the agent's event loop, for threads that are not its own."""

    def __init__(
        self,
        api: ApiServer,
        loop: asyncio.AbstractEventLoop,
        *,
        driver: str,
        node: str,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._api = api
        self._loop = loop
        self._driver = driver
        self._node = node
        self._now = now
        self._resources = Resources(api)
        self._events: dict[tuple[str, str, str], float] = {}  # what was told, and when
        self._complained = -AGAIN_SECONDS  # when it was said last that the server keeps no conditions
        self._telling: set[asyncio.Task[None]] = set()
        self._unsaid: dict[str, _Unsaid] = {}  # by UID of the claim
        self._saying = False

    def get(self, claim: Named) -> Mapping[str, Any]:
        """The claim of that name, whatever its UID. Raises NoAnswer."""
        found: Mapping[str, Any] = self._wait(self._resources.ask(claim_path(claim.namespace, claim.name)))
        return found

    def all(self) -> Sequence[Mapping[str, Any]]:
        """Those of all namespaces. Raises NoAnswer."""
        found: Sequence[Mapping[str, Any]] = self._wait(self._resources.all("resourceclaims"))
        return found

    def event(self, reason: str, text: str, claim: Named | None = None) -> None:
        """A warning that `kubectl describe` shows, of a claim or else of this node."""
        self._tell(self._event(reason, text, claim))

    def prepared(self, claim: Named, devices: Sequence[PreparedDevice]) -> None:
        """Say in the claim's status what its devices are; nothing more of them, when there are none.

        Soon: no pod waits for it to start, and it costs the API server more than all the rest.
        """
        self._tell(self._say(_Unsaid(claim, devices, self._now())))

    async def close(self) -> None:
        """Let what is being told be told, for a moment."""
        if self._telling:
            await asyncio.wait(self._telling, timeout=LAST_SECONDS)
        for task in self._telling:
            task.cancel()

    def _tell(self, saying: Coroutine[Any, Any, None]) -> None:
        def begin() -> None:
            task = self._loop.create_task(saying)
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)

        try:
            self._loop.call_soon_threadsafe(begin)
        except RuntimeError:  # the agent ends
            saying.close()

    def _wait(self, asking: Coroutine[Any, Any, Any]) -> Any:
        try:
            return asyncio.run_coroutine_threadsafe(asking, self._loop).result(2 * PATIENCE_SECONDS)
        except Late:
            raise NoAnswer("the API server does not answer") from None
        except CancelledError:
            raise NoAnswer("the agent ends") from None
        except RuntimeError:  # it has ended
            asking.close()
            raise NoAnswer("the agent ends") from None

    async def _event(self, reason: str, text: str, claim: Named | None) -> None:
        key = (claim.uid if claim else "", reason, text)
        now = self._now()
        if now - self._events.get(key, 0.0) < AGAIN_SECONDS:
            return
        self._events = dict([*self._events.items()][-MOST_EVENTS + 1 :]) | {key: now}
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
        namespace = claim.namespace if claim else "default"
        about = (
            {
                "apiVersion": f"{GROUP}/{self._resources.version or VERSIONS[0]}",
                "kind": "ResourceClaim",
                "namespace": namespace,
                "name": claim.name,
                "uid": claim.uid,
            }
            if claim
            else {"apiVersion": "v1", "kind": "Node", "name": self._node, "uid": self._node}
        )
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"generateName": f"{COMPONENT}-", "namespace": namespace},
            "involvedObject": about,
            "type": "Warning",
            "reason": reason,
            "message": text[:LONGEST],
            "source": {"component": COMPONENT, "host": self._node},
            "reportingComponent": self._driver,
            "reportingInstance": self._node,
            "firstTimestamp": at,
            "lastTimestamp": at,
            "count": 1,
        }
        try:
            await self._api.ask(f"/api/v1/namespaces/{quote(namespace, safe='')}/events", event)
        except NoAnswer as why:
            log.warning("cannot tell of it in an event: %s", why)

    async def _say(self, what: _Unsaid) -> None:
        """What is said last is what is so. Whoever comes first says it for all, until there is nothing left to say."""
        self._unsaid.pop(what.claim.uid, None)
        self._unsaid[what.claim.uid] = what
        if len(self._unsaid) > MOST_UNSAID:
            del self._unsaid[next(iter(self._unsaid))]
        if self._saying:
            return
        self._saying = True
        pause = SOON_SECONDS
        try:
            while self._unsaid:
                await asyncio.sleep(pause)
                pause = SOON_SECONDS if await self._all_said() else min(2 * pause, LATER_SECONDS)
        finally:
            self._saying = False

    async def _all_said(self) -> bool:
        """Say what is unsaid. False: some of it stays so, since the API server is away or in trouble."""
        well = True
        for uid, what in [*self._unsaid.items()]:
            if self._unsaid.get(uid) is not what:
                continue  # there is something newer to say
            try:
                await self._apply(what)
            except NoAnswer as why:
                later = not why.status or why.status == 429 or why.status >= 500
                self._complain(what.claim, why, later=later)
                if not why.status:
                    return False
                if later:
                    well = False
                    continue
            if self._unsaid.get(uid) is what:
                del self._unsaid[uid]
        return well

    def _complain(self, claim: Named, why: NoAnswer, *, later: bool) -> None:
        """Now and then: what goes wrong with one goes wrong with all. That one is gone, or replaced, is no fault."""
        now = self._now()
        if why.status not in (404, 409) and now - self._complained >= AGAIN_SECONDS:
            self._complained = now
            told = "is written later" if later else "is not written"
            log.warning("status.devices of claim %s/%s %s: %s", claim.namespace, claim.name, told, why)

    async def _apply(self, what: _Unsaid) -> None:
        claim = what.claim
        applied = {
            "apiVersion": f"{GROUP}/{await self._resources.newest()}",
            "kind": "ResourceClaim",
            "metadata": {"name": claim.name, "namespace": claim.namespace, "uid": claim.uid},
            "status": {"devices": [self._condition(each, what.since) for each in what.devices]}
            if what.devices
            else {},
        }
        query = f"fieldManager={quote(self._driver, safe='')}-{quote(self._node, safe='')}&force=true"
        path = f"{claim_path(claim.namespace, claim.name)}/status?{query}"
        await self._resources.ask(path, applied, "PATCH", "application/apply-patch+yaml")

    def _condition(self, device: PreparedDevice, since: float) -> Mapping[str, Any]:
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(since))
        told = {"uuid": device.uuid} | (
            {}
            if device.gi is None
            else {"parentUUID": device.gpu, "gpuInstance": device.gi, "computeInstance": device.ci}
        )
        return {
            "driver": self._driver,
            "pool": device.pool,
            "device": device.device,
            **({"shareID": device.share} if device.share else {}),
            "conditions": [
                {
                    "type": "Ready",
                    "status": "True",
                    "reason": "Prepared",
                    "message": f"{device.uuid} is prepared on {self._node}",
                    "lastTransitionTime": at,
                }
            ],
            "data": told,
        }
