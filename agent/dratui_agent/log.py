"""What the agent says, on stderr: a line each, as Prometheus exporters write theirs, or as JSON.

    time=2026-11-21T19:30:00.000Z level=INFO msg="devices: 8 GPUs, 56 MIG devices"

An error of the program itself is one line too: its kind, its text and where it was raised.
"""

import json
import logging
import sys
import time
import traceback
from collections.abc import Mapping
from typing import Final, Literal

from aiohttp.http_exceptions import HttpProcessingError

from dratui_agent.exporter.state import State

LEVELS: Final[Mapping[str, int]] = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
}
Form = Literal["logfmt", "json"]
_NAMES: Final = {number: name.upper() for name, number in LEVELS.items()}
log: Final = logging.getLogger("dratui_agent")


def begin(level: str, form: Form) -> None:
    """Write on stderr from now on, whoever says it: libraries only what they cannot do."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines(form))
    if level != "debug":
        handler.addFilter(_of_ours)
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    log.setLevel(LEVELS[level])


def _of_ours(record: logging.LogRecord) -> bool:
    """Requests that are none are answered with 400, and not worth a line: anybody may send them."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError)


class _Lines(logging.Formatter):
    def __init__(self, form: Form) -> None:
        super().__init__()
        self._form = form

    def format(self, record: logging.LogRecord) -> str:
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        fields = {
            "time": f"{at}.{int(record.msecs):03}Z",
            "level": _NAMES.get(record.levelno, record.levelname),
            "msg": record.getMessage(),
        }
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            where = traceback.extract_tb(error.__traceback__)[-1:]
            at_line = f" ({where[0].filename}:{where[0].lineno})" if where else ""
            fields["err"] = f"{type(error).__name__}: {error}{at_line}"
        if self._form == "json":
            return json.dumps(fields)
        return " ".join(f"{name}={_quoted(value)}" for name, value in fields.items())


def _quoted(text: str) -> str:
    """Quoted where it must be: nothing that a driver or kubelet says ends a line or begins another field."""
    return (
        text
        if text.isascii() and text.isprintable() and not {*text} & {*' "=\\'} and text
        else json.dumps(text)
    )


class Journal:
    """Says what has changed, once: the driver comes and goes, devices do, kubelet does."""

    def __init__(self) -> None:
        self._driver: str | None = None  # what was wrong with it
        self._kubelet = ""
        self._devices: frozenset[str] = frozenset()

    def look(self, state: State) -> None:
        """Compare with what was said last."""
        if state.sample is not None:
            problem = state.sample.problem
            devices = frozenset(each.device.uuid for each in state.sample.devices)
            if problem and problem != self._driver:
                log.warning("%s; looking again every ten seconds", problem)
            elif (not problem and self._driver != problem) or devices != self._devices:
                gpus = sum(each.device.kind == "gpu" for each in state.sample.devices)
                parts = len(devices) - gpus
                log.info("driver %s: %d GPUs, %d MIG devices", state.sample.driver, gpus, parts)
            self._driver, self._devices = problem, devices
        if (trouble := state.holders.problem) != self._kubelet:
            if trouble:
                log.warning("who holds what is not known any better: %s", trouble)
            else:
                log.info("who holds what is known again")
            self._kubelet = trouble
