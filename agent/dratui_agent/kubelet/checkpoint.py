"""What was prepared, in a file: the plugin's memory over its own end.

Written whole to a new file that takes the old one's place, so it is never seen half written. A boot that is not the one
it was written in makes it void: neither CDI specs nor containers outlive one. Hence the folder needs no fsync either:
what a rename could lose, only a boot loses.

    {"version": 1, "boot": "…", "checksum": "…", "claims": [ {PreparedClaim, field by field}, … ]}

A reader takes the fields that it knows, and defaults for those that are missing; `version` changes with their meaning.
"""

import hashlib
import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from dratui_agent.kubelet.prepared import PreparedClaim

VERSION: Final = 1
LARGEST: Final = 64 << 20
SET_ASIDE: Final = 3  # unreadable files that are kept for whoever wants to know


class CannotKeep(Exception):
    """It could not be written; the text is for people."""


class Unreadable(Exception):
    """What lies there is no checkpoint of ours; the text says what is wrong with it."""


class Newer(Unreadable):
    """A later version of the agent wrote it."""


class _File(msgspec.Struct):
    version: int
    boot: str
    checksum: str
    claims: msgspec.Raw


class Checkpoint:
    """The claims that are prepared, or were begun. For any thread.

    What is written together is written once: a thread that waits for the file finds its claim in it already.
    """

    def __init__(self, path: Path, boot: str, at: Callable[[str], None]) -> None:
        """`boot`: the running kernel's id. `at` is told how far writing has come."""
        self._path = path
        self._boot = boot
        self._at = at
        self._claims: dict[str, PreparedClaim] = {}
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._changes = 0
        self._written = 0  # of the changes
        self._seen: tuple[int, int, int] | None = None  # the file that was written or read last

    @property
    def claims(self) -> Mapping[str, PreparedClaim]:
        """By UID, as they are now."""
        with self._lock:
            return dict(self._claims)

    def load(self) -> None:
        """Take what the file says, if another process has written it since. Raises Unreadable and OSError."""
        try:
            with self._path.open("rb") as file:
                status = os.fstat(file.fileno())
                seen = _mark(status)
                if seen == self._seen:
                    return
                data = file.read(LARGEST + 1)
        except FileNotFoundError:
            seen, data = None, b""
        claims = _read(data, self._boot) if seen else {}
        with self._lock:
            self._seen, self._claims = seen, dict(claims)

    def take(self, claims: Mapping[str, PreparedClaim]) -> None:
        """Instead of all that was known. Raises CannotKeep."""
        with self._lock:
            self._claims = dict(claims)
            self._changes += 1
            mine = self._changes
        self._write(mine)

    def put(
        self, claim: PreparedClaim, admit: Callable[[Mapping[str, PreparedClaim]], None] = lambda known: None
    ) -> None:
        """Remember it. `admit` looks at what is known, and may raise. Raises CannotKeep: it is as before then."""
        with self._lock:
            admit(self._claims)
            before = self._claims.get(claim.uid)
            self._claims[claim.uid] = claim
            self._changes += 1
            mine = self._changes
        self._write_or_undo(claim.uid, before, mine)

    def drop(self, uid: str) -> None:
        """Forget it. Raises CannotKeep: it is as before then."""
        with self._lock:
            if (before := self._claims.pop(uid, None)) is None:
                return
            self._changes += 1
            mine = self._changes
        self._write_or_undo(uid, before, mine)

    def set_aside(self) -> Path | None:
        """Put what cannot be read out of the way; where it is now. Raises OSError."""
        aside = self._path.with_name(f"{self._path.name}.unreadable-{time.time_ns()}")
        try:
            os.rename(self._path, aside)
        except FileNotFoundError:
            return None
        older = sorted(self._path.parent.glob(f"{self._path.name}.unreadable-*"))
        for each in older[:-SET_ASIDE]:
            each.unlink(missing_ok=True)
        return aside

    def _write_or_undo(self, uid: str, before: PreparedClaim | None, mine: int) -> None:
        try:
            self._write(mine)
        except CannotKeep:
            with self._lock:
                if before is None:
                    self._claims.pop(uid, None)
                else:
                    self._claims[uid] = before
                self._changes += 1
            raise

    def _write(self, mine: int) -> None:
        with self._writing:
            if self._written >= mine:
                return
            with self._lock:
                changes, claims = self._changes, tuple(self._claims.values())
            fresh = self._path.with_suffix(".new")
            try:
                with open(fresh, "wb") as file:
                    file.write(_written(claims, self._boot))
                    self._at("checkpoint written")
                    file.flush()
                    os.fsync(file.fileno())
                    status = os.fstat(file.fileno())
                self._at("checkpoint on disk")
                os.replace(fresh, self._path)
                self._at("checkpoint renamed")
            except OSError as error:
                raise CannotKeep(f"cannot write {self._path}: {error.strerror or error}") from error
            self._seen = _mark(status)
            self._written = changes


def _mark(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_ino, status.st_mtime_ns, status.st_size


def read(path: Path) -> tuple[str, Mapping[str, PreparedClaim]]:
    """A checkpoint's boot and claims by UID, whatever boot this is. Raises Unreadable and OSError."""
    with path.open("rb") as file:
        return _parsed(file.read(LARGEST + 1))


def _read(data: bytes, boot: str) -> Mapping[str, PreparedClaim]:
    written_in, claims = _parsed(data)
    return claims if written_in == boot else {}


def _parsed(data: bytes) -> tuple[str, Mapping[str, PreparedClaim]]:
    if len(data) > LARGEST:
        raise Unreadable(f"it is larger than {LARGEST >> 20} MiB")
    try:
        found = msgspec.json.decode(data, type=_File)
        if found.version > VERSION:
            raise Newer(f"a newer version of the agent wrote it (format {found.version})")
        if found.checksum != _checksum(found.claims):
            raise Unreadable("its checksum is wrong")
        claims = msgspec.json.decode(found.claims, type=tuple[PreparedClaim, ...])
    except msgspec.MsgspecError as error:
        raise Unreadable(f"it is no checkpoint: {error}") from error
    except RecursionError as error:
        raise Unreadable("it is no checkpoint: too deep") from error
    return found.boot, {claim.uid: claim for claim in claims}


def _written(claims: tuple[PreparedClaim, ...], boot: str) -> bytes:
    body = msgspec.json.encode(claims)
    return msgspec.json.encode(_File(VERSION, boot, _checksum(body), msgspec.Raw(body)))


def _checksum(body: bytes | msgspec.Raw) -> str:
    return hashlib.sha256(body).hexdigest()
