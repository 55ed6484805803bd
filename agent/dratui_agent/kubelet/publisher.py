"""Keeps the node's slices in the API server: what differs is written, and nothing else, on a thread of its own.

Kubelet deletes the slices of its node when it starts, and 30 s after a plugin has left: they are watched, and come
back. They stay when the agent ends, so that an upgrade disturbs nobody.
"""

import json
import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from kubernetes.client import (
    ApiClient,
    ApiException,
    Configuration,
    CoreV1Api,
    CustomObjectsApi,
    ResourceApi,
    V1DeleteOptions,
    V1Preconditions,
    VersionApi,
)
from urllib3.exceptions import HTTPError

from dratui_agent.kubelet.offers import Offer, Taint
from dratui_agent.kubelet.rollout import Object, Rollout, called, plan
from dratui_agent.kubelet.slices import GROUP, VERSIONS, Content, Server, contents, dropped, same, taints
from dratui_agent.kubelet.watching import PATIENCE, PLURAL, Watching
from dratui_agent.log import log

SETTLE_SECONDS: Final = 0.1
GRACE_SECONDS: Final = 1.0
MOST_SECONDS: Final = 30.0  # between two tries
_INVALID: Final = (400, 422)
_STALE: Final = (404, 409, 410)


def client(address: str, folder: Path) -> ApiClient:
    """The official client, with the service account in a folder; its token is read anew for each request."""

    def refresh(configuration: Configuration) -> None:
        configuration.api_key["authorization"] = f"Bearer {(folder / 'token').read_text().strip()}"

    made = Configuration(host=address)
    made.ssl_ca_cert = str(folder / "ca.crt")
    made.proxy = None
    made.refresh_api_key_hook = refresh  # type: ignore[assignment]  # the client declares it as None
    refresh(made)
    return ApiClient(made)


Recall = Callable[[Mapping[str, Sequence[Taint]]], Iterable[Offer] | None]


class _NotServed(Exception):
    """The API server has no ResourceSlices that could be written."""


def pause(failures: int) -> float:
    """Seconds until the next try, after so many failures: twice as long each time, not the same on all nodes."""
    return random.uniform(0.5, 1.0) * min(MOST_SECONDS, 0.5 * 2.0 ** min(failures, 10))  # noqa: S311


def settle(disputes: int) -> float:
    """Seconds to wait after somebody else's change, which may be one of several: longer when they go on."""
    return min(MOST_SECONDS, SETTLE_SECONDS * 2.0 ** min(disputes, 10))


class Publisher:
    """One pool of one node, which has the node's name. `publish` says what it is to have, and never waits.

    `recall` is told once, before anything is written, which taints devices have from an earlier life of the agent; if
    it answers with offers, these are published. `problem` is why the slices are not as they should be, for people;
    empty when they are, and before it was tried. `published`: they are.
    """

    def __init__(
        self,
        api: ApiClient,
        *,
        driver: str,
        node: str,
        recall: Recall = lambda found: None,
        pause: Callable[[int], float] = pause,
        settle: Callable[[int], float] = settle,
    ) -> None:
        self.problem = ""
        self.published = False
        self._api = api
        self._slices = CustomObjectsApi(api)
        self._driver = driver
        self._node = node
        self._recall: Recall | None = recall
        self._pause = pause
        self._settle = settle
        self._server = Server(version="")
        self._release = ""
        self._wanted: tuple[Offer, ...] | None = None
        self._generation = 0
        self._settled: dict[str, tuple[str, Content]] = {}  # by slice: the version that a content became
        self._refused: object = None  # what the server found wrong, and what there was then
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._failures = 0
        self._thread = threading.Thread(target=self._run, name="slices", daemon=True)

    def start(self) -> None:
        """Begin; nothing is written before something is published."""
        self._thread.start()

    def publish(self, offers: Iterable[Offer]) -> None:
        """What the pool is to have from now on."""
        wanted = tuple(offers)
        if wanted != self._wanted:
            self._wanted = wanted
            self._wake.set()

    def stop(self, patience: float = 2.0) -> None:
        """End, and leave the slices. What is being written may take so many seconds longer."""
        self._stopped.set()
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join(patience)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._follow()
            except (ApiException, HTTPError, OSError, ValueError, KeyError, _NotServed) as error:
                if self._stopped.is_set():
                    break
                stale = isinstance(error, ApiException) and error.status in _STALE
                if not stale or self._failures:
                    self._say(f"slices are not published as they should be: {_reason(error)}")
                    self._stopped.wait(self._pause(self._failures))
                self._failures += 1

    def _follow(self) -> None:
        """List, and keep in step for as long as the watch lasts. Raises what the client raises."""
        self._ask()
        watching = Watching(
            self._api, self._server.version, driver=self._driver, node=self._node, changed=self._wake.set
        )
        if self._recall is not None:
            offers = self._recall(taints((each["spec"] for each in watching.found()), self._server))
            self._recall = None
            if offers is not None:
                self.publish(offers)
        watching.start()
        disputes = -1
        try:
            while not self._stopped.is_set():
                self._wake.clear()
                if watching.trouble is not None:
                    raise watching.trouble
                wanted = self._wanted
                if wanted is not None:
                    self._reconcile(contents(wanted, self._server), watching)
                self._failures = 0
                reconciled = time.monotonic()
                self._wake.wait()
                if wanted is self._wanted:  # it was somebody else
                    disputes = disputes + 1 if time.monotonic() - reconciled < MOST_SECONDS else 0
                    self._stopped.wait(self._settle(disputes))
        finally:
            watching.stop()
            watching.join(GRACE_SECONDS)  # where no answer comes it ends by itself, later

    def _ask(self) -> None:
        """What the server can do. What it was found to drop is asked anew of another release only."""
        try:
            group = ResourceApi(self._api).get_api_group(_request_timeout=PATIENCE)
        except ApiException as error:
            if error.status != 404:
                raise
            raise _NotServed(f"the API server has no {GROUP}: Dynamic Resource Allocation is off") from error
        served = {each.version for each in group.versions}
        version = next((each for each in VERSIONS if each in served), None)
        if version is None:
            raise _NotServed(
                f"the API server has no {GROUP} of {', '.join(VERSIONS)}: is it older than 1.32?"
            )
        code = VersionApi(self._api).get_code(_request_timeout=PATIENCE)
        minor = int("".join(filter(str.isdigit, code.minor)) or 0)
        if code.git_version != self._release:
            self._release = code.git_version
            self._server = Server(apart=minor >= 35, watching=minor >= 35)
        self._server = replace(self._server, version=version)

    def _reconcile(self, wanted: Sequence[Content], watching: Watching) -> None:
        found = watching.found()
        rollout = plan(
            wanted, found, driver=self._driver, node=self._node, least=self._generation, same=self._same
        )
        if not (rollout.obsolete or rollout.changed or rollout.fresh):
            self._say("")
            return
        if self._refused == (wanted, _versions(found)):
            return
        try:
            self._write(rollout, wanted, watching)
            self._say("")
        except ApiException as error:
            if error.status not in _INVALID:
                raise
            self._refused = (wanted, _versions(watching.found()))
            self._say(f"the API server does not take the slices: {_reason(error)}")

    def _same(self, content: Content, slice_: Object) -> bool:
        """What the server, or a webhook, made of a content is what there can be of it."""
        metadata = slice_["metadata"]
        settled = self._settled.get(metadata["name"])
        return settled == (metadata["resourceVersion"], content) or same(
            content, slice_["spec"], self._server
        )

    def _write(self, rollout: Rollout, wanted: Sequence[Content], watching: Watching) -> None:
        owner = self._owner() if rollout.fresh else None
        if not self._server.apart and self._loses_counters(rollout, owner):
            return
        for each in rollout.obsolete:
            self._delete(each, watching)
        for each, spec in rollout.changed:
            answer: Any = self._slices.replace_cluster_custom_object(
                *self._which, each["metadata"]["name"], {**each, "spec": spec}, _request_timeout=PATIENCE
            )
            if self._wrote(spec, answer, watching):
                return
        for place, spec in rollout.fresh:
            body = self._body(place, len(wanted), spec, owner)
            answer = self._slices.create_cluster_custom_object(*self._which, body, _request_timeout=PATIENCE)
            if self._wrote(spec, answer, watching):
                return
        self._generation = rollout.generation
        log.info(
            "published: pool %s, generation %d: %d devices in %d slices",
            *(
                self._node,
                rollout.generation,
                sum(len(each.get("devices", ())) for each in wanted),
                len(wanted),
            ),
        )

    @property
    def _which(self) -> tuple[str, str, str]:
        return GROUP, self._server.version, PLURAL

    def _owner(self) -> Any:
        """The node, which takes its slices with it when it goes."""
        node: Any = CoreV1Api(self._api).read_node(self._node, _request_timeout=PATIENCE)
        return {
            "apiVersion": "v1",
            "kind": "Node",
            "name": self._node,
            "uid": node.metadata.uid,
            "controller": True,
        }

    def _body(self, place: int, count: int, spec: Mapping[str, Any], owner: Any) -> dict[str, Any]:
        name = called(place, count, self._driver, self._node)
        return {
            "apiVersion": f"{GROUP}/{self._server.version}",
            "kind": "ResourceSlice",
            "metadata": {"generateName": name, "ownerReferences": [owner]},
            "spec": spec,
        }

    def _delete(self, slice_: Object, watching: Watching) -> None:
        """If it is still what was looked at."""
        metadata = slice_["metadata"]
        looked_at = V1Preconditions(uid=metadata["uid"], resource_version=metadata["resourceVersion"])
        try:
            self._slices.delete_cluster_custom_object(
                *self._which,
                metadata["name"],
                body=V1DeleteOptions(preconditions=looked_at),
                _request_timeout=PATIENCE,
            )
        except ApiException as error:
            if error.status != 404:
                raise
        watching.deleted(metadata["name"])

    def _loses_counters(self, rollout: Rollout, owner: Any) -> bool:
        """Whether a server that wants counters beside their devices drops them. Nothing is stored to find out.

        Without counters a GPU could be given away as a whole and in parts at the same time.
        """
        specs = [spec for _, spec in (*rollout.fresh, *rollout.changed) if spec.get("sharedCounters")]
        if not specs:
            return False
        owner = owner or self._owner()
        answer: Any = self._slices.create_cluster_custom_object(
            *self._which, self._body(0, 1, specs[0], owner), dry_run="All", _request_timeout=PATIENCE
        )
        return self._learn(dropped(specs[0], answer["spec"], self._server))

    def _wrote(self, spec: Mapping[str, Any], answer: Any, watching: Watching) -> bool:
        """Remember what became of it; whether something was learned that makes everything different."""
        watching.wrote(answer)
        metadata = answer["metadata"]
        content = {key: spec[key] for key in ("devices", "sharedCounters") if key in spec}
        self._settled[metadata["name"]] = (metadata["resourceVersion"], content)
        return self._learn(dropped(content, answer["spec"], self._server))

    def _learn(self, gates: frozenset[str]) -> bool:
        for gate in sorted(gates):
            log.error(
                "the API server drops what needs its feature gate %s, which is off: %s", gate, _WITHOUT[gate]
            )
        if gates:
            self._server = replace(
                self._server,
                counters=self._server.counters and "DRAPartitionableDevices" not in gates,
                taints=self._server.taints and "DRADeviceTaints" not in gates,
            )
            self._wake.set()
        return bool(gates)

    def _say(self, problem: str) -> None:
        self.published = not problem
        if problem and problem != self.problem:
            log.error("%s", problem)
        self.problem = problem


_WITHOUT: Final = {
    "DRAPartitionableDevices": "GPUs are offered as they are, and not in parts",
    "DRADeviceTaints": "devices that should not be given to anybody are not offered",
}


def _versions(found: Iterable[Object]) -> frozenset[tuple[str, str]]:
    return frozenset((each["metadata"]["name"], each["metadata"]["resourceVersion"]) for each in found)


def _reason(error: Exception) -> str:
    """In a line."""
    if not isinstance(error, ApiException):
        return (str(error) or type(error).__name__).partition("\n")[0]
    try:
        said = json.loads(error.body or "")["message"]
    except (ValueError, TypeError, KeyError):
        said = error.reason
    return f"{error.status}: {said}"
