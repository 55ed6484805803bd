"""What scrapers are served, in a process of its own: `python -m tests.bench.scraped ours|floor` prints its port.

`ours` is the agent's application on 8 GPUs of 7 MIG devices with 40 values and a holder each, and a new sample each
second; `floor` is a handler that has the same bytes ready.
"""

import asyncio
import sys
from random import Random
from typing import Final

from aiohttp import web
from dratui_agent.exporter.server import application
from dratui_agent.exporter.state import State
from dratui_agent.holders import Holder, Holders
from dratui_agent.nvml.quantities import QUANTITIES
from dratui_agent.sample import Device, DeviceSample, Sample

GPUS: Final = 8
PARTS: Final = 7
KEYS: Final = tuple(QUANTITIES)[:40]
INTERVAL: Final = 1.0

DEVICES: Final = [
    Device(
        f"MIG-{gpu}{part}000000-0000-0000-0000-000000000000",
        "mig",
        "NVIDIA H100 80GB HBM3 MIG 1g.10gb",
        f"GPU-0000000{gpu}-0000-0000-0000-000000000000",
        gpu,
        gpu,
        gi=7 + part,
        ci=0,
        profile=19,
        start=part,
        size=1,
    )
    for gpu in range(GPUS)
    for part in range(PARTS)
]


def _sample(chance: Random) -> Sample:
    told = [
        DeviceSample(device, {key: _value(n, chance) for n, key in enumerate(KEYS)}, {}) for device in DEVICES
    ]
    return Sample(1790000000.0, 0.01, "595.58.03", told)


def _value(number: int, chance: Random) -> float:
    """Bytes and counters are long, shares have two digits or all that there are."""
    return (chance.randrange(1 << 40), chance.randrange(101) / 100, chance.random())[number % 3]


def _holder(number: int) -> Holder:
    uid = f"0a1b2c3d-0000-1111-2222-{number:012}"
    claim, device = f"notebook-{number}-mig", f"gpu-{number // PARTS}-mig-1g10gb-19-{number % PARTS}"
    return Holder(
        "notebooks", f"notebook-{number}", "main", claim, uid, "mig", "gpu.nvidia.com", "gpu-node-7", device
    )


async def _ours(port: asyncio.Future[int]) -> None:
    chance = Random(7)
    state = State(INTERVAL, node="gpu-node-7")
    held = {device.uuid: (_holder(number),) for number, device in enumerate(DEVICES)}
    state.attribute(Holders(1790000000.0, held))
    state.take(_sample(chance))
    port.set_result(await _serve(application(state)))
    while True:
        await asyncio.sleep(INTERVAL)
        state.take(_sample(chance))


async def _floor(port: asyncio.Future[int]) -> None:
    state = State(INTERVAL, node="gpu-node-7")
    state.attribute(Holders(0.0, {device.uuid: (_holder(n),) for n, device in enumerate(DEVICES)}))
    state.take(_sample(Random(7)))
    body = state.text("text")

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=body)

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    port.set_result(await _serve(app))
    await asyncio.Event().wait()


async def _serve(app: web.Application) -> int:
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port: int = runner.addresses[0][1]
    return port


async def _main(serve: str) -> None:
    port = asyncio.get_running_loop().create_future()
    port.add_done_callback(lambda known: print(known.result(), flush=True))
    await {"ours": _ours, "floor": _floor}[serve](port)


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1]))
