"""Credential plugins (client.authentication.k8s.io), run so that they cannot touch our terminal."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from dratui.kube.failure import KubeFailure
from dratui.kube.kubeconfig import Access, Exec

_LONGEST_RUN = 120.0  # seconds: a person may have to log in through a browser
_CLUSTER_CONFIG = "client.authentication.k8s.io/exec"  # the extension that is handed to the plugin


@dataclass(frozen=True)
class Credential:
    """What a plugin gave. `expires` is unix seconds, None if it did not say."""

    token: str = ""
    certificate: str = ""
    key: str = ""
    expires: float | None = None

    def __repr__(self) -> str:
        return f"Credential(expires={self.expires})"


class _Status(msgspec.Struct, frozen=True, rename="camel"):
    token: str | None = None
    client_certificate_data: str | None = None
    client_key_data: str | None = None
    expiration_timestamp: datetime | None = None


class _Answer(msgspec.Struct, frozen=True, rename="camel"):
    api_version: str
    kind: str
    status: _Status


async def run(
    plugin: Exec, access: Access, environ: Mapping[str, str], *, limit: float = _LONGEST_RUN
) -> Credential:
    """Ask the plugin for a credential; raises KubeFailure.

    Its stdin is /dev/null and it has a session of its own: one that asks for a password on /dev/tty fails at once
    instead of fighting with the screen for keys. What it writes to stderr is quoted when it fails.
    """
    name = plugin.command
    if plugin.interactive_mode == "Always":
        raise KubeFailure(
            f"the credential plugin {name} of user {access.user_name!r} insists on a terminal",
            hint="log in with it first, or use a user that needs no typing",
        )
    environment = {
        **environ,
        **{variable.name: variable.value for variable in plugin.env},
        "KUBERNETES_EXEC_INFO": json.dumps(_info(plugin, access)),
    }
    try:
        process = await asyncio.create_subprocess_exec(
            _command(plugin, access.user_dir),
            *plugin.args,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise KubeFailure(
            f"cannot run the credential plugin {name} of user {access.user_name!r}: {reason}",
            hint=plugin.install_hint or f"is {name} installed and on $PATH?",
        ) from error
    try:
        async with asyncio.timeout(limit):
            answer, complaint = await process.communicate()
    except TimeoutError as error:
        raise KubeFailure(
            f"the credential plugin {name} gave no answer for {limit:g} seconds",
            hint="run it by hand: it may wait for a log-in",
        ) from error
    finally:
        await _end(process)
    if process.returncode:
        said = complaint.decode(errors="replace").strip()[-500:]
        raise KubeFailure(
            f"the credential plugin {name} failed with status {process.returncode}"
            + (f": {said}" if said else ""),
            hint="log in again as your plugin wants it, then retry",
        )
    return _read(plugin, answer)


def _command(plugin: Exec, folder: Path) -> str:
    """A command with a slash is relative to the kubeconfig; one without is looked up in $PATH."""
    return os.path.join(folder, plugin.command) if "/" in plugin.command else plugin.command


def _info(plugin: Exec, access: Access) -> dict[str, Any]:
    spec: dict[str, Any] = {"interactive": False}
    if plugin.provide_cluster_info:
        cluster = access.cluster
        about = {
            "server": cluster.server,
            "tls-server-name": cluster.tls_server_name,
            "insecure-skip-tls-verify": cluster.insecure_skip_tls_verify,
            "certificate-authority-data": cluster.certificate_authority_data,
            "proxy-url": cluster.proxy_url,
            "config": next((e.extension for e in cluster.extensions if e.name == _CLUSTER_CONFIG), None),
        }
        spec["cluster"] = {key: value for key, value in about.items() if value}
    return {"apiVersion": plugin.api_version, "kind": "ExecCredential", "spec": spec}


async def _end(process: asyncio.subprocess.Process) -> None:
    """Leave nothing of it behind when we gave up on it: neither the plugin nor what it started."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):  # ended just now
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def _read(plugin: Exec, data: bytes) -> Credential:
    name = plugin.command
    try:
        answer = msgspec.json.decode(data, type=_Answer)
    except (ValueError, RecursionError) as error:
        # The answer is not quoted, in whole or in part: it may hold the token.
        raise KubeFailure(
            f"the credential plugin {name} answered with something that is no ExecCredential",
            hint=f"run {name} by hand and look at what it prints",
        ) from error
    if answer.kind != "ExecCredential" or answer.api_version != plugin.api_version:
        raise KubeFailure(
            f"the credential plugin {name} answered with another version than {plugin.api_version}",
            hint="make `apiVersion` in the kubeconfig the one that the plugin speaks",
        )
    status = answer.status
    if not status.token and not (status.client_certificate_data and status.client_key_data):
        raise KubeFailure(f"the credential plugin {name} gave neither a token nor a certificate with its key")
    return Credential(
        token=status.token or "",
        certificate=status.client_certificate_data or "",
        key=status.client_key_data or "",
        expires=status.expiration_timestamp.timestamp() if status.expiration_timestamp else None,
    )
