"""From cluster to cluster without a restart, on the real control plane."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import yaml

from dratui.api.streams import STREAMS
from dratui.cli.dashboard import contexts
from dratui.kube.options import Options
from dratui.kube.source import ClusterSource
from dratui.tui.app import DratuiApp
from dratui.tui.places import Overview
from tests.realparts.controlplane import ControlPlane
from tests.realparts.processes import free_ports
from tests.tui.driving import Driver, hides, press, screen, shows, text, type_in, under_cursor, until


@pytest.fixture
def port() -> int:
    return free_ports(1)[0]


@pytest.fixture
def kubeconfig(control_plane: ControlPlane, tmp_path: Path, port: int) -> Path:
    """Two users of the same server, one of them with few rights, and a server on a port where nobody listens."""
    merged = yaml.safe_load(control_plane.kubeconfig("viewer").read_text())
    limited = yaml.safe_load(control_plane.kubeconfig("one-namespace").read_text())
    merged["users"] += limited["users"]
    context = {"cluster": "realparts", "user": "one-namespace", "namespace": "one-namespace"}
    merged["contexts"].append({"name": "tenant", "context": context})
    merged["clusters"].append({"name": "gone", "cluster": {"server": f"http://127.0.0.1:{port}"}})
    merged["contexts"].append({"name": "nowhere", "context": {"cluster": "gone", "user": "viewer"}})
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(merged))
    return path


@asynccontextmanager
async def watching(kubeconfig: Path) -> AsyncIterator[Driver]:
    options = Options(kubeconfig=str(kubeconfig))
    source = ClusterSource(options, list(STREAMS.values()))
    app = DratuiApp(source, start=Overview(), contexts=contexts(options))
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "viewer", "● live")
        yield pilot


def followed() -> int:
    """Streams that are followed at present, by whichever source."""
    return sum(task.get_name().startswith("follow ") for task in asyncio.all_tasks())


async def test_contexts_are_a_list_that_marks_the_one_in_use_and_enter_switches(kubeconfig: Path) -> None:
    async with watching(kubeconfig) as pilot:
        await type_in(pilot, ":ctx")
        await press(pilot, "enter")
        await shows(pilot, "Contexts[3]", "● viewer")
        assert "● viewer" in under_cursor(pilot), "the cursor is on the one in use"
        line = next(line for line in screen(pilot) if "tenant" in line)
        assert line.split() == ["tenant", "realparts", "one-namespace", "one-namespace"]
        await type_in(pilot, "/ten")
        await press(pilot, "enter")
        await shows(pilot, "Contexts[1 of 3]</ten>")
        await press(pilot, "enter")
        await shows(pilot, "dratui  tenant › overview", "⊘ 4 kinds forbidden")


async def test_another_context_begins_anew_and_leaves_nothing_behind(
    kubeconfig: Path, control_plane: ControlPlane, namespace: str
) -> None:
    async with watching(kubeconfig) as pilot:
        streams = followed()
        assert streams == len(STREAMS)
        await type_in(pilot, f":ns {namespace}")
        await press(pilot, "enter")
        await shows(pilot, f"Pods({namespace})")
        await type_in(pilot, ":ctx ten")
        await shows(pilot, ":ctx tenant")
        await press(pilot, "tab", "enter")
        await shows(pilot, "dratui  tenant › overview", "⊘ 4 kinds forbidden")
        await until(pilot, lambda: followed() == streams, "the first source to be gone")
        assert namespace not in text(pilot), "another tenant's namespace is no favourite here"
        await press(pilot, "[")
        await shows(pilot, "tenant › overview")
        await type_in(pilot, ":claims @viewer")
        await press(pilot, "enter")
        await shows(pilot, "dratui  viewer › overview › claims", "Claims(all)", "● live")


async def test_one_that_cannot_be_reached_says_so_and_one_stays_where_one_is(
    kubeconfig: Path, port: int
) -> None:
    async with watching(kubeconfig) as pilot:
        streams = followed()
        await type_in(pilot, ":ctx nowhere")
        await press(pilot, "enter")
        await shows(pilot, "cannot talk to the API server: nobody answers")
        await shows(pilot, "dratui  viewer › overview", "● live")
        assert followed() == streams
        await type_in(pilot, ":ctx")
        await press(pilot, "enter")
        await shows(pilot, "✖ nowhere", f"http://127.0.0.1:{port} (connection refused)")
        await type_in(pilot, ":ctx no-such")
        await press(pilot, "enter")
        await shows(pilot, "there is no context 'no-such'")


async def test_connecting_is_left_with_esc(kubeconfig: Path, port: int) -> None:
    with socket.create_server(("127.0.0.1", port)):  # the kernel accepts, nobody answers
        async with watching(kubeconfig) as pilot:
            await type_in(pilot, ":ctx nowhere")
            await press(pilot, "enter")
            await shows(pilot, "connecting to nowhere …", "esc stops it")
            await press(pilot, "escape")
            await shows(pilot, "stopped: connecting to nowhere", "dratui  viewer › overview")
            await press(pilot, "j")
            await hides(pilot, "stopped")
