"""Asks kubelet over its PodResources socket, again and again. Whatever it answers, values go on."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import grpc
import grpc.aio
from google.protobuf.message import DecodeError

from dratui_agent.attribution.cdi import Specs
from dratui_agent.attribution.cluster import NOTHING, Cluster
from dratui_agent.attribution.podresources import claims, holders
from dratui_agent.attribution.podresources_pb2 import ListPodResourcesRequest, ListPodResourcesResponse
from dratui_agent.exporter.state import State
from dratui_agent.holders import Holders

SOCKET: Final = Path("/var/lib/kubelet/pod-resources/kubelet.sock")
PERIOD_SECONDS: Final = 5.0
SOON_SECONDS: Final = 0.5  # after devices came or went: a pod is about to start, or has ended
PATIENCE_SECONDS: Final = 5.0
LARGEST_ANSWER: Final = 64 << 20
_LIST: Final = "/v1.PodResourcesLister/List"


async def follow(
    state: State,
    socket: Path = SOCKET,
    *,
    specs: Specs | None = None,
    cluster: Cluster | None = None,
    now: Callable[[], float] = time.time,
    period: float = PERIOD_SECONDS,
) -> None:
    """Keep `state.holders` up to date until cancelled. What was known stays, with its age, while kubelet is away.

    `cluster`: the API server is asked too, for what only it knows; while it does not answer that stays as it was.
    """
    specs = specs or Specs()
    known = Holders()
    heard, told = b"", ListPodResourcesResponse()
    joined: object = None  # what `known` was made of
    options = [("grpc.max_receive_message_length", LARGEST_ANSWER)]
    while True:
        async with grpc.aio.insecure_channel(f"unix:{socket}", options=options) as channel:
            ask = channel.unary_unary(
                _LIST,
                request_serializer=ListPodResourcesRequest.SerializeToString,
                response_deserializer=bytes,  # read below, where what is wrong with it can be told
            )
            try:
                while True:
                    answer = await ask(ListPodResourcesRequest(), timeout=PATIENCE_SECONDS)
                    if answer != heard:
                        told, heard = ListPodResourcesResponse.FromString(answer), answer
                    facts, trouble = (await cluster.learn(claims(told))) if cluster else (NOTHING, "")
                    edits = await asyncio.to_thread(specs.edits)  # that may be much
                    devices, own = state.devices, state.belief.driver if state.belief else ""
                    if joined == (answer, devices, edits, facts, own):  # as it is nearly always
                        known = replace(known, at=now(), problem=trouble)
                    else:
                        known = Holders(now(), holders(told, devices, edits, facts, own), trouble)
                        joined = (answer, devices, edits, facts, own)
                    state.attribute(known)
                    await _pause(state, period)
            except (grpc.aio.AioRpcError, DecodeError) as error:
                state.attribute(Holders(known.at, known.by_device, _in_words(error, socket)))
        await asyncio.sleep(period)  # with a new connection: a kubelet that was restarted has a new socket


async def _pause(state: State, period: float) -> None:
    """Wait a period, or until other devices are there."""
    before = state.devices
    loop = asyncio.get_running_loop()
    end = loop.time() + period
    while (left := end - loop.time()) > 0:
        await asyncio.sleep(min(SOON_SECONDS, left))
        if before != state.devices:
            return


def _in_words(error: grpc.aio.AioRpcError | DecodeError, socket: Path) -> str:
    if isinstance(error, DecodeError):
        return "what kubelet answers cannot be read"
    match error.code():
        case grpc.StatusCode.UNAVAILABLE if "ermission denied" in (error.details() or ""):
            return f"no permission to open {socket}: the agent is to run as user 0"
        case grpc.StatusCode.UNAVAILABLE:
            return f"kubelet does not answer at {socket}"
        case grpc.StatusCode.RESOURCE_EXHAUSTED:
            return f"kubelet answers more than {LARGEST_ANSWER >> 20} MiB"
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return f"kubelet took longer than {PATIENCE_SECONDS:g} s to answer"
        case grpc.StatusCode.UNIMPLEMENTED:
            return "kubelet has no PodResources API version 1"
        case code:
            return f"kubelet refuses to list what pods have ({code.name.lower()})"
