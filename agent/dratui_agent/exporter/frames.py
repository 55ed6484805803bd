"""The live stream's frames, version 1: what a subscriber is sent, as JSON.

    event: full       everything: which devices there are, who holds them, which values are told, and the values
    id: 3-1042        the layout's number and the sample's
    data: {"version": 1, "node": "gpu-node-7", "agent": "0.1.0", "driver": "595.58.03", "interval": 1.0,
           "at": 1790000000.0, "age": 0.02, "problem": "",
           "attributed": 1789999999.0, "attribution_problem": "", "believed": 1789999998.0,
           "keys": ["utilization", "memory_used", …],
           "devices": [{"uuid": "GPU-…", "kind": "gpu", …, "holders": [{"namespace": "ml-team", …}],
                        "absent": {"utilization": "mig_no_gpm"}, "nvlinks": [true, false, …], "xids": {"79": 1},
                        "processes": [{"pid": 4242, "pod_uid": "…", "container_id": "…", "namespace": "ml-team",
                                       "pod": "train-7", "container": "main"}, …]}, …],
           "values": [[0.93, 66571993088, null, …], …],
           "use": [[[66571993088, 0.87], …], …],
           "plugin": {"driver": "gpu.dratui.dev", "problem": "",
                      "claims": [{"uid": "0a1b…", "namespace": "ml-team", "name": "train-7", "state": "completed",
                                  "started": 1789999990.1, "completed": 1789999990.2,
                                  "devices": [{"requests": ["gpu"], "pool": "gpu-node-7", "device": "gpu-3", …}]}, …],
                      "specs": [{"file": "gpu.dratui.dev-claim_0a1b….json", "claim": "0a1b…", "devices": […],
                                 "written": 1789999990.2}, …],
                      "instances": [{"gpu": "GPU-…", "gi": 7, "ci": 0, "uuid": "MIG-…", "placement": {…}}, …],
                      "orphans": [{"what": "mig", "subject": "GPU-…/7", "since": 1789990000.0}, …],
                      "steps": [{"at": 1789999990.2, "claim": "0a1b…", "what": "prepare", "took": 0.1, …}, …]}}

    event: values     of the same layout: a row for each device, a column for each key, null where there is none
    id: 3-1043
    data: {"at": 1790000001.0, "age": 0.02, "attributed": 1789999999.0, "believed": 1789999998.0,
           "values": [[0.91, 66571993088, null, …], …], "use": [[[66571993088, null], …], …]}

    event: lag        you read too slowly: so many samples were not sent to you
    data: {"dropped": 4}

Times are unix seconds on this node's clock, `attributed` and `believed` null for never; `interval` is seconds, and so
is `age`: since the sample was taken, when the frame was sent, so that a reader with another clock knows. Values are in
the base units of their series (`agent/METRICS.md` has the series of each key: `_bytes`, `_ratio` from 0 to 1, `_watts`,
…). `absent` says why a value is not there; what a part of a GPU lacks since only the whole has it is not listed. A
device that is not told of any more is gone. `use` has, for each process of each device, its memory in bytes and its
share of the SMs since the last sample, null where the driver does not tell; `xids` counts since the agent began, those
of a GPU instance at its MIG devices. A holder with neither claim nor driver was not given the device: a process of it
computes there. Of a process's container only what is known is there, nothing of the node's own processes. `plugin` is
what the agent believes as kubelet plugin, and looked at when it `believed` it (`dratui_agent.kubelet.prepared.Belief`
says what the fields mean); null where it is no plugin. Fields may be added in version 1; a reader ignores what it does
not know.
"""

from collections.abc import Collection, Sequence
from dataclasses import asdict, fields
from typing import Any, Final

import msgspec

from dratui_agent import __version__
from dratui_agent.exporter.state import State
from dratui_agent.holders import Holder, Place
from dratui_agent.kubelet.prepared import Belief
from dratui_agent.nvml.quantities import QUANTITIES
from dratui_agent.sample import Absent, DeviceSample, Sample

VERSION: Final = 1
KEYS: Final = tuple(QUANTITIES)


def devices_of(sample: Sample, wanted: Collection[str]) -> Sequence[DeviceSample]:
    """The devices that are asked for by UUID, in the sample's order; all, if none is named."""
    return [d for d in sample.devices if not wanted or d.device.uuid in wanted]


def full(state: State, sample: Sample, wanted: Collection[str]) -> bytes:
    """Everything."""
    devices = devices_of(sample, wanted)
    return msgspec.json.encode(
        {
            "version": VERSION,
            "node": state.node,
            "agent": __version__,
            "driver": sample.driver,
            "interval": state.interval,
            **_times(state, sample),
            "problem": sample.problem,
            "attribution_problem": state.holders.problem,
            "keys": KEYS,
            "devices": [_device(state, sample, each) for each in devices],
            "values": _values(devices),
            "use": _use(devices),
            "plugin": _plugin(state.belief),
        }
    )


def values(state: State, sample: Sample, wanted: Collection[str]) -> bytes:
    """What changes from sample to sample."""
    devices = devices_of(sample, wanted)
    return msgspec.json.encode({**_times(state, sample), "values": _values(devices), "use": _use(devices)})


def _times(state: State, sample: Sample) -> dict[str, float | None]:
    believed = None if state.belief is None else state.belief.at
    return {"at": sample.at, "age": state.age, "attributed": state.holders.at, "believed": believed}


def _plugin(belief: Belief | None) -> dict[str, Any] | None:
    if belief is None:
        return None
    return {each.name: getattr(belief, each.name) for each in fields(belief) if each.name != "at"}


def _device(state: State, sample: Sample, each: DeviceSample) -> dict[str, Any]:
    holders = state.holders.by_device.get(each.device.uuid, ())
    places = state.places
    return {
        **asdict(each.device),
        "holders": [_told(holder) for holder in holders],
        "absent": {key: why for key, why in each.absent.items() if why is not Absent.MIG},
        "nvlinks": each.nvlinks,
        "xids": {
            xid: count
            for (uuid, gi, xid), count in sample.xids.items()
            if (uuid, gi) == (each.device.gpu, each.device.gi)
        },
        "processes": [
            {"pid": p.pid, **(_told(places[p.pid]) if p.pid in places else {})} for p in each.processes
        ],
    }


def _told(what: Holder | Place) -> dict[str, str]:
    return {name: value for name, value in asdict(what).items() if value}


def _use(devices: Sequence[DeviceSample]) -> list[list[tuple[float | None, float | None]]]:
    return [[(process.memory, process.utilization) for process in each.processes] for each in devices]


def _values(devices: Sequence[DeviceSample]) -> list[list[float | None]]:
    return [[each.values.get(key) for key in KEYS] for each in devices]
