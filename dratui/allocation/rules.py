"""How the allocators of Kubernetes 1.34, 1.35 and 1.36 differ: the differences as data, each with what it means.

A server has up to three implementations, and runs the first that supports all of its features. What each does was seen
by asking them; sources: k8s.io/dynamic-resource-allocation/structured/internal of v0.34.4, v0.35.4 and v0.36.3.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Literal

from dratui.allocation.cel.selector import Dialect


class Feature(StrEnum):
    """What a feature gate turns on, as the allocator names it."""

    ADMIN_ACCESS = "AdminAccess"
    BINDING = "DeviceBindingAndStatus"
    BINDING_CONDITIONS = "DeviceBinding"  # 1.34 has these two in its place
    CONSUMABLE_CAPACITY = "ConsumableCapacity"
    LISTS = "ListTypeAttributes"
    PARTITIONABLE = "PartitionableDevices"
    PRIORITIZED_LIST = "PrioritizedList"
    STATUS = "DeviceStatus"
    TAINTS = "DeviceTaints"


Features = frozenset[Feature]
Implementation = Literal["stable", "incubating", "experimental"]
Release = Literal["1.34", "1.35", "1.36"]

_FOUR: Final = frozenset(
    (Feature.ADMIN_ACCESS, Feature.TAINTS, Feature.PARTITIONABLE, Feature.PRIORITIZED_LIST)
)
_SUPPORTED: Final[dict[Release, tuple[tuple[Implementation, Features], ...]]] = {
    "1.34": (("stable", frozenset()), ("incubating", _FOUR)),
    "1.35": (("stable", frozenset()), ("incubating", _FOUR)),
    "1.36": (("stable", _FOUR), ("incubating", frozenset(Feature) - {Feature.LISTS})),
}

DEFAULT_FEATURES: Final[dict[Release, Features]] = {
    "1.34": frozenset((Feature.ADMIN_ACCESS, Feature.PRIORITIZED_LIST, Feature.STATUS)),
    "1.35": frozenset((Feature.ADMIN_ACCESS, Feature.PRIORITIZED_LIST)),
    "1.36": _FOUR | {Feature.CONSUMABLE_CAPACITY, Feature.BINDING},
}
"""Those of the gates that are on when nobody says otherwise."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How one implementation decides. `release` names are of the first release that is as said."""

    release: Release
    implementation: Implementation
    features: Features
    dialect: Dialect  # of CEL
    combinations: bool = (
        True  # a further device of a request comes behind the one before; else all permutations
    )
    sorted_slices: bool = True  # of a pool by name; else as given
    binding_last: bool = True  # pools with binding conditions come behind all others
    binding_slices_last: bool = False  # within a pool, too
    distinct: bool = True  # distinctAttribute is known
    distinct_by_value: bool = True  # else every device differs, but from itself
    refuses_capacity_requests: bool = True  # with the gate off; else they are ignored
    refusal_names_subrequest: bool = True  # else the request, whichever of its alternatives has one
    whole_pools: bool = True  # a pool is complete by all slices of its generation; else by those for the node
    uses_incomplete: bool = False  # for ExactCount
    invalid_is_error: bool = False  # when the search gets there; else skipped
    counters_of_slice: bool = (
        False  # counters are in the slice of the devices that consume them; else in one of their own
    )
    counter_slices_are_skipped: bool = True  # where nothing is partitionable
    shares_consume: bool = True  # a device that others share consumes its counters
    each_share_consumes: bool = False  # within the claims of a pod; else the first only
    leaves_traces: bool = (
        False  # counters stay taken of a device that is refused behind them, or given back shared
    )
    second_look_elsewhere: bool = (
        False  # at the capacity, of another device of the slice; refused, all traces stay
    )
    unknown_effects_block: bool = False  # of taints
    all_by_first: bool = (
        False  # of alternatives: `All` behind the first looks at the first from its second device on
    )
    gives_tolerations: bool = True

    def has(self, feature: Feature) -> bool:
        """Whether it is on."""
        return feature in self.features

    @property
    def binding(self) -> bool:
        """Whether devices with binding conditions are given out."""
        return self.has(Feature.BINDING) or {Feature.BINDING_CONDITIONS, Feature.STATUS} <= self.features


def implementation(release: Release, features: Features) -> Implementation:
    """The first that supports all of them."""
    return next((name for name, supported in _SUPPORTED[release] if features <= supported), "experimental")


def rules(
    release: Release,
    features: Features,
    *,
    list_attributes: bool = False,
    chosen: Implementation | None = None,
) -> Rules:
    """Of a server. `list_attributes`: whether its CEL knows them, which the allocator may not. `chosen`: the
    implementation, if it is not the one that such a server runs."""
    chosen = chosen or implementation(release, features)
    stable, experimental = chosen == "stable", chosen == "experimental"
    if release == "1.36":
        dialect = Dialect(list_attributes=list_attributes, tells_sharing=not stable)
        found = Rules(release, chosen, features, dialect)
        if stable:
            found = replace(
                found,
                combinations=False,
                sorted_slices=False,
                distinct=False,
                refuses_capacity_requests=False,
            )
        return found
    found = Rules(
        release,
        chosen,
        features,
        Dialect(includes=False, tells_sharing=experimental),
        combinations=False,
        binding_last=experimental,
        binding_slices_last=experimental,
        distinct=experimental,
        refuses_capacity_requests=experimental,
        counter_slices_are_skipped=not stable,
        shares_consume=False,
        leaves_traces=True,
        all_by_first=True,
        gives_tolerations=not stable,
    )
    if release == "1.35":
        return found
    return replace(
        found,
        distinct_by_value=False,
        refusal_names_subrequest=False,
        whole_pools=False,
        uses_incomplete=True,
        invalid_is_error=True,
        counters_of_slice=True,
        counter_slices_are_skipped=False,
        each_share_consumes=True,
        second_look_elsewhere=experimental,
        unknown_effects_block=True,
        gives_tolerations=False,
    )
