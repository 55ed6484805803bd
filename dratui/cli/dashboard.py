"""The dashboard, on a cluster or on a recording."""

import os
import sys
from dataclasses import replace
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING

from dratui.config import config_folder
from dratui.events import Source
from dratui.failure import Failure, UsageFailure
from dratui.kube.options import Options
from dratui.settings.dashboard import Settings
from dratui.settings.metrics import FOUND, NOBODY, WORDS

if TYPE_CHECKING:
    from dratui.tui.contexts import Contexts

AS_TEXT = "dratui get claims -A prints text"


def live(options: Options, settings: Settings) -> int:
    """Watch a cluster."""
    measurer = settings.metrics_from
    return _show(
        _source(options, measurer),
        settings,
        namespace=settings.namespace,
        contexts=contexts(options, measurer),
    )


def contexts(options: Options, metrics_from: str = NOBODY) -> "Contexts":
    """The clusters that one can go to from there."""
    from dratui.kube.kubeconfig import contexts as read
    from dratui.tui.contexts import Contexts

    # What was said of one cluster and one user is not for another; least of all a token.
    elsewhere = replace(options, cluster="", user="", token="", namespace="")
    measurer = metrics_from if metrics_from in WORDS else FOUND
    return Contexts(
        read=lambda: read(options, os.environ),
        connect=lambda name: _source(replace(elsewhere, context=name), measurer),
    )


def _source(options: Options, metrics_from: str) -> Source:
    from dratui.api.streams import STREAMS
    from dratui.kube.source import ClusterSource
    from dratui.telemetry.source import MeasuredSource

    cluster = ClusterSource(options, list(STREAMS.values()))
    return cluster if metrics_from == NOBODY else MeasuredSource(cluster, metrics_from)


def replay(path: Path, speed: float, settings: Settings) -> int:
    """Watch a recording."""
    from dratui.recording.replay import Replay

    return _show(Replay(path, speed=speed, name=path.name), settings)


def demo(speed: float, settings: Settings) -> int:
    """Watch the recording that comes with dratui."""
    from dratui.recording.replay import Replay

    with as_file(files("dratui") / "demo.rec") as path:
        return _show(Replay(path, speed=speed, name="demo"), settings)


def _show(
    source: Source, settings: Settings, *, namespace: str = "", contexts: "Contexts | None" = None
) -> int:
    # Textual draws on stderr.
    if not (sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()):
        raise UsageFailure("the dashboard needs a terminal", hint=AS_TEXT)
    if os.environ.get("TERM") == "dumb":
        raise UsageFailure("this terminal (TERM=dumb) cannot show the dashboard", hint=AS_TEXT)
    from dratui.cli import personal
    from dratui.tui.app import DratuiApp
    from dratui.tui.commands import Quit, Wear, parse
    from dratui.tui.places import Switch

    folder = config_folder()
    aliases, keymap = personal.aliases(folder), personal.keymap(folder)
    wardrobe = personal.wardrobe(folder, settings)
    command = aliases.expand(settings.command.removeprefix(":"))
    start = parse(command, namespace) if command else None
    if isinstance(start, Quit):
        return 0
    if isinstance(start, Wear):
        raise UsageFailure("-c starts at a place", hint=f"--theme {start.theme}")
    if isinstance(start, Switch):
        raise UsageFailure("-c starts in the context that --context names", hint=f"--context {start.context}")
    app = DratuiApp(
        source,
        namespace=namespace,
        start=start,
        headless=settings.headless,
        refresh=settings.refresh,
        history=settings.history,
        keymap=keymap,
        aliases=aliases,
        wardrobe=wardrobe,
        contexts=contexts,
    )
    failure = app.run(mouse=settings.mouse)
    if isinstance(failure, Failure):
        raise failure
    return app.return_code or 0
