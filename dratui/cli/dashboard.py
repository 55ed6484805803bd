"""The dashboard, on a cluster or on a recording."""

import locale
import os
import sys
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

from dratui.events import Source
from dratui.failure import Failure, UsageFailure
from dratui.kube.options import Options

AS_TEXT = "dratui get claims -A prints text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How the dashboard is wanted: its flags."""

    start: str = ""  # as typed behind `:`
    ascii_only: bool = False
    headless: bool = False
    mouse: bool = True
    refresh: float | None = None  # seconds between two paints of what changed


def live(options: Options, manner: Manner, *, namespace: str) -> int:
    """Watch a cluster."""
    from dratui.api.streams import STREAMS
    from dratui.kube.source import ClusterSource

    return _show(ClusterSource(options, list(STREAMS.values())), manner, namespace=namespace)


def replay(path: Path, speed: float, manner: Manner) -> int:
    """Watch a recording."""
    from dratui.recording.replay import Replay

    return _show(Replay(path, speed=speed, name=path.name), manner)


def demo(speed: float, manner: Manner) -> int:
    """Watch the recording that comes with dratui."""
    from dratui.recording.replay import Replay

    with as_file(files("dratui") / "demo.rec") as path:
        return _show(Replay(path, speed=speed, name="demo"), manner)


def _show(source: Source, manner: Manner, *, namespace: str = "") -> int:
    # Textual draws on stderr.
    if not (sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()):
        raise UsageFailure("the dashboard needs a terminal", hint=AS_TEXT)
    if os.environ.get("TERM") == "dumb":
        raise UsageFailure("this terminal (TERM=dumb) cannot show the dashboard", hint=AS_TEXT)
    from dratui.tui.app import DratuiApp
    from dratui.tui.commands import Quit, parse
    from dratui.tui.feed import SHOW_SECONDS

    start = parse(manner.start.strip().removeprefix(":"), namespace) if manner.start else None
    if isinstance(start, Quit):
        return 0
    utf8 = locale.getpreferredencoding(do_setlocale=False).lower().replace("-", "") == "utf8"
    app = DratuiApp(
        source,
        namespace=namespace,
        ascii=manner.ascii_only or not utf8,
        start=start,
        headless=manner.headless,
        refresh=SHOW_SECONDS if manner.refresh is None else manner.refresh,
    )
    failure = app.run(mouse=manner.mouse)
    if isinstance(failure, Failure):
        raise failure
    return app.return_code or 0
