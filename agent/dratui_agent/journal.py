"""What has changed, told to the log."""

from collections.abc import Mapping

from dratui_agent.exporter.state import State
from dratui_agent.log import log
from dratui_agent.sample import Absent


class Journal:
    """Says what has changed, once: the driver comes and goes, devices do, kubelet does."""

    def __init__(self) -> None:
        self._driver: str | None = None  # what was wrong with it
        self._kubelet = ""
        self._devices: frozenset[str] = frozenset()
        self._unread: Mapping[int, Absent] = {}

    def look(self, state: State) -> None:
        """Compare with what was said last."""
        if state.sample is not None:
            problem = state.sample.problem
            devices = frozenset(each.device.uuid for each in state.sample.devices)
            if problem and problem != self._driver:
                log.warning("%s; looking again every ten seconds", problem)
            elif (not problem and self._driver != problem) or devices != self._devices:
                gpus = sum(each.device.kind == "gpu" for each in state.sample.devices)
                parts = len(devices) - gpus
                log.info("driver %s, GPUs: %d, MIG devices: %d", state.sample.driver, gpus, parts)
            for index, why in state.sample.unread.items() - self._unread.items():
                log.warning("GPU %d does not say who it is: %s", index, why)
            self._driver, self._devices, self._unread = problem, devices, state.sample.unread
        if (trouble := state.holders.problem) != self._kubelet:
            if trouble:
                log.warning("who holds what is not known any better: %s", trouble)
            else:
                log.info("who holds what is known again")
            self._kubelet = trouble
