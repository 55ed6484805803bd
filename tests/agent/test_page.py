"""`/metrics` is made once for all who ask at about the same time."""

from dratui_agent.exporter import own
from dratui_agent.exporter.page import KEPT_SECONDS, Page
from dratui_agent.exporter.state import State
from dratui_agent.exporter.stream import Stream
from dratui_agent.sample import Device, DeviceSample, Sample

GPU = Device("GPU-1", "gpu", "NVIDIA H100", "GPU-1", 0, 0)


class Clock:
    seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def sample(power: float) -> Sample:
    return Sample(1790000000.0, 0.01, "595.58.03", (DeviceSample(GPU, {"power": power}, {}),))


def test_it_is_made_once_a_second_and_for_every_sample() -> None:
    clock = Clock()
    state = State(1.0, clock=clock)
    page = Page(state, own.registry(state, Stream(state), lambda: 0), clock=clock)
    assert b"dratui_agent_ready 0" in page.body("text")
    state.take(sample(600.0))
    first = page.body("text")
    assert b" 600\n" in first
    assert b"dratui_agent_sample_age_seconds 0.0" in first
    assert page.body("text") is first
    assert page.body("openmetrics").endswith(b"# EOF\n")
    clock.seconds += KEPT_SECONDS
    assert b"dratui_agent_sample_age_seconds 1.0" in page.body("text"), "the age of a sample that stays grows"
    state.take(sample(500.0))
    assert b" 500\n" in page.body("text")
