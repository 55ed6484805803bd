"""A call of the library: its answer, or why there is none.

One device's trouble is its own, and a reason beside its values; trouble of the whole driver is raised.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import pynvml as nvml

from dratui_agent.nvml.quantity import Handle
from dratui_agent.sample import Absent

_REASONS: Final = {
    nvml.NVML_ERROR_NOT_SUPPORTED: Absent.NOT_SUPPORTED,
    nvml.NVML_ERROR_FUNCTION_NOT_FOUND: Absent.NOT_SUPPORTED,
    nvml.NVML_ERROR_ARGUMENT_VERSION_MISMATCH: Absent.NOT_SUPPORTED,
    nvml.NVML_ERROR_NO_PERMISSION: Absent.NO_PERMISSION,
    nvml.NVML_ERROR_NO_DATA: Absent.NOT_YET,
    nvml.NVML_ERROR_NOT_READY: Absent.NOT_YET,
    nvml.NVML_ERROR_GPU_IS_LOST: Absent.LOST,
    nvml.NVML_ERROR_RESET_REQUIRED: Absent.RESET_REQUIRED,
}
_GONE: Final = (
    nvml.NVML_ERROR_UNINITIALIZED,
    nvml.NVML_ERROR_DRIVER_NOT_LOADED,
    nvml.NVML_ERROR_LIBRARY_NOT_FOUND,
)
_EXPECTED: Final = (Absent.NOT_SUPPORTED, Absent.NOT_YET)  # nobody's fault: not counted as errors


class Asking:
    """Asks, and counts what goes wrong: `errors` by call and NVML's code, since the start."""

    def __init__(self) -> None:
        self.errors: Counter[tuple[str, int]] = Counter()

    def ask(self, call: str, ask: Callable[..., Any], *arguments: Any) -> Any:
        """A call's answer, or why there is none. Raises NVMLError for what is wrong with all of the driver."""
        try:
            return ask(*arguments)
        except nvml.NVMLError as error:
            code = error.value
            if code in _GONE or code == nvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH:
                raise
            reason = _REASONS.get(code, Absent.FAILED)
            if reason not in _EXPECTED:
                self.errors[call, code] += 1
            return reason

    def text(self, call: str, handle: Handle) -> str | Absent:
        """What a call of that name says of a device."""
        ask: Callable[[Handle], str] = getattr(nvml, call)
        found: str | Absent = self.ask(call, ask, handle)
        return found
