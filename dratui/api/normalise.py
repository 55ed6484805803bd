"""From the wire of `resource.k8s.io/v1` to `dratui.api.model`; older versions come here by way of v1's Structs."""

from collections.abc import Mapping
from functools import lru_cache
from sys import intern
from typing import Any

import msgspec

from dratui.api import model, v1
from dratui.api.wire import controller, head, shared


def slice_row(wire: v1.Slice) -> model.Slice:
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
        devices=tuple([device(d) for d in spec.devices or ()]),
        counter_sets=tuple(
            model.CounterSet(c.name, _counters(c.counters)) for c in spec.shared_counters or ()
        ),
        skip_operations=spec.skip_node_operations or (),
    )


def device(wire: v1.Device) -> model.Device:
    """Normalise a device."""
    return model.Device(
        name=intern(wire.name),
        attributes={intern(k): _attribute(v) for k, v in (wire.attributes or {}).items()},
        capacity=_mapping(*[(intern(k), _capacity(v)) for k, v in (wire.capacity or {}).items()]),
        taints=wire.taints or (),
        consumes=tuple(
            [
                model.CounterConsumption(
                    intern(c.counter_set), _counters(c.counters), c.compatibility_groups or ()
                )
                for c in wire.consumes_counters
            ]
        )
        if wire.consumes_counters
        else (),
        node=intern(wire.node_name) if wire.node_name else "",
        node_selector=wire.node_selector,
        all_nodes=bool(wire.all_nodes),
        binds_to_node=bool(wire.binds_to_node),
        binding_conditions=wire.binding_conditions or (),
        binding_failure_conditions=wire.binding_failure_conditions or (),
        multiple_allocations=bool(wire.allow_multiple_allocations),
    )


_version = lru_cache(10_000)(model.Version)  # as the next: the devices of a cluster are of a few models
_plain_capacity = lru_cache(10_000)(model.Capacity)


@lru_cache(10_000)
def _mapping(*items: tuple[str, model.Capacity]) -> Mapping[str, model.Capacity]:
    return dict(items)


def _attribute(wire: v1.AttributeValue) -> model.AttributeValue:
    if wire.string is not None:
        return intern(wire.string) if len(wire.string) < 36 else wire.string  # a uuid is never shared
    if wire.version is not None:
        return _version(wire.version)
    if wire.versions is not None:
        return tuple(_version(v) for v in wire.versions)
    for value in (wire.int_, wire.bool_, wire.strings, wire.ints, wire.bools):
        if value is not None:
            return value
    return ()  # of a kind that we do not know


def _capacity(wire: v1.DeviceCapacity | str) -> model.Capacity:
    if isinstance(wire, str):
        return _plain_capacity(wire)
    policy = wire.request_policy
    if policy is None:
        return _plain_capacity(str(wire.value))
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


def _optional(quantity: v1.Quantity | None) -> str | None:
    return None if quantity is None else str(quantity)


def _counters(wire: dict[str, v1.Counter] | None) -> dict[str, str]:
    return {intern(k): intern(str(v.value)) for k, v in (wire or {}).items()}


def _exact(name: str, wire: v1.ExactRequest) -> model.Request:
    return model.Request(
        name=intern(name),
        device_class=intern(wire.device_class_name),
        selectors=tuple(intern(s.cel.expression) for s in wire.selectors or ()),
        mode=intern(wire.allocation_mode),
        count=1 if wire.count is None else wire.count,
        admin_access=bool(wire.admin_access),
        tolerations=wire.tolerations or (),
        capacity={k: str(v) for k, v in ((wire.capacity or v1.CapacityRequests()).requests or {}).items()},
        derives=bool(wire.derived_attributes),
    )


def _request(wire: v1.DeviceRequest) -> model.Request:
    if wire.first_available:
        return model.Request(
            name=intern(wire.name),
            count=0,
            alternatives=tuple(_exact(a.name, a) for a in wire.first_available),
        )
    return _exact(wire.name, wire.exactly or v1.ExactRequest())


def _devices(spec: v1.ClaimSpec) -> tuple[tuple[model.Request, ...], tuple[model.Constraint, ...]]:
    """The requests and constraints; one object for all claims of a template, which ask for the same."""
    try:
        return _known(spec.devices)
    except TypeError:  # that requests shares of capacities has no hash
        return _asked(spec.devices)


def _asked(wire: v1.DeviceClaim) -> tuple[tuple[model.Request, ...], tuple[model.Constraint, ...]]:
    return tuple([_request(r) for r in wire.requests or ()]), wire.constraints or ()


_known = lru_cache(10_000)(_asked)


def claim_row(wire: v1.Claim) -> model.Claim:
    """Normalise a ResourceClaim."""
    meta = wire.metadata
    annotations = meta.annotations or {}
    status = wire.status or _NO_STATUS
    requests, constraints = _devices(wire.spec)
    return model.Claim(
        **head(meta),
        requests=requests,
        constraints=constraints,
        owner=controller(meta),
        pod_claim_name=annotations.get("resource.kubernetes.io/pod-claim-name", ""),
        extended_resource=annotations.get("resource.kubernetes.io/extended-resource-claim") == "true",
        finalizers=shared(meta.finalizers) if meta.finalizers else (),
        allocation=None if status.allocation is None else _allocation(status.allocation),
        consumers=tuple(
            [
                # As the owner's, name and uid are often those of one and the same pod: kept once.
                model.Consumer(intern(c.resource), intern(c.name), intern(c.uid), intern(c.api_group))
                for c in status.reserved_for
            ]
        )
        if status.reserved_for
        else (),
        device_status=tuple([_device_status(d) for d in status.devices]) if status.devices else (),
    )


_NO_STATUS = v1.ClaimStatus()


def _device_status(wire: v1.AllocatedDeviceStatus) -> model.DeviceStatus:
    return model.DeviceStatus(
        intern(wire.driver),
        intern(wire.pool),
        intern(wire.device),
        wire.conditions or (),
        wire.share_id or "",
        wire.network_data,
        _opaque(wire.data),
    )


_MOST_DATA = 10 * 1024
"""Bytes: what a server allows a driver for one device."""


def _opaque(data: Any) -> str:
    """A driver's own data as JSON; empty if there are none."""
    if data is None:
        return ""
    text = msgspec.json.encode(data).decode()
    return text if len(text) <= _MOST_DATA else f'"{len(text)} characters of data, more than is allowed"'


def _allocation(wire: v1.Allocation) -> model.Allocation:
    selector = None if wire.node_selector is None else shared(wire.node_selector)
    return model.Allocation(
        tuple([_result(r) for r in wire.devices.results or ()]),
        intern(_single_node(selector)),
        selector,
        wire.allocation_timestamp,
    )


_NOTHING: Mapping[str, str] = {}


def _result(wire: v1.Result) -> model.Result:
    return model.Result(
        intern(wire.request),
        intern(wire.driver),
        intern(wire.pool),
        intern(wire.device),
        bool(wire.admin_access),
        wire.share_id or "",
        {k: str(v) for k, v in wire.consumed_capacity.items()} if wire.consumed_capacity else _NOTHING,
        wire.binding_conditions or (),
        wire.binding_failure_conditions or (),
        wire.tolerations or (),
    )


def _single_node(selector: model.NodeSelector | None) -> str:
    """The node that a selector names by `metadata.name In [node]`, if it names just one."""
    match selector:
        case model.NodeSelector(
            (model.NodeSelectorTerm((), (model.NodeRequirement("metadata.name", "In", (n,)),)),)
        ):
            return n
    return ""


def template_row(wire: v1.Template) -> model.Template:
    """Normalise a ResourceClaimTemplate."""
    requests, constraints = _devices(wire.spec.spec)
    return model.Template(**head(wire.metadata), requests=requests, constraints=constraints)


def class_row(wire: v1.DeviceClass) -> model.DeviceClass:
    """Normalise a v1.DeviceClass."""
    return model.DeviceClass(
        **head(wire.metadata),
        selectors=tuple(s.cel.expression for s in wire.spec.selectors or ()),
        extended_resource=wire.spec.extended_resource_name or "",
    )


def taint_rule_row(wire: v1.TaintRule) -> model.TaintRule:
    """Normalise a DeviceTaintRule."""
    selector = wire.spec.device_selector or v1.TaintSelector()
    return model.TaintRule(
        **head(wire.metadata),
        driver=selector.driver or "",
        pool=selector.pool or "",
        device=selector.device or "",
        device_class=selector.device_class_name or "",
        selectors=tuple(s.cel.expression for s in selector.selectors or ()),
        taint=wire.spec.taint,
        conditions=wire.status.conditions or (),
    )
