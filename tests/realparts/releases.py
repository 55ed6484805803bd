"""The releases of Kubernetes that tests run on, and what each can say of DRA."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tests.realparts.unavailable import PartsUnavailable


@dataclass(frozen=True, eq=False)
class Release:
    """One release, run with the DRA features that it has.

    `gates`: those that are off by default. `served`: every version of resource.k8s.io that has slices and claims,
    newest first; v1alpha3 is served by all, at least for DeviceTaintRules. `groups`: the version of pod groups, where
    gates bring them. `scheduling`: arguments of the scheduler's plugin for DRA. `without`: what of the scenarios is
    left out, by a word that its documents have, and why. `untold`: fields of rows, by kind, that it cannot tell.
    """

    version: str
    gates: tuple[str, ...]
    served: tuple[str, ...]
    groups: str = "v1alpha2"
    scheduling: Mapping[str, str] = field(default_factory=dict)
    without: Mapping[str, str] = field(default_factory=dict)
    untold: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def api_version(self, document: Mapping[str, Any]) -> str:
        """Of a scenario's document, as this release takes it. The server converts it to all others that it serves."""
        group, _, _ = document["apiVersion"].partition("/")
        if group == "scheduling.k8s.io":
            return f"{group}/{self.groups}"
        if group != "resource.k8s.io":
            return str(document["apiVersion"])
        # On the wire v1beta2 is v1, and the rules are the same everywhere.
        return f"{group}/{'v1alpha3' if document['kind'] == 'DeviceTaintRule' else self.served[0]}"


USUAL = Release(
    "v1.36.3",
    gates=(
        "DRADeviceTaintRules",
        "DRAListTypeAttributes",
        "DRANodeAllocatableResources",
        "DRAResourcePoolStatus",
    ),
    served=("v1", "v1beta2", "v1beta1"),
    scheduling={"bindingTimeout": "24h"},  # not 10 minutes: all tests take longer, and one looks at who waits
)
"""All tests run on this one, but for those of versions and of pod groups."""

WITH_GROUPS = replace(
    USUAL, gates=(*USUAL.gates, "DRAWorkloadResourceClaims", "GangScheduling", "GenericWorkload")
)
"""With pod groups, and with a fault that they bring: 1.36.3 ends at a pod whose claim belongs to another."""

NEWER = (
    replace(
        USUAL,
        version="v1.37.1",
        gates=("DRAListTypeAttributes", "DRANodeAllocatableResources", "DRAResourcePoolStatus"),
        groups="v1beta1",
    ),
)
"""These are asked on demand, as the older ones are."""

NEWER_WITH_GROUPS = replace(NEWER[0], gates=(*NEWER[0].gates, "DRAWorkloadResourceClaims", "GenericWorkload"))

_UNTIL_1_35 = {
    "parts.example.com": "counter sets and the devices that consume them are in one slice",
    "cut.example.com": "counter sets and the devices that consume them are in one slice",
    "pool-incomplete": "devices of an incomplete pool are allocated",
    "pool-invalid": "an invalid pool is an error, in other words",
    "tolerationSeconds": "the scheduler does not note tolerations, so a taint evicts at once",
    "report.example.com": "kubelet has no words for how devices are",
    "newest": "all of this is newer",
}

OLDER = (
    Release(
        "v1.34.4",
        gates=(
            "DRAConsumableCapacity",
            "DRADeviceBindingConditions",
            "DRADeviceTaints",
            "DRAExtendedResource",
            "DRAPartitionableDevices",
        ),
        served=("v1", "v1beta2", "v1beta1"),
        without=_UNTIL_1_35,
        untold={"taintrules": ["conditions"]},
    ),
    Release(
        "v1.33.13",
        gates=(
            "DynamicResourceAllocation",
            "DRAAdminAccess",
            "DRADeviceTaints",
            "DRAPartitionableDevices",
            "DRAPrioritizedList",
        ),
        served=("v1beta2", "v1beta1", "v1alpha3"),
        without=_UNTIL_1_35
        | {
            "share.example.com": "no consumable capacity",
            "slot.example.com": "no consumable capacity",
            "example.com/extended": "no extended resources by device class",
            "attach.example.com": "no binding conditions",
            "example.com/plug": "no extended resources by device class",
            "overlaid-admin": "a namespace is allowed admin access by another label",
        },
        untold={"claims": ["allocated", "bindingEnds"], "taintrules": ["conditions"]},
    ),
)

ALL = (*OLDER, USUAL, *NEWER)


def named(version: str) -> Release:
    """The release of a version. Raises PartsUnavailable."""
    for release in ALL:
        if release.version == version:
            return release
    known = ", ".join(release.version for release in ALL)
    raise PartsUnavailable(f"no release {version} is known here", hint=f"those that are: {known}")
