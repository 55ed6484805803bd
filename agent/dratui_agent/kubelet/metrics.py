"""The plugin's own series, named as NVIDIA's driver names its own, so that dashboards go on; `driver` tells which."""

import time
from collections import Counter as Tally
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from dratui_agent.kubelet.prepared import PreparedClaim

PREFIX: Final = "nvidia_dra_"
BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 45.0)  # seconds
OPERATIONS: Final = ("prepare", "unprepare")


class Metrics(Collector):
    """Counts calls and errors; for any thread. `claims` are those of the checkpoint, by UID.

    `published`: whether the node's slices are in the API server as they should be.
    """

    def __init__(
        self,
        driver: str,
        node: str,
        claims: Callable[[], Mapping[str, PreparedClaim]],
        published: Callable[[], bool],
    ) -> None:
        self._driver = driver
        self._node = node
        self._claims = claims
        self._published = published
        self._registry = registry = CollectorRegistry(auto_describe=False)
        labels = ("driver", "operation")
        self._requests = Counter(
            PREFIX + "requests", "Calls of kubelet that have ended.", labels, registry=registry
        )
        self._seconds = Histogram(
            PREFIX + "request_duration_seconds",
            "How long these calls took.",
            labels,
            registry=registry,
            buckets=BUCKETS,
        )
        self._inflight = Gauge(
            PREFIX + "requests_inflight", "Calls of kubelet that have not ended.", labels, registry=registry
        )
        self._errors = {
            operation: Counter(
                f"{PREFIX}node_{operation}_errors",
                f"Claims of which `{operation}` went wrong, by what was in the way.",
                ("driver", "error_type"),
                registry=registry,
            )
            for operation in OPERATIONS
        }
        for operation in OPERATIONS:  # there from the start, as 0
            for each in (self._requests, self._seconds, self._inflight):
                each.labels(driver, operation)

    def describe(self) -> Iterable[Metric]:
        """Nothing is registered by name: `collect` is not to be asked at the start."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The series, without the times since when they are counted: NVIDIA's has none."""
        for each in self._registry.collect():
            each.samples = [sample for sample in each.samples if not sample.name.endswith("_created")]
            yield each
        held = [d for c in self._claims().values() if c.state == "completed" for d in c.devices]
        kinds = Tally("gpu" if each.uuid == each.gpu else "mig" for each in held)
        family = GaugeMetricFamily(
            PREFIX + "prepared_devices",
            "Devices that claims were given, as the checkpoint has it.",
            labels=("node", "driver", "device_type"),
        )
        for kind in ("gpu", "mig"):
            family.add_metric([self._node, self._driver, kind], kinds[kind])
        yield family
        family = GaugeMetricFamily(
            PREFIX + "resourceslices_published",
            "1: the node's ResourceSlices are in the API server as they should be. NVIDIA's driver does not tell.",
            labels=("node", "driver"),
        )
        family.add_metric([self._node, self._driver], self._published())
        yield family

    @contextmanager
    def request(self, operation: str) -> Iterator[None]:
        """A call of kubelet, as long as it lasts."""
        began = time.monotonic()
        with self._inflight.labels(self._driver, operation).track_inprogress():
            yield
        self._seconds.labels(self._driver, operation).observe(time.monotonic() - began)
        self._requests.labels(self._driver, operation).inc()

    def failed(self, what: str, why: str) -> None:
        """Of one claim."""
        self._errors[what].labels(self._driver, why).inc()


def families() -> Iterable[Metric]:
    """All of them once: for who wants their names."""
    metrics = Metrics("-", "-", dict, bool)
    for operation in OPERATIONS:
        metrics.failed(operation, "-")
    return metrics.collect()
