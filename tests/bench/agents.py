"""Agents of many nodes with 8 GPUs each, in a process of their own: `python -m tests.bench.agents 40` prints their
addresses by node, as JSON. Each has a new sample a second, when it suits it."""

import asyncio
import json
import sys
import time
from random import Random
from typing import Final

from aiohttp import web
from dratui_agent.exporter.server import application
from dratui_agent.exporter.state import State
from dratui_agent.nvml.quantities import QUANTITIES
from dratui_agent.sample import Device, DeviceSample, Sample

from tests.bench.corpus import gpu_uuid

GPUS: Final = 8
GIB: Final = 1 << 30


async def _agent(number: int, chance: Random) -> tuple[str, str]:
    node = f"node-{number:05}"
    state = State(1.0, node=node)
    state.take(_sample(number, chance))
    runner = web.AppRunner(application(state), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    task = asyncio.create_task(_sampling(state, number, chance), name=node)
    _tasks.add(task)
    return node, "http://{}:{}".format(*runner.addresses[0][:2])


_tasks: Final[set["asyncio.Task[None]"]] = set()


async def _sampling(state: State, number: int, chance: Random) -> None:
    await asyncio.sleep(chance.random())
    while True:
        state.take(_sample(number, chance))
        await asyncio.sleep(1)


def _sample(number: int, chance: Random) -> Sample:
    devices = []
    for index in range(GPUS):
        uuid = gpu_uuid(number, index)
        values = dict.fromkeys(QUANTITIES, 12345678.0) | {key: chance.random() for key in _SHARES}
        values |= {
            "memory_total": 80.0 * GIB,
            "memory_used": 80.0 * GIB * chance.random(),
            "power": 700 * chance.random(),
            "temperature": 30 + 40 * chance.random(),
        }
        device = Device(
            uuid, "gpu", "NVIDIA H100 80GB HBM3", uuid, index, index, pci=f"0000:{0x18 + index:02x}:00.0"
        )
        devices.append(DeviceSample(device, values, {}))
    return Sample(time.time(), 0.01, "595.58.03", devices)


_SHARES: Final = [key for key, quantity in QUANTITIES.items() if quantity.series.endswith("_ratio")]


async def _main(many: int) -> None:
    print(json.dumps(dict([await _agent(n, Random(n)) for n in range(many)])), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1])))
