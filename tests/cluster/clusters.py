"""Clusters for hypothesis: few names, so that objects refer to one another, to what is gone and to what never was."""

from hypothesis import strategies as st

from dratui import prepared
from dratui.api.model import (
    Allocation,
    Capacity,
    Claim,
    ComputeDomain,
    Condition,
    Consumer,
    Container,
    CounterConsumption,
    CounterSet,
    Device,
    DeviceClass,
    DeviceStatus,
    Namespace,
    Node,
    Owner,
    Pod,
    PodClaim,
    PodClaimStatus,
    PodGroup,
    Quota,
    Request,
    ResourceHealth,
    Result,
    Slice,
    Taint,
    TaintRule,
    Template,
    WarningEvent,
)
from dratui.api.streams import STREAMS, WARNING_REASONS
from dratui.events import Event, Gone, Health, HealthChanged, Page, Phase, Put, Row
from dratui.prepared import Orphan, Plugin, Prepared
from dratui.samples import STREAM as SAMPLES
from dratui.samples import DeviceSample, Holder, NodeSample
from tests.cluster.build import NOW, ago

_drivers = st.just("a.example.com")
_pools = st.sampled_from(["node-1", "fabric"])
_devices = st.sampled_from(["gpu-0", "gpu-1"])
_nodes = st.sampled_from(["", "node-1", "node-2"])
_namespaces = st.sampled_from(["red", "blue"])
_pods = st.sampled_from(["pod-0", "pod-1"])
_claims = st.sampled_from(["claim-0", "claim-1", "claim-2"])
_entries = st.sampled_from(["gpu", "other"])
_templates = st.sampled_from(["template-0", "template-1"])
_classes = st.sampled_from(["class-0", "class-1"])
_uids = st.sampled_from(["uid-0", "uid-1"])
_times = st.sampled_from([None, ago(minutes=5), NOW])
_taints = st.builds(
    Taint, st.just("key"), effect=st.sampled_from(["NoSchedule", "NoExecute", "None"]), time_added=_times
)


def _few(of: st.SearchStrategy[Row], most: int = 2) -> st.SearchStrategy[tuple[Row, ...]]:
    return st.lists(of, max_size=most).map(tuple)


_device = st.builds(
    Device,
    _devices,
    attributes=st.sampled_from([{}, {"model": "small"}, {"a.example.com/model": "large"}]),
    taints=_few(_taints, 1),
    consumes=_few(st.builds(CounterConsumption, st.just("set"), st.just({"slots": "1"})), 1),
    node=_nodes,
    capacity=st.sampled_from([{}, {"memory": Capacity("10Gi")}]),
    multiple_allocations=st.booleans(),
)
_slices = st.builds(
    Slice,
    name=st.sampled_from(["slice-0", "slice-1", "slice-2"]),
    driver=_drivers,
    pool=_pools,
    generation=st.integers(1, 2),
    expected_slices=st.integers(1, 2),
    node=_nodes,
    all_nodes=st.booleans(),
    per_device_nodes=st.booleans(),
    devices=_few(_device, 3),
    counter_sets=_few(
        st.builds(CounterSet, st.just("set"), st.sampled_from([{}, {"slots": "1"}, {"slots": "7"}])), 1
    ),
)
_results = st.builds(
    Result,
    st.just("gpu"),
    _drivers,
    _pools,
    _devices,
    admin_access=st.booleans(),
    share_id=st.sampled_from(["", "share-0"]),
    consumed_capacity=st.sampled_from([{}, {"memory": "20Gi"}]),
    binding_conditions=st.sampled_from([(), ("Ready",)]),
    binding_failure_conditions=st.sampled_from([(), ("Ready",), ("Failed",)]),
)
_claim_rows = st.builds(
    Claim,
    namespace=_namespaces,
    name=_claims,
    uid=_uids,
    deleted=_times,
    requests=_few(st.builds(Request, st.just("gpu"), device_class=_classes)),
    allocation=st.none() | st.builds(Allocation, _few(_results), node=_nodes, at=_times),
    consumers=_few(st.builds(Consumer, st.sampled_from(["pods", "podgroups"]), _pods, _uids)),
    device_status=_few(
        st.builds(
            DeviceStatus,
            _drivers,
            _pools,
            _devices,
            st.just((Condition("Ready", "True"),)),
        ),
        1,
    ),
    owner=st.none() | st.builds(Owner, st.just("Pod"), _pods, _uids, st.just(True)),
    finalizers=st.sampled_from([(), ("keep",)]),
)
_pod_rows = st.builds(
    Pod,
    namespace=_namespaces,
    name=_pods,
    uid=_uids,
    phase=st.sampled_from(["Pending", "Pending", "Running", "Failed"]),
    node=_nodes,
    deleted=st.sampled_from([None, None, NOW]),
    claims=st.lists(
        st.builds(PodClaim, _entries, claim=_claims) | st.builds(PodClaim, _entries, template=_templates),
        max_size=2,
        unique_by=lambda entry: entry.name,  # no API server takes two
    ).map(tuple),
    claim_statuses=_few(st.builds(PodClaimStatus, st.just("gpu"), _claims), 1),
    extended_claim=st.sampled_from(["", "claim-2"]),
    containers=_few(
        st.builds(Container, st.just("main"), extended=st.sampled_from([(), (("example.com/gpu", 1),)])),
        1,
    ),
    scheduled=st.sampled_from(
        [None, Condition("PodScheduled", "False", message="0/2 nodes are available: 2 x.")]
    ),
    gates=st.sampled_from([(), ("gate",)]),
    group=st.sampled_from(["", "pod-0"]),
    finalizers=st.sampled_from([(), ("keep",)]),
    health=_few(
        st.builds(
            ResourceHealth,
            st.sampled_from(["claim:gpu", "claim:gpu/gpu", "claim:other", "example.com/gpu"]),
            st.sampled_from(["a.example.com/node-1/gpu-0", "vendor/claim=uid-gpu-1", "odd"]),
            st.sampled_from(["Healthy", "Unhealthy", "Unknown"]),
        ),
        1,
    ),
)


def _warnings(reason: str) -> st.SearchStrategy[Row]:
    return st.builds(
        WarningEvent,
        namespace=_namespaces,
        name=st.sampled_from(["0", "1"]).map(lambda n: f"{reason}.{n}"),
        reason=st.just(reason),
        message=st.sampled_from(["PodResourceClaim gpu: no", "no driver"]),
        last=_times,
        about_kind=st.just("Pod"),
        about_name=_pods,
        about_uid=_uids,
    )


_of_stream: dict[str, st.SearchStrategy[Row]] = {
    "resourceslices": _slices,
    "resourceclaims": _claim_rows,
    "pods": _pod_rows,
    "resourceclaimtemplates": st.builds(Template, namespace=_namespaces, name=_templates),
    "deviceclasses": st.builds(DeviceClass, name=_classes),
    "devicetaintrules": st.builds(
        TaintRule,
        name=st.sampled_from(["rule-0", "rule-1"]),
        driver=st.just("") | _drivers,
        pool=st.just("") | _pools,
        device=st.just("") | _devices,
        taint=_taints,
    ),
    "podgroups": st.builds(
        PodGroup,
        namespace=_namespaces,
        name=_pods,
        uid=_uids,
        min_count=st.integers(0, 2),
        claims=_few(_claims, 1),
    ),
    "computedomains": st.builds(
        ComputeDomain, namespace=_namespaces, name=st.just("domain"), template=st.just("") | _templates
    ),
    "nodes": st.builds(
        Node,
        name=st.sampled_from(["node-1", "node-2"]),
        ready=st.sampled_from(["True", "False"]),
        allocatable=st.sampled_from([(), (("example.com/gpu", 4),)]),
    ),
    "namespaces": st.builds(Namespace, name=_namespaces),
    "resourcequotas": st.builds(
        Quota, namespace=_namespaces, name=st.just("quota"), devices=st.just((("class-0", "1", "0"),))
    ),
    **{f"events:{reason}": _warnings(reason) for reason in WARNING_REASONS},
}
# Most of what happens, happens to these.
_streams = st.sampled_from(["resourceslices", "resourceclaims", "pods"]) | st.sampled_from(list(_of_stream))


@st.composite
def changes(draw: st.DrawFn) -> Event:
    """An object comes, changes or goes."""
    stream = draw(_streams)
    row = draw(_of_stream[stream])
    return Gone(stream, row) if draw(st.integers(0, 3)) == 3 else Put(stream, row)


@st.composite
def lists(draw: st.DrawFn) -> tuple[Event, ...]:
    """A stream is listed anew, in two pages."""
    stream = draw(_streams)
    found = draw(st.lists(_of_stream[stream], max_size=3))
    cut = draw(st.integers(0, len(found)))
    return (
        Page(stream, found[:cut], first=True, last=False),
        Page(stream, found[cut:], first=False, last=True),
    )


_health = st.builds(
    HealthChanged,
    st.sampled_from(list(STREAMS)),
    st.builds(
        Health,
        phase=st.sampled_from(list(Phase)),
        since=st.just(0.0),
        namespace=st.sampled_from(["", "", "red"]),
    ),
)


@st.composite
def starts(draw: st.DrawFn) -> tuple[Event, ...]:
    """What a source says first: every stream's objects, and that these are all."""
    events: list[Event] = []
    for stream in STREAMS:
        found = draw(st.lists(_of_stream[stream], min_size=1, max_size=4))
        events += [
            Page(stream, found, first=True, last=True),
            HealthChanged(stream, Health(phase=Phase.LIVE, since=0.0)),
        ]
    return tuple(events)


batches: st.SearchStrategy[tuple[Event, ...]] = st.one_of(
    st.lists(changes(), min_size=1, max_size=3).map(tuple),
    lists(),
    st.tuples(_health),
)
"""What a source may say at once."""

_holders = st.builds(
    Holder,
    namespace=_namespaces,
    pod=_pods,
    claim=st.just("") | _claims,
    driver=_drivers,
    pool=_pools,
    device=st.just("") | _devices,
)
_plugins = st.builds(
    Plugin,
    driver=_drivers,
    claims=_few(
        st.builds(
            Prepared,
            uid=_uids,
            namespace=_namespaces,
            name=_claims,
            state=st.sampled_from(["started", "completed"]),
            devices=_few(st.builds(prepared.Device, pool=_pools, device=_devices), 1),
        )
    ),
    orphans=_few(st.builds(Orphan, what=st.sampled_from(["spec", "entry", "mig"]), subject=_uids), 1),
    problem=st.sampled_from(["", "damaged"]),
)
_samples = st.builds(
    NodeSample,  # never of a time: rows would have it a little later than the store
    node=st.sampled_from(["node-1", "node-2"]),
    problem=st.sampled_from(["", "no agent"]),
    plugin=st.none() | _plugins,
    believed=st.sampled_from([None, 1.0]),
    attributed=st.sampled_from([None, 1.0]),
    devices=_few(
        st.builds(
            DeviceSample,
            uuid=st.sampled_from(["GPU-0", "GPU-1"]),
            gpu=st.sampled_from(["", "GPU-0"]),
            gi=st.none() | st.integers(0, 1),
            holders=_few(_holders),
            values=st.sampled_from([{}, {"utilization": 0.5}, {"utilization": 0.1, "power": 90.0}]),
        ),
    ),
)
measured_batches: st.SearchStrategy[tuple[Event, ...]] = batches | st.lists(
    st.builds(Put, st.just(SAMPLES), _samples)
    | st.builds(Put, st.just(SAMPLES), _samples)
    | st.builds(Gone, st.just(SAMPLES), _samples),
    min_size=1,
    max_size=2,
).map(tuple)
"""The same, where devices are measured."""
