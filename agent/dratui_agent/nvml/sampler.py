"""The one thread that talks to the driver: a sample each interval, never two at once, and what happens in between.

Everyone else reads the latest sample. A driver that hangs stops this thread and nothing else: the sample grows old.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

import pynvml as nvml

from dratui_agent.log import log
from dratui_agent.nvml.node import DriverGone, DriverReplaced, Node
from dratui_agent.sample import Sample

ABSENT_SECONDS: Final = 10.0  # how often it is looked whether a driver has come
EVENT_WAIT_MS: Final = 1000

XID: Final = nvml.nvmlEventTypeXidCriticalError
WHOLE: Final = 0xFFFFFFFF  # GPU instance of an event that is the whole GPU's
KINDS: Final = {
    nvml.nvmlEventTypeSingleBitEccError: "single_bit_ecc",
    nvml.nvmlEventTypeDoubleBitEccError: "double_bit_ecc",
    0x100: "mig_changed",
    0x4000: "unavailable",
    0x8000: "recovery_action",
}
"""Events that are counted by kind; a word of each, for a label."""
_WANTED: Final = sum(KINDS) | XID


class Sampler(threading.Thread):
    """Takes a sample every `interval` seconds and hands it to `publish`, on this thread.

    `replaced` is called once when the driver was upgraded under us: only a new process can go on from there.
    """

    def __init__(
        self,
        interval: float,
        publish: Callable[[Sample], None],
        replaced: Callable[[str], None],
        *,
        node: Node | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(name="sampler", daemon=True)
        self._interval = interval
        self._publish = publish
        self._replaced = replaced
        self._node = node or Node(clock=clock, now=now)
        self._clock = clock
        self._now = now
        self._wake = threading.Event()  # sample now, or stop
        self._stopping = False
        self._events = Events(self._wake.set)

    def run(self) -> None:
        """Sample until `stop`."""
        due = self._clock()
        failed = ""  # that was told last
        while not self._stopping:
            self._wake.clear()
            pause = self._interval
            try:
                sample = self._node.sample()
                self._events.follow(sample)
                self._publish(self._events.told(sample))
            except DriverGone as gone:
                pause = max(self._interval, ABSENT_SECONDS)
                self._events.lose()
                self._publish(self._events.told(Sample(self._now(), 0.0, problem=str(gone))))
            except DriverReplaced as replaced:
                self._publish(Sample(self._now(), 0.0, problem=str(replaced)))
                self._replaced(str(replaced))
                break
            except Exception as error:  # noqa: BLE001  such as text that is none; the next one may be well
                if repr(error) != failed:
                    failed = repr(error)
                    log.error("no sample could be taken", exc_info=error)
            # A sample that took longer than the interval is followed by the next at once, not by several.
            due = max(due + pause, self._clock())
            self._wake.wait(due - self._clock())
        self._node.close()

    def stop(self) -> None:
        """End after the sample under way."""
        self._stopping = True
        self._wake.set()


class Events:
    """Xids and other events of the driver, counted on a thread of their own, since waiting for them blocks.

    A change of MIG's layout wakes the sampler, so that it shows at once.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._xids: Counter[tuple[str, int | None, int]] = Counter()
        self._others: Counter[tuple[str, str]] = Counter()
        self._last: dict[str, int] = {}  # by UUID
        self._lock = threading.Lock()
        self._followed: frozenset[str] = frozenset()  # UUIDs
        self._thread: threading.Thread | None = None
        self._generation = 0  # of the driver: threads of an older one end

    def told(self, sample: Sample) -> Sample:
        """The sample, with what has happened since the start."""
        with self._lock:
            return replace(
                sample, xids=dict(self._xids), last_xids=dict(self._last), events=dict(self._others)
            )

    def follow(self, sample: Sample) -> None:
        """Listen to the GPUs of a sample; again when others are there."""
        gpus = frozenset(d.device.uuid for d in sample.devices if d.device.kind == "gpu" and d.values)
        if gpus == self._followed and (self._thread is None or self._thread.is_alive()):
            return
        self.lose()
        self._followed = gpus
        try:
            events = nvml.nvmlEventSetCreate()
            heard = [uuid for uuid in gpus if _register(uuid, sample, events)]
        except nvml.NVMLError:
            return  # no events here: samples tell what there is
        if heard:
            self._thread = threading.Thread(
                target=self._listen, args=(events, self._generation), name="events", daemon=True
            )
            self._thread.start()
        else:
            nvml.nvmlEventSetFree(events)

    def lose(self) -> None:
        """The driver, or a GPU, has gone."""
        self._generation += 1
        self._followed = frozenset()
        self._thread = None

    def _listen(self, events: Any, generation: int) -> None:
        try:
            while generation == self._generation:
                try:
                    self._happened(nvml.nvmlEventSetWait_v2(events, EVENT_WAIT_MS))
                except nvml.NVMLError as error:
                    if error.value != nvml.NVML_ERROR_TIMEOUT:
                        return  # the sampler finds out what is wrong
        finally:
            with suppress(nvml.NVMLError):
                nvml.nvmlEventSetFree(events)

    def _happened(self, event: Any) -> None:
        uuid = nvml.nvmlDeviceGetUUID(event.device)
        with self._lock:
            if event.eventType == XID:
                self._last[uuid] = int(event.eventData)
                gi = None if event.gpuInstanceId == WHOLE else int(event.gpuInstanceId)
                self._xids[uuid, gi, self._last[uuid]] += 1
            else:
                self._others[uuid, KINDS.get(event.eventType, "other")] += 1
        self._wake()


def _register(uuid: str, sample: Sample, events: Any) -> bool:
    index = next(d.device.index for d in sample.devices if d.device.uuid == uuid)
    try:
        handle = nvml.nvmlDeviceGetHandleByIndex(index)
        supported = nvml.nvmlDeviceGetSupportedEventTypes(handle)
        wanted = supported & _WANTED
        if wanted:
            nvml.nvmlDeviceRegisterEvents(handle, wanted, events)
        return bool(wanted)
    except nvml.NVMLError:
        return False
