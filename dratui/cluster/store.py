"""The state of a cluster as the events left it.

The store keeps rows, the indexes that join them, and what devices did in the last minutes; nothing derived. What a
screen shows is computed from here by the functions beside it (`claims`, `devices`, `pools`, …); `Changes` says what to
compute again.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from dratui.api.model import (
    Claim,
    ComputeDomain,
    DeviceClass,
    Namespace,
    Node,
    ObjectKey,
    Pod,
    PodGroup,
    PriorityClass,
    Quota,
    Row,
    Slice,
    TaintRule,
    Template,
    WarningEvent,
)
from dratui.cluster.index import (
    ABSENCE,
    INDEXES,
    TOUCHED,
    Index,
    PoolKey,
    pool_of,
    pools_held,
    touch_with_counters,
    touch_with_pool,
)
from dratui.cluster.trails import Trails
from dratui.events import COMPLETE, Event, Gone, Health, HealthChanged, Page, Put
from dratui.history import Journal
from dratui.samples import STREAM as SAMPLES
from dratui.samples import NodeSample


class Changes:
    """What may look different: keys of rows by the table they are in, and whether a stream's health changed.

    `live`: rows that differ in nothing but what their devices do. Every second there are hundreds of these, and most
    of what follows a cluster need not look at them.
    """

    __slots__ = ("health", "live", "rows")

    def __init__(self) -> None:
        self.rows: defaultdict[str, set[Any]] = defaultdict(set)
        self.live: defaultdict[str, set[Any]] = defaultdict(set)
        self.health = False

    def __ior__(self, other: "Changes") -> "Changes":
        for kind, keys in other.rows.items():
            self.rows[kind] |= keys
        for kind, keys in other.live.items():
            self.live[kind] |= keys
        self.health |= other.health
        return self

    def __bool__(self) -> bool:
        return self.health or any(self.rows.values()) or any(self.live.values())

    def of(self, table: str) -> set[Any]:
        """The keys of a table's rows that differ in anything."""
        return self.rows.get(table, set()) | self.live.get(table, set())


Seen = Callable[[str, ObjectKey], Iterable[tuple[float, Any, Any]]]
"""Of a stream and a key: when (unix seconds) which row took the place of which; None: there was, or is, none."""


def _nothing(stream: str, key: ObjectKey) -> Iterable[tuple[float, Any, Any]]:
    return ()


class Store:
    """All rows, by kind and key. `apply` is the only way in."""

    def __init__(self) -> None:
        self.slices: dict[ObjectKey, Slice] = {}
        self.claims: dict[ObjectKey, Claim] = {}
        self.templates: dict[ObjectKey, Template] = {}
        self.classes: dict[ObjectKey, DeviceClass] = {}
        self.taint_rules: dict[ObjectKey, TaintRule] = {}
        self.pods: dict[ObjectKey, Pod] = {}
        self.pod_groups: dict[ObjectKey, PodGroup] = {}
        self.compute_domains: dict[ObjectKey, ComputeDomain] = {}
        self.nodes: dict[ObjectKey, Node] = {}
        self.namespaces: dict[ObjectKey, Namespace] = {}
        self.quotas: dict[ObjectKey, Quota] = {}
        self.priorities: dict[ObjectKey, PriorityClass] = {}
        self.warnings: dict[ObjectKey, WarningEvent] = {}
        self.samples: dict[ObjectKey, NodeSample] = {}  # by node
        self.health: dict[str, Health] = {}

        self.slices_of_pool = Index()
        self.slices_of_device = Index()
        self.slices_of_node = Index()
        self.claims_of_device = Index()
        self.claims_of_pool = Index()
        self.claims_of_node = Index()
        self.claims_of_namespace = Index()
        self.claims_of_class = Index()
        self.claims_reserved_for = Index()
        self.claims_reserved_for_group = Index()
        self.pods_of_claim = Index()
        self.pods_telling_of_claim = Index()  # of the health of its devices
        self.pods_of_template = Index()
        self.pods_of_group = Index()
        self.domains_of_template = Index()
        self.pods_of_node = Index()  # this and the next: pods that have to do with accelerators
        self.pods_of_namespace = Index()
        self.pods_starting_on = Index()  # a node, and Pending
        self.pods_leaving = Index()  # a node, and being deleted
        self.quotas_of_namespace = Index()
        self.warnings_of_pod = Index()

        # Memos of functions beside this one, dropped with what they were made from.
        self.judged: dict[PoolKey, Any] = {}  # `judgement.judgement`: with a slice of the pool
        self.tallied: dict[PoolKey, Any] = {}  # `counters.ledger`: with its claims, too
        self.measured: dict[str, Any] = {}  # `measured.measured`, by node: with its devices or their claims
        self.trails = Trails()
        self.amiss: dict[str, tuple[Any, ...]] = {}  # what `reconciliation` found by a node's latest sample

        self.journal: Journal | None = None  # is told of every change, to remember the past
        self.seen: Seen = _nothing  # what was watched of an object, as far as it is remembered

        self._tables: dict[str, dict[ObjectKey, Any]] = {
            "resourceslices": self.slices,
            "resourceclaims": self.claims,
            "resourceclaimtemplates": self.templates,
            "deviceclasses": self.classes,
            "devicetaintrules": self.taint_rules,
            "pods": self.pods,
            "podgroups": self.pod_groups,
            "computedomains": self.compute_domains,
            "nodes": self.nodes,
            "namespaces": self.namespaces,
            "resourcequotas": self.quotas,
            "priorityclasses": self.priorities,
            "events": self.warnings,
            SAMPLES: self.samples,
        }
        self._indexes: defaultdict[type[Row], list[tuple[Index, Any]]] = defaultdict(list)
        for name, (kind, values) in INDEXES.items():
            self._indexes[kind].append((getattr(self, name), values))
        self._unjudged: set[PoolKey] = set()  # pools whose slices changed in this `apply`
        self._untallied: set[PoolKey] = set()  # pools whose devices were allocated or freed in it
        self._sampled: dict[ObjectKey, NodeSample | None] = {}  # what was before it
        # Of a stream that shares its table
        self._members: defaultdict[str, set[ObjectKey]] = defaultdict(set)
        self._listed: defaultdict[str, set[ObjectKey]] = defaultdict(set)  # so far, by a list under way

    def apply(self, events: Sequence[Event]) -> Changes:
        """Take in what a source said. Returns what may look different now.

        Rows of a stream that lists anew stay until the new list is complete.
        """
        changes = Changes()
        self._unjudged.clear()
        self._untallied.clear()
        for event in events:
            match event:
                case Put(stream, row):
                    self._put(stream, (row,), changes)
                case Gone(stream, row):
                    self._gone(stream, row.key, changes)
                case Page(stream, rows, first, last):
                    self._page(stream, rows, first, last, changes)
                case HealthChanged(stream, health):
                    self._health_changed(stream, health, changes)
        for pool in self._unjudged:
            touch_with_pool(self, pool, changes.rows)
        for pool in self._untallied - self._unjudged:
            touch_with_counters(self, pool, changes.rows)
        if self.samples or self._sampled:
            self._measure(changes)
        return changes

    def _measure(self, changes: Changes) -> None:
        """Samples come last: of devices that are known by then, and held by those who hold them."""
        from dratui.cluster.reconciliation import reconcile  # they need all of us, and few sessions need them
        from dratui.cluster.sampling import sampled

        for key in changes.rows.get("nodes", ()):
            self.measured.pop(key.name, None)
        for key, old in self._sampled.items():
            sampled(self, old, self.samples.get(key), changes.live)
            reconcile(self, key.name, changes.rows)
        self._sampled.clear()

    def copy(self) -> "Store":
        """The same state, to go its own way. Nobody is told of that, and nothing of it is remembered."""
        other = Store()
        for stream, table in self._tables.items():
            other._tables[stream].update(table)
        for name in INDEXES:
            getattr(other, name).take(getattr(self, name))
        other.health.update(self.health)
        other.judged.update(self.judged)
        other.tallied.update(self.tallied)
        other.trails = self.trails.over()
        other.amiss.update(self.amiss)
        other._members.update((stream, keys.copy()) for stream, keys in self._members.items())
        other._listed.update((stream, keys.copy()) for stream, keys in self._listed.items())
        return other

    def rows(self) -> dict[str, dict[ObjectKey, Any]]:
        """The rows of every stream that has any, by key: copies, of the dicts and not of the rows."""
        tables = {stream: table.copy() for stream, table in self._tables.items() if table}
        for stream, members in self._members.items():  # several streams to a table
            tables.pop(_kind(stream), None)
            table = self._tables[_kind(stream)]
            tables[stream] = {key: table[key] for key in members if key in table}
        return tables

    def known(self, stream: str, namespace: str = "") -> bool:
        """Whether a stream's rows (of a namespace, or all) were complete once, so that absence means something."""
        return _extent(self.health.get(stream)) in ("", namespace)

    def _health_changed(self, stream: str, health: Health, changes: Changes) -> None:
        old = self.health.get(stream)
        before = _extent(old)
        self.health[stream] = health
        if self.journal is not None:
            self.journal.became(stream, old, health)
        changes.health = True
        if before != _extent(health):
            for table in ABSENCE.get(stream, ()):
                changes.rows[table].update(KEYS[table](self))
            if stream == "resourceslices":  # of pods, these tell only why they cannot leave
                changes.rows["pods"].update(
                    pod for node in self.pods_leaving for pod in self.pods_leaving[node]
                )

    def _page(self, stream: str, rows: Sequence[Row], first: bool, last: bool, changes: Changes) -> None:
        listed = self._listed[stream]
        if first:
            listed.clear()
        listed.update(self._put(stream, rows, changes, listing=True))
        if last:
            members = self._members[stream] if _shares(stream) else self._tables[stream].keys()
            for key in members - listed:
                self._gone(stream, key, changes, listing=True)
            del self._listed[stream]
            if self.journal is not None:
                self.journal.listed(stream)

    def _put(
        self, stream: str, rows: Iterable[Row], changes: Changes, *, listing: bool = False
    ) -> list[ObjectKey]:
        """Take in rows; returns their keys."""
        table = self._tables[_kind(stream)]
        keys = []
        for row in rows:
            key = row.key
            keys.append(key)
            old = table.get(key)
            if old != row:
                table[key] = row
                if self.journal is not None:
                    self.journal.changed(stream, old, row, listing=listing)
                self._join(key, old, row, changes)
        if _shares(stream):
            self._members[stream].update(keys)
        return keys

    def _gone(self, stream: str, key: ObjectKey, changes: Changes, *, listing: bool = False) -> None:
        if _shares(stream):
            self._members[stream].discard(key)
        old = self._tables[_kind(stream)].pop(key, None)
        if old is not None:
            if self.journal is not None:
                self.journal.changed(stream, old, None, listing=listing)
            self._join(key, old, None, changes)

    def _join(self, key: ObjectKey, old: Any, new: Any, changes: Changes) -> None:
        """Bring the indexes up to date. Where it moved in one, both states touch: a claim may have had another node."""
        kind = type(new if new is not None else old)
        if kind is NodeSample:
            self._sampled.setdefault(key, old)
            return
        indexes = self._indexes[kind]
        moved = not indexes
        for index, values in indexes:
            before = values(old) if old else ()
            after = values(new) if new else ()
            if before != after:
                index.move(key, before, after)
                moved = True
        touch = TOUCHED[kind]
        for row in (old, new):
            if row is None or (row is old and new and not moved):
                continue
            if isinstance(row, Slice):
                pool = pool_of(row)
                self.judged.pop(pool, None)
                self.tallied.pop(pool, None)
                self._unjudged.add(pool)
            elif isinstance(row, Claim):
                for pool in pools_held(row):
                    self.tallied.pop(pool, None)
                    self._untallied.add(pool)
            touch(self, key, row, changes.rows)


def _kind(stream: str) -> str:
    """The kind that a stream lists."""
    return stream.partition(":")[0]


def _shares(stream: str) -> bool:
    """Whether other streams list other objects of the same kind."""
    return ":" in stream


def _extent(health: Health | None) -> str | None:
    """Where a stream's rows are all there are: a namespace, "" for everywhere; None for nowhere."""
    complete = health is not None and health.phase in COMPLETE
    return health.namespace if health is not None and complete else None


KEYS: Mapping[str, Callable[[Store], Iterable[Any]]] = {
    "claims": lambda s: s.claims,
    "devices": lambda s: {*s.slices_of_device, *s.claims_of_device},
    "pools": lambda s: {*s.slices_of_pool, *s.claims_of_pool},
    "slices": lambda s: s.slices,
    "pods": lambda s: s.pods,
    "nodes": lambda s: {*s.nodes, *(ObjectKey("", n) for n in (*s.slices_of_node, *s.claims_of_node))},
    "classes": lambda s: s.classes,
    "templates": lambda s: s.templates,
    "taintrules": lambda s: s.taint_rules,
    "podgroups": lambda s: s.pod_groups,
    "computedomains": lambda s: s.compute_domains,
    "namespaces": lambda s: {
        *s.namespaces,
        *(ObjectKey("", n) for n in (*s.claims_of_namespace, *s.pods_of_namespace)),
    },
}
"""The keys that a table may have rows for. Objects that others only name are among them: what is held is a device."""
