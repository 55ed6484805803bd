"""The floor of a sync: the same pages over the same TLS by the same HTTP client, read and thrown away.

`python -m tests.bench.download SERVER CA KIND…` prints a JSON object. It imports nothing of dratui.
"""

import asyncio
import json
import ssl
import sys
import time
from collections.abc import Sequence

import aiohttp

from tests.bench.corpus import PAGE, path_of

_HEAD = 300  # bytes of a page, in which `continue` is


async def download(server: str, authority: str, kinds: Sequence[str]) -> dict[str, float]:
    """All pages of these kinds, one after the other, looked at no further than for the next one."""
    size = 0
    tls = ssl.create_default_context(cafile=authority)
    headers = {"Accept-Encoding": "identity"}
    async with aiohttp.ClientSession(server, read_bufsize=256 << 10, headers=headers) as session:
        began, cpu = time.perf_counter(), time.process_time()
        for kind in kinds:
            token = ""
            while True:
                params = {"limit": str(PAGE)} | ({"continue": token} if token else {})
                async with session.get(path_of(kind), params=params, ssl=tls) as answer:
                    head = b""
                    while piece := await answer.content.readany():
                        size += len(piece)
                        head += piece[: max(0, _HEAD - len(head))]
                if b'"continue": "' not in head:
                    break
                token = head.split(b'"continue": "')[1].split(b'"')[0].decode()
        return {
            "seconds": time.perf_counter() - began,
            "cpu": time.process_time() - cpu,
            "bytes": size,
        }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(download(sys.argv[1], sys.argv[2], sys.argv[3:]))))
