"""Everything that is read, as data: calls of the library, and the values that they give.

To serve one more value, add it to a module of `readings`: the sampler reads it, and metrics, stream and documentation
follow.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pynvml as nvml

from dratui_agent.nvml.quantity import GPU, Handle, Metric, Quantity, Reading
from dratui_agent.nvml.readings import links, memory, power, state, work

_FIELDS: Final = (*power.FIELDS, *memory.FIELDS, *state.FIELDS, *links.FIELDS)
_NUMBERS: Final = [each.number for each in _FIELDS]


def _fields(handle: Handle) -> tuple[float | None, ...]:
    found = nvml.nvmlDeviceGetFieldValues(handle, _NUMBERS)
    return tuple(
        None if told.nvmlReturn else _value(told) * each.times / each.per
        for told, each in zip(found, _FIELDS, strict=True)
    )


def _value(field_value: Any) -> float:
    union = field_value.value
    match field_value.valueType:
        case nvml.NVML_VALUE_TYPE_DOUBLE:
            return float(union.dVal)
        case nvml.NVML_VALUE_TYPE_UNSIGNED_INT:
            return float(union.uiVal)
        case nvml.NVML_VALUE_TYPE_SIGNED_LONG_LONG:
            return float(union.sllVal)
        case nvml.NVML_VALUE_TYPE_SIGNED_INT:
            return float(union.siVal)
        case _:
            return float(union.ullVal)


READINGS: Final[Sequence[Reading]] = (
    *work.READINGS,
    *memory.READINGS,
    *power.READINGS,
    *links.READINGS,
    *state.READINGS,
    Reading(tuple(each.quantity for each in _FIELDS), _fields, GPU),
)
"""What is asked of handles. GPM, NVLinks and processes are read otherwise: `gpm`, `node`."""

GPM: Final[Sequence[Metric]] = work.GPM

QUANTITIES: Final[Mapping[str, Quantity]] = {
    quantity.key: quantity
    for quantity in (
        *(quantity for reading in READINGS for quantity in reading.quantities),
        links.NVLINKS,
        *(metric.quantity for metric in GPM),
    )
}
"""All of them, by key."""
