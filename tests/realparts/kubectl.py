"""The real kubectl, as one user."""

import json
import subprocess
from pathlib import Path
from typing import Any


class KubectlError(AssertionError):
    """kubectl said no; the text is what it said. An AssertionError, so that a wait may try again."""


class Kubectl:
    """Runs kubectl with a kubeconfig and a cache folder of its own.

    The cache folder matters: kubectl caches discovery by address, and loopback ports come back with another
    control plane behind them.
    """

    def __init__(self, binary: Path, kubeconfig: Path, cache: Path) -> None:
        self._prefix = [str(binary), "--kubeconfig", str(kubeconfig), "--cache-dir", str(cache)]

    def run(self, *arguments: str, input: str | None = None) -> str:  # noqa: A002 (the word of subprocess.run)
        done = subprocess.run(
            [*self._prefix, *arguments],
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if done.returncode:
            raise KubectlError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def objects(self, kind: str, *arguments: str) -> list[dict[str, Any]]:
        """The items of `kubectl get KIND … -o json`."""
        items: list[dict[str, Any]] = json.loads(self.run("get", kind, *arguments, "-o", "json"))["items"]
        return items
