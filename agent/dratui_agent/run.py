"""The agent: it wires who reads to who serves, until it is told to stop."""

import asyncio
import os
import secrets
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiohttp import web

from dratui_agent.apiserver import ApiServer, NoAnswer
from dratui_agent.attribution import processes
from dratui_agent.attribution.cluster import Cluster
from dratui_agent.exporter.bearer import Reviews
from dratui_agent.exporter.server import KEEP_ALIVE_SECONDS, LARGEST_HEADER, application
from dratui_agent.exporter.state import State
from dratui_agent.exporter.web_config import Web, WrongConfig
from dratui_agent.log import Journal, log
from dratui_agent.nvml.sampler import Sampler
from dratui_agent.sample import Sample

GRACE_SECONDS: Final = 2.0  # for requests under way at the end


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


async def run(options: Options) -> int:
    """Serve until a signal comes: 0; or until only a new process can go on: 1. Raises CannotStart."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[int] = loop.create_future()

    def end(code: int) -> None:
        if not ended.done():
            ended.set_result(code)

    def hand_over(take: Callable[..., None], what: object) -> None:
        with suppress(RuntimeError):  # the loop has ended, the driver did not let go in time
            loop.call_soon_threadsafe(take, what)

    def publish(sample: Sample) -> None:
        log.debug("a sample of %d devices took %.1f ms", len(sample.devices), sample.took * 1000)
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
        dcgm_names=options.dcgm_names,
        changed=Journal().look,
    )
    try:
        config = Web(options.web_config, log.warning)
    except WrongConfig as wrong:
        raise CannotStart(str(wrong)) from wrong
    try:
        api = (
            ApiServer.of_this_pod(options.service_account) if options.tokens or options.ask_cluster else None
        )
    except NoAnswer as error:
        raise CannotStart(f"the API server cannot be asked: {error}") from error
    runner = web.AppRunner(
        application(state, config, Reviews(api) if api and options.tokens else None),
        access_log=None,
        keepalive_timeout=KEEP_ALIVE_SECONDS,
        max_line_size=LARGEST_HEADER,
        max_field_size=LARGEST_HEADER,
        shutdown_timeout=GRACE_SECONDS,
    )
    await runner.setup()
    sampler = Sampler(options.interval, publish, replaced)
    attributing: list[asyncio.Task[None]] = []
    try:
        try:
            await web.TCPSite(runner, options.host or None, options.port, ssl_context=config.context).start()
        except OSError as error:
            where = f"{options.host or '*'}:{options.port}"
            why = os.strerror(error.errno) if error.errno else str(error)
            raise CannotStart(f"cannot listen on {where}: {why}") from error
        sampler.start()
        if options.kubelet is not None:
            os.environ.setdefault(
                "GRPC_VERBOSITY", "ERROR"
            )  # it tells of connections that end, which is normal
            from dratui_agent.attribution.kubelet import follow  # 20 MB, for who wants it

            cluster = Cluster(api, options.node) if api and options.ask_cluster else None
            attributing.append(asyncio.create_task(follow(state, options.kubelet, cluster=cluster)))
        if options.proc is not None:
            if processes.sees_all(options.proc):
                found = processes.Processes(options.proc, options.container_logs)
                attributing.append(asyncio.create_task(processes.follow(state, found)))
            else:
                log.info(
                    "processes have no pods here: that needs the node's PID namespace (hostPID) or --proc"
                )
        for address in runner.addresses:
            host, port = address[:2]
            scheme = "https" if config.context else "http"
            log.info("listening on %s:%d over %s", f"[{host}]" if ":" in host else host, port, scheme)
        return await ended
    finally:
        for task in attributing:
            task.cancel()
        await asyncio.gather(*attributing, return_exceptions=True)
        sampler.stop()  # not waited for: it may hang in the driver, and is a daemon
        await runner.cleanup()
        if api is not None:
            await api.close()
