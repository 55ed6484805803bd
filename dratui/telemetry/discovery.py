"""Which pod measures a node. The API server is asked for those on that node only, which its cache has an index for:
what it costs follows the screen, not the cluster.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import msgspec

from dratui.events import Phase
from dratui.kube.failure import KubeFailure
from dratui.telemetry.endpoint import Endpoint, pod_proxy
from dratui.telemetry.protocol import KEPT, Broken, Follower

if TYPE_CHECKING:
    from dratui.kube.connection import Connection

_SCHEME: Final = "dratui.dev/scheme"  # an annotation: `https`, where no port is named so


@dataclass(frozen=True, kw_only=True)
class Exporter:
    """Who measures, as data: how to find its pods and how to follow one."""

    name: str  # in words: `no agent`
    selector: str  # of its pods, a label's `key=value`
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
    labels: dict[str, str] | None = None
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


class _PodList(msgspec.Struct, frozen=True):
    items: list[_Pod] | None = None


_decoder: Final = msgspec.json.Decoder(_PodList)


class Pods:
    """Implements `Finder`: the first of `exporters` that has a running pod on the node."""

    def __init__(
        self, connection: "Connection", exporters: Sequence[Exporter], now: Callable[[], float]
    ) -> None:
        self._connection = connection
        self._exporters = exporters
        self._now = now
        self._everywhere = True  # pods of all namespaces may be listed, as far as is known
        self._followers: dict[str, tuple[str, Follower]] = {}  # by node, with the pod's uid

    async def find(self, node: str, *, anew: bool) -> Follower:
        """See `Finder`."""
        if not anew and node in self._followers:
            return self._keep(node, *self._followers[node])
        waiting: tuple[Exporter, _Pod] | None = None
        for key, exporters in _by_label(self._exporters).items():
            pods = await self._pods(node, key, exporters.keys())
            for value, exporter in exporters.items():
                for pod in (pod for pod in pods if (pod.metadata.labels or {}).get(key) == value):
                    if not pod.waits:
                        return self._follower(node, pod, exporter)
                    waiting = waiting or (exporter, pod)
        if waiting is not None:
            exporter, pod = waiting
            raise Broken(f"{exporter.name}'s pod: {pod.waits}", hint=pod.metadata.name)
        if not self._everywhere:
            self._everywhere = True  # next time: rights come, and a server that has just started has none
            namespace = self._connection.about().namespace
            raise _refused(f"{namespace} has none, and in other namespaces pods may not be listed")
        first = self._exporters[0]
        raise Broken(
            f"no {first.name}", hint=f"looked for pods labelled {first.selector}", phase=Phase.NOT_SERVED
        )

    async def close(self) -> None:
        """See `Finder`: the connection is the cluster's."""

    def _follower(self, node: str, pod: _Pod, exporter: Exporter) -> Follower:
        uid, follower = self._followers.get(node, ("", None))
        if follower is None or uid != pod.metadata.uid:
            port, https = _port(pod, exporter)
            meta = pod.metadata
            endpoint = pod_proxy(
                self._connection, exporter.name, meta.namespace, meta.name, port, https=https
            )
            follower = exporter.follower(endpoint, self._now)
        return self._keep(node, pod.metadata.uid, follower)

    def _keep(self, node: str, uid: str, follower: Follower) -> Follower:
        """Remember it, and not too many: each may have the last sample of its node."""
        self._followers.pop(node, None)
        self._followers[node] = uid, follower
        if len(self._followers) > KEPT:
            del self._followers[next(iter(self._followers))]
        return follower

    async def _pods(self, node: str, key: str, values: Iterable[str]) -> list[_Pod]:
        """Those on `node` that have one of `values` in their label `key`: first those that are not about to go."""
        params = [
            ("fieldSelector", f"spec.nodeName={node}"),
            ("labelSelector", f"{key} in ({','.join(values)})"),
            ("resourceVersion", "0"),  # out of the server's cache
        ]
        try:
            pods = _decoder.decode(await self._list(params)).items or []
        except (ValueError, RecursionError) as error:
            raise Broken("the server's list of pods cannot be read", hint=str(error)) from error
        except KubeFailure as failure:
            if failure.status == 403:
                raise _refused("who measures the node is found by its pod") from failure
            raise Broken("cannot list pods", hint=failure.said) from failure
        return sorted(pods, key=lambda pod: pod.metadata.deletion_timestamp is not None)

    async def _list(self, params: Sequence[tuple[str, str]]) -> bytes:
        """Of all namespaces; of the context's, where only that is allowed."""
        to = "list pods"
        namespace = self._connection.about().namespace
        if self._everywhere or not namespace:
            try:
                return await self._connection.get("/api/v1/pods", params, to=to)
            except KubeFailure as refused:
                if refused.status != 403 or not namespace:
                    raise
        body = await self._connection.get(
            f"/api/v1/namespaces/{quote(namespace, safe='')}/pods", params, to=f"{to} -n {namespace}"
        )
        self._everywhere = False
        return body


def _refused(why: str) -> Broken:
    return Broken("may not list pods", hint=f"{why}: kubectl auth can-i list pods -A", phase=Phase.FORBIDDEN)


def _by_label(exporters: Iterable[Exporter]) -> Mapping[str, Mapping[str, Exporter]]:
    """By the label's key and value, in their order: one question is enough for all of a key."""
    labels: dict[str, dict[str, Exporter]] = {}
    for exporter in exporters:
        key, _, value = exporter.selector.partition("=")
        labels.setdefault(key, {})[value] = exporter
    return labels


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
