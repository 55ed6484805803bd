"""What dratui watches: every stream, the versions it can be read in, and how.

Slices and claims come first: they answer the main question and are a tenth of the bytes; pods come last.
"""

from collections.abc import Mapping
from typing import Any

from dratui.api import core, groups, normalise, scheduling, v1, v1beta1
from dratui.api.wire import Decoding
from dratui.wire import Stream

_RESOURCE = "resource.k8s.io"

_SLICES = Decoding(v1.Slice, normalise.slice_row)
_CLAIMS = Decoding(v1.Claim, normalise.claim_row)
_TEMPLATES = Decoding(v1.Template, normalise.template_row)
_CLASSES = Decoding(v1.DeviceClass, normalise.class_row)
_TAINT_RULES = Decoding(v1.TaintRule, normalise.taint_rule_row)
_BETA_SLICES = Decoding(v1beta1.Slice, v1beta1.slice_row)
_BETA_CLAIMS = Decoding(v1beta1.Claim, v1beta1.claim_row)
_BETA_TEMPLATES = Decoding(v1beta1.Template, v1beta1.template_row)


def _versions(new: Decoding[Any], old: Decoding[Any]) -> dict[str, Decoding[Any]]:
    """Newest first. On the wire v1beta2 is v1, and v1alpha3 is v1beta1."""
    return {"v1": new, "v1beta2": new, "v1beta1": old, "v1alpha3": old}


_CODECS: Mapping[str, Mapping[str, Decoding[Any]]] = {
    "resourceslices": _versions(_SLICES, _BETA_SLICES),
    "resourceclaims": _versions(_CLAIMS, _BETA_CLAIMS),
    "resourceclaimtemplates": _versions(_TEMPLATES, _BETA_TEMPLATES),
    "deviceclasses": _versions(_CLASSES, _CLASSES),
    "devicetaintrules": {"v1": _TAINT_RULES, "v1beta2": _TAINT_RULES, "v1alpha3": _TAINT_RULES},
    "nodes": {"v1": core.NODES},
    "namespaces": {"v1": core.NAMESPACES},
    "resourcequotas": {"v1": core.QUOTAS},
    "podgroups": dict.fromkeys(("v1beta1", "v1alpha3", "v1alpha2"), groups.POD_GROUPS),
    "computedomains": {"v1beta1": groups.COMPUTE_DOMAINS},
    "pods": {"v1": core.PODS},
    "events": {"v1": core.WARNINGS},
    "priorityclasses": {"v1": scheduling.PRIORITY_CLASSES},
}

WARNING_REASONS = ("FailedPrepareDynamicResources", "FailedResourceClaimCreation", "UnexpectedAdmissionError")
"""The reasons of Warning events that concern DRA and device plugins and are told nowhere else.

FailedScheduling is not among them: the pod's PodScheduled condition has the same words. Each reason is a watch of
its own, since a field selector knows no "or", and the other Warnings of a big cluster are tens of thousands.
"""


def codec(plural: str, version: str) -> Decoding[Any]:
    """The decoder of a kind in a version. Raises KeyError for what dratui does not know."""
    return _CODECS[plural][version]


def _stream(
    plural: str, priority: int, *, namespaced: bool, name: str = "", field_selector: str = ""
) -> Stream:
    versions = _CODECS[plural]
    return Stream(
        name=name or plural,
        group=_GROUPS.get(plural, _RESOURCE),
        plural=plural,
        versions=tuple(versions),
        namespaced=namespaced,
        codec=versions.__getitem__,
        field_selector=field_selector,
        priority=priority,
    )


_GROUPS = {
    **dict.fromkeys(("nodes", "namespaces", "resourcequotas", "pods", "events"), ""),
    **dict.fromkeys(("podgroups", "priorityclasses"), "scheduling.k8s.io"),
    "computedomains": "resource.nvidia.com",
}

STREAMS: Mapping[str, Stream] = {
    stream.name: stream
    for stream in (
        _stream("resourceslices", 0, namespaced=False),
        _stream("resourceclaims", 0, namespaced=True),
        _stream("deviceclasses", 0, namespaced=False),
        _stream("resourceclaimtemplates", 1, namespaced=True),
        _stream("devicetaintrules", 1, namespaced=False),
        _stream("podgroups", 1, namespaced=True),
        _stream("computedomains", 1, namespaced=True),
        _stream("nodes", 1, namespaced=False),
        _stream("namespaces", 1, namespaced=False),
        _stream("resourcequotas", 1, namespaced=True),
        *(
            _stream(
                "events",
                1,
                namespaced=True,
                name=f"events:{reason}",
                field_selector=f"type=Warning,reason={reason}",
            )
            for reason in WARNING_REASONS
        ),
        _stream("pods", 2, namespaced=True),
    )
}
"""Every stream that is watched, by its name."""

PRIORITY_CLASSES = _stream("priorityclasses", 1, namespaced=False)
"""Read once by who asks what if; never watched, nor recorded."""
