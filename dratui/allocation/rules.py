"""How the allocators of Kubernetes 1.34 to 1.37 differ: the differences as data, each with what it means.

A server has up to three implementations, and runs the first that supports all of its features. What each does was seen
by asking them; sources: k8s.io/dynamic-resource-allocation/structured/internal of v0.34.4, v0.35.4, v0.36.3, v0.37.2.
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
    COMPATIBILITY_GROUPS = "CompatibilityGroups"
    CONSUMABLE_CAPACITY = "ConsumableCapacity"
    DERIVED_ATTRIBUTES = "DerivedAttributes"
    FRACTIONAL_CAPACITY = "FractionalCapacityRange"
    LISTS = "ListTypeAttributes"
    OPTIONAL_OPERATIONS = "OptionalNodeOperations"
    PARTITIONABLE = "PartitionableDevices"
    PRIORITIZED_LIST = "PrioritizedList"
    STATUS = "DeviceStatus"
    TAINTS = "DeviceTaints"


Features = frozenset[Feature]
Implementation = Literal["stable", "incubating", "experimental"]
Release = Literal["1.34", "1.35", "1.36", "1.37"]

_FOUR: Final = frozenset(
    (Feature.ADMIN_ACCESS, Feature.TAINTS, Feature.PARTITIONABLE, Feature.PRIORITIZED_LIST)
)
_SIX: Final = _FOUR | {Feature.CONSUMABLE_CAPACITY, Feature.BINDING}
_SEVEN: Final = _SIX | {Feature.FRACTIONAL_CAPACITY}
_SUPPORTED: Final[dict[Release, tuple[tuple[Implementation, Features], ...]]] = {
    "1.34": (("stable", frozenset()), ("incubating", _FOUR)),
    "1.35": (("stable", frozenset()), ("incubating", _FOUR)),
    "1.36": (("stable", _FOUR), ("incubating", _SIX)),
    "1.37": (("stable", _FOUR), ("incubating", _SEVEN)),
}

DEFAULT_FEATURES: Final[dict[Release, Features]] = {
    "1.34": frozenset((Feature.ADMIN_ACCESS, Feature.PRIORITIZED_LIST, Feature.STATUS)),
    "1.35": frozenset((Feature.ADMIN_ACCESS, Feature.PRIORITIZED_LIST)),
    "1.36": _SIX,
    "1.37": _SEVEN,
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
    distinct_from_all: bool = False  # else, of the devices of each request, from the last only
    lists_restored: bool = False  # what lists have in common, when a device is given back
    refuses_capacity_requests: bool = True  # with the gate off; else they are ignored
    refusal_names_subrequest: bool = True  # else the request, whichever of its alternatives has one
    too_many_at_request: bool = False  # that makes them too many; else of the claim
    errors_name_device: bool = False  # those of CEL; and what to do about a missing key
    whole_pools: bool = True  # a pool is complete by all slices of its generation; else by those for the node
    uses_incomplete: bool = False  # for ExactCount
    invalid_is_error: bool = False  # when the search gets there; else skipped
    counters_of_slice: bool = (
        False  # counters are in the slice of the devices that consume them; else in one of their own
    )
    counter_slices_are_skipped: bool = True  # where nothing is partitionable
    counters_everywhere: bool = True  # slices of them are every node's; else of the nodes that they name
    counters_by_driver: bool = False  # else two drivers that name a pool alike have one ledger
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
    all_by_size: bool = False  # `All` wants what is large enough; else what has room enough left
    odd_capacity_is_error: bool = False  # that no device can count, or below zero; else it is rounded
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
    if release in ("1.36", "1.37"):
        newest = release == "1.37"
        dialect = Dialect(
            list_attributes=list_attributes or newest,  # 1.37: of what is stored, whatever the gate
            includes="lists" if newest else "dra",
            tells_sharing=not stable,
        )
        found = Rules(
            release,
            chosen,
            features,
            dialect,
            distinct_from_all=newest,
            lists_restored=newest,
            too_many_at_request=newest,
            errors_name_device=newest,
            counters_everywhere=stable or not newest,
            counters_by_driver=newest,
            all_by_size=newest,
            odd_capacity_is_error=newest,
        )
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
        Dialect(includes="", tells_sharing=experimental),
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
