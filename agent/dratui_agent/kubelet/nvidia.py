"""NVIDIA's driver, as preparation asks it for devices.

One change at a time on a GPU, several on different ones. The driver calls a GPU "in use" while anybody looks at it, for
moments, so that is tried again; kubelet waits 45 s for an answer.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, NoReturn, TypeVar

import pynvml as nvml

from dratui_agent.kubelet import mig
from dratui_agent.kubelet.devicenodes import DeviceNodes
from dratui_agent.kubelet.hardware import Brought, CannotBring, GpuLost, Instance
from dratui_agent.kubelet.offers import Offer, Placement
from dratui_agent.nvml.quantity import Handle

PATIENCE_SECONDS: Final = 20.0  # with "in use", and with another change of the same GPU
_PAUSES: Final = (0.05, 1.0)  # seconds between two attempts: the first, and the longest

_WHY: Final = {
    nvml.NVML_ERROR_LIBRARY_NOT_FOUND: "no NVIDIA driver library (libnvidia-ml.so.1) is found",
    nvml.NVML_ERROR_DRIVER_NOT_LOADED: "the NVIDIA driver is not loaded",
    nvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH: "the driver was replaced by another version: restart the agent",
    nvml.NVML_ERROR_NO_PERMISSION: "the driver refuses: changing MIG devices takes root with CAP_SYS_ADMIN",
    nvml.NVML_ERROR_GPU_IS_LOST: "the GPU is lost to the driver: reset it, or reboot the node",
    nvml.NVML_ERROR_RESET_REQUIRED: "the GPU needs a reset (nvidia-smi --gpu-reset)",
    nvml.NVML_ERROR_IN_USE: "in use by another client (nvidia-smi lists processes)",
    nvml.NVML_ERROR_NOT_FOUND: "the driver does not know it any more",
}
_DEAD: Final = (nvml.NVML_ERROR_GPU_IS_LOST, nvml.NVML_ERROR_RESET_REQUIRED)

_Answer = TypeVar("_Answer")


class Nvidia:
    """`hardware.Hardware`, by NVML."""

    def __init__(
        self,
        nodes: DeviceNodes | None = None,
        *,
        patience: float = PATIENCE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._nodes = nodes or DeviceNodes()
        self._patience = patience
        self._clock = clock
        self._sleep = sleep
        self._locks: dict[str, threading.Lock] = {}  # by the GPU's UUID

    def bring(self, offer: Offer) -> Brought:
        """As `Hardware` has it. A GPU instance that somebody left without a compute instance is completed: `made`."""
        with self._at(offer.gpu) as gpu:
            if offer.placement is None:
                return self._whole(offer, gpu)
            if offer.uuid:
                return self._cut(offer, offer.placement, gpu)
            return self._part(offer, offer.placement, gpu)

    def remove(self, gpu: str, gi: int, ci: int | None, unless: Callable[[], bool] | None = None) -> bool:
        """As `Hardware` has it."""
        with self._at(gpu) as handle:
            if unless is None:
                self._remove(gpu, handle, gi, ci)
            elif unless():
                return False
            else:
                mig.destroy(handle, gi, ci)
            return True

    def instances(self, gpu: str = "") -> Iterator[Instance]:
        """As `Hardware` has it. A GPU that is lost has none."""
        for uuid in (gpu,) if gpu else _uuids():
            with self._at(uuid) as handle:
                found = _unless_dead(mig.gpu_instances, handle) or []
                parts = [*mig.devices(handle)] if found else []
            for each in found:
                inside: list[mig.MigDevice | None] = [part for part in parts if part.gi == each.id]
                for part in inside or [None]:
                    ci, name = (None, "") if part is None else (part.ci, part.uuid)
                    yield Instance(uuid, each.id, ci, name, each.placement)

    # A GPU

    def _whole(self, offer: Offer, gpu: Handle) -> Brought:
        minor = nvml.nvmlDeviceGetMinorNumber(gpu)
        if minor != offer.minor:
            raise CannotBring(f"{offer.gpu}: its device node is /dev/nvidia{minor} now, not {offer.minor}")
        if _mode(gpu)[0]:
            if cut := mig.gpu_instances(gpu):
                raise CannotBring(f"{offer.gpu}: it is cut: {_named(offer.gpu, cut[0])}")
            if not offer.consumes:  # we do not offer its parts, so somebody else is about to cut it
                raise CannotBring(f"{offer.gpu}: its MIG mode is on: `nvidia-smi -i {offer.gpu} -mig 0`")
            self._switch(offer.gpu, gpu, on=False)
        return Brought(offer.gpu, self._nodes.of_gpu(minor))

    # A MIG device that exists

    def _cut(self, offer: Offer, place: Placement, gpu: Handle) -> Brought:
        try:
            part = mig.device(nvml.nvmlDeviceGetHandleByUUID(offer.uuid))
        except (nvml.NVMLError_NotFound, nvml.NVMLError_InvalidArgument) as error:
            raise CannotBring(f"{offer.uuid}: it was destroyed; what is there now is offered soon") from error
        there = next((each for each in mig.gpu_instances(gpu) if each.id == part.gi), None)
        if there is None or there.placement != place:
            raise CannotBring(f"{offer.uuid}: it does not lie where it did; what is there is offered soon")
        return self._brought(offer, part, made=False)

    # One that is made

    def _part(self, offer: Offer, place: Placement, gpu: Handle) -> Brought:
        self._switch(offer.gpu, gpu, on=True)
        made = True
        instance = _free_or_exactly(offer.gpu, gpu, place)
        if instance is None:
            part = self._create(offer.gpu, gpu, place)
        elif inside := [part for part in mig.devices(gpu) if part.gi == instance.id]:
            part, made = inside[0], False
            if len(inside) > 1 or not mig.fills(instance, part.ci):
                raise CannotBring(f"{offer.gpu}: it is divided further: {_named(offer.gpu, instance)}")
        else:
            part = self._fill(offer.gpu, gpu, instance)
        try:
            return self._brought(offer, part, made=made)
        except CannotBring as error:
            if not made:
                raise
            self._undo(error, offer.gpu, gpu, part.gi, part.ci)

    def _create(self, uuid: str, gpu: Handle, place: Placement) -> mig.MigDevice:
        try:
            instance = self._patiently(uuid, lambda: mig.create(gpu, place))
        except nvml.NVMLError_InsufficientResources as error:
            raise CannotBring(
                f"{uuid}: the driver has no room for profile {place.profile} at {_slices(place)}: "
                f"`nvidia-smi mig -i {uuid} -lgi` lists what is there"
            ) from error
        except nvml.NVMLError_InvalidArgument as error:
            raise CannotBring(
                f"{uuid}: the driver has no profile {place.profile} at {_slices(place)}"
            ) from error
        try:
            return self._fill(uuid, gpu, instance)
        except CannotBring as error:
            self._undo(error, uuid, gpu, instance.id, None)

    def _fill(self, uuid: str, gpu: Handle, instance: mig.GpuInstance) -> mig.MigDevice:
        try:
            ci = self._patiently(uuid, lambda: mig.fill(instance))
        except nvml.NVMLError as error:
            where = f"GPU instance {instance.id} (profile {instance.placement.profile})"
            raise CannotBring(f"{uuid}: no compute instance can be made in {where}: {_why(error)}") from error
        for part in mig.devices(gpu):
            if (part.gi, part.ci) == (instance.id, ci):
                return part
        self._remove(uuid, gpu, instance.id, ci)
        raise CannotBring(f"{uuid}: the driver made a MIG device and does not list it")

    def _remove(self, uuid: str, gpu: Handle, gi: int, ci: int | None) -> None:
        self._patiently(uuid, lambda: mig.destroy(gpu, gi, ci))

    def _undo(self, error: CannotBring, uuid: str, gpu: Handle, gi: int, ci: int | None) -> NoReturn:
        """Nothing is left of what we began; where that fails too, both are told."""
        try:
            self._remove(uuid, gpu, gi, ci)
        except (CannotBring, nvml.NVMLError) as other:
            why = _why(other) if isinstance(other, nvml.NVMLError) else other
            raise CannotBring(f"{error}; what was made of it stays, as GPU instance {gi}: {why}") from error
        raise error

    def _switch(self, uuid: str, gpu: Handle, *, on: bool) -> None:
        """MIG mode, where that takes effect at once; else say who does it."""
        now, pending = _mode(gpu)
        if now == on:
            return
        word, number = ("on", 1) if on else ("off", 0)
        if nvml.nvmlDeviceGetArchitecture(gpu) >= nvml.NVML_DEVICE_ARCH_HOPPER:
            self._patiently(uuid, lambda: _switch_at_once(gpu, on=on))
            return
        if pending == on:
            raise CannotBring(
                f"{uuid}: its MIG mode is {word} only after a reset: `nvidia-smi -i {uuid} --gpu-reset`, or reboot"
            )
        raise CannotBring(
            f"{uuid}: its MIG mode is not {word}: `nvidia-smi -i {uuid} -mig {number}`, then reset it"
        )

    # Within

    def _brought(self, offer: Offer, part: mig.MigDevice, *, made: bool) -> Brought:
        nodes = self._nodes.of_mig(offer.minor, part.gi, part.ci)
        return Brought(part.uuid, nodes, part.gi, part.ci, made)

    @contextmanager
    def _at(self, uuid: str) -> Iterator[Handle]:
        """A GPU that nobody else here changes meanwhile. Errors of the driver become words."""
        lock = self._locks.setdefault(uuid, threading.Lock())
        if not lock.acquire(timeout=self._patience):
            raise CannotBring(
                f"{uuid}: the driver is still at another change of it after {self._patience:.0f} s; it may hang"
            )
        try:
            with _opened(uuid):
                yield nvml.nvmlDeviceGetHandleByUUID(uuid)
        finally:
            lock.release()

    def _patiently(self, uuid: str, call: Callable[[], _Answer]) -> _Answer:
        until = self._clock() + self._patience
        pause, longest = _PAUSES
        while True:
            try:
                return call()
            except nvml.NVMLError_InUse as error:
                if self._clock() >= until:
                    raise CannotBring(
                        f"{uuid}: in use by another client for {self._patience:.0f} s: "
                        f"`nvidia-smi -i {uuid}` lists its processes"
                    ) from error
            self._sleep(pause)
            pause = min(2 * pause, longest)


@contextmanager
def _opened(what: str = "GPUs") -> Iterator[None]:
    """NVML counts who opened it, so it stays open to others."""
    try:
        nvml.nvmlInitWithFlags(0)
        try:
            yield
        finally:
            nvml.nvmlShutdown()
    except nvml.NVMLError as error:
        kind = GpuLost if error.value in _DEAD else CannotBring
        raise kind(f"{what}: {_why(error)}") from error


def _why(error: nvml.NVMLError) -> str:
    return _WHY.get(error.value) or f"the driver says: {error}"


def _unless_dead(call: Callable[[Handle], _Answer], gpu: Handle) -> _Answer | None:
    try:
        return call(gpu)
    except nvml.NVMLError as error:
        if error.value in _DEAD:
            return None
        raise


def _uuids() -> list[str]:
    """Of the GPUs that answer."""
    with _opened():
        found = [_unless_dead(_uuid, index) for index in range(nvml.nvmlDeviceGetCount())]
    return [uuid for uuid in found if uuid]


def _uuid(index: int) -> str:
    return str(nvml.nvmlDeviceGetUUID(nvml.nvmlDeviceGetHandleByIndex(index)))


def _mode(gpu: Handle) -> tuple[bool, bool]:
    """MIG mode now, and after a reset. A GPU that cannot be cut has it off."""
    try:
        now, pending = nvml.nvmlDeviceGetMigMode(gpu)
    except nvml.NVMLError_NotSupported:
        return False, False
    return bool(now), bool(pending)


def _switch_at_once(gpu: Handle, *, on: bool) -> None:
    """MIG mode now, or not at all: what is pending, the next reset would do, to everyone's surprise."""
    status = nvml.nvmlDeviceSetMigMode(gpu, int(on))
    if _mode(gpu)[0] != on:
        nvml.nvmlDeviceSetMigMode(gpu, int(not on))
        raise nvml.NVMLError(status or nvml.NVML_ERROR_RESET_REQUIRED)


def _free_or_exactly(uuid: str, gpu: Handle, place: Placement) -> mig.GpuInstance | None:
    """What lies exactly there; None where nothing does. Raises CannotBring for what is in the way."""
    for each in mig.gpu_instances(gpu):
        other = each.placement
        if other == place:
            return each
        if place.start < other.start + other.size and other.start < place.start + place.size:
            raise CannotBring(f"{uuid}: no room at {_slices(place)}: {_named(uuid, each)}")
    return None


def _named(uuid: str, instance: mig.GpuInstance) -> str:
    """With what destroys it: nobody else's is destroyed unasked."""
    of = f"-i {uuid} -gi {instance.id}"
    return (
        f"GPU instance {instance.id} (profile {instance.placement.profile}, {_slices(instance.placement)}) is there; "
        f"`nvidia-smi mig {of} -dci` and `nvidia-smi mig {of} -dgi` destroy it"
    )


def _slices(place: Placement) -> str:
    last = place.start + place.size - 1
    return f"memory slice {place.start}" if place.size == 1 else f"memory slices {place.start}-{last}"
