"""What a server serves: the newest version of a kind that we know, or that it has no such kind."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

import msgspec

from dratui.kube.failure import KubeFailure
from dratui.wire import Stream

if TYPE_CHECKING:
    from dratui.kube.connection import Connection

# resource.k8s.io as "classic DRA": opaque parameters, and allocation by each driver's own controller.
# v1alpha1 in 1.26, v1alpha2 in 1.27 to 1.30; structured parameters as they are today begin with v1alpha3 in 1.31.
_CLASSIC = frozenset({"v1alpha1", "v1alpha2"})
_DRA = "resource.k8s.io"


class _GroupVersion(msgspec.Struct, frozen=True):
    version: str = ""


class _Group(msgspec.Struct, frozen=True):
    """metav1.APIGroup."""

    versions: list[_GroupVersion] = []


class _Resource(msgspec.Struct, frozen=True):
    name: str = ""


class _ResourceList(msgspec.Struct, frozen=True):
    """metav1.APIResourceList."""

    resources: list[_Resource] = []


class _Version(msgspec.Struct, frozen=True, rename="camel"):
    git_version: str = ""


class Discovery:
    """Asks which versions of a group have which kinds, once for all streams of the group.

    An answer is kept for `fresh` seconds on the monotonic clock `now`; kinds come and go with a server's upgrade or
    a CustomResourceDefinition.
    """

    def __init__(self, connection: "Connection", *, now: Callable[[], float], fresh: float) -> None:
        self._connection = connection
        self._now = now
        self._fresh = fresh
        self._groups: dict[str, tuple[float, Mapping[str, frozenset[str]]]] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def find(self, stream: Stream) -> str:
        """The newest of the stream's versions that serves its kind; empty if none does. Raises KubeFailure."""
        if not stream.group:
            return stream.versions[0]  # the core group has one version, and every server has it
        served = await self._served(stream.group)
        return next((v for v in stream.versions if stream.plural in served.get(v, ())), "")

    def forget(self, group: str) -> None:
        """Something is not as `find` said: ask anew next time."""
        self._groups.pop(group, None)

    async def _served(self, group: str) -> Mapping[str, frozenset[str]]:
        async with self._locks.setdefault(group, asyncio.Lock()):
            known = self._groups.get(group)
            if known and self._now() - known[0] < self._fresh:
                return known[1]
            served = {version: await self._kinds(group, version) for version in await self.versions(group)}
            self._groups[group] = (self._now(), served)
            return served

    async def versions(self, group: str) -> tuple[str, ...]:
        """The versions of `group` that the server serves, none if it has no such group. Raises KubeFailure."""
        body = await _get_if_there(self._connection, f"/apis/{group}", to=f"find out the versions of {group}")
        return tuple(v.version for v in _decode(body, _Group).versions) if body else ()

    async def _kinds(self, group: str, version: str) -> frozenset[str]:
        to = f"find out the kinds of {group}/{version}"
        body = await _get_if_there(self._connection, f"/apis/{group}/{version}", to=to)
        return frozenset(r.name for r in _decode(body, _ResourceList).resources) if body else frozenset()


async def refuse_classic_dra(discovery: Discovery, streams: Iterable[Stream]) -> None:
    """Raise KubeFailure if the server has DRA, but only as it was before Kubernetes 1.31.

    A server without DRA is none of that: its pods and nodes can be looked at.
    """
    if not any(stream.group == _DRA for stream in streams):
        return
    try:
        served = await discovery.versions(_DRA)
    except KubeFailure:
        return  # each stream will say for itself what it may not find out
    if served and _CLASSIC.issuperset(served):
        raise KubeFailure(
            f"this server has only {_DRA}/{served[0]}, the classic DRA of Kubernetes 1.26 to 1.30, which has no "
            "devices to show",
            hint="dratui needs Kubernetes 1.31 or newer, with structured parameters (v1alpha3 to v1)",
        )


async def server_version(connection: "Connection") -> str:
    """The server's version, such as `v1.36.3`; empty if it may not be known. Raises KubeFailure.

    It is also the first request: what makes the whole server useless shows here. 403 does not: it is only this.
    """
    try:
        body = await connection.get("/version", to="talk to the API server")
    except KubeFailure as failure:
        if failure.status in (403, 404):
            return ""
        raise
    return _decode(body, _Version).git_version


def resource_path(stream: Stream, version: str, namespace: str = "", name: str = "") -> str:
    """The path of a kind or of one object."""
    parts = ["", "apis", stream.group, version] if stream.group else ["", "api", version]
    if namespace:
        parts += ["namespaces", quote(namespace, safe="")]
    parts.append(stream.plural)
    if name:
        parts.append(quote(name, safe=""))
    return "/".join(parts)


async def _get_if_there(connection: "Connection", path: str, *, to: str) -> bytes:
    try:
        return await connection.get(path, to=to)
    except KubeFailure as failure:
        if failure.status == 404:
            return b""
        raise


_T = TypeVar("_T")


def _decode(body: bytes, type_: type[_T]) -> _T:
    try:
        return msgspec.json.decode(body, type=type_)
    except (ValueError, RecursionError) as error:
        raise KubeFailure(
            "what answers is no Kubernetes API server", hint="look at `server` in the kubeconfig"
        ) from error
