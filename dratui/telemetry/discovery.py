"""Which pod measures a node: one small list of an exporter's pods by their label, again when a wanted node has none."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from dratui.events import Phase
from dratui.kube.failure import KubeFailure
from dratui.telemetry.endpoint import Endpoint, pod_proxy
from dratui.telemetry.protocol import KEPT, Broken, Follower

if TYPE_CHECKING:
    from dratui.kube.connection import Connection

FRESH: Final = 30.0  # seconds for which a list is good for nodes that have no pod in it
DOUBTED: Final = 10.0  # and for those whose pod does not run, or broke off: it may be another by now
_LONGEST: Final = 300.0  # and for which, after it doubled, where asking again brings no news
_PAGE: Final = 500  # objects
_SCHEME: Final = "dratui.dev/scheme"  # an annotation: `https`, where no port is named so


@dataclass(frozen=True, kw_only=True)
class Exporter:
    """Who measures, as data: how to find its pods and how to follow one."""

    name: str  # in words: `no agent`
    selector: str  # label selector of its pods
    port: int  # where a pod names none of `ports`
    ports: tuple[str, ...] = ("https", "metrics", "http")
    follower: Callable[[Endpoint, Callable[[], float]], Follower]  # the second: the dashboard's clock


class _Port(msgspec.Struct, frozen=True, rename="camel"):
    name: str | None = None
    container_port: int = 0


class _Container(msgspec.Struct, frozen=True):
    ports: list[_Port] | None = None


class _Spec(msgspec.Struct, frozen=True, rename="camel"):
    node_name: str | None = None
    containers: list[_Container] = []


class _Metadata(msgspec.Struct, frozen=True, rename="camel"):
    name: str = ""
    namespace: str = ""
    uid: str = ""
    annotations: dict[str, str] | None = None
    deletion_timestamp: str | None = None


class _Waiting(msgspec.Struct, frozen=True):
    reason: str | None = None


class _ContainerState(msgspec.Struct, frozen=True):
    waiting: _Waiting | None = None


class _ContainerStatus(msgspec.Struct, frozen=True):
    state: _ContainerState | None = None


class _PodStatus(msgspec.Struct, frozen=True, rename="camel"):
    phase: str = ""
    container_statuses: list[_ContainerStatus] | None = None


class _Pod(msgspec.Struct, frozen=True):
    metadata: _Metadata = _Metadata()
    spec: _Spec = _Spec()
    status: _PodStatus = _PodStatus()

    @property
    def waits(self) -> str:
        """Why it does not run: `CrashLoopBackOff`, `Pending`; empty if it does."""
        for status in self.status.container_statuses or ():
            if status.state is not None and status.state.waiting is not None and status.state.waiting.reason:
                return status.state.waiting.reason
        return "" if self.status.phase == "Running" else self.status.phase or "Pending"


class _ListMetadata(msgspec.Struct, frozen=True):
    continue_: str = msgspec.field(name="continue", default="")


class _PodList(msgspec.Struct, frozen=True):
    metadata: _ListMetadata = _ListMetadata()
    items: list[_Pod] | None = None


_decoder: Final = msgspec.json.Decoder(_PodList)


class Pods:
    """Implements `Finder`: the first of `exporters` that has a running pod on the node."""

    def __init__(
        self,
        connection: "Connection",
        exporters: Sequence[Exporter],
        now: Callable[[], float],
        *,
        passing: Callable[[], float] = time.monotonic,
        fresh: float = FRESH,
        doubted: float = DOUBTED,
    ) -> None:
        self._connection = connection
        self._now = now
        self._lists = [_List(connection, exporter, passing, fresh, doubted) for exporter in exporters]
        self._followers: dict[str, tuple[str, Follower]] = {}  # by node, with the pod's uid

    async def find(self, node: str, *, anew: bool) -> Follower:
        """See `Finder`."""
        trouble: Broken | None = None
        for each in self._lists:
            try:
                pod = await each.pod(node, anew=anew)
                if pod is not None:
                    return self._follower(node, pod, each.exporter)
            except Broken as broken:
                trouble = trouble or broken
        name = self._lists[0].exporter.name
        raise trouble or Broken(
            f"no {name}",
            hint=f"looked for pods labelled {self._lists[0].exporter.selector}",
            phase=Phase.NOT_SERVED,
        )

    async def close(self) -> None:
        """See `Finder`: the connection is the cluster's."""

    def _follower(self, node: str, pod: _Pod, exporter: Exporter) -> Follower:
        known = self._followers.pop(node, None)
        if known is not None and known[0] == pod.metadata.uid:
            self._followers[node] = known
            return known[1]
        if len(self._followers) >= KEPT:  # each has its node's last sample
            del self._followers[next(iter(self._followers))]
        port, https = _port(pod, exporter)
        meta = pod.metadata
        endpoint = pod_proxy(self._connection, exporter.name, meta.namespace, meta.name, port, https=https)
        follower = exporter.follower(endpoint, self._now)
        self._followers[node] = meta.uid, follower
        return follower


class _List:
    """The pods of one exporter by node, as they were listed last."""

    def __init__(
        self,
        connection: "Connection",
        exporter: Exporter,
        passing: Callable[[], float],
        fresh: float,
        doubted: float,
    ) -> None:
        self.exporter = exporter
        self._connection = connection
        self._passing = passing
        self._fresh = self._first = fresh
        self._doubted = doubted
        self._lock = asyncio.Lock()
        self._asked: float | None = None
        self._refused: Broken | None = None
        self._pods: Mapping[str, _Pod] = {}

    async def pod(self, node: str, *, anew: bool) -> _Pod | None:
        """Raises Broken where pods may not be listed, or the one of this node does not run."""
        async with self._lock:
            found = self._pods.get(node)
            good_for = self._doubted if anew or (found is not None and found.waits) else self._fresh
            if (found is None or found.waits or anew) and self._older_than(good_for):
                await self._ask()
                found = self._pods.get(node)
        if found is None:
            if self._refused is not None:
                raise self._refused
            return None
        if found.waits:
            raise Broken(f"{self.exporter.name}'s pod: {found.waits}", hint=found.metadata.name)
        return found

    def _older_than(self, seconds: float) -> bool:
        return self._asked is None or self._passing() - self._asked >= seconds

    async def _ask(self) -> None:
        self._asked = self._passing()
        try:
            pods = await self._list()
        except KubeFailure as failure:
            self._refused = self._told(failure)
            return
        self._refused = None
        before, self._pods = self._pods, _by_node(pods)
        news = self._pods.keys() != before.keys()
        self._fresh = self._first if news else min(self._fresh * 2, _LONGEST)

    def _told(self, failure: KubeFailure) -> Broken:
        name = self.exporter.name
        if failure.status == 403:
            return Broken(
                f"may not list pods to find the {name}",
                hint="kubectl auth can-i list pods -A",
                phase=Phase.FORBIDDEN,
            )
        return Broken(f"cannot list pods to find the {name}", hint=failure.said)

    async def _list(self) -> list[_Pod]:
        """Of all namespaces; of the context's, where only that is allowed."""
        try:
            return await self._pages("/api/v1/pods")
        except KubeFailure as refused:
            namespace = self._connection.about().namespace
            if refused.status != 403 or not namespace:
                raise
            try:
                return await self._pages(f"/api/v1/namespaces/{namespace}/pods")
            except KubeFailure as failure:
                raise refused if failure.status == 403 else failure from failure

    async def _pages(self, path: str) -> list[_Pod]:
        pods: list[_Pod] = []
        token = ""
        while True:
            params = [("labelSelector", self.exporter.selector), ("limit", str(_PAGE))]
            if token:
                params.append(("continue", token))
            body = await self._connection.get(path, params, to=f"list pods of the {self.exporter.name}")
            try:
                page = _decoder.decode(body)
            except (ValueError, RecursionError) as error:
                raise KubeFailure(f"the server's list of pods cannot be read ({error})") from error
            pods += page.items or ()
            token = page.metadata.continue_
            if not token:
                return pods


def _by_node(pods: Sequence[_Pod]) -> Mapping[str, _Pod]:
    """One a node: rather one that runs, and is not about to go."""
    ranked = sorted(
        (pod for pod in pods if pod.spec.node_name),
        key=lambda pod: (not pod.waits, pod.metadata.deletion_timestamp is None),
    )
    return {pod.spec.node_name: pod for pod in ranked if pod.spec.node_name}


def _port(pod: _Pod, exporter: Exporter) -> tuple[int, bool]:
    """Where it listens, and whether it speaks https there."""
    named = {
        port.name: port.container_port for c in pod.spec.containers for port in c.ports or () if port.name
    }
    annotated = (pod.metadata.annotations or {}).get(_SCHEME) == "https"
    for name in exporter.ports:
        if name in named and 0 < named[name] < 65536:
            return named[name], annotated or name == "https"
    return exporter.port, annotated
