"""Plugin mode, wired: from the samples to what is offered, from kubelet's calls to what is prepared, until it ends.

Nothing here is done on the event loop but telling the health stream how devices are.
"""

import asyncio
import os
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from dratui_agent.apiserver import ApiServer
from dratui_agent.attribution.cdi import Specs
from dratui_agent.exporter.state import State
from dratui_agent.kubelet import registration, service, unclaimed
from dratui_agent.kubelet.belief import Account, Steps
from dratui_agent.kubelet.calls import Calls
from dratui_agent.kubelet.cdi import Folder
from dratui_agent.kubelet.checkpoint import Checkpoint
from dratui_agent.kubelet.claims import Claims
from dratui_agent.kubelet.hardware import CannotBring
from dratui_agent.kubelet.health import Health, judged
from dratui_agent.kubelet.inventory import Inventory
from dratui_agent.kubelet.lock import Taken, Turn, take
from dratui_agent.kubelet.metrics import Metrics
from dratui_agent.kubelet.nvidia import Nvidia
from dratui_agent.kubelet.offering import Offering, booted
from dratui_agent.kubelet.offers import Offer
from dratui_agent.kubelet.options import PluginOptions
from dratui_agent.kubelet.preparation import Means, Preparation, in_words, nowhere
from dratui_agent.kubelet.prepared import PreparedClaim
from dratui_agent.kubelet.probe import Probe
from dratui_agent.kubelet.recovery import Recovery
from dratui_agent.kubelet.registration import Registration
from dratui_agent.kubelet.sockets import CannotServe, Server
from dratui_agent.kubelet.taints import Taints
from dratui_agent.log import log
from dratui_agent.sample import Sample

if TYPE_CHECKING:
    from dratui_agent.kubelet.publisher import Publisher

SWEEP_SECONDS: Final = 600.0
SOCKETS_SECONDS: Final = 5.0  # between two looks whether they are still there
LOOK_SECONDS: Final = 1.0  # after which how the devices are is told without a new sample
FIRST_SECONDS: Final = 10.0  # for which preparing waits until the driver was read for the first time
GRACE_SECONDS: Final = 2.0  # for calls under way at the end
WORKERS: Final = 32  # calls of kubelet at a time, and its health streams
BOOT: Final = Path("/proc/sys/kernel/random/boot_id")


class Plugin:
    """From `start` to `stop`. `look` is called with every sample, on the thread that takes them."""

    def __init__(self, options: PluginOptions, state: State, api: ApiServer) -> None:
        self._options = options
        self._state = state
        self._api = api
        self._publisher: Publisher | None = None
        self._publishing = threading.Lock()
        self._offered: Iterable[Offer] | None = None
        self._offering = Offering(
            Inventory(partitionable=options.partitionable, sys=options.sys),
            Taints(options.driver, booted=booted()),
            self._publish,
        )
        self._problem = ""
        self._looked = threading.Event()
        self._ended = threading.Event()
        self._serving = threading.Lock()  # held by who begins, mends or ends it
        self._folder = options.kubelet / "plugins" / options.driver
        self._checkpoint = Checkpoint(self._folder / "checkpoint.json", BOOT.read_text().strip(), nowhere)
        self._steps = Steps()
        self._account = Account(options.driver, lambda: self.prepared, self._steps, Specs((options.cdi,)))
        self.metrics = Metrics(options.driver, state.node, lambda: self._checkpoint.claims, self._published)
        loop = asyncio.get_running_loop()
        self._claims = Claims(api, loop, driver=options.driver, node=state.node)
        self._means = means = Means(
            driver=options.driver,
            pool=state.node,
            claims=self._claims,
            offers=self._offers,
            hardware=Nvidia(),
            specs=Folder(options.cdi, options.driver, nowhere),
            checkpoint=self._checkpoint,
            turn=Turn(self._folder / "lock", ended=self._ended),
            calls=Calls(ended=self._ended),
            steps=self._steps,
            told=self.metrics,
            at=nowhere,
        )
        self._preparation = Preparation(means)
        self._recovery = Recovery(means, self._preparation)
        self._health = Health(state.node)
        self._servers: list[Server] = []
        self._probe: Probe | None = None
        self._task: asyncio.Task[None] | None = None
        self._alone = -1

    @property
    def prepared(self) -> Mapping[str, PreparedClaim]:
        """What the checkpoint has, by UID."""
        return self._checkpoint.claims

    def look(self, sample: Sample) -> None:
        """What a sample has may be offered."""
        try:
            self._offering.take(sample)
        except Exception as error:  # noqa: BLE001  samples go on
            log.error("what the node offers stays as it was", exc_info=error)
        self._problem = sample.problem
        self._looked.set()

    async def start(self) -> None:
        """Be ready for kubelet, and let it know. Raises CannotServe."""
        await asyncio.to_thread(self._begin_to_serve)
        self._task = asyncio.create_task(self._tell())
        for work in (self._begin_to_publish, self._sweep):
            threading.Thread(target=work, name=work.__name__, daemon=True).start()

    async def stop(self) -> None:
        """End after the calls under way, or soon. What was prepared and published stays."""
        self._ended.set()
        self._health.end()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        both = (self._end_publishing, self._end_serving)
        await asyncio.gather(*map(asyncio.to_thread, both))
        await self._claims.close()

    def _begin_to_serve(self) -> None:
        with self._serving:
            self._serve()

    def _serve(self) -> None:
        driver, pod = self._options.driver, self._options.pod
        registering, serving = registration.names(driver, pod)
        sockets = self._options.kubelet / "plugins_registry"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if not pod:
                self._alone = self._take_the_name()
            registration.refuse_others(sockets, driver, registering)
            registration.remove_stale(self._folder, serving)
            self._recovery.restore()
        except Taken as error:
            raise CannotServe(
                f"another dratui-agent is busy with claims of this node and does not end with them: {error.by}"
            ) from error
        except OSError as error:
            raise CannotServe(f"plugin mode cannot begin: {in_words(error)}") from error
        dra = self._folder / serving
        self._register = Registration(driver, dra)
        handlers = [*service.handlers(self._preparation, self.metrics), *self._health.handlers()]
        self._servers.append(Server(dra, handlers, WORKERS))
        self._servers.append(Server(sockets / registering, [self._register.handlers()], 2))
        if self._options.health_port is not None:
            self._probe = Probe(self._options.health_port, sockets / registering, dra)
            log.info("serving health checks at port %d", self._probe.port)
        log.info("serving driver %s for kubelet", driver)

    def _take_the_name(self) -> int:
        try:
            return take(self._folder / "agent.lock")
        except Taken as error:
            driver = self._options.driver
            raise CannotServe(f"another dratui-agent serves {driver} on this node: {error.by}") from error

    def _end_publishing(self) -> None:
        with self._publishing:
            publisher, self._publisher = self._publisher, None
        if publisher is not None:
            publisher.stop(GRACE_SECONDS)

    def _end_serving(self) -> None:
        with self._serving:
            if self._probe is not None:
                self._probe.stop()
            for server in reversed(self._servers):
                server.stop(GRACE_SECONDS)
            if self._alone >= 0:
                os.close(self._alone)

    def _publish(self, offers: Iterable[Offer]) -> None:
        with self._publishing:
            self._offered = offers
            if self._publisher is not None:
                self._publisher.publish(offers)

    def _begin_to_publish(self) -> None:
        """After kubelet has found us: the Kubernetes client takes longer to load than all the rest."""
        from dratui_agent.kubelet.apiclient import client
        from dratui_agent.kubelet.publisher import Publisher

        made = Publisher(
            client(self._api.address, self._api.folder),
            driver=self._options.driver,
            node=self._state.node,
            recall=self._offering.recall,
        )
        with self._publishing:
            if self._ended.is_set():
                return
            self._publisher = made
            made.start()
            if self._offered is not None:
                made.publish(self._offered)

    def _published(self) -> bool:
        publisher = self._publisher
        return publisher is not None and publisher.published

    def _offers(self) -> Mapping[str, Offer]:
        if not self._looked.wait(FIRST_SECONDS):
            raise CannotBring("the driver has not answered yet")
        offers = self._offering.offers
        if not offers and self._problem:
            raise CannotBring(self._problem)
        return offers

    def _sweep(self) -> None:
        while not self._ended.is_set():
            try:
                self._recovery.sweep()
                if self._options.destroy_unclaimed:
                    unclaimed.destroy(self._means)
            except Exception as error:  # noqa: BLE001  the next sweep tries it again
                log.error("what nobody needs stays for now", exc_info=error)
            self._ended.wait(SWEEP_SECONDS)

    async def _tell(self) -> None:
        """Let health stream and state know with each sample, and when none comes; see that the sockets stay."""
        loop = asyncio.get_running_loop()
        looked = loop.time()
        while True:
            try:
                held = {device.device for claim in self.prepared.values() for device in claim.devices}
                sample, offers = self._state.sample, self._offering.offers
                self._health.take(judged(offers, sorted(held), self._state.trouble))
                self._state.believe(await asyncio.to_thread(self._account.look, sample, offers))
            except Exception as error:  # noqa: BLE001  it is told again soon
                log.error("kubelet and dashboards know what they knew", exc_info=error)
            await self._state.newer_than(self._state.number, LOOK_SECONDS)
            if loop.time() - looked >= SOCKETS_SECONDS:
                looked = loop.time()
                await asyncio.to_thread(self._keep_sockets)

    def _keep_sockets(self) -> None:
        with self._serving:
            for server in () if self._ended.is_set() else self._servers:
                if not server.there:
                    log.warning("%s was removed: serving it anew", server.path)
                    try:
                        server.again()
                    except CannotServe as error:
                        log.error("%s", error)
