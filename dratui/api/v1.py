"""`resource.k8s.io/v1` and `v1beta2`, which look the same on the wire."""

from datetime import datetime
from typing import Any

import msgspec

from dratui.api import model
from dratui.api.wire import Metadata, Object, Struct

Quantity = str | int | float
"""A quantity. The server always sends text; a hand-made recording may hold a bare number."""


class AttributeValue(Struct, frozen=True):
    """Exactly one is set."""

    string: str | None = None
    int_: int | None = msgspec.field(name="int", default=None)
    bool_: bool | None = msgspec.field(name="bool", default=None)
    version: str | None = None
    strings: tuple[str, ...] | None = None
    ints: tuple[int, ...] | None = None
    bools: tuple[bool, ...] | None = None
    versions: tuple[str, ...] | None = None


class Range(Struct, frozen=True):
    """validRange of a requestPolicy."""

    min: Quantity | None = None
    max: Quantity | None = None
    step: Quantity | None = None


class Policy(Struct, frozen=True):
    """requestPolicy of a capacity."""

    default: Quantity | None = None
    valid_values: tuple[Quantity, ...] | None = None
    valid_range: Range | None = None


class DeviceCapacity(Struct, frozen=True):
    """A capacity."""

    value: Quantity = "0"
    request_policy: Policy | None = None


class Counter(Struct, frozen=True):
    """A counter."""

    value: Quantity = "0"


class CounterSet(Struct, frozen=True):
    """A counter set of a slice."""

    name: str = ""
    counters: dict[str, Counter] | None = None


class Consumption(Struct, frozen=True):
    """What a device consumes of a counter set."""

    counter_set: str = ""
    counters: dict[str, Counter] | None = None
    compatibility_groups: tuple[str, ...] | None = None


class Device(Struct, frozen=True):
    """A device; in v1beta1 all but the name sits in `basic`."""

    name: str = ""
    attributes: dict[str, AttributeValue] | None = None
    # A bare quantity is `v1alpha3`.
    capacity: dict[str, DeviceCapacity | str] | None = None
    consumes_counters: tuple[Consumption, ...] | None = None
    node_name: str | None = None
    node_selector: model.NodeSelector | None = None
    all_nodes: bool | None = None
    taints: tuple[model.Taint, ...] | None = None
    binds_to_node: bool | None = None
    binding_conditions: tuple[str, ...] | None = None
    binding_failure_conditions: tuple[str, ...] | None = None
    allow_multiple_allocations: bool | None = None


class Pool(Struct, frozen=True):
    """The pool of a slice."""

    name: str = ""
    generation: int = 0
    resource_slice_count: int = 0


class SliceSpec(Struct, frozen=True):
    """ResourceSliceSpec."""

    driver: str = ""
    pool: Pool = Pool()
    node_name: str | None = None
    node_selector: model.NodeSelector | None = None
    all_nodes: bool | None = None
    per_device_node_selection: bool | None = None
    devices: tuple[Device, ...] | None = None
    shared_counters: tuple[CounterSet, ...] | None = None
    skip_node_operations: tuple[str, ...] | None = None


class Slice(Object, frozen=True):
    """ResourceSlice."""

    spec: SliceSpec = SliceSpec()


class CEL(Struct, frozen=True):
    """A CEL selector."""

    expression: str = ""


class Selector(Struct, frozen=True):
    """A selector of devices."""

    cel: CEL = CEL()


class CapacityRequests(Struct, frozen=True):
    """What a request wants of shared capacities."""

    requests: dict[str, Quantity] | None = None


class DerivedAttribute(Struct, frozen=True):
    """An attribute that is computed of each device, from 1.37."""

    name: str = ""


class ExactRequest(Struct, frozen=True):
    """`exactly`, or an entry of `firstAvailable`."""

    name: str = ""  # of an entry of firstAvailable
    device_class_name: str = ""
    selectors: tuple[Selector, ...] | None = None
    allocation_mode: str = "ExactCount"
    count: int | None = None
    admin_access: bool | None = None
    tolerations: tuple[model.Toleration, ...] | None = None
    capacity: CapacityRequests | None = None
    derived_attributes: tuple[DerivedAttribute, ...] | None = None


class DeviceRequest(Struct, frozen=True):
    """An entry of spec.devices.requests."""

    name: str = ""
    exactly: ExactRequest | None = None
    first_available: tuple[ExactRequest, ...] | None = None


class DeviceClaim(Struct, frozen=True):
    """spec.devices of a claim."""

    requests: tuple[DeviceRequest, ...] | None = None
    constraints: tuple[model.Constraint, ...] | None = None


class ClaimSpec(Struct, frozen=True):
    """ResourceClaimSpec."""

    devices: DeviceClaim = DeviceClaim()


class Result(Struct, frozen=True):
    """An allocated device."""

    request: str = ""
    driver: str = ""
    pool: str = ""
    device: str = ""
    admin_access: bool | None = None
    share_id: str | None = msgspec.field(name="shareID", default=None)
    consumed_capacity: dict[str, Quantity] | None = None
    tolerations: tuple[model.Toleration, ...] | None = None
    binding_conditions: tuple[str, ...] | None = None
    binding_failure_conditions: tuple[str, ...] | None = None


class Results(Struct, frozen=True):
    """status.allocation.devices."""

    results: tuple[Result, ...] | None = None


class Allocation(Struct, frozen=True):
    """status.allocation."""

    devices: Results = Results()
    node_selector: model.NodeSelector | None = None
    allocation_timestamp: datetime | None = None


class ConsumerReference(Struct, frozen=True):
    """An entry of status.reservedFor."""

    api_group: str = ""
    resource: str = ""
    name: str = ""
    uid: str = ""


class AllocatedDeviceStatus(Struct, frozen=True):
    """An entry of status.devices."""

    driver: str = ""
    pool: str = ""
    device: str = ""
    share_id: str | None = msgspec.field(name="shareID", default=None)
    conditions: tuple[model.Condition, ...] | None = None
    network_data: model.NetworkData | None = None
    data: Any = None


class ClaimStatus(Struct, frozen=True):
    """ResourceClaimStatus."""

    allocation: Allocation | None = None
    reserved_for: tuple[ConsumerReference, ...] | None = None
    devices: tuple[AllocatedDeviceStatus, ...] | None = None


class ClaimMetadata(Metadata, frozen=True):
    """ObjectMeta of a claim. Only claims' annotations say something; those of pods are long."""

    annotations: dict[str, str] | None = None


class Claim(Object, frozen=True):
    """ResourceClaim."""

    metadata: ClaimMetadata = ClaimMetadata()
    spec: ClaimSpec = ClaimSpec()
    status: ClaimStatus | None = None


class TemplateSpec(Struct, frozen=True):
    """The claim that a template makes."""

    spec: ClaimSpec = ClaimSpec()


class Template(Object, frozen=True):
    """ResourceClaimTemplate."""

    spec: TemplateSpec = TemplateSpec()


class ClassSpec(Struct, frozen=True):
    """DeviceClassSpec."""

    selectors: tuple[Selector, ...] | None = None
    extended_resource_name: str | None = None


class DeviceClass(Object, frozen=True):
    """DeviceClass."""

    spec: ClassSpec = ClassSpec()


class TaintSelector(Struct, frozen=True):
    """Which devices a DeviceTaintRule taints. The class and the selectors are v1alpha3's of 1.33 and 1.34."""

    device_class_name: str | None = None
    driver: str | None = None
    pool: str | None = None
    device: str | None = None
    selectors: tuple[Selector, ...] | None = None


class TaintRuleSpec(Struct, frozen=True):
    """DeviceTaintRuleSpec."""

    device_selector: TaintSelector | None = None
    taint: model.Taint = model.Taint()


class TaintRuleStatus(Struct, frozen=True):
    """DeviceTaintRuleStatus, from 1.36."""

    conditions: tuple[model.Condition, ...] | None = None


class TaintRule(Object, frozen=True):
    """DeviceTaintRule, but for the selector the same from v1alpha3 on."""

    spec: TaintRuleSpec = TaintRuleSpec()
    status: TaintRuleStatus = TaintRuleStatus()
