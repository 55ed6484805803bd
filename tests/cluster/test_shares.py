"""Shares of a device: what each consumes, what is left, what rounding costs."""

from typing import Any

import pytest

from dratui.api.model import Capacity, Claim, Device, DeviceKey, Request, Result
from dratui.cluster.devices import DeviceRow, device_row
from dratui.cluster.shares import SharedCapacity
from tests.cluster.build import DRIVER, claim, slice_, store

SHARED = slice_("node-1", Device("gpu-0", capacity={"memory": Capacity("80Gi")}, multiple_allocations=True))


def share(name: str, memory: str, *, asked: str = "", **more: Any) -> Claim:
    got = Result(
        "gpu",
        DRIVER,
        "node-1",
        "gpu-0",
        share_id=f"of {name}",
        consumed_capacity={"memory": memory} if memory else {},
        **more,
    )
    return claim(name, got, requests=(Request("gpu", capacity={"memory": asked} if asked else {}),))


def device(*rows: Any) -> DeviceRow:
    found = device_row(store(*rows), DeviceKey(DRIVER, "node-1", "gpu-0"))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("shares", "consumed", "left"),
    [
        ([], "0", "80Gi"),
        ([share("a", "60Gi"), share("b", "512Mi")], "61952Mi", "19968Mi"),
        ([share("watcher", "60Gi", admin_access=True)], "0", "80Gi"),
        ([share("a", "60Gi"), share("b", "60Gi")], "120Gi", "-40Gi"),
        ([share("a", "")], "0", "80Gi"),
        ([share("a", "much")], None, None),
    ],
)
def test_what_shares_consume_and_leave(shares: list[Claim], consumed: str | None, left: str | None) -> None:
    assert device(SHARED, *shares).shared_capacity == (SharedCapacity("memory", "80Gi", consumed, left),)


@pytest.mark.parametrize(
    ("asked", "waste"), [("55Gi", {"memory": "5Gi"}), ("60Gi", {}), ("", {}), ("much", {})]
)
def test_rounding_waste_is_known_where_the_request_is(asked: str, waste: dict[str, str]) -> None:
    (holding,) = device(SHARED, share("a", "60Gi", asked=asked)).claims
    assert holding.rounding_waste == waste


def test_a_device_that_is_not_shared_has_no_shared_capacity() -> None:
    assert (
        device(slice_("node-1", Device("gpu-0", capacity={"memory": Capacity("80Gi")}))).shared_capacity == ()
    )
