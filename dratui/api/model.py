"""The objects that dratui watches, as flat frozen rows in the words of `resource.k8s.io/v1`.

Every served version is normalised to these (`dratui.api.v1`, `dratui.api.v1beta1`, `dratui.api.core`). They hold what
is shown or reasoned about, nothing else: the full object is fetched when someone opens it. Quantities stay text as the
server wrote them; times are aware datetimes. Everything in here is untrusted text.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

import msgspec

Labels = tuple[tuple[str, str], ...]


class ObjectKey(NamedTuple):
    """Names an object within its kind; `namespace` is empty for cluster-scoped kinds."""

    namespace: str
    name: str


class DeviceKey(NamedTuple):
    """Names a device as claims do. The slice does not matter: a device may move between the slices of its pool."""

    driver: str
    pool: str
    device: str


class Row(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What every object has. `gc=False`: rows hold no cycles, and there are many of them."""

    namespace: str = ""
    name: str
    uid: str = ""
    created: datetime | None = None
    deleted: datetime | None = None  # deletionTimestamp: being deleted since
    labels: Labels = ()

    @property
    def key(self) -> ObjectKey:
        """The row's place in its kind."""
        return ObjectKey(self.namespace, self.name)


class Part(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """A piece of a row; its fields are named as in the API where they reach JSON."""


# --- selecting nodes ------------------------------------------------------------------------------


class NodeRequirement(Part, frozen=True):
    """One `key operator values` of a node selector, over labels or over fields."""

    key: str = ""
    operator: str = ""
    values: tuple[str, ...] = ()


class NodeSelectorTerm(Part, frozen=True):
    """All requirements of a term must hold."""

    match_expressions: tuple[NodeRequirement, ...] = ()
    match_fields: tuple[NodeRequirement, ...] = ()


class NodeSelector(Part, frozen=True):
    """Any term must hold."""

    node_selector_terms: tuple[NodeSelectorTerm, ...] = ()


# --- resource.k8s.io ------------------------------------------------------------------------------


class Taint(Part, frozen=True):
    """A taint of a device or of a node."""

    key: str = ""
    value: str = ""
    effect: str = ""
    time_added: datetime | None = None

    @property
    def text(self) -> str:
        """As kubectl writes taints."""
        return f"{self.key}{'=' + self.value if self.value else ''}:{self.effect}"


class Toleration(Part, frozen=True):
    """A request's toleration of device taints. An empty operator means Equal."""

    key: str = ""
    operator: str = ""
    value: str = ""
    effect: str = ""
    toleration_seconds: int | None = None


class Version(Part, frozen=True, rename={"text": "version"}):
    """An attribute of type version: compares unlike a string of the same text. Its JSON says so, as the API's does."""

    text: str


AttributeValue = (
    bool | int | str | Version | tuple[bool, ...] | tuple[int, ...] | tuple[str, ...] | tuple[Version, ...]
)


class CapacityRange(Part, frozen=True):
    """What a shared device's capacity may be requested in."""

    min: str | None = None
    max: str | None = None
    step: str | None = None


class RequestPolicy(Part, frozen=True):
    """How a request for a share of a capacity is rounded."""

    default: str | None = None
    valid_values: tuple[str, ...] = ()
    valid_range: CapacityRange | None = None


class Capacity(Part, frozen=True):
    """One capacity of a device: a quantity, and the policy if the device may be shared."""

    value: str
    policy: RequestPolicy | None = None


class CounterConsumption(Part, frozen=True):
    """What a device takes from one counter set of its pool."""

    counter_set: str
    counters: Mapping[str, str]
    compatibility_groups: tuple[str, ...] = ()  # of which those beside it must have one, too; from 1.37


class CounterSet(Part, frozen=True):
    """Counters that the devices of a pool share: partitions of one card."""

    name: str
    counters: Mapping[str, str]


class Device(Part, frozen=True):
    """One device of a slice. `node`, `node_selector`, `all_nodes`: only where the slice leaves them to it."""

    name: str
    attributes: Mapping[str, AttributeValue] = {}
    capacity: Mapping[str, Capacity] = {}
    taints: tuple[Taint, ...] = ()
    consumes: tuple[CounterConsumption, ...] = ()
    node: str = ""
    node_selector: NodeSelector | None = None
    all_nodes: bool = False
    binds_to_node: bool = False
    binding_conditions: tuple[str, ...] = ()
    binding_failure_conditions: tuple[str, ...] = ()
    multiple_allocations: bool = False


class Slice(Row, frozen=True, kw_only=True):
    """A ResourceSlice: some devices, or counter sets, of one pool at one generation."""

    driver: str = ""
    pool: str = ""
    generation: int = 0
    expected_slices: int = 0  # resourceSliceCount: of the pool at this generation
    node: str = ""
    node_selector: NodeSelector | None = None
    all_nodes: bool = False
    per_device_nodes: bool = False
    devices: tuple[Device, ...] = ()
    counter_sets: tuple[CounterSet, ...] = ()
    skip_operations: tuple[str, ...] = ()  # of the kubelet, which the driver needs not; from 1.37


class Request(Part, frozen=True):
    """What a claim asks for. With `alternatives` (firstAvailable) only they say what; else they are empty."""

    name: str
    device_class: str = ""
    selectors: tuple[str, ...] = ()  # CEL
    mode: str = msgspec.field(default="ExactCount", name="allocationMode")  # or All
    count: int = 1
    admin_access: bool = False
    tolerations: tuple[Toleration, ...] = ()
    capacity: Mapping[str, str] = {}
    alternatives: tuple["Request", ...] = ()
    derives: bool = False  # attributes, by CEL; from 1.37


class Constraint(Part, frozen=True):
    """Devices of `requests` (all, if empty) must agree on, or differ in, an attribute."""

    requests: tuple[str, ...] = ()
    match_attribute: str = ""
    distinct_attribute: str = ""


class Result(Part, frozen=True):
    """One allocated device. `request` is `main/sub` for a firstAvailable choice."""

    request: str
    driver: str
    pool: str
    device: str
    admin_access: bool = False
    share_id: str = ""
    consumed_capacity: Mapping[str, str] = {}
    binding_conditions: tuple[str, ...] = ()
    binding_failure_conditions: tuple[str, ...] = ()
    tolerations: tuple[Toleration, ...] = ()

    @property
    def key(self) -> DeviceKey:
        """Which device."""
        return DeviceKey(self.driver, self.pool, self.device)


class Consumer(Part, frozen=True):
    """An entry of reservedFor. `resource` is the plural, `pods` as a rule."""

    resource: str
    name: str
    uid: str
    group: str = ""


class Owner(Part, frozen=True):
    """The controller of an object."""

    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool = False


class Condition(Part, frozen=True):
    """A condition as Kubernetes has them everywhere."""

    type: str = ""
    status: str = ""
    reason: str = ""
    message: str = ""
    last_transition_time: datetime | None = None


class Allocation(Part, frozen=True):
    """Where a claim's devices are. `node` is set when the selector names exactly one node."""

    results: tuple[Result, ...] = ()
    node: str = ""
    node_selector: NodeSelector | None = None
    at: datetime | None = None  # allocationTimestamp, where the server tells


class NetworkData(Part, frozen=True):
    """A network device's place in the network, as its driver reports it."""

    interface_name: str = ""
    ips: tuple[str, ...] = ()
    hardware_address: str = ""


class DeviceStatus(Part, frozen=True):
    """What a driver reports about one allocated device."""

    driver: str
    pool: str
    device: str
    conditions: tuple[Condition, ...] = ()
    share_id: str = ""
    network: NetworkData | None = None
    data: str = ""  # JSON of the driver's own making


class Claim(Row, frozen=True, kw_only=True):
    """A ResourceClaim."""

    requests: tuple[Request, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    allocation: Allocation | None = None
    consumers: tuple[Consumer, ...] = ()
    device_status: tuple[DeviceStatus, ...] = ()
    owner: Owner | None = None
    pod_claim_name: str = ""  # annotation: made for this entry of a pod's resourceClaims
    extended_resource: bool = False  # annotation: made for a pod's extended resources
    finalizers: tuple[str, ...] = ()


class Template(Row, frozen=True, kw_only=True):
    """A ResourceClaimTemplate."""

    requests: tuple[Request, ...] = ()
    constraints: tuple[Constraint, ...] = ()


class DeviceClass(Row, frozen=True, kw_only=True):
    """A DeviceClass."""

    selectors: tuple[str, ...] = ()  # CEL
    extended_resource: str = ""


class TaintRule(Row, frozen=True, kw_only=True):
    """A DeviceTaintRule. An empty part of the selector selects all. By class and by CEL only 1.33 and 1.34 select."""

    driver: str = ""
    pool: str = ""
    device: str = ""
    device_class: str = ""
    selectors: tuple[str, ...] = ()
    taint: Taint
    conditions: tuple[Condition, ...] = ()

    @property
    def narrowed(self) -> bool:
        """Whether it selects by class or by CEL, so that it is not known which devices are meant."""
        return bool(self.device_class or self.selectors)


# --- core -----------------------------------------------------------------------------------------


class PodClaim(Part, frozen=True):
    """An entry of a pod's resourceClaims: by name or by template, exactly one of them set in a valid pod."""

    name: str
    claim: str = ""
    template: str = ""


class PodClaimStatus(Part, frozen=True):
    """The claim that was made for an entry of resourceClaims; empty: none is needed."""

    name: str
    claim: str = ""


class Container(Part, frozen=True):
    """What a pod's container has to do with accelerators."""

    name: str
    claims: tuple[tuple[str, str], ...] = ()  # entry of resourceClaims, request ("" = all)
    extended: tuple[tuple[str, int], ...] = ()  # extended resource, count
    init: bool = False
    waiting: str = ""  # why it does not run: ContainerCreating, ImagePullBackOff, …


class PodTimes(Part, frozen=True):
    """What kubelet tells beside `started`. A container that was restarted tells its last start."""

    ready_to_start: datetime | None = None  # PodReadyToStartContainers is True since
    first_start: datetime | None = None  # of the containers that are no init containers
    ended: datetime | None = None  # the last container did, of a pod that is over


NO_TIMES = PodTimes()


class Placement(Part, frozen=True):
    """Which nodes a pod may have: all labels of `node_selector`, the required node affinity, tolerations of taints."""

    node_selector: Labels = ()
    affinity: NodeSelector | None = None
    tolerations: tuple[Toleration, ...] = ()


ANYWHERE = Placement()


class ResourceHealth(Part, frozen=True):
    """How a device of a pod is, in kubelet's words: an entry of allocatedResourcesStatus."""

    resource: str  # `claim:ENTRY` or `claim:ENTRY/REQUEST`; or a device plugin's resource
    id: str
    health: str
    message: str = ""


class Pod(Row, frozen=True, kw_only=True):
    """A pod, as far as scheduling and accelerators go."""

    phase: str = ""
    node: str = ""
    claims: tuple[PodClaim, ...] = ()
    claim_statuses: tuple[PodClaimStatus, ...] = ()
    extended_claim: str = ""  # the hidden claim behind extended resources
    claimed_resources: tuple[str, ...] = ()  # the extended resources that it stands for
    containers: tuple[Container, ...] = ()
    # What the scheduler counts for it: as `dratui.api.native` has it
    native: tuple[tuple[str, int], ...] = ()
    scheduled: Condition | None = None  # PodScheduled
    disruption: Condition | None = None  # DisruptionTarget: evicted, by whom
    finalizers: tuple[str, ...] = ()
    gates: tuple[str, ...] = ()
    scheduler: str = ""
    priority: int = 0
    priority_class: str = ""
    started: datetime | None = None  # kubelet saw it
    times: PodTimes = NO_TIMES  # only of pods with claims
    placement: Placement = ANYWHERE  # only of pods without a node
    owner: Owner | None = None
    status: str = ""  # this and the next two as kubectl prints them
    ready: str = ""
    restarts: int = 0
    health: tuple[ResourceHealth, ...] = ()
    group: str = ""  # its PodGroup
    reason: str = ""  # status.reason: Evicted, UnexpectedAdmissionError, …
    message: str = ""


class PodGroup(Row, frozen=True, kw_only=True):
    """A PodGroup: pods that are scheduled together."""

    min_count: int = 0  # of a gang; 0: there is no such rule
    claims: tuple[str, ...] = ()  # names of the group's claims; empty: not made yet
    scheduled: Condition | None = None  # PodGroupScheduled, or PodGroupInitiallyScheduled


class DomainNode(Part, frozen=True):
    """A node of a compute domain."""

    name: str
    ip_address: str = ""
    clique: str = ""
    index: int | None = None
    status: str = ""  # Ready or NotReady


class ComputeDomain(Row, frozen=True, kw_only=True):
    """A ComputeDomain of NVIDIA's driver: nodes whose GPUs share memory over NVLink."""

    num_nodes: int = 0
    template: str = ""  # the driver makes it; pods of the domain have a claim from it
    status: str = ""
    nodes: tuple[DomainNode, ...] = ()


class Node(Row, frozen=True, kw_only=True):
    """A node."""

    ready: str = ""  # status of the Ready condition: True, False, Unknown, or empty
    unschedulable: bool = False
    taints: tuple[Taint, ...] = ()
    allocatable: tuple[tuple[str, int], ...] = ()  # extended resources only
    native: tuple[tuple[str, int], ...] | None = None  # all others: as `dratui.api.native` has it
    kubelet: str = ""
    features: tuple[str, ...] = ()  # declaredFeatures


class Namespace(Row, frozen=True, kw_only=True):
    """A namespace."""

    phase: str = ""


class PriorityClass(Row, frozen=True, kw_only=True):
    """What pods that name it are worth; of all others where it is the `default`. `preempts`: others of lower priority
    are evicted for them."""

    value: int = 0
    default: bool = False
    preempts: bool = True


class Quota(Row, frozen=True, kw_only=True):
    """A ResourceQuota: what counts devices or claims in it, as (name, hard, used). `scoped`: for some pods only."""

    devices: tuple[tuple[str, str, str], ...] = ()
    scoped: bool = False


class WarningEvent(Row, frozen=True, kw_only=True):
    """A Warning event about an object. `name` is the event's own."""

    reason: str = ""
    message: str = ""
    count: int = 1
    first: datetime | None = None
    last: datetime | None = None
    about_kind: str = ""
    about_name: str = ""
    about_uid: str = ""
