"""The first screen's facts: what accelerators there are, who holds them, who waits and why."""

from datetime import datetime

import msgspec

from dratui.api.model import ObjectKey


class DeviceGroup(msgspec.Struct, frozen=True):
    """Devices of one driver and product. `other`: of pools that are incomplete or invalid, or gone."""

    driver: str
    product: str
    total: int
    held: int
    free: int
    tainted: int
    other: int


class PluginGroup(msgspec.Struct, frozen=True):
    """Devices that device plugins advertise under one resource name."""

    name: str
    total: int
    requested: int


class WaitingPod(msgspec.Struct, frozen=True):
    """A pod that waits for accelerators, the longest first."""

    key: ObjectKey
    since: datetime | None
    reason: str
    source: str


class Tenant(msgspec.Struct, frozen=True):
    """What a namespace holds and waits for. `plugin`: devices got from device plugins."""

    namespace: str
    held: int
    waiting: int
    plugin: int


class PoolsSummary(msgspec.Struct, frozen=True):
    """How many pools are in which state."""

    total: int
    complete: int
    incomplete: int
    invalid: int


class Overview(msgspec.Struct, frozen=True):
    """All of it. Texts are clean. `faults`: claims, devices and pools that need a person."""

    devices: tuple[DeviceGroup, ...]
    plugin: tuple[PluginGroup, ...]
    waiting: tuple[WaitingPod, ...]
    waiting_reasons: tuple[tuple[str, int], ...]
    tenants: tuple[Tenant, ...]
    pools: PoolsSummary
    faults: int
