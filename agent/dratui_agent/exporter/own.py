"""What the agent tells of itself."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from dratui_agent import __version__
from dratui_agent.exporter.state import State
from dratui_agent.exporter.stream import Stream
from dratui_agent.holders import Holders
from dratui_agent.sample import Sample

PREFIX: Final = "dratui_agent_"


class Own(Collector):
    """Reads the state when it is asked."""

    def __init__(
        self,
        state: State,
        stream: Stream,
        connections: Callable[[], int],
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._state = state
        self._stream = stream
        self._connections = connections
        self._now = now

    def describe(self) -> list[Metric]:
        """Nothing is registered by name: `collect` is not to be asked at the start."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The series."""
        build = {"version": __version__, "python": ".".join(map(str, sys.version_info[:3]))}
        yield InfoMetricFamily(PREFIX + "build", "The agent.", build)
        sample, age = self._state.sample, self._state.age
        yield GaugeMetricFamily(
            PREFIX + "ready",
            "1 while samples are fresh and there is a driver.",
            0 if self._state.trouble else 1,
        )
        if self._state.attributes:
            yield GaugeMetricFamily(
                PREFIX + "attribution_ok",
                "1 while who holds what can be asked.",
                0 if self._state.holders.problem or self._state.holders.at is None else 1,
            )
        yield CounterMetricFamily(PREFIX + "samples", "Samples that were taken.", self._state.number)
        yield GaugeMetricFamily(PREFIX + "connections", "Connections to the agent.", self._connections())
        yield GaugeMetricFamily(
            PREFIX + "stream_subscribers", "Who listens to the stream.", self._stream.subscribers
        )
        yield CounterMetricFamily(
            PREFIX + "stream_dropped_samples",
            "Samples that subscribers did not get, since they read too slowly.",
            self._stream.dropped,
        )
        if sample is None or age is None:
            return
        yield GaugeMetricFamily(PREFIX + "sample_age_seconds", "Age of the values that are served.", age)
        yield GaugeMetricFamily(
            PREFIX + "sample_duration_seconds", "How long reading them took.", sample.took
        )
        yield GaugeMetricFamily(
            PREFIX + "devices", "Devices that were found, MIG devices among them.", len(sample.devices)
        )
        errors = CounterMetricFamily(
            PREFIX + "nvml_errors",
            "Errors of the driver's library, by call and NVML's code.",
            labels=("call", "code"),
        )
        for (call, code), number in sorted(sample.errors.items()):
            errors.add_metric([call, str(code)], number)
        yield errors
        if sample.driver:
            yield InfoMetricFamily(PREFIX + "driver", "The driver.", {"version": sample.driver})
        if self._state.holders.at is not None:
            yield GaugeMetricFamily(
                PREFIX + "attribution_age_seconds",
                "Age of what is known of who holds what.",
                max(0.0, self._now() - self._state.holders.at),
            )


def families() -> Iterator[Metric]:
    """All of them once, whatever they say: for who wants their names."""
    state = State(1.0)
    state.take(Sample(0.0, 0.0, "-", errors={("-", 0): 1}))
    state.attribute(Holders(0.0))
    return Own(state, Stream(state), int).collect()


def registry(
    state: State, stream: Stream, connections: Callable[[], int], others: Iterable[Collector] = ()
) -> CollectorRegistry:
    """The agent's own series, and those of its process; and others."""
    made = CollectorRegistry(auto_describe=False)
    for each in (Own(state, stream, connections), *others):
        made.register(each)
    ProcessCollector(registry=made)
    return made
