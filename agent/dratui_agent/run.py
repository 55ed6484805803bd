"""The agent: it wires who reads to who serves, until it is told to stop."""

import asyncio
import os
import secrets
import signal
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dratui_agent.apiserver import ApiServer, NoAnswer
from dratui_agent.attribution import processes
from dratui_agent.attribution.cdi import FOLDERS, Specs
from dratui_agent.attribution.cluster import Cluster
from dratui_agent.exporter.bearer import Reviews
from dratui_agent.exporter.guests import Guests
from dratui_agent.exporter.server import application, serving
from dratui_agent.exporter.state import State
from dratui_agent.exporter.web_config import Web, WrongConfig
from dratui_agent.journal import Journal
from dratui_agent.kubelet.options import PluginOptions
from dratui_agent.log import log
from dratui_agent.nvml.sampler import Sampler
from dratui_agent.sample import Sample

if TYPE_CHECKING:  # gRPC is loaded by who wants it
    from dratui_agent.kubelet.plugin import Plugin

LAST_SECONDS: Final = 8  # from the signal on; a pod has ten by the chart, then kubelet kills it
AGAIN_SECONDS: Final = 0.5  # after which a task that has not ended is cancelled again


class CannotStart(Exception):
    """Something that must be there is not; its text is for people."""


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for. `interval` is in seconds; `host` is empty for all addresses."""

    host: str
    port: int
    interval: float
    node: str
    web_config: Path | None
    kubelet: Path | None  # its PodResources socket; None: nobody is asked who holds what
    dcgm_names: bool
    tokens: bool  # bearer tokens are taken, and the API server asked about them
    ask_cluster: bool  # for slices and claims
    service_account: Path
    proc: Path | None  # the node's /proc; None: processes are not joined to pods
    container_logs: Path
    plugin: PluginOptions | None = None


async def run(options: Options) -> int:
    """Serve until a signal comes: 0; or until only a new process can go on: 1. Raises CannotStart.

    From then on the process ends within LAST_SECONDS, whatever hangs: with status 1 where something does.
    """
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[int] = loop.create_future()

    def end(code: int) -> None:
        if not ended.done():
            ended.set_result(code)
            # The interpreter's own end, which waits for threads, is part of it. Without a handler the first process
            # of a container would not take the signal.
            signal.signal(signal.SIGALRM, lambda *_: os._exit(1))
            signal.alarm(LAST_SECONDS)

    def hand_over(take: Callable[..., None], what: object) -> None:
        with suppress(RuntimeError):  # the loop has ended, the driver did not let go in time
            loop.call_soon_threadsafe(take, what)

    def publish(sample: Sample) -> None:
        log.debug("a sample of %d devices took %.1f ms", len(sample.devices), sample.took * 1000)
        if plugin is not None:
            plugin.look(sample)
        hand_over(state.take, sample)

    def replaced(why: str) -> None:
        log.error("%s: ending, so that whoever supervises this starts it anew", why)
        hand_over(end, 1)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end, 0)
    state = State(
        options.interval,
        node=options.node,
        layout=secrets.randbelow(10**8),
        attributes=options.kubelet is not None,
        dcgm_names=options.dcgm_names,
        changed=Journal().look,
    )
    try:
        config = Web(options.web_config, log.warning)
    except WrongConfig as wrong:
        raise CannotStart(str(wrong)) from wrong
    try:
        api = (
            ApiServer.of_this_pod(options.service_account)
            if options.tokens or options.ask_cluster or options.plugin
            else None
        )
    except NoAnswer as error:
        raise CannotStart(f"the API server cannot be asked: {error}") from error
    if options.tokens and config.context is None:
        log.warning("bearer tokens are taken without TLS: who listens on the network can use them")
    guests = Guests()
    plugin = _plugin(options.plugin, state, api) if options.plugin and api else None
    own = [plugin.metrics] if plugin else []
    app = application(state, config, Reviews(api) if api and options.tokens else None, guests, own)
    sampler = Sampler(options.interval, publish, replaced)
    async with AsyncExitStack() as stack:
        if api is not None:
            stack.push_async_callback(api.close)
        try:
            served = serving(app, guests, options.host, options.port, config.context)
            addresses = await stack.enter_async_context(served)
        except OSError as error:
            where = f"{options.host or '*'}:{options.port}"
            why = (
                os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or str(error)
            )
            raise CannotStart(f"cannot listen on {where}: {why}") from error
        stack.callback(sampler.stop)  # not waited for: it may hang in the driver, and is a daemon
        sampler.start()
        for task in _attributing(state, options, api):
            task.add_done_callback(_ended)
            stack.push_async_callback(_end, task)
        if plugin is not None:
            stack.push_async_callback(plugin.stop)
            beginning = asyncio.create_task(_begin(plugin))
            stack.push_async_callback(_end, beginning)
            await asyncio.wait((beginning, ended), return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                return ended.result()
            beginning.result()
        for host, port in addresses:
            scheme = "https" if config.context else "http"
            log.info("listening on %s:%d over %s", f"[{host}]" if ":" in host else host, port, scheme)
        return await ended


def _plugin(options: PluginOptions, state: State, api: ApiServer) -> "Plugin":
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    from dratui_agent.kubelet.plugin import Plugin

    return Plugin(options, state, api)


async def _begin(plugin: "Plugin") -> None:
    from dratui_agent.kubelet.sockets import CannotServe

    try:
        await plugin.start()
    except CannotServe as error:
        raise CannotStart(str(error)) from error


def _attributing(state: State, options: Options, api: ApiServer | None) -> Iterator[asyncio.Task[None]]:
    """Finds out who holds what, and who computes where."""
    if options.kubelet is not None:
        os.environ.setdefault("GRPC_VERBOSITY", "ERROR")  # it tells of connections that end, which is normal
        from dratui_agent.attribution.kubelet import follow  # 20 MB, for who wants it

        cluster = Cluster(api, options.node) if api and options.ask_cluster else None
        own = (options.plugin.cdi,) if options.plugin else ()
        specs = Specs(tuple(dict.fromkeys((*FOLDERS, *own))))
        yield asyncio.create_task(follow(state, options.kubelet, specs=specs, cluster=cluster))
    if options.proc is not None:
        if processes.sees_all(options.proc):
            found = processes.Processes(options.proc, options.container_logs)
            yield asyncio.create_task(processes.follow(state, found))
        else:
            log.info("processes have no pods here: that needs the node's PID namespace (hostPID) or --proc")


def _ended(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("who holds what is not looked at any more", exc_info=error)


async def _end(task: asyncio.Task[Any]) -> None:
    """Cancel it until it has ended: a call of grpc.aio that fails at the same moment forgets that it was cancelled."""
    while not task.done():
        task.cancel()
        await asyncio.wait((task,), timeout=AGAIN_SECONDS)
