"""What the agent says, on stderr: a line each, as Prometheus exporters write theirs, or as JSON.

    time=2026-11-21T19:30:00.000Z level=INFO msg="driver 595.58.03, GPUs: 8, MIG devices: 56"

An error of the program itself is one line too: its kind, its text and where it was raised.
"""

import json
import logging
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from typing import Final, Literal

from aiohttp.http_exceptions import HttpProcessingError

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
    threading.excepthook = _ended


def _ended(thread: threading.ExceptHookArgs) -> None:
    log.error("thread %s has ended", thread.thread and thread.thread.name, exc_info=thread.exc_value)


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
