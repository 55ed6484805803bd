"""Which devices a node can reach: names, `allNodes` and node selectors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dratui.allocation.rules import Feature, Rules
from dratui.api.model import Device, NodeRequirement, NodeSelector, Slice


@dataclass(frozen=True, slots=True)
class Place:
    """A node, as far as selectors look at it."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    features: Sequence[str] = ()  # that its kubelet declares


def operable(each: Slice, place: Place, rules: Rules) -> bool:
    """Whether the node knows that operations of a slice's devices may be skipped, if any may.

    Source: structured/internal/experimental of 1.37, allocateDevice.
    """
    return not each.skip_operations or (
        rules.has(Feature.OPTIONAL_OPERATIONS) and "DRAOptionalNodeOperations" in place.features
    )


def reaches(place: Place, placed: Slice | Device) -> bool:
    """Whether a slice, or a device with a place of its own, is for this node.

    Source: component-helpers/scheduling/corev1/nodeaffinity; structured/internal, NodeMatches.
    """
    if placed.node:
        return placed.node == place.name
    if placed.all_nodes:
        return True
    return placed.node_selector is not None and matches(place, placed.node_selector)


def matches(place: Place, selector: NodeSelector) -> bool:
    """Whether one of the terms holds. A term that asks nothing holds for no node."""
    return any(
        (term.match_expressions or term.match_fields)
        and all(_holds(of, place.labels) for of in term.match_expressions)
        and all(_holds(of, {"metadata.name": place.name}) for of in term.match_fields)
        for term in selector.node_selector_terms
    )


def first_miss(place: Place, selector: NodeSelector) -> NodeRequirement | None:
    """Where none of the terms holds, what does not of the first one; None if that asks nothing."""
    of_name = {"metadata.name": place.name}
    for term in selector.node_selector_terms[:1]:
        for labels, requirements in ((place.labels, term.match_expressions), (of_name, term.match_fields)):
            for of in requirements:
                if not _holds(of, labels):
                    return of
    return None


def _holds(of: NodeRequirement, labels: Mapping[str, str]) -> bool:
    value = labels.get(of.key)
    match of.operator:
        case "In":
            return value is not None and value in of.values
        case "NotIn":
            return value is None or value not in of.values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "Gt" | "Lt":
            return _compared(value, of.operator, of.values)
    return False


def _compared(value: str | None, operator: str, values: Sequence[str]) -> bool:
    try:
        has, wanted = int(value or ""), int(values[0])
    except (ValueError, IndexError):
        return False
    return has > wanted if operator == "Gt" else has < wanted
