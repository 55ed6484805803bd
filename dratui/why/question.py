"""What the scheduler is asked for a pod or a claim: which claims want devices, of which world, by which rules."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from dratui.allocation.refusals import Holding
from dratui.allocation.rules import DEFAULT_FEATURES, Feature, Features, Release, Rules, rules
from dratui.allocation.words import some
from dratui.allocation.world import World, held
from dratui.api.model import Claim, Consumer, DeviceKey, Namespace, Node, ObjectKey, Pod, Request, Slice
from dratui.cluster.index import named_claims, rule_selects
from dratui.cluster.pending import settled
from dratui.cluster.pods import plugin_devices
from dratui.cluster.store import Store
from dratui.why.room import Room

_MINOR = re.compile(r"v?1\.(\d{1,3})")
_RELEASES: Mapping[int, Release] = {34: "1.34", 35: "1.35", 36: "1.36", 37: "1.37"}
_IMPLICIT = "deviceclass.resource.kubernetes.io/"
ADMIN_ACCESS = "resource.kubernetes.io/admin-access"
"""The label of namespaces whose claims may ask for it. The API server looks at it when a claim is made, and again when
the scheduler writes down its devices."""
_NEEDED = ("resourceslices", "resourceclaims", "deviceclasses", "nodes")


@dataclass(frozen=True, slots=True)
class Question:
    """`wanted` are claims that have no devices yet, `given` those that have. `missing`: why not all are known.

    `unknown`: streams without which there is no answer. `notes`: what was assumed. `room`: what nodes have left beside
    devices.
    """

    pod: Pod | None
    wanted: tuple[Claim, ...]
    given: tuple[Claim, ...]
    world: World
    nodes: tuple[Node, ...]
    room: Room
    missing: str = ""
    unknown: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    extended: Mapping[str, str] = field(default_factory=dict)  # extended resource to its device class
    plugin: Mapping[str, int] = field(default_factory=dict)  # what the pod wants by device plugin, or by DRA
    namespace: Namespace | None = None  # of the claims, where it is known
    gone: tuple[Pod, ...] = ()  # that are there, and read as if they had ended

    @property
    def admin(self) -> Sequence[str]:
        """Claims that ask for admin access."""
        return [each.name for each in self.wanted if any(r.admin_access for r in each.requests)]

    @property
    def refused(self) -> str:
        """Why the API server takes no devices for these claims; empty if it does, or where that is not known."""
        namespace, claims = self.namespace, self.admin
        if not claims or namespace is None or (ADMIN_ACCESS, "true") in namespace.labels:
            return ""
        return (
            f"claim {claims[0]} asks for admin access, which namespace {namespace.name} does not allow: "
            f"kubectl label namespace {namespace.name} {ADMIN_ACCESS}=true"
        )

    @property
    def settled(self) -> bool:
        """Whether there is nothing to decide any more: the pod has a node, the claim its devices."""
        return bool(settled(self.pod)) if self.pod is not None else bool(self.given)

    def by_claim(self, node: Node) -> Mapping[str, str]:
        """The extended resources that a node has by DRA: those that no device plugin advertises there."""
        advertised = {name for name, number in node.allocatable if number}
        return {name: of for name, of in self.extended.items() if name not in advertised}

    def claims_on(self, node: Node) -> tuple[Claim, ...]:
        """What is to be allocated there."""
        if not self.extended or self.pod is None:
            return self.wanted
        hidden = _hidden(self.pod, self.by_claim(node))
        return (*self.wanted, hidden) if hidden.requests else self.wanted


def about_pod(store: Store, pod: Pod, server_version: str) -> Question:
    """The question that a pod puts. A claim that was not made yet is as its template says."""
    wanted: list[Claim] = []
    given: list[Claim] = []
    missing = ""
    notes: list[str] = []
    names = named_claims(pod)
    made = {status.name for status in pod.claim_statuses}
    for entry in pod.claims:
        name = names[entry.name]
        if not name and entry.name in made:
            continue  # the controller found that none is needed
        claim = store.claims.get(ObjectKey(pod.namespace, name)) if name else None
        if claim is None and entry.template:
            template = store.templates.get(ObjectKey(pod.namespace, entry.template))
            if template is not None:
                claim = Claim(
                    namespace=pod.namespace,
                    name=name or f"{pod.name}-{entry.name}",
                    requests=template.requests,
                    constraints=template.constraints,
                )
                notes.append(f"claim {entry.name} is not made yet; read as template {entry.template} has it")
        if claim is None:
            missing = missing or f"claim {name or entry.name} is not known"
        else:
            (given if claim.allocation else wanted).append(claim)
    hidden = store.claims.get(ObjectKey(pod.namespace, pod.extended_claim)) if pod.extended_claim else None
    if hidden is not None:
        given.append(hidden)
    plugin = plugin_devices(pod)
    extended = {} if hidden else dict(_extended(store, plugin))
    return _question(
        store,
        server_version,
        pod.namespace,
        pod=pod,
        wanted=tuple(wanted),
        given=tuple(given),
        missing=missing,
        notes=notes,
        extended=extended,
        plugin=plugin,
    )


def about_claim(store: Store, claim: Claim, server_version: str) -> Question:
    """The question that a claim alone would put: where there are devices for it, whoever asks."""
    wanted, given = ((), (claim,)) if claim.allocation else ((claim,), ())
    return _question(store, server_version, claim.namespace, pod=None, wanted=wanted, given=given)


def holders(store: Store, key: DeviceKey, among: Collection[ObjectKey] | None = None) -> tuple[Holding, ...]:
    """Who of all claims, or `among` some, has a device: `claim vision/nb-1-gpu of nb-1`. Not who only watches it, by
    admin access."""
    having = store.claims_of_device[key] if among is None else among
    claims = [store.claims[each] for each in sorted(having)]
    return tuple(
        Holding(_held_by(claim), result.consumed_capacity)
        for claim in claims
        for result in (claim.allocation.results if claim.allocation else ())
        if result.key == key and not result.admin_access
    )


def _held_by(claim: Claim) -> str:
    users = some([_user(each) for each in claim.consumers])
    return f"claim {claim.namespace}/{claim.name}{f' of {users}' if users else ', reserved for nobody'}"


def _user(consumer: Consumer) -> str:
    match consumer.resource:
        case "pods":
            return consumer.name
        case "podgroups":
            return f"pod group {consumer.name}"
        case other:
            return f"{other} {consumer.name}"


def rules_of(store: Store, server_version: str) -> Rules:
    """How the server decides, as far as its version and its objects tell."""
    release, _ = _release(server_version)
    features, _, lists = _features(store, release)
    return rules(release, features, list_attributes=lists)


def _question(
    store: Store, server_version: str, of: str, *, notes: list[str] | None = None, **known: object
) -> Question:
    release, said = _release(server_version)
    features, shown, lists = _features(store, release)
    decides = rules(release, features, list_attributes=lists)
    world = World(_slices(store), store.classes.values(), held(store.claims.values(), decides), decides)
    assumed = f"read as Kubernetes {release} decides{said}, with its feature gates as by default"
    if shown:
        assumed += f" and what the cluster shows of others: {', '.join(sorted(shown))}"
    more = [assumed, *(notes or ())]
    if known.get("pod") is not None and not store.known("pods"):
        more.append("cpu, memory and number of pods are counted by those pods alone that are known")
    if narrowed := sorted(rule.name for rule in store.taint_rules.values() if rule.narrowed):
        more.append(f"taint rules that select by class or CEL are not applied: {', '.join(narrowed)}")
    return Question(
        world=world,
        nodes=tuple(sorted(store.nodes.values(), key=lambda node: node.name)),
        room=Room(store),
        namespace=store.namespaces.get(ObjectKey("", of)),
        unknown=tuple(stream for stream in _NEEDED if not store.known(stream)),
        notes=tuple(more),
        **known,  # type: ignore[arg-type]  # the fields that the two callers know
    )


def _release(server_version: str) -> tuple[Release, str]:
    """The nearest release that is known, and a word if it is another."""
    found = _MINOR.match(server_version)
    if found is None:
        return "1.36", " (the server's version is not known)"
    minor = int(found[1])
    oldest, newest = min(_RELEASES), max(_RELEASES)
    if minor > newest:
        return _RELEASES[newest], f" (the server is {server_version}, newer than dratui knows)"
    return _RELEASES[max(minor, oldest)], f" (the server is {server_version})" if minor < oldest else ""


def _features(store: Store, release: Release) -> tuple[Features, set[str], bool]:
    """Those by default, and those that the objects show: an API server drops the fields of a gate that is off.

    Returns also the names of the latter, and whether there are lists among the attributes.
    """
    binding = {Feature.BINDING_CONDITIONS, Feature.STATUS} if release == "1.34" else {Feature.BINDING}
    shown: set[Feature] = {Feature.TAINTS} if store.taint_rules else set()
    lists = False
    for each in store.slices.values():
        if each.skip_operations:
            shown.add(Feature.OPTIONAL_OPERATIONS)
        if each.counter_sets or each.per_device_nodes:
            shown.add(Feature.PARTITIONABLE)
        for device in each.devices:
            if device.taints:
                shown.add(Feature.TAINTS)
            if device.consumes:
                shown.add(Feature.PARTITIONABLE)
                if any(consumed.compatibility_groups for consumed in device.consumes):
                    shown.add(Feature.COMPATIBILITY_GROUPS)
            if device.multiple_allocations:
                shown.add(Feature.CONSUMABLE_CAPACITY)
            if device.binding_conditions:
                shown |= binding
            lists = lists or any(type(value) is tuple for value in device.attributes.values())
    default = DEFAULT_FEATURES[release]
    if lists and release == "1.37":
        shown.add(Feature.LISTS)  # the scheduler of 1.36 tells CEL only
    names = {each.value for each in shown - default} | ({Feature.LISTS.value} if lists else set())
    return default | shown, names, lists


def _slices(store: Store) -> list[Slice]:
    """With the taints that rules add to their devices."""
    if not any(not rule.narrowed for rule in store.taint_rules.values()):
        return list(store.slices.values())
    return [_tainted(store, each) for each in store.slices.values()]


def _tainted(store: Store, each: Slice) -> Slice:
    found = [
        rule
        for rule in store.taint_rules.values()
        if rule.driver in ("", each.driver) and rule.pool in ("", each.pool)
    ]
    if not found:
        return each
    devices = []
    for device in each.devices:
        key = DeviceKey(each.driver, each.pool, device.name)
        added = tuple(rule.taint for rule in found if rule_selects(rule, key))
        devices.append(replace(device, taints=(*device.taints, *added)) if added else device)
    return replace(each, devices=tuple(devices))


def _extended(store: Store, plugin: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """The extended resources that a device class stands for. Of several the youngest does, then the first by name."""
    for resource in plugin:
        if resource.startswith(_IMPLICIT):
            yield resource, resource.removeprefix(_IMPLICIT)
            continue
        classes = [each for each in store.classes.values() if each.extended_resource == resource]
        if classes:
            classes.sort(key=lambda each: each.name)
            classes.sort(key=lambda each: each.created.timestamp() if each.created else 0, reverse=True)
            yield resource, classes[0].name


def _hidden(pod: Pod, classes: Mapping[str, str]) -> Claim:
    """The claim that the scheduler would make for a pod's extended resources."""
    requests = tuple(
        Request(f"container-{c}-request-{r}", device_class=classes[name], count=number)
        for c, container in enumerate(pod.containers)
        for r, (name, number) in enumerate(container.extended)
        if name in classes and number
    )
    return Claim(namespace=pod.namespace, name=f"{pod.name}-extended-resources", requests=requests)
