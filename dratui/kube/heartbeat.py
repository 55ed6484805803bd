"""Whether the server still answers, asked once for all watches.

A watch on which nothing happens and one whose server hangs look the same, and it takes a watch 90 seconds to wonder.
client-go finds out by HTTP/2's ping on its one connection; we have a connection a watch, and HTTP/1.1.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from dratui.kube.failure import KubeFailure
from dratui.kube.pace import Pace

if TYPE_CHECKING:
    from dratui.kube.connection import Connection


async def check_forever(connection: "Connection", pace: Pace, passing: Callable[[], float]) -> None:
    """Drop all watches when the server is silent, so that they say so and try again.

    /livez is exempt from the server's queues, and everyone may ask for it. Whatever it answers, it answered.
    `passing` is a clock that nobody sets.
    """
    heard = passing()
    while True:
        await asyncio.sleep(pace.check_every)
        try:
            await connection.get("/livez", to="reach the API server", silence=pace.check_silence)
        except KubeFailure as failure:
            if failure.status is None:
                failure.unheard = passing() - heard
                await connection.drop_streams(failure)
                continue
        heard = passing()
