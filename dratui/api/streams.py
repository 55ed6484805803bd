"""What dratui watches: every stream, the versions it can be read in, and how.

Slices and claims come first: they answer the main question and are a tenth of the bytes; pods come last.
"""

from collections.abc import Mapping
from typing import Any

from dratui.api import core, v1, v1beta1
from dratui.api.wire import Decoding
from dratui.wire import Stream

_RESOURCE = "resource.k8s.io"

# `v1beta2` is `v1` on the wire.
_CODECS: Mapping[str, Mapping[str, Decoding[Any]]] = {
    "resourceslices": {
        "v1": v1.SLICES,
        "v1beta2": v1.SLICES,
        "v1beta1": v1beta1.SLICES,
        "v1alpha3": v1beta1.SLICES,
    },
    "resourceclaims": {
        "v1": v1.CLAIMS,
        "v1beta2": v1.CLAIMS,
        "v1beta1": v1beta1.CLAIMS,
        "v1alpha3": v1beta1.CLAIMS,
    },
    "resourceclaimtemplates": {
        "v1": v1.TEMPLATES,
        "v1beta2": v1.TEMPLATES,
        "v1beta1": v1beta1.TEMPLATES,
        "v1alpha3": v1beta1.TEMPLATES,
    },
    "deviceclasses": {
        "v1": v1.CLASSES,
        "v1beta2": v1.CLASSES,
        "v1beta1": v1.CLASSES,
        "v1alpha3": v1.CLASSES,
    },
    "devicetaintrules": {"v1": v1.TAINT_RULES, "v1beta2": v1.TAINT_RULES, "v1alpha3": v1.TAINT_RULES},
    "nodes": {"v1": core.NODES},
    "namespaces": {"v1": core.NAMESPACES},
    "resourcequotas": {"v1": core.QUOTAS},
    "pods": {"v1": core.PODS},
    "events": {"v1": core.WARNINGS},
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
        group="" if plural in _CORE else _RESOURCE,
        plural=plural,
        versions=tuple(versions),
        namespaced=namespaced,
        codec=versions.__getitem__,
        field_selector=field_selector,
        priority=priority,
    )


_CORE = frozenset({"nodes", "namespaces", "resourcequotas", "pods", "events"})

STREAMS: Mapping[str, Stream] = {
    stream.name: stream
    for stream in (
        _stream("resourceslices", 0, namespaced=False),
        _stream("resourceclaims", 0, namespaced=True),
        _stream("deviceclasses", 0, namespaced=False),
        _stream("resourceclaimtemplates", 1, namespaced=True),
        _stream("devicetaintrules", 1, namespaced=False),
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
"""Every stream by its name."""
