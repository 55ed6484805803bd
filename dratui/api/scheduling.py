"""PriorityClasses (`scheduling.k8s.io/v1`) to `dratui.api.model`."""

from dratui.api import model
from dratui.api.wire import Decoding, Object, head


class PriorityClass(Object, frozen=True):
    """PriorityClass."""

    value: int = 0
    global_default: bool = False
    preemption_policy: str | None = None


def _row(wire: PriorityClass) -> model.PriorityClass:
    return model.PriorityClass(
        **head(wire.metadata),
        value=wire.value,
        default=wire.global_default,
        preempts=wire.preemption_policy != "Never",
    )


PRIORITY_CLASSES = Decoding(PriorityClass, _row)
