"""The driver of the agent's tests, with which the comparison itself is tested."""

from tests.agent.conftest import driver, nvml_library

__all__ = ["driver", "nvml_library"]
