"""`dratui info`: every path and setting in use, for a bug report and for those who look for a file."""

import os
import platform
from importlib.metadata import version

from dratui import __version__
from dratui.config import config_folder, state_folder
from dratui.failure import Failure
from dratui.kube.options import Options
from dratui.terminal import clean

LIBRARIES = ("textual", "aiohttp", "msgspec")


def run(options: Options) -> int:
    """Print it. A kubeconfig that cannot be used is one of the things to see, not an error."""
    lines = {
        "dratui": __version__,
        "python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
        "config folder": f"{config_folder()} (not read yet: there are no settings)",
        "crash reports": str(state_folder()),
        "saved views": str(state_folder() / "views"),
        **_access(options),
        "NO_COLOR": os.environ.get("NO_COLOR", "not set"),
        "TERM": os.environ.get("TERM", "not set"),
    }
    for name, value in lines.items():
        print(f"{name:<20}{clean(value)}")
    return 0


def _access(options: Options) -> dict[str, str]:
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
