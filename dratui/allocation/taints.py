"""Taints of devices, and who tolerates them."""

from collections.abc import Sequence
from typing import Final

from dratui.api.model import Taint, Toleration

_BLOCKING: Final = frozenset(("NoSchedule", "NoExecute"))


def prevents(
    taints: Sequence[Taint], tolerations: Sequence[Toleration], *, unknown: bool = False
) -> Taint | None:
    """The first taint that keeps a device from who tolerates only these; of an `unknown` effect, too."""
    for taint in taints:
        if (unknown or taint.effect in _BLOCKING) and not any(tolerates(each, taint) for each in tolerations):
            return taint
    return None


def tolerates(toleration: Toleration, taint: Taint) -> bool:
    """Source: resourceclaim.ToleratesTaint."""
    if toleration.effect and toleration.effect != taint.effect:
        return False
    if toleration.key and toleration.key != taint.key:
        return False
    match toleration.operator:
        case "" | "Equal":
            return toleration.value == taint.value
        case "Exists":
            return True
    return False
