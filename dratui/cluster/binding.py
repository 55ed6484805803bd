"""Whether allocated devices can be bound: some must be attached first, and their driver says when, or that it failed.

Until then the scheduler keeps the pod waiting; when binding fails or takes too long it allocates anew.

Source: KEP-5007; pkg/scheduler/framework/plugins/dynamicresources, isClaimReadyForBinding, 1.36.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from dratui.api.model import Claim, Condition, DeviceStatus, Result

TIMEOUT = timedelta(minutes=10)
"""How long the scheduler waits after the allocation by default. Its own is a setting (bindingTimeout of
DynamicResourcesArgs) that the API does not tell."""


def status_of(claim: Claim, result: Result) -> DeviceStatus | None:
    """What the driver reports about one allocated device, or about one share of it if it says of which."""
    for status in claim.device_status:
        if (status.driver, status.pool, status.device) == result.key and status.share_id in (
            "",
            result.share_id,
        ):
            return status
    return None


def pending(result: Result, status: DeviceStatus | None) -> tuple[str, ...]:
    """The binding conditions that are not True yet."""
    if not result.binding_conditions:
        return ()
    met = {c.type for c in _true(status)}
    return tuple(c for c in result.binding_conditions if c not in met)


def failed(result: Result, status: DeviceStatus | None) -> tuple[str, ...]:
    """The binding failure conditions that are True."""
    if not result.binding_failure_conditions:
        return ()
    true = {c.type for c in _true(status)}
    return tuple(c for c in result.binding_failure_conditions if c in true)


def trouble(claim: Claim) -> Iterator[str]:
    """Device by device what failed, with the driver's words, or else what is waited for."""
    for result in claim.allocation.results if claim.allocation else ():
        if not result.binding_conditions and not result.binding_failure_conditions:
            continue
        status = status_of(claim, result)
        if failures := failed(result, status):
            words = [c.message or c.reason for c in _true(status) if c.type in failures]
            said = "".join(f": {w}" for w in words[:1] if w)
            yield f"device {result.device} failed to bind: {', '.join(failures)}{said}"
        elif waits := pending(result, status):
            yield f"device {result.device} is not ready to bind: waits for {', '.join(waits)}"


def gives_up(allocated: datetime | None) -> datetime | None:
    """When the scheduler stops waiting for devices, if it waits as long as by default."""
    try:
        return allocated + TIMEOUT if allocated else None
    except OverflowError:  # after the year 9999
        return None


def _true(status: DeviceStatus | None) -> Iterator[Condition]:
    return (c for c in status.conditions if c.status == "True") if status else iter(())
