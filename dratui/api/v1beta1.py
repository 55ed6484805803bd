"""`resource.k8s.io/v1beta1` and `v1alpha3` to `dratui.api.model`.

Against v1, devices sit one level deeper (`basic`) and a request is flat: what `exactly` holds stands beside its name.
v1alpha3 differs from v1beta1 in a capacity that is a bare quantity, which `dratui.api.v1` reads too.
"""

import msgspec

from dratui.api import model, normalise, v1
from dratui.api.wire import Object, Struct


class Device(Struct, frozen=True):
    """A device."""

    name: str = ""
    basic: v1.Device = v1.Device()


class SliceSpec(v1.SliceSpec, frozen=True):
    """ResourceSliceSpec."""

    devices: tuple[Device, ...] | None = None  # type: ignore[assignment]  # the one field that differs


class Slice(Object, frozen=True):
    """ResourceSlice."""

    spec: SliceSpec = SliceSpec()


class DeviceRequest(v1.ExactRequest, frozen=True):
    """An entry of spec.devices.requests."""

    first_available: tuple[v1.ExactRequest, ...] | None = None


class DeviceClaim(Struct, frozen=True):
    """spec.devices of a claim."""

    requests: tuple[DeviceRequest, ...] | None = None
    constraints: tuple[model.Constraint, ...] | None = None


class ClaimSpec(Struct, frozen=True):
    """ResourceClaimSpec."""

    devices: DeviceClaim = DeviceClaim()


class Claim(Object, frozen=True):
    """ResourceClaim."""

    metadata: v1.ClaimMetadata = v1.ClaimMetadata()
    spec: ClaimSpec = ClaimSpec()
    status: v1.ClaimStatus | None = None


class TemplateSpec(Struct, frozen=True):
    """The claim that a template makes."""

    spec: ClaimSpec = ClaimSpec()


class Template(Object, frozen=True):
    """ResourceClaimTemplate."""

    spec: TemplateSpec = TemplateSpec()


def slice_row(wire: Slice) -> model.Slice:
    """Normalise a ResourceSlice."""
    devices = tuple(msgspec.structs.replace(d.basic, name=d.name) for d in wire.spec.devices or ())
    spec = {name: getattr(wire.spec, name) for name in v1.SliceSpec.__struct_fields__}
    return normalise.slice_row(
        v1.Slice(metadata=wire.metadata, spec=v1.SliceSpec(**spec | {"devices": devices}))
    )


def _request(wire: DeviceRequest) -> v1.DeviceRequest:
    return v1.DeviceRequest(
        name=wire.name, exactly=None if wire.first_available else wire, first_available=wire.first_available
    )


def _spec(wire: ClaimSpec) -> v1.ClaimSpec:
    return v1.ClaimSpec(
        v1.DeviceClaim(
            requests=tuple(_request(r) for r in wire.devices.requests or ()),
            constraints=wire.devices.constraints,
        )
    )


def claim_row(wire: Claim) -> model.Claim:
    """Normalise a ResourceClaim."""
    return normalise.claim_row(v1.Claim(metadata=wire.metadata, spec=_spec(wire.spec), status=wire.status))


def template_row(wire: Template) -> model.Template:
    """Normalise a ResourceClaimTemplate."""
    return normalise.template_row(
        v1.Template(metadata=wire.metadata, spec=v1.TemplateSpec(_spec(wire.spec.spec)))
    )
