"""The dashboard, on a cluster or on a recording."""

import locale
import sys
from importlib.resources import as_file, files
from pathlib import Path

from dratui.events import Source
from dratui.failure import Failure, UsageFailure
from dratui.kube.options import Options


def live(options: Options, *, namespace: str, ascii_only: bool) -> int:
    """Watch a cluster."""
    from dratui.api.streams import STREAMS
    from dratui.kube.source import ClusterSource

    return _show(ClusterSource(options, list(STREAMS.values())), namespace=namespace, ascii_only=ascii_only)


def replay(path: Path, speed: float, *, ascii_only: bool) -> int:
    """Watch a recording."""
    from dratui.recording.replay import Replay

    return _show(Replay(path, speed=speed, name=path.name), ascii_only=ascii_only)


def demo(speed: float, *, ascii_only: bool) -> int:
    """Watch the recording that comes with dratui."""
    from dratui.recording.replay import Replay

    with as_file(files("dratui") / "demo.rec") as path:
        return _show(Replay(path, speed=speed, name="demo"), ascii_only=ascii_only)


def _show(source: Source, *, namespace: str = "", ascii_only: bool) -> int:
    # Textual draws on stderr.
    if not (sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()):
        raise UsageFailure("the dashboard needs a terminal", hint="dratui get claims -A prints text")
    from dratui.tui.app import DratuiApp

    utf8 = locale.getpreferredencoding(do_setlocale=False).lower().replace("-", "") == "utf8"
    app = DratuiApp(source, namespace=namespace, ascii=ascii_only or not utf8)
    failure = app.run()
    if isinstance(failure, Failure):
        raise failure
    return app.return_code or 0
