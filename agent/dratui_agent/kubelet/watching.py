"""The slices of one driver on one node, as the API server has them: listed, then watched, on a thread of its own."""

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from kubernetes.client import ApiClient, ApiException, CustomObjectsApi
from kubernetes.watch.watch import iter_resp_lines
from urllib3.exceptions import ReadTimeoutError

from dratui_agent.kubelet.apiclient import PATIENCE
from dratui_agent.kubelet.rollout import Object
from dratui_agent.resources import GROUP

PLURAL: Final = "resourceslices"
WATCH_SECONDS: Final = 300  # after which the server ends a watch, and the next one goes on from there
SILENT_SECONDS: Final = (
    90.0  # it sends a bookmark each minute; a connection that is quiet for longer may be none
)


class Watching(threading.Thread):
    """Listed when made, which raises what the client raises; watched from `start` until `stop` or trouble.

    `changed` is called, on this thread, after every change and at the end. `trouble` is why it ended; None before.
    """

    def __init__(
        self, api: ApiClient, version: str, *, driver: str, node: str, changed: Callable[[], None]
    ) -> None:
        super().__init__(name="slices watch", daemon=True)
        self.trouble: Exception | None = None
        self._slices = CustomObjectsApi(api)
        self._which = (GROUP, version, PLURAL)
        self._selector = f"spec.nodeName={node},spec.driver={driver}"
        self._changed = changed
        self._lock = threading.Lock()
        self._answer: Any = None
        self._stopping = False
        listed: Any = self._slices.list_cluster_custom_object(
            *self._which, field_selector=self._selector, _request_timeout=PATIENCE
        )
        self._version: str = listed["metadata"]["resourceVersion"]
        self._found: dict[str, Object] = {each["metadata"]["name"]: each for each in listed["items"]}

    def found(self) -> list[Object]:
        """All that there are, as far as is known."""
        with self._lock:
            return list(self._found.values())

    def wrote(self, answer: Object) -> bool:
        """A slice as it is now. What is older than what is known is left out; whether it was news."""
        name = answer["metadata"]["name"]
        with self._lock:
            known = self._found.get(name)
            if known is not None and revision(known) >= revision(answer):
                return False
            self._found[name] = answer
        return True

    def deleted(self, name: str, at: int | None = None) -> bool:
        """A slice is gone, as of a revision."""
        with self._lock:
            known = self._found.get(name)
            if known is None or (at is not None and revision(known) > at):
                return False
            del self._found[name]
        return True

    def run(self) -> None:
        """Watch until `stop` or trouble."""
        try:
            while not self._stopping:
                self._watch()
        except Exception as error:  # noqa: BLE001  who listens is told, whatever it is
            self.trouble = error
        finally:
            self._stopping = True
            self._changed()

    def stop(self) -> None:
        """End soon: what is being waited for is let go."""
        self._stopping = True
        if (answer := self._answer) is not None:
            with suppress(OSError, ValueError, RuntimeError):  # it has ended already
                answer.shutdown()

    def _watch(self) -> None:
        """One request's worth of events."""
        answer: Any = self._slices.list_cluster_custom_object(
            *self._which,
            field_selector=self._selector,
            watch=True,
            allow_watch_bookmarks=True,
            resource_version=self._version,
            timeout_seconds=WATCH_SECONDS,
            _request_timeout=(PATIENCE[0], SILENT_SECONDS),
            _preload_content=False,
        )
        self._answer = answer
        try:
            # Looked at after that: whoever stops us has either shut it down, or was too early to know it.
            for line in () if self._stopping else iter_resp_lines(answer):  # type: ignore[no-untyped-call]  # client
                if self._stopping:
                    return
                self._heard(json.loads(line))
        except ReadTimeoutError:
            pass
        finally:
            self._answer = None
            answer.close()

    def _heard(self, event: Any) -> None:
        told = event["object"]
        if event["type"] == "ERROR":
            raise ApiException(status=told.get("code", 500), reason=told.get("message", "the watch failed"))
        self._version = told["metadata"]["resourceVersion"]
        if event["type"] == "BOOKMARK":
            return
        if event["type"] == "DELETED":
            news = self.deleted(told["metadata"]["name"], revision(told))
        else:
            news = self.wrote(told)
        if news:
            self._changed()


def revision(slice_: Object) -> int:
    """Which of two states of an object is the newer; comparable since Kubernetes says so (KEP-5504), and before."""
    text = slice_["metadata"].get("resourceVersion", "")
    return int(text) if text.isdecimal() else 0
