"""gRPC servers at sockets of the node: none that another process serves, none that is left behind."""

import os
import socket
import stat
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import grpc

LONGEST: Final = 107  # bytes of a socket's path: sockaddr_un has 108, the last of them 0
_LOOK_SECONDS: Final = 1.0


class CannotServe(Exception):
    """The plugin cannot begin; the text is for people."""


class Server:
    """Answers calls at a socket, from its making until `stop`. Raises CannotServe."""

    def __init__(self, path: Path, handlers: Sequence[grpc.GenericRpcHandler], workers: int) -> None:
        if (size := len(os.fsencode(path))) > LONGEST:
            raise CannotServe(f"{path} is {size} bytes long, and a socket's path may have {LONGEST}")
        self.path = path
        self._handlers = tuple(handlers)
        self._workers = workers
        self._mark = 0
        self._server = self._begin()

    def _begin(self) -> grpc.Server:
        path = self.path
        server = grpc.server(ThreadPoolExecutor(self._workers, thread_name_prefix=path.stem))
        server.add_generic_rpc_handlers(self._handlers)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if alive(path):
                raise CannotServe(f"another process serves {path}")
            path.unlink(missing_ok=True)
            server.add_insecure_port(f"unix:{path}")
            path.chmod(0o600)
            self._mark = path.stat().st_ino
        except OSError as error:
            raise CannotServe(f"cannot serve {path}: {error.strerror or error}") from error
        except RuntimeError as error:
            raise CannotServe(f"cannot serve {path}: {error}") from error
        server.start()
        return server

    def again(self) -> None:
        """Serve the same anew, after the socket was taken away. Raises CannotServe."""
        self._server.stop(None)
        self._server = self._begin()

    @property
    def there(self) -> bool:
        """Whether its socket is still where it was put."""
        try:
            return self.path.stat().st_ino == self._mark
        except OSError:
            return False

    def stop(self, grace: float) -> None:
        """End after the calls under way, or `grace` seconds. Its socket goes, another's at its place stays."""
        ours = self.there
        self._server.stop(grace).wait(grace + 1)
        if ours and self.there:
            self.path.unlink(missing_ok=True)


def alive(path: Path) -> bool:
    """Whether somebody listens there."""
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            return False
    except OSError:
        return False
    with socket.socket(socket.AF_UNIX) as asking:
        asking.settimeout(_LOOK_SECONDS)
        try:
            asking.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:
            return True  # it does not take us in now: that is somebody
    return True
