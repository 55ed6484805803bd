"""The API server by kept connections: hundreds of pods in a minute leave no time for kubectl."""

import json
import ssl
from collections.abc import Iterator
from http.client import HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import quote, urlsplit

Json = dict[str, Any]

PATIENCE = 60.0  # seconds without any answer

CORE, DRA = "/api/v1", "/apis/resource.k8s.io/v1"
_HEADERS = {"Authorization": "Bearer token-of-admin", "Content-Type": "application/json"}
GONE = 404


class Api:
    """One connection, as admin."""

    def __init__(self, server: str) -> None:
        self._address = urlsplit(server)
        self._connection = self._connected()

    def _connected(self) -> HTTPSConnection:
        context = ssl._create_unverified_context()
        return HTTPSConnection(
            self._address.hostname or "", self._address.port, timeout=PATIENCE, context=context
        )

    def close(self) -> None:
        """No more questions."""
        self._connection.close()

    def get(self, path: str) -> bytes:
        """An object or a list."""
        return self._ask("GET", path)

    def create(self, path: str, document: Json) -> Json:
        """A new object."""
        made: Json = json.loads(self._ask("POST", path, document))
        return made

    def delete(self, path: str) -> None:
        """At once, as far as nobody's finalizer is on it; what is gone is gone."""
        self._ask("DELETE", path, {"gracePeriodSeconds": 0, "propagationPolicy": "Background"})

    def watch(self, path: str, version: str) -> "Watch":
        """What happens to these objects after a version."""
        connection = self._connected()
        connection.request("GET", f"{path}?watch=true&resourceVersion={quote(version)}", headers=_HEADERS)
        return Watch(connection, connection.getresponse())

    def _ask(self, method: str, path: str, document: Json | None = None) -> bytes:
        body = None if document is None else json.dumps(document)
        self._connection.request(method, path, body, _HEADERS)
        answer = self._connection.getresponse()
        said = answer.read()
        if answer.status >= 400 and not (method == "DELETE" and answer.status == GONE):
            raise OSError(f"{method} {path}: {answer.status} {said.decode(errors='replace')}: {body}")
        return said


class Watch:
    """Objects as they change, newest state by namespace and name."""

    def __init__(self, connection: HTTPSConnection, answer: HTTPResponse) -> None:
        self._connection = connection
        self._answer = answer

    def events(self) -> Iterator[tuple[str, Json]]:
        """Kind and object. Raises OSError if nothing comes for a long time."""
        while line := self._answer.readline():
            event = json.loads(line)
            if event["type"] == "ERROR":
                raise OSError(f"a watch ended: {event['object']}")
            yield event["type"], event["object"]
        raise OSError("the API server ended a watch")

    def close(self) -> None:
        """No more of it."""
        self._answer.close()
        self._connection.close()
