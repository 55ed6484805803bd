"""Fixtures of the list-and-watch tests."""

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml

from dratui.events import Source
from dratui.kube.options import Options
from dratui.kube.pace import Pace
from dratui.kube.source import ClusterSource
from dratui.wire import Stream
from tests.kube.scripted import Heard, ScriptedServer, serve

# Everything that a person would wait for, without the waiting. Bounds on silence stay long where a test does not
# mean them.
QUICK = Pace(first_delay=0.005, longest_delay=0.02, slow_retry=0.05, shortest_watch=0.0)


def write_kubeconfig(path: Path, server: str, user: dict[str, Any] | None = None, **cluster: Any) -> Path:
    path.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "c", "cluster": {"server": server, **cluster}}],
                "users": [{"name": "jane", "user": user or {"token": "secret-of-jane"}}],
                "contexts": [
                    {"name": "test", "context": {"cluster": "c", "user": "jane", "namespace": "mine"}}
                ],
                "current-context": "test",
            }
        )
    )
    return path


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with serve() as scripted:
        yield scripted


Follow = Callable[..., contextlib.AbstractAsyncContextManager[Heard]]


@pytest.fixture
def follow(server: ScriptedServer, tmp_path: Path) -> Follow:
    """Run a source on the scripted server's streams, for as long as a `with` block."""
    kubeconfig = write_kubeconfig(tmp_path / "config", server.url)

    @contextlib.asynccontextmanager
    async def following(*streams: Stream, **pace: Any) -> AsyncIterator[Heard]:
        source: Source = ClusterSource(
            Options(kubeconfig=str(kubeconfig)),
            streams,
            random=Random(7),
            pace=replace(QUICK, **pace),
            environ={},
        )
        heard = Heard()
        server.on_request = heard.wake
        async with heard.listening_to(source.run(heard)):
            yield heard

    return following
