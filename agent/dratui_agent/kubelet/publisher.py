"""Keeps the node's slices in the API server: what differs is written, and nothing else, on a thread of its own.

Kubelet deletes the slices of its node when it starts, and 30 s after a plugin has left: they are watched, and come
back. They stay when the agent ends, so that an upgrade disturbs nobody.
"""

import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from kubernetes.client import (
    ApiClient,
    ApiException,
    CoreV1Api,
    CustomObjectsApi,
    V1DeleteOptions,
    V1Preconditions,
)

from dratui_agent.kubelet.apiclient import PATIENCE, ask, reason
from dratui_agent.kubelet.offers import Offer, Taint
from dratui_agent.kubelet.rollout import Object, Rollout, called, plan
from dratui_agent.kubelet.slices import Content, Server, contents, dropped, same, taints
from dratui_agent.kubelet.watching import PLURAL, Watching
from dratui_agent.log import log
from dratui_agent.resources import GROUP

SETTLE_SECONDS: Final = 0.1
GRACE_SECONDS: Final = 1.0
MOST_SECONDS: Final = 30.0  # between two tries
_INVALID: Final = (400, 422)
_STALE: Final = (404, 409, 410)

Recall = Callable[[Mapping[str, Sequence[Taint]]], Iterable[Offer] | None]


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
        self._wanted: tuple[Offer, ...] | None = None
        self._generation = 0
        self._settled: dict[str, tuple[str, Content]] = {}  # by slice: the version that a content became
        self._refused: object = None  # what the server found wrong, and what there was then
        self._wake = threading.Event()
        self._stopped = threading.Event()
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
        failures = 0
        while not self._stopped.is_set():
            began = time.monotonic()
            try:
                self._follow()
            except Exception as error:  # noqa: BLE001  whatever it is, it is tried again
                if self._stopped.is_set():
                    break
                if time.monotonic() - began > MOST_SECONDS:  # it went well for a while
                    failures = 0
                if failures or not (isinstance(error, ApiException) and error.status in _STALE):
                    self._say(f"slices are not published as they should be: {reason(error)}")
                    self._stopped.wait(self._pause(failures))
                failures += 1

    def _follow(self) -> None:
        """List, and keep in step for as long as the watch lasts. Raises what the client raises."""
        self._server = ask(self._api, self._server)
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
                reconciled = time.monotonic()
                self._wake.wait()
                if wanted is self._wanted:  # it was somebody else
                    disputes = disputes + 1 if time.monotonic() - reconciled < MOST_SECONDS else 0
                    self._stopped.wait(self._settle(disputes))
        finally:
            watching.stop()
            watching.join(GRACE_SECONDS)  # where no answer comes it ends by itself, later

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
            if self._write(rollout, wanted, watching):
                self._say("")
        except ApiException as error:
            if error.status not in _INVALID:
                raise
            self._refused = (wanted, _versions(watching.found()))
            self._say(f"the API server does not take the slices: {reason(error)}")

    def _same(self, content: Content, slice_: Object) -> bool:
        """What the server, or a webhook, made of a content is what there can be of it."""
        metadata = slice_["metadata"]
        settled = self._settled.get(metadata["name"])
        return settled == (metadata["resourceVersion"], content) or same(
            content, slice_["spec"], self._server
        )

    def _write(self, rollout: Rollout, wanted: Sequence[Content], watching: Watching) -> bool:
        """Whether all was written; if not, something was learned that makes everything different."""
        owner = self._owner() if rollout.fresh else None
        if not self._server.apart and self._loses_counters(rollout, owner):
            return False
        for each in rollout.obsolete:
            self._delete(each, watching)
        for each, spec in rollout.changed:
            answer: Any = self._slices.replace_cluster_custom_object(
                *self._which, each["metadata"]["name"], {**each, "spec": spec}, _request_timeout=PATIENCE
            )
            if self._wrote(spec, answer, watching):
                return False
        for place, spec in rollout.fresh:
            body = self._body(place, len(wanted), spec, owner)
            answer = self._slices.create_cluster_custom_object(*self._which, body, _request_timeout=PATIENCE)
            if self._wrote(spec, answer, watching):
                return False
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
        return True

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
