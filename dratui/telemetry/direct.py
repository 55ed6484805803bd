"""Agents, or other exporters, at addresses that a person gave: one, or one a node."""

import asyncio
import os
import re
from collections.abc import Callable, Mapping
from typing import Final

import msgspec
from yarl import URL

from dratui.events import Phase
from dratui.kube.connection import Connection
from dratui.kube.failure import KubeFailure
from dratui.kube.kubeconfig import Access, Cluster, User
from dratui.kube.options import Options
from dratui.telemetry.agent import AgentFollower
from dratui.telemetry.endpoint import Endpoint
from dratui.telemetry.protocol import Broken, Follower, Take

NODE: Final = "{node}"  # in an address: one a node
_HOST: Final = re.compile(r"[A-Za-z0-9.-]{1,253}")


class _Snapshot(msgspec.Struct, frozen=True):
    node: str = ""


_snapshot: Final = msgspec.json.Decoder(_Snapshot)


def reach(
    address: str, now: Callable[[], float], environ: Mapping[str, str] = os.environ, *, name: str = "agent"
) -> Endpoint:
    """Who is at `http(s)://[user:password@]host:port`; the system says whom to trust. Raises Broken."""
    url = URL(address)
    access = Access(
        context="",
        cluster_name=name,
        user_name=url.user or "",
        namespace="",
        cluster=Cluster(server=address, disable_compression=True),
        user=User(username=url.user or "", password=url.password or ""),
    )
    try:
        return Endpoint(Connection(access, Options(), now=now, environ=environ), name)
    except KubeFailure as failure:
        raise Broken(f"--metrics-from is no address of an {name}", hint=failure.said) from failure


class OneAgent:
    """Implements `Finder`: the agent says itself of which node it is."""

    def __init__(self, address: str, now: Callable[[], float]) -> None:
        self._address = address
        self._now = now
        self._lock = asyncio.Lock()
        self._endpoint: Endpoint | None = None
        self._node = ""
        self._follower: Follower | None = None

    async def find(self, node: str, *, anew: bool) -> Follower:
        """See `Finder`."""
        async with self._lock:  # one question for all nodes
            if self._endpoint is None:
                self._endpoint = reach(self._address, self._now)
            if self._follower is None or anew:
                try:
                    self._node = _snapshot.decode(await self._endpoint.get("/v1/snapshot")).node
                except (ValueError, RecursionError) as error:
                    raise Broken("who answers is no agent", hint=str(error)) from error
            if self._follower is None:
                self._follower = AgentFollower(self._endpoint, self._now)
        if self._node != node:
            raise Broken("not measured", hint=f"the agent is on {self._node}", phase=Phase.NOT_SERVED)
        return self._follower

    async def close(self) -> None:
        """See `Finder`."""
        if self._endpoint is not None:
            await self._endpoint.connection.close()


class OneOfEach:
    """Implements `Finder` with an address for each node, of an agent or of who else `begin` follows."""

    def __init__(
        self,
        address: str,
        now: Callable[[], float],
        name: str = "agent",
        begin: Callable[[Endpoint, Callable[[], float]], Follower] = AgentFollower,
    ) -> None:
        self._address = address
        self._now = now
        self._name = name
        self._begin = begin

    async def find(self, node: str, *, anew: bool) -> Follower:
        """See `Finder`."""
        return self

    async def follow(self, node: str, take: Take) -> None:
        """See `Follower`. Over a connection of its own, which ends with it."""
        if not _HOST.fullmatch(node):  # or it could be anything in an address
            raise Broken("the node's name is none of a host", phase=Phase.NOT_SERVED)
        endpoint = reach(self._address.replace(NODE, node), self._now, name=self._name)
        try:
            await self._begin(endpoint, self._now).follow(node, take)
        finally:
            await endpoint.connection.close()

    async def close(self) -> None:
        """See `Finder`."""
