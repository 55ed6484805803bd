"""`dratui info`: every path and setting in use, for a bug report and for those who look for a file."""

import locale
import os
import platform
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path

from dratui import __version__
from dratui.cli import personal
from dratui.config import config_folder, state_folder
from dratui.failure import Failure
from dratui.kube.options import Options
from dratui.settings.dashboard import Settings, choose
from dratui.terminal import clean
from dratui.tui.terminals import Colours, terminal

LIBRARIES = ("textual", "aiohttp", "msgspec")


def run(options: Options) -> int:
    """Print it. What cannot be used is one of the things to see, not an error."""
    folder = config_folder()
    lines = {
        "dratui": __version__,
        "python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
        "config folder": str(folder),
        **{f"  {name}": told for name, told in _files(folder)},
        **{f"  {name}": told for name, told in _settings(folder)},
        "crash reports": str(state_folder()),
        "saved views": str(state_folder() / "views"),
        **_access(options),
        "terminal": _terminal(),
        "NO_COLOR": os.environ.get("NO_COLOR", "not set"),
        "TERM": os.environ.get("TERM", "not set"),
        "COLORTERM": os.environ.get("COLORTERM", "not set"),
    }
    for name, value in lines.items():
        print(f"{name:<20}{clean(value)}")
    return 0


def defaults(file: str) -> int:
    """Print a file as it would be if nothing were set, each line with what it means: to edit, and to learn from."""
    sys.stdout.write(personal.FILES[file].default())
    return 0


def _files(folder: Path) -> Iterable[tuple[str, str]]:
    for file in personal.FILES.values():
        try:
            yield file.name, file.told(folder)
        except Failure as failure:
            yield file.name, f"wrong: {failure.what}"


def _terminal() -> str:
    seen = terminal(os.environ, locale.getpreferredencoding(do_setlocale=False))
    shown = {Colours.NONE: "no colours", Colours.TRUE: "24-bit colours"}.get(
        seen.colours, f"{seen.colours.value} colours"
    )
    return f"{shown}, {'ASCII only' if seen.ascii_only else 'all glyphs'}"


def _settings(folder: Path) -> Iterable[tuple[str, str]]:
    try:
        chosen = choose({}, os.environ, folder)
    except Failure:
        return  # told above
    for name, origin in chosen.origins.items():
        yield name, f"{getattr(chosen.settings, name)} ({origin})"
    unset = [name for name in Settings.__dataclass_fields__ if name not in chosen.origins]
    yield "by default", ", ".join(unset)


def _access(options: Options) -> Mapping[str, str]:
    from dratui.kube.kubeconfig import load

    try:
        access = load(options, os.environ)
    except Failure as failure:
        return {"kubeconfig": failure.what}
    return {
        "kubeconfig": options.kubeconfig or os.environ.get("KUBECONFIG", "~/.kube/config"),
        "context": access.context,
        "cluster": access.cluster_name,
        "user": access.user_name,
        "namespace": access.namespace or "default",
        "server": access.cluster.server,
    }
