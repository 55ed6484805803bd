"""Who uses devices together: PodGroups (`scheduling.k8s.io`, alpha in 1.36, v1beta1 in 1.37) and the ComputeDomains of
NVIDIA's driver (`resource.nvidia.com/v1beta1`), to `dratui.api.model`. Few clusters serve either."""

from sys import intern
from typing import Final

import msgspec

from dratui.api import model
from dratui.api.core import ClaimReference, ClaimStatus
from dratui.api.wire import Decoding, Object, Struct, head


class Gang(Struct, frozen=True):
    """Pods that are of use only together."""

    min_count: int = 0


class Policy(Struct, frozen=True):
    """PodGroupSchedulingPolicy."""

    gang: Gang | None = None


class PodGroupSpec(Struct, frozen=True):
    """PodGroupSpec."""

    scheduling_policy: Policy = Policy()
    resource_claims: tuple[ClaimReference, ...] | None = None


class PodGroupStatus(Struct, frozen=True):
    """PodGroupStatus."""

    conditions: tuple[model.Condition, ...] | None = None
    resource_claim_statuses: tuple[ClaimStatus, ...] | None = None


class PodGroup(Object, frozen=True):
    """PodGroup."""

    spec: PodGroupSpec = PodGroupSpec()
    status: PodGroupStatus = PodGroupStatus()


class TemplateReference(Struct, frozen=True):
    """The template that the driver makes for the domain's channels."""

    name: str = ""


class Channel(Struct, frozen=True):
    """spec.channel."""

    resource_claim_template: TemplateReference = TemplateReference()


class DomainSpec(Struct, frozen=True):
    """ComputeDomainSpec."""

    num_nodes: int = 0
    channel: Channel | None = None


class DomainNode(Struct, frozen=True):
    """A node of a domain."""

    name: str = ""
    ip_address: str = ""
    clique_id: str = msgspec.field(name="cliqueID", default="")
    index: int | None = None
    status: str = ""


class DomainStatus(Struct, frozen=True):
    """ComputeDomainStatus."""

    status: str = ""
    nodes: tuple[DomainNode, ...] | None = None


class ComputeDomain(Object, frozen=True):
    """ComputeDomain."""

    spec: DomainSpec = DomainSpec()
    status: DomainStatus = DomainStatus()


_SCHEDULED: Final = ("PodGroupScheduled", "PodGroupInitiallyScheduled")  # of 1.36, from 1.37


def pod_group_row(wire: PodGroup) -> model.PodGroup:
    """Normalise a PodGroup."""
    gang = wire.spec.scheduling_policy.gang
    made = {s.name: s.resource_claim_name or "" for s in wire.status.resource_claim_statuses or ()}
    conditions = wire.status.conditions or ()
    return model.PodGroup(
        **head(wire.metadata),
        min_count=gang.min_count if gang else 0,
        claims=tuple(c.resource_claim_name or made.get(c.name, "") for c in wire.spec.resource_claims or ()),
        scheduled=next((c for c in conditions if c.type in _SCHEDULED), None),
    )


def compute_domain_row(wire: ComputeDomain) -> model.ComputeDomain:
    """Normalise a ComputeDomain."""
    channel = wire.spec.channel or Channel()
    return model.ComputeDomain(
        **head(wire.metadata),
        num_nodes=wire.spec.num_nodes,
        template=channel.resource_claim_template.name,
        status=intern(wire.status.status),
        nodes=tuple(
            model.DomainNode(n.name, n.ip_address, n.clique_id, n.index, intern(n.status))
            for n in wire.status.nodes or ()
        ),
    )


POD_GROUPS = Decoding(PodGroup, pod_group_row)
COMPUTE_DOMAINS = Decoding(ComputeDomain, compute_domain_row)
