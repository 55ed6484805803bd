"""The scraped node of the agent's tests."""

from tests.agent.conftest import driver, nvml_library, scraped

__all__ = ["driver", "nvml_library", "scraped"]
