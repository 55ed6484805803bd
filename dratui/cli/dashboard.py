"""The dashboard, on a cluster or on a recording."""

import locale
import os
import sys
from importlib.resources import as_file, files
from pathlib import Path

from dratui.config import config_folder
from dratui.events import Source
from dratui.failure import Failure, UsageFailure
from dratui.kube.options import Options
from dratui.settings.dashboard import Settings

AS_TEXT = "dratui get claims -A prints text"


def live(options: Options, settings: Settings) -> int:
    """Watch a cluster."""
    from dratui.api.streams import STREAMS
    from dratui.kube.source import ClusterSource

    return _show(ClusterSource(options, list(STREAMS.values())), settings, namespace=settings.namespace)


def replay(path: Path, speed: float, settings: Settings) -> int:
    """Watch a recording."""
    from dratui.recording.replay import Replay

    return _show(Replay(path, speed=speed, name=path.name), settings)


def demo(speed: float, settings: Settings) -> int:
    """Watch the recording that comes with dratui."""
    from dratui.recording.replay import Replay

    with as_file(files("dratui") / "demo.rec") as path:
        return _show(Replay(path, speed=speed, name="demo"), settings)


def _show(source: Source, settings: Settings, *, namespace: str = "") -> int:
    # Textual draws on stderr.
    if not (sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()):
        raise UsageFailure("the dashboard needs a terminal", hint=AS_TEXT)
    if os.environ.get("TERM") == "dumb":
        raise UsageFailure("this terminal (TERM=dumb) cannot show the dashboard", hint=AS_TEXT)
    from dratui.cli import personal
    from dratui.tui.app import DratuiApp
    from dratui.tui.commands import Quit, parse

    keymap = personal.keys(config_folder())
    start = parse(settings.command.removeprefix(":"), namespace) if settings.command else None
    if isinstance(start, Quit):
        return 0
    utf8 = locale.getpreferredencoding(do_setlocale=False).lower().replace("-", "") == "utf8"
    app = DratuiApp(
        source,
        namespace=namespace,
        ascii=not utf8 if settings.ascii is None else settings.ascii,
        start=start,
        headless=settings.headless,
        refresh=settings.refresh,
        keymap=keymap,
    )
    failure = app.run(mouse=settings.mouse)
    if isinstance(failure, Failure):
        raise failure
    return app.return_code or 0
