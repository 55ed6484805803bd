"""The first objects of a kind in one request, for those who cannot wait for a whole list."""

import os
import time
from collections.abc import Mapping, Sequence

from dratui.events import Row
from dratui.kube.connection import connect
from dratui.kube.discovery import Discovery, resource_path
from dratui.kube.failure import KubeFailure
from dratui.kube.options import Options
from dratui.wire import Stream


async def first_rows(
    options: Options,
    stream: Stream,
    *,
    everywhere: bool,
    limit: int,
    environ: Mapping[str, str] = os.environ,
) -> Sequence[Row]:
    """At most `limit` rows: of the namespace that `options` or the context name, or of all. Raises KubeFailure."""
    connection = await connect(options, environ=environ)
    try:
        version = await Discovery(connection, now=time.monotonic, fresh=0.0).find(stream)
        if not version:
            raise KubeFailure(f"the server has no {stream.plural}", status=404)
        namespace = connection.about().namespace if stream.namespaced and not everywhere else ""
        body = await connection.get(
            resource_path(stream, version, namespace), [("limit", str(limit))], to=f"list {stream.plural}"
        )
        return stream.codec(version).page(body).rows
    finally:
        await connection.close()
