"""A publisher on a real API server, with all that it asks and writes."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import kubernetes.config
from dratui_agent.kubelet.offers import Offer, Taint
from dratui_agent.kubelet.publisher import Publisher, Recall
from kubernetes.client import ApiClient

from tests.realparts.controlplane import ControlPlane

DRIVER = "gpu.dratui.dev"
PATIENCE = 30.0
MIB = 1 << 20


class Client(ApiClient):
    """As the agent has it; `writes` are the requests that change something."""

    def __init__(self, kubeconfig: Path) -> None:
        made = kubernetes.config.new_client_from_config(str(kubeconfig))  # type: ignore[no-untyped-call]  # of the client
        super().__init__(made.configuration)
        self.writes: list[tuple[str, str]] = []

    def call_api(self, method: str, url: str, *arguments: Any, **more: Any) -> Any:
        if method != "GET":
            self.writes.append((method, "dry run" if "dryRun=All" in url else url.rpartition("/")[2]))
        return super().call_api(method, url, *arguments, **more)


class Pool:
    """The slices of one node, which is made for it and taken away."""

    def __init__(self, plane: ControlPlane, node: str) -> None:
        self.plane = plane
        self.node = node

    def slices(self) -> list[dict[str, Any]]:
        """In the order of their names."""
        found = self.plane.objects("resourceslices", "--field-selector", f"spec.nodeName={self.node}")
        return sorted(found, key=lambda each: str(each["metadata"]["name"]))

    def devices(self) -> list[str]:
        """The pool as a scheduler sees it, if it is whole."""
        slices = self.slices()
        pools = [each["spec"]["pool"] for each in slices]
        assert pools
        assert all(pool == pools[0] for pool in pools), pools
        assert pools[0]["resourceSliceCount"] == len(slices), pools
        return [device["name"] for each in slices for device in each["spec"].get("devices", ())]

    def until_it_has(self, *devices: str) -> list[dict[str, Any]]:
        """The slices, once they are whole and have these devices."""

        def has_them() -> bool:
            found = self.devices()
            assert found == list(devices)
            return True

        self.plane.wait(
            has_them, PATIENCE, f"the slices of {self.node} to have {', '.join(devices) or 'nothing'}"
        )
        return self.slices()


@contextmanager
def publishing(
    client: ApiClient, node: str, recall: Recall = lambda found: None, pause: float = 0.1
) -> Iterator[Publisher]:
    publisher = Publisher(client, driver=DRIVER, node=node, recall=recall, pause=lambda failures: pause)
    publisher.start()
    try:
        yield publisher
    finally:
        publisher.stop(PATIENCE)
        client.rest_client.close()


def offer(
    number: int, *, taints: tuple[Taint, ...] = (), consumes: Mapping[str, Mapping[str, int]] | None = None
) -> Offer:
    """A GPU."""
    uuid = f"GPU-{number:08}"
    return Offer(
        name=f"gpu-{number}",
        kind="gpu",
        gpu=uuid,
        minor=number,
        uuid=uuid,
        attributes={"type": "gpu", "uuid": uuid},
        capacity={"memory": 81559 * MIB},
        consumes=consumes or {},
        taints=taints,
    )
