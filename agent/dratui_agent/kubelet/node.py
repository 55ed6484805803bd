"""`dratui-agent node`: what this node's plugin believes, beside a running agent or without one.

The agent is asked first; it alone knows the last steps and errors. Where none answers, its checkpoint, the CDI folder
and the driver are read, as the agent would at its start. Nothing is changed.
"""

import argparse
import asyncio
import os
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final

import msgspec

from dratui_agent.apiserver import ApiServer, NoAnswer
from dratui_agent.attribution.cdi import Specs
from dratui_agent.kubelet import allotted, checkpoint
from dratui_agent.kubelet.belief import believed, specs
from dratui_agent.kubelet.claims import Claims, Named
from dratui_agent.kubelet.hardware import CannotBring, Instance
from dratui_agent.kubelet.nvidia import Nvidia
from dratui_agent.kubelet.options import PluginOptions
from dratui_agent.kubelet.prepared import Belief, PreparedClaim
from dratui_agent.kubelet.printed import table

PATIENCE_SECONDS: Final = 5.0  # with the agent, and with the driver
LARGEST: Final = 64 << 20
BOOT: Final = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Told:
    """`source`: who told it, `agent` or `files`. `in_cluster`: whether the API server has a claim, by UID, as far as
    that is known. `notes`: what is not known, and why."""

    source: str
    belief: Belief
    in_cluster: Mapping[str, bool]
    notes: tuple[str, ...]


class _Snapshot(msgspec.Struct):
    plugin: dict[str, Any] | None = None
    believed: float | None = None


def run(asked: argparse.Namespace) -> tuple[str, int]:
    """The text, and the exit status: 1 where there is a checkpoint that cannot be read."""
    options = PluginOptions(
        asked.driver_name,
        kubelet=asked.kubelet_folder,
        cdi=asked.cdi_folder,
        partitionable=asked.partitionable,
    )
    told = look(options, asked.agent, asked.service_account)
    status = 1 if told.belief.problem else 0
    if asked.output == "json":
        return msgspec.json.format(msgspec.json.encode(_json(told))).decode(), status
    return table(told.source, told.belief, told.in_cluster, told.notes, time.time()), status


def look(options: PluginOptions, agent: str, account: Path) -> Told:
    """All that can be known now."""
    notes: list[str] = []
    belief = _agents(agent, options.driver, notes.append)
    source = "agent" if belief else "files"
    if belief is None:
        belief = _read(options, notes.append)
    there = asyncio.run(_in_cluster(belief, account, notes.append)) if belief.claims else {}
    return Told(source, belief, there, tuple(notes))


def _json(told: Told) -> Mapping[str, Any]:
    return {
        "source": told.source,
        **msgspec.to_builtins(told.belief),
        "errors": [*told.belief.errors],
        "in_cluster": told.in_cluster,
        "notes": told.notes,
    }


# Who runs knows best


def _agents(address: str, driver: str, note: Callable[[str], None]) -> Belief | None:
    if not address:
        return None
    asking = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # it is on this node
    try:
        with asking.open(f"{address}/v1/snapshot", timeout=PATIENCE_SECONDS) as answer:
            found = msgspec.json.decode(answer.read(LARGEST), type=_Snapshot)
        if found.plugin is None or found.believed is None:
            raise ValueError("it is no kubelet plugin")
        belief = msgspec.convert({**found.plugin, "at": found.believed}, Belief)
        if belief.driver != driver:
            raise ValueError(f"it serves driver {belief.driver}: --driver-name {belief.driver}")
    except (OSError, HTTPException, ValueError, RecursionError) as error:
        note(f"no word of the agent at {address}: {_in_words(error)}; last steps and errors are not known")
        return None
    return belief


def _in_words(error: Exception) -> str:
    reason = getattr(error, "reason", error)  # of what urllib wraps
    if isinstance(error, urllib.error.HTTPError):
        told = f"{error.code} {error.reason}"
        return f"{told}: it wants a log-in, and this command has none" if error.code in (401, 403) else told
    if isinstance(reason, ssl.SSLCertVerificationError):
        return f"{reason.verify_message}: SSL_CERT_FILE names whom to trust"
    if isinstance(reason, HTTPException | ConnectionResetError):
        return "it does not answer in HTTP: https:// if it has TLS"
    return getattr(reason, "strerror", "") or str(reason)


# What lies on the node


def _read(options: PluginOptions, note: Callable[[str], None]) -> Belief:
    folder = options.kubelet / "plugins" / options.driver
    found = [*specs(Specs((options.cdi,)), options.driver)]
    claims, problem = _checkpoint(folder / "checkpoint.json", note)
    instances = _instances(note)
    cut = options.partitionable or any(device.made for claim in claims for device in claim.devices)
    parts = instances if cut else None
    belief = believed(options.driver, time.time(), claims, found, parts, problem=problem)
    return replace(belief, instances=instances)


def _checkpoint(path: Path, note: Callable[[str], None]) -> tuple[Sequence[PreparedClaim], str]:
    """Its claims, or why it cannot be read."""
    try:
        boot, claims = checkpoint.read(path)
    except FileNotFoundError:
        note(f"no claim was ever prepared under this driver name: there is no {path}")
        return (), ""
    except checkpoint.Unreadable as error:
        return (), f"{path}: {error}"
    except OSError as error:
        return (), f"{path}: {error.strerror or error}"
    if boot != BOOT.read_text().strip():
        note(f"{path} is of an earlier boot: what it has of claims ({len(claims)}) counts no more")
        return (), ""
    return tuple(claims.values()), ""


def _instances(note: Callable[[str], None]) -> tuple[Instance, ...] | None:
    """Asked on a thread of its own, which is left alone where the driver hangs."""
    found: list[tuple[Instance, ...] | str] = []

    def ask() -> None:
        try:
            found.append(tuple(Nvidia(patience=PATIENCE_SECONDS).instances()))
        except CannotBring as error:
            found.append(str(error))

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(PATIENCE_SECONDS)
    said = found[0] if found else "the driver does not answer"
    if isinstance(said, str):
        note(f"MIG devices are not known: {said}")
        return None
    return said


# What the cluster has of it


async def _in_cluster(belief: Belief, account: Path, note: Callable[[str], None]) -> Mapping[str, bool]:
    try:
        api = ApiServer.of_this_pod(account)
    except NoAnswer as why:
        note(f"whether claims are still there is not known: {why}")
        return {}
    claims = Claims(
        api, asyncio.get_running_loop(), driver=belief.driver, node=os.environ.get("NODE_NAME", "")
    )
    there: dict[str, bool] = {}

    def ask() -> None:
        for each in belief.claims:
            try:
                found = claims.get(Named(each.namespace, each.name, each.uid))
                there[each.uid] = allotted.uid(found) == each.uid
            except NoAnswer as why:
                if why.status != 404:
                    note(f"whether claims are still there is not known: {why}")
                    return
                there[each.uid] = False

    try:
        await asyncio.to_thread(ask)
    finally:
        await api.close()
    return there
