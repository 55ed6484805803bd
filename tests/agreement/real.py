"""One generated cluster on the real control plane: made, asked pod by pod, taken away."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from dratui.api.model import Pod
from dratui.api.streams import codec
from tests.agreement import generator
from tests.agreement.api import CORE, DRA, Api
from tests.agreement.generator import ADMIN, CLASSES, PLAIN, Cluster, Json, Wish
from tests.realparts.controlplane import ControlPlane

LAST = "last.agree.example"
"""A driver whose one device is published after all others: once a pod has it, the scheduler knows them all."""

_LAST_CLASS: Json = {
    "apiVersion": "resource.k8s.io/v1",
    "kind": "DeviceClass",
    "metadata": {"name": LAST},
    "spec": {"selectors": [{"cel": {"expression": f'device.driver == "{LAST}"'}}]},
}


@dataclass(frozen=True)
class Listed:
    """Everything of a kind: the objects, and as dratui reads them."""

    objects: Sequence[Json]
    rows: Sequence[Any]
    version: str


@dataclass(frozen=True)
class Outcome:
    """What the scheduler did: a node, or none and its reason and words."""

    node: str
    reason: str
    words: str


class Real:
    """The cluster of a moment. Its pods are told by a number."""

    def __init__(self, server: str, prefix: str, cluster: Cluster) -> None:
        self._api = Api(server)
        self._prefix = prefix
        self._cluster = cluster
        self._pods: dict[int, tuple[str, list[str]]] = {}  # namespace, claims

    @contextmanager
    def made(self) -> Iterator[None]:
        """There for as long as the context lasts, and known to the scheduler."""
        pods, claims = (self._list(f"{path}") for path in (f"{CORE}/pods", f"{DRA}/resourceclaims"))
        self._watched_pods = self._api.watch(f"{CORE}/pods", pods.version)
        self._watched_claims = self._api.watch(f"{DRA}/resourceclaims", claims.version)
        self._pod_events, self._claim_events = self._watched_pods.events(), self._watched_claims.events()
        try:
            for node in self._cluster.nodes:
                self._api.create(f"{CORE}/nodes", node)
            for each in self._cluster.slices:
                self._api.create(f"{DRA}/resourceslices", each)
            self._make_known()
            yield
        finally:
            self.release(list(self._pods))
            for each in (*self._cluster.slices, self._last_slice()):
                self._api.delete(f"{DRA}/resourceslices/{each['metadata']['name']}")
            for node in self._cluster.nodes:
                self._api.delete(f"{CORE}/nodes/{node['metadata']['name']}")
            self._watched_pods.close()
            self._watched_claims.close()
            self._api.close()

    def listed(self, plural: str) -> Listed:
        """All of a kind of resource.k8s.io, or the cluster's own nodes."""
        if plural == "nodes":
            return self._list(
                f"{CORE}/nodes?labelSelector={quote(generator.CLUSTER, safe='')}%3D{self._prefix}"
            )
        return self._list(f"{DRA}/{plural}")

    def pod(self, number: int, wish: Wish) -> Pod:
        """As dratui will see it, before it is there."""
        namespace, claims = self._pods[number]
        document = _pod(f"{self._prefix}-{number}", claims, wish.node_selector)
        document["metadata"]["namespace"] = namespace
        body = json.dumps({"metadata": {}, "items": [document | {"status": {"phase": "Pending"}}]})
        (row,) = codec("pods", "v1").page(body.encode()).rows
        assert isinstance(row, Pod)
        return row

    def make_claims(self, number: int, wish: Wish) -> list[str]:
        """Those of a pod: their names."""
        names = [f"{self._prefix}-{number}-{index}" for index in range(len(wish.claims))]
        for name, spec in zip(names, wish.claims, strict=True):
            claim = {"apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaim", "metadata": {"name": name}}
            self._api.create(f"{DRA}/namespaces/{wish.namespace}/resourceclaims", {**claim, "spec": spec})
        self._pods[number] = wish.namespace, names
        return names

    def schedule(self, number: int, wish: Wish) -> Outcome:
        """What becomes of the pod."""
        namespace, claims = self._pods[number]
        name = f"{self._prefix}-{number}"
        self._api.create(f"{CORE}/namespaces/{namespace}/pods", _pod(name, claims, wish.node_selector))
        return self._outcome(name)

    def release(self, numbers: Sequence[int]) -> None:
        """Delete pods and their claims, and wait until the claims are gone and the devices free."""
        waits: set[tuple[str, str]] = set()
        for number in numbers:
            namespace, claims = self._pods.pop(number)
            self._api.delete(f"{CORE}/namespaces/{namespace}/pods/{self._prefix}-{number}")
            for claim in claims:
                self._api.delete(f"{DRA}/namespaces/{namespace}/resourceclaims/{claim}")
                waits.add((namespace, claim))
        while waits:
            kind, gone = next(self._claim_events)
            if kind == "DELETED":
                waits.discard((gone["metadata"]["namespace"], gone["metadata"]["name"]))

    def _list(self, path: str) -> Listed:
        body = self._api.get(path)
        found = json.loads(body)
        plural = path.rpartition("/")[2].partition("?")[0]
        rows = codec(plural, "v1").page(body).rows
        return Listed(found["items"], rows, found["metadata"]["resourceVersion"])

    def _outcome(self, name: str, *, patient: bool = False) -> Outcome:
        for _, pod in self._pod_events:
            if pod["metadata"]["name"] != name:
                continue
            if node := pod["spec"].get("nodeName"):
                return Outcome(node, "", "")
            for condition in pod["status"].get("conditions", ()):
                if condition["type"] == "PodScheduled" and condition["status"] == "False" and not patient:
                    return Outcome("", condition["reason"], condition.get("message", ""))
        raise AssertionError

    def _last_slice(self) -> Json:
        node = self._cluster.nodes[-1]["metadata"]["name"]
        return {
            "apiVersion": "resource.k8s.io/v1",
            "kind": "ResourceSlice",
            "metadata": {"name": f"{self._prefix}-{LAST}"},
            "spec": {
                "driver": LAST,
                "pool": {"name": node, "generation": 1, "resourceSliceCount": 1},
                "nodeName": node,
                "devices": [{"name": "last"}],
            },
        }

    def _make_known(self) -> None:
        self._api.create(f"{DRA}/resourceslices", self._last_slice())
        spec = {"devices": {"requests": [{"name": "last", "exactly": {"deviceClassName": LAST}}]}}
        wish = Wish(PLAIN, {generator.CLUSTER: self._prefix}, [spec])
        names = self.make_claims(-1, wish)
        name = f"{self._prefix}--1"
        self._api.create(f"{CORE}/namespaces/{PLAIN}/pods", _pod(name, names, wish.node_selector))
        self._outcome(name, patient=True)
        self.release([-1])


def furnish(plane: ControlPlane) -> None:
    """What all clusters share: namespaces and classes."""
    for name in (PLAIN, ADMIN):
        labels = {"resource.kubernetes.io/admin-access": "true"} if name == ADMIN else {}
        metadata = {"name": name, "labels": labels}
        plane.apply(json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}))
    plane.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": [*CLASSES, _LAST_CLASS]}))
    for name in (PLAIN, ADMIN):
        plane.wait_for_namespace(name)


def _pod(name: str, claims: Sequence[str], node_selector: dict[str, str]) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            "nodeSelector": node_selector,
            "containers": [{"name": "main", "image": "work:1"}],
            "resourceClaims": [
                {"name": f"c{n}", "resourceClaimName": claim} for n, claim in enumerate(claims)
            ],
        },
    }
