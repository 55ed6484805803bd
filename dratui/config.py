"""Where dratui keeps its own files: the XDG base directories."""

import os
from collections.abc import Mapping
from pathlib import Path


def config_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Settings that a person writes."""
    return _folder(environ, "XDG_CONFIG_HOME", ".config")


def state_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """What outlives a run and is nobody's setting: crash reports, saved views."""
    return _folder(environ, "XDG_STATE_HOME", ".local/state")


def _folder(environ: Mapping[str, str], variable: str, default: str) -> Path:
    """A relative path in the variable is invalid and ignored, says the XDG specification."""
    folder = environ.get(variable, "")
    return (Path(folder) if folder.startswith("/") else _home() / default) / "dratui"


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:  # no $HOME, and the user has no entry in the password database: common in containers
        return Path("/")
