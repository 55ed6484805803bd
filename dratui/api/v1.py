"""`resource.k8s.io/v1` and `v1beta2`, which look the same on the wire, to `dratui.api.model`."""

from datetime import datetime
from sys import intern
from typing import Any

import msgspec

from dratui.api import model
from dratui.api.wire import Decoding, Object, Struct, controller, head

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


class Device(Struct, frozen=True):
    """A device; in v1beta1 all but the name sits in `basic`."""

    name: str = ""
    attributes: dict[str, AttributeValue] | None = None
    # A bare quantity is `v1alpha3` as 1.31 and 1.32 served it.
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
    conditions: tuple[model.Condition, ...] | None = None


class ClaimStatus(Struct, frozen=True):
    """ResourceClaimStatus."""

    allocation: Allocation | None = None
    reserved_for: tuple[ConsumerReference, ...] | None = None
    devices: tuple[AllocatedDeviceStatus, ...] | None = None


class Claim(Object, frozen=True):
    """ResourceClaim."""

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
    """Which devices a DeviceTaintRule taints."""

    driver: str | None = None
    pool: str | None = None
    device: str | None = None


class TaintRuleSpec(Struct, frozen=True):
    """DeviceTaintRuleSpec."""

    device_selector: TaintSelector | None = None
    taint: model.Taint = model.Taint()


class TaintRule(Object, frozen=True):
    """DeviceTaintRule, the same from v1alpha3 on."""

    spec: TaintRuleSpec = TaintRuleSpec()


# --- to the model ---------------------------------------------------------------------------------


def slice_row(wire: Slice) -> model.Slice:
    """Normalise a ResourceSlice."""
    spec = wire.spec
    return model.Slice(
        **head(wire.metadata),
        driver=intern(spec.driver),
        pool=intern(spec.pool.name),
        generation=spec.pool.generation,
        expected_slices=spec.pool.resource_slice_count,
        node=intern(spec.node_name or ""),
        node_selector=spec.node_selector,
        all_nodes=bool(spec.all_nodes),
        per_device_nodes=bool(spec.per_device_node_selection),
        devices=tuple(device(d) for d in spec.devices or ()),
        counter_sets=tuple(
            model.CounterSet(c.name, _counters(c.counters)) for c in spec.shared_counters or ()
        ),
    )


def device(wire: Device) -> model.Device:
    """Normalise a device."""
    return model.Device(
        name=intern(wire.name),
        attributes={intern(k): _attribute(v) for k, v in (wire.attributes or {}).items()},
        capacity={intern(k): _capacity(v) for k, v in (wire.capacity or {}).items()},
        taints=wire.taints or (),
        consumes=tuple(
            model.CounterConsumption(c.counter_set, _counters(c.counters))
            for c in wire.consumes_counters or ()
        ),
        node=intern(wire.node_name or ""),
        node_selector=wire.node_selector,
        all_nodes=bool(wire.all_nodes),
        binds_to_node=bool(wire.binds_to_node),
        binding_conditions=wire.binding_conditions or (),
        binding_failure_conditions=wire.binding_failure_conditions or (),
        multiple_allocations=bool(wire.allow_multiple_allocations),
    )


def _attribute(wire: AttributeValue) -> model.AttributeValue:
    if wire.string is not None:
        return intern(wire.string) if len(wire.string) < 36 else wire.string  # a uuid is never shared
    if wire.version is not None:
        return model.Version(intern(wire.version))
    if wire.versions is not None:
        return tuple(model.Version(intern(v)) for v in wire.versions)
    for value in (wire.int_, wire.bool_, wire.strings, wire.ints, wire.bools):
        if value is not None:
            return value
    return ""


def _capacity(wire: DeviceCapacity | str) -> model.Capacity:
    if isinstance(wire, str):
        return model.Capacity(intern(wire))
    policy = wire.request_policy
    if policy is None:
        return model.Capacity(intern(str(wire.value)))
    span = policy.valid_range
    return model.Capacity(
        str(wire.value),
        model.RequestPolicy(
            default=_optional(policy.default),
            valid_values=tuple(str(v) for v in policy.valid_values or ()),
            valid_range=None
            if span is None
            else model.CapacityRange(_optional(span.min), _optional(span.max), _optional(span.step)),
        ),
    )


def _optional(quantity: Quantity | None) -> str | None:
    return None if quantity is None else str(quantity)


def _counters(wire: dict[str, Counter] | None) -> dict[str, str]:
    return {intern(k): intern(str(v.value)) for k, v in (wire or {}).items()}


def _exact(name: str, wire: ExactRequest) -> model.Request:
    return model.Request(
        name=intern(name),
        device_class=intern(wire.device_class_name),
        selectors=tuple(intern(s.cel.expression) for s in wire.selectors or ()),
        mode=intern(wire.allocation_mode),
        count=1 if wire.count is None else wire.count,
        admin_access=bool(wire.admin_access),
        tolerations=wire.tolerations or (),
        capacity={k: str(v) for k, v in ((wire.capacity or CapacityRequests()).requests or {}).items()},
    )


def _request(wire: DeviceRequest) -> model.Request:
    if wire.first_available:
        return model.Request(
            name=intern(wire.name),
            count=0,
            alternatives=tuple(_exact(a.name, a) for a in wire.first_available),
        )
    return _exact(wire.name, wire.exactly or ExactRequest())


def _devices(spec: ClaimSpec) -> dict[str, Any]:
    return {
        "requests": tuple(_request(r) for r in spec.devices.requests or ()),
        "constraints": spec.devices.constraints or (),
    }


def claim_row(wire: Claim) -> model.Claim:
    """Normalise a ResourceClaim."""
    annotations = wire.metadata.annotations or {}
    status = wire.status or ClaimStatus()
    return model.Claim(
        **head(wire.metadata),
        **_devices(wire.spec),
        owner=controller(wire.metadata),
        pod_claim_name=annotations.get("resource.kubernetes.io/pod-claim-name", ""),
        extended_resource=annotations.get("resource.kubernetes.io/extended-resource-claim") == "true",
        finalizers=wire.metadata.finalizers or (),
        allocation=None if status.allocation is None else _allocation(status.allocation),
        consumers=tuple(
            model.Consumer(intern(c.resource), c.name, c.uid, intern(c.api_group))
            for c in status.reserved_for or ()
        ),
        device_status=tuple(
            model.DeviceStatus(d.driver, d.pool, d.device, d.conditions or ()) for d in status.devices or ()
        ),
    )


def _allocation(wire: Allocation) -> model.Allocation:
    return model.Allocation(
        results=tuple(
            model.Result(
                request=intern(r.request),
                driver=intern(r.driver),
                pool=intern(r.pool),
                device=intern(r.device),
                admin_access=bool(r.admin_access),
                share_id=r.share_id or "",
                consumed_capacity={k: str(v) for k, v in (r.consumed_capacity or {}).items()},
                binding_conditions=r.binding_conditions or (),
                binding_failure_conditions=r.binding_failure_conditions or (),
            )
            for r in wire.devices.results or ()
        ),
        node=intern(_single_node(wire.node_selector)),
        node_selector=wire.node_selector,
        at=wire.allocation_timestamp,
    )


def _single_node(selector: model.NodeSelector | None) -> str:
    """The node that a selector names by `metadata.name In [node]`, if it names just one."""
    match selector:
        case model.NodeSelector(
            (model.NodeSelectorTerm((), (model.NodeRequirement("metadata.name", "In", (n,)),)),)
        ):
            return n
    return ""


def template_row(wire: Template) -> model.Template:
    """Normalise a ResourceClaimTemplate."""
    return model.Template(**head(wire.metadata), **_devices(wire.spec.spec))


def class_row(wire: DeviceClass) -> model.DeviceClass:
    """Normalise a DeviceClass."""
    return model.DeviceClass(
        **head(wire.metadata),
        selectors=tuple(s.cel.expression for s in wire.spec.selectors or ()),
        extended_resource=wire.spec.extended_resource_name or "",
    )


def taint_rule_row(wire: TaintRule) -> model.TaintRule:
    """Normalise a DeviceTaintRule."""
    selector = wire.spec.device_selector or TaintSelector()
    return model.TaintRule(
        **head(wire.metadata),
        driver=selector.driver or "",
        pool=selector.pool or "",
        device=selector.device or "",
        taint=wire.spec.taint,
    )


SLICES = Decoding(Slice, slice_row)
CLAIMS = Decoding(Claim, claim_row)
TEMPLATES = Decoding(Template, template_row)
CLASSES = Decoding(DeviceClass, class_row)
TAINT_RULES = Decoding(TaintRule, taint_rule_row)
