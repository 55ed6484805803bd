"""How a GPU can be cut: the driver's own GPU instance profiles, and where an instance of each may lie.

It tells so whether or not MIG is on. A GPU that cannot be cut has none.

Source: nvml.h 13.3, nvmlDeviceGetGpuInstanceProfileInfoV and nvmlDeviceGetGpuInstancePossiblePlacements_v2.
"""

import ctypes
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pynvml as nvml

from dratui_agent.nvml.asking import Asking
from dratui_agent.nvml.quantity import MIB, Handle
from dratui_agent.sample import Absent


@dataclass(frozen=True, slots=True)
class Profile:
    """A kind of GPU instance. `number` is the driver's profile id, `name` such as `1g.10gb+me`.

    `placements`: first memory slice and how many, of each place where one may lie.
    """

    number: int
    name: str
    slices: int  # of compute
    multiprocessors: int
    copy_engines: int
    decoders: int
    encoders: int
    jpeg_engines: int
    ofa_engines: int
    memory: int  # bytes
    placements: tuple[tuple[int, int], ...]


def profiles(handle: Handle, asking: Asking, memory: float) -> tuple[Profile, ...] | Absent:
    """Those of a GPU of so many bytes, by id; why they are not known, if the driver fails."""
    found: dict[int, Profile] = {}
    for index in range(nvml.NVML_GPU_INSTANCE_PROFILE_COUNT):
        info = asking.ask("nvmlDeviceGetGpuInstanceProfileInfoV", _info, handle, index)
        if info is Absent.NOT_SUPPORTED or info is None:
            continue
        if isinstance(info, Absent):
            return info
        call = "nvmlDeviceGetGpuInstancePossiblePlacements_v2"
        places = asking.ask(call, _placements, handle, info.id)
        if isinstance(places, Absent) and places is not Absent.NOT_SUPPORTED:
            return places
        if places and not isinstance(places, Absent):
            found[info.id] = _profile(info, tuple(sorted(places)), memory)
    return tuple(found[number] for number in sorted(found))


def _info(handle: Handle, index: int) -> Any:
    """None where the GPU has no such profile. Drivers before 535 know no names."""
    for version in (2, 1):
        try:
            return nvml.nvmlDeviceGetGpuInstanceProfileInfo(handle, index, version)
        except nvml.NVMLError as error:
            if error.value == nvml.NVML_ERROR_INVALID_ARGUMENT:
                return None
            if error.value != nvml.NVML_ERROR_FUNCTION_NOT_FOUND or version == 1:
                raise
    return None


def _placements(handle: Handle, number: int) -> list[tuple[int, int]]:
    count = ctypes.c_uint()
    nvml.nvmlDeviceGetGpuInstancePossiblePlacements(handle, number, None, ctypes.byref(count))
    told = (nvml.c_nvmlGpuInstancePlacement_t * count.value)()
    nvml.nvmlDeviceGetGpuInstancePossiblePlacements(handle, number, told, ctypes.byref(count))
    return [(each.start, each.size) for each in told[: count.value]]


def _profile(info: Any, placements: tuple[tuple[int, int], ...], memory: float) -> Profile:
    name = getattr(info, "name", b"")
    told = (name.decode("ascii", "replace") if isinstance(name, bytes) else name).removeprefix("MIG ").strip()
    return Profile(
        number=info.id,
        name=told or _called(info, memory),
        slices=info.sliceCount,
        multiprocessors=info.multiprocessorCount,
        copy_engines=info.copyEngineCount,
        decoders=info.decoderCount,
        encoders=info.encoderCount,
        jpeg_engines=info.jpegCount,
        ofa_engines=info.ofaCount,
        memory=info.memorySizeMB * MIB,
        placements=placements,
    )


def _called(info: Any, memory: float) -> str:
    """As nvidia-smi calls it: memory in eighths of the GPU's, in GiB."""
    whole = -(-int(memory) // (1 << 30))
    eighths = round(info.memorySizeMB * MIB / memory * 8) if memory else 0
    # Of a single slice with an engine that the others of its size have not: the media extensions.
    extended = "+me" if info.sliceCount == 1 and info.ofaCount else ""
    return f"{info.sliceCount}g.{round(eighths / 8 * whole)}gb{extended}"


def places(found: Iterable[Profile]) -> Iterator[tuple[Profile, int, int]]:
    """Every GPU instance that there could be: its profile, first memory slice and how many."""
    for profile in found:
        for start, size in profile.placements:
            yield profile, start, size
