"""A scrubbed recording: the same cluster under other names, and nothing else of it."""

import gzip
import json
import re
import signal
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from dratui.api.model import Pod
from dratui.api.streams import STREAMS, codec
from dratui.cluster.store import Store
from dratui.events import About, Event, Gone, Health, HealthChanged, Page, Phase, Put
from dratui.recording.decode import Decoder
from dratui.recording.format import Line
from dratui.recording.raw import RawObject
from dratui.recording.reader import Reader
from dratui.recording.scrub import _MAPS, KNOWN, WORDS, Scrubber, _rule
from dratui.recording.writer import Writer
from dratui.views.listing import Listing
from dratui.views.query import Query
from dratui.views.tables import TABLES
from tests.realparts.controlplane import ControlPlane
from tests.realparts.polling import wait
from tests.recording.samples import STARTED
from tests.recording.test_commands import Recorder

# --- the same cluster ---------------------------------------------------------------------------------


def events_of(line: Line) -> list[Event]:
    """A line of a recording as what was recorded."""
    stream = line.stream
    if line.health is not None:
        return [HealthChanged(stream, line.health)]
    if line.page is not None:
        rows = [RawObject(line.version, bytes(each)) for each in line.page]
        return [Page(stream, rows, line.first, line.last)]
    kind = Put if line.put else Gone
    return [kind(stream, RawObject(line.version, bytes(line.put or line.gone)))]


def scrubbed(path: Path, copy: Path, scrubber: Scrubber) -> Path:
    """The recording once more, as if it had been recorded with --scrub."""
    with Reader(path) as reader:
        writer = Writer(copy)
        started = reader.header.started
        writer.begin(scrubber.about(reader.header.about), started)
        for line in reader.lines():
            writer.write(scrubber.events(events_of(line)), started + line.t)
        writer.close(started + (reader.duration or 0.0))
    return copy


def stores(path: Path, every: int) -> Iterator[Store]:
    """What is there after each so many lines, and at the end."""
    store, decoder = Store(), Decoder()
    with Reader(path) as reader:
        for n, line in enumerate(reader.lines(), 1):
            store.apply(decoder.events(line))
            if n % every == 0:
                yield store
    assert decoder.skipped == 0
    yield store


def rows(store: Store, kind: str) -> Sequence[Any]:
    now = datetime.fromtimestamp(STARTED, UTC)
    found = Listing(store, Query(kind=kind), now, told=True).rows()
    told: list[Any] = [json.loads(msgspec.json.encode(row)) for row in found]
    for row in told:
        row.pop("live", None)  # which device it is of may be known by its name only, and that is another now
    for row in told if kind == "claims" else ():
        for device in row["devices"]:
            del device["data"]  # its driver's own, of which nothing is kept
    return told


class Same:
    """Whether what is told of a scrubbed cluster is what is told of the original one, under its names."""

    def __init__(self, scrubber: Scrubber) -> None:
        self._scrubber = scrubber

    def __call__(self, one: Any, other: Any) -> bool:
        if isinstance(one, dict) and isinstance(other, dict):
            assert not other.get("data")  # drivers' own: left out
            left = [(key, value) for key, value in one.items() if key != "data"]
            return self._all(left, [(key, value) for key, value in other.items() if key != "data"])
        if isinstance(one, list | tuple) and isinstance(other, list | tuple):
            return self._all(one, other)
        if isinstance(one, str) and isinstance(other, str):
            return one == other or other in self._scrubbed(one) or self._sentence(one, other)
        return bool(one == other)

    def _all(self, one: Sequence[Any], other: Sequence[Any]) -> bool:
        """Sorted by names, they may come in another order."""
        left = list(other)
        for each in one:
            match = next((n for n, candidate in enumerate(left) if self(each, candidate)), None)
            if match is None:
                return False
            del left[match]
        return not left

    def _sentence(self, one: str, other: str) -> bool:
        """What dratui says itself, about renamed objects."""
        parts, others = (re.findall(r"[\w.-]+", text) for text in (one, other))
        return len(parts) == len(others) and all(
            b in (a, self._scrubber.name(a)) for a, b in zip(parts, others, strict=True)
        )

    def _scrubbed(self, text: str) -> Iterator[str]:
        scrubber = self._scrubber
        yield from (
            rename(text) for rename in (scrubber.name, scrubber.message, scrubber.label, scrubber.uid)
        )
        yield from (rename(text) for rename in (scrubber.expression, scrubber.version, scrubber.opaque))
        if "deviceclass.resource" in text:
            yield scrubber.resource(text)


def compare(path: Path, copy: Path, scrubber: Scrubber, every: int) -> None:
    same = Same(scrubber)
    for original, other in zip(stores(path, every), stores(copy, every), strict=True):
        for kind in TABLES:
            mine, theirs = rows(original, kind), rows(other, kind)
            assert len(mine) == len(theirs)
            left = list(theirs)
            for row in mine:
                match = next((n for n, candidate in enumerate(left) if same(row, candidate)), None)
                assert match is not None, (kind, row, left[:3])
                del left[match]


def test_views_of_the_demo_are_the_same_under_other_names(tmp_path: Path) -> None:
    scrubber = Scrubber(b"key")
    with as_file(files("dratui") / "demo.rec") as demo:
        copy = scrubbed(demo, tmp_path / "a.rec", scrubber)
        compare(demo, copy, scrubber, 200)


def test_what_devices_do_is_kept_of_those_that_are_known_by_uuid_or_holder(tmp_path: Path) -> None:
    with as_file(files("dratui") / "demo.rec") as demo:
        copy = scrubbed(demo, tmp_path / "a.rec", Scrubber(b"key"))
        for original, other in zip(stores(demo, 200), stores(copy, 200), strict=True):
            mine, theirs = (sorted(map(str, busy(store))) for store in (original, other))
            assert len(mine) > 20
            assert mine == theirs


def busy(store: Store) -> Iterator[float | None]:
    """What claims' devices do."""
    now = datetime.fromtimestamp(STARTED, UTC)
    for row in Listing(store, Query(kind="claims"), now).rows():
        if row.live is not None:
            yield row.live.utilization


@pytest.fixture(scope="module")
def recorded(all_scenarios: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every scenario on the real control plane, as it is."""
    recorder = Recorder(all_scenarios, tmp_path_factory.mktemp("scrub") / "a.rec")
    wait(lambda: recorder.holds(len(STREAMS)), 60, "every stream to be recorded")
    assert recorder.end(signal.SIGINT) == (0, "")
    return recorder.path


def test_views_of_every_scenario_are_the_same_under_other_names(recorded: Path, tmp_path: Path) -> None:
    scrubber = Scrubber(b"key")
    compare(recorded, scrubbed(recorded, tmp_path / "b.rec", scrubber), scrubber, 10**9)


def test_no_name_of_the_cluster_is_in_a_file_that_was_recorded_scrubbed(
    all_scenarios: ControlPlane, recorded: Path, tmp_path: Path
) -> None:
    recorder = Recorder(all_scenarios, tmp_path / "c.rec", "--scrub")
    wait(lambda: recorder.holds(len(STREAMS)), 60, "every stream to be recorded")
    assert recorder.end(signal.SIGINT) == (0, "")
    lines = gzip.decompress(recorder.path.read_bytes()).decode().splitlines()
    text = "\n".join(line for line in lines if '"index":' not in line)  # it names fields
    *_, store = stores(recorded, 10**9)
    names = {part for table in store.rows().values() for key in table for part in key}
    uids = {row.uid for table in store.rows().values() for row in table.values()}
    selectors = " ".join(text for class_ in store.classes.values() for text in class_.selectors)
    known = KNOWN | {slice_.driver for slice_ in store.slices.values()}
    known |= set(re.findall(r"""driver == ["']([^"']+)""", selectors))  # published or not
    known |= {name for pod in store.pods.values() for c in pod.containers for name, _ in c.extended}
    for stays in sorted(known, key=len, reverse=True):
        text = text.replace(stays, "")
    assert len(names) > 50
    for name in sorted(names - known - WORDS):
        assert len(name) < 4 or not re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", text), name
    assert not any(uid in text for uid in uids if uid)
    *_, other = stores(recorder.path, 10**9)
    assert {stream: len(table) for stream, table in other.rows().items()} == {
        stream: len(table) for stream, table in store.rows().items()
    }


# --- nothing else -------------------------------------------------------------------------------------

SECRET = "hush77"


def planted() -> dict[str, list[Any]]:
    """Objects with something to hide wherever a person may write something."""
    meta = {
        "name": f"{SECRET}-name", "namespace": f"{SECRET}-space", "uid": f"{SECRET}-uid",
        "labels": {f"{SECRET}/team": SECRET, "app": SECRET, f"node-role.kubernetes.io/{SECRET}": ""},
        "annotations": {"note": SECRET, "resource.kubernetes.io/pod-claim-name": SECRET},
        "ownerReferences": [{"kind": "Pod", "name": SECRET, "uid": SECRET, "controller": True}],
        "finalizers": [f"{SECRET}.example.com/mine"],
        "managedFields": [{"manager": SECRET}], "generateName": SECRET,
    }  # fmt: skip
    condition = {
        "type": "Ready",
        "status": "False",
        "reason": "Odd",
        "message": f"0/1 nodes: {SECRET} {SECRET}-x",
    }
    expressions = [
        f"device.attributes['a.example.com'].rack == '{SECRET}'",
        f"true // {SECRET}",
        f"device.driver.startsWith(r'{SECRET}')",
        f"'\\'' == \"{SECRET}\"",
    ]
    exactly = {
        "deviceClassName": f"{SECRET}.example.com",
        "selectors": [{"cel": {"expression": expression}} for expression in expressions],
        "tolerations": [{"key": SECRET, "operator": "Equal", "value": SECRET}],
        "capacity": {"requests": {"memory": SECRET}},
    }
    devices = {
        "requests": [{"name": SECRET, "exactly": exactly}],
        "config": [{"opaque": {"parameters": SECRET}}],
    }
    result = {
        "request": SECRET,
        "driver": "a.example.com",
        "pool": SECRET,
        "device": SECRET,
        "shareID": SECRET,
    }
    selector = {
        "nodeSelectorTerms": [{"matchExpressions": [{"key": SECRET, "operator": "In", "values": [SECRET]}]}]
    }
    reported = {
        **result, "conditions": [condition], "data": {SECRET: [SECRET, {SECRET: 1}]},
        "networkData": {"interfaceName": SECRET, "ips": [SECRET], "hardwareAddress": SECRET},
    }  # fmt: skip
    container = {
        "name": SECRET, "image": f"{SECRET}/{SECRET}:1", "args": [SECRET], "command": [SECRET],
        "env": [{"name": SECRET, "value": SECRET}],
        "resources": {"claims": [{"name": SECRET}], "limits": {f"deviceclass.resource.kubernetes.io/{SECRET}": "1"}},
    }  # fmt: skip
    state = {"waiting": {"reason": "Odd", "message": SECRET}, "terminated": {"message": SECRET}}
    health = {
        "name": f"claim:{SECRET}",
        "resources": [{"resourceID": SECRET, "health": "Bad", "message": SECRET}],
    }
    return {
        "resourceclaims": [
            {
                "metadata": meta, "spec": {"devices": devices},
                "status": {
                    "allocation": {"devices": {"results": [result]}, "nodeSelector": selector},
                    "reservedFor": [{"resource": "pods", "name": SECRET, "uid": SECRET}], "devices": [reported],
                },
            }
        ],
        "pods": [
            {
                "metadata": meta,
                "spec": {
                    "nodeName": SECRET, "containers": [container], "schedulerName": SECRET,
                    "schedulingGates": [{"name": f"{SECRET}/gate"}], "volumes": [{"hostPath": {"path": SECRET}}],
                    "resourceClaims": [{"name": SECRET, "resourceClaimTemplateName": SECRET}],
                },
                "status": {
                    "message": f"it says {SECRET}: '{SECRET}'", "conditions": [condition], "podIP": SECRET,
                    "containerStatuses": [
                        {"name": SECRET, "state": state, "image": SECRET, "allocatedResourcesStatus": [health]}
                    ],
                },
            }
        ],
        "nodes": [
            {
                "metadata": meta, "spec": {"taints": [{"key": f"{SECRET}/x", "value": SECRET, "effect": "NoSchedule"}]},
                "status": {"addresses": [{"address": SECRET}], "nodeInfo": {"kubeletVersion": f"v1 {SECRET}"}},
            }
        ],
        "resourceslices": [
            {
                "metadata": meta,
                "spec": {
                    "driver": "a.example.com", "nodeName": SECRET, "pool": {"name": SECRET},
                    "devices": [
                        {
                            "name": SECRET,
                            "attributes": {"rack": {"string": SECRET}, "note": {"version": f"1.0.0-{SECRET}"}},
                            "capacity": {"memory": {"value": SECRET}},
                            "taints": [{"key": SECRET, "value": SECRET, "effect": "None"}],
                        }
                    ],
                    "sharedCounters": [{"name": SECRET, "counters": {"x": {"value": SECRET}}}],
                },
            }
        ],
        "events:FailedPrepareDynamicResources": [
            {
                "metadata": meta, "message": f"Failed: {SECRET}", "reason": "FailedPrepareDynamicResources",
                "involvedObject": {"kind": "Pod", "name": SECRET, "namespace": SECRET, "uid": SECRET},
            }
        ],
        "resourcequotas": [
            {"metadata": meta, "status": {"hard": {f"{SECRET}.deviceclass.resource.k8s.io/devices": "1"}}}
        ],
        "deviceclasses": [{"metadata": meta, "spec": {"selectors": exactly["selectors"]}}],
        "devicetaintrules": [
            {"metadata": meta, "spec": {"deviceSelector": {"pool": SECRET}, "taint": {"key": SECRET, "value": SECRET}}}
        ],
    }  # fmt: skip


def test_nothing_that_a_person_wrote_is_in_the_file(tmp_path: Path) -> None:
    scrubber = Scrubber(b"key")
    writer = Writer(tmp_path / "a.rec")
    writer.begin(
        scrubber.about(About(cluster=SECRET, user=f"{SECRET}@example.com", namespace=SECRET)), STARTED
    )
    refused = Health(
        phase=Phase.FORBIDDEN, since=STARTED, detail=f'User "{SECRET}" cannot list', namespace=SECRET
    )
    for stream, objects in planted().items():
        data = [RawObject("v1", json.dumps(each).encode()) for each in objects]
        said: list[Event] = [
            Page(stream, data, first=True, last=True), Put(stream, data[0]), HealthChanged(stream, refused)
        ]  # fmt: skip
        writer.write(scrubber.events(said), STARTED)
    writer.close(STARTED + 1)
    text = gzip.decompress((tmp_path / "a.rec").read_bytes()).decode()
    assert SECRET not in text
    *_, store = stores(tmp_path / "a.rec", 10**9)
    assert {stream for stream, table in store.rows().items() if table} == set(planted())


def test_every_text_that_is_read_has_a_rule_or_is_known_to_be_left_out() -> None:
    """What a later dratui reads is left out until someone says what becomes of it."""
    left_out = {
        "metadata.resourceVersion", "networkData.interfaceName", "networkData.ips", "networkData.hardwareAddress",
    }  # fmt: skip
    open_ = {
        path
        for stream in STREAMS.values()
        for version in stream.versions
        for path in texts(codec(stream.plural, version).kind, "")
        if not ruled(path) and ".".join(path.split(".")[-2:]) not in left_out
    }
    assert open_ == set()


def ruled(path: str) -> bool:
    """Whether there is a rule for the text, or for a map that it is in."""
    parts = path.split(".")
    above = [_rule(f".{'.'.join(parts[:n])}") for n in range(1, len(parts))]
    return _rule(f".{path}") is not None or any(rule in _MAPS for rule in above)


def texts(kind: Any, at: str) -> Iterator[str]:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        for field in msgspec.structs.fields(kind):
            yield from texts(field.type, f"{at}.{field.encode_name}".lstrip("."))
    elif kind is str:
        yield at
    for part in get_args(kind):
        yield from texts(part, at)


def test_names_keep_what_they_have_in_common() -> None:
    scrubber = Scrubber(b"key")
    owner, made = scrubber.name("train-7"), scrubber.name("train-7-gpu-x2k9f")
    assert made.startswith(f"{owner}-")
    assert "train" not in made
    assert "x2k9f" not in made
    assert scrubber.name("train-8") == owner.replace("7", "8")
    assert scrubber.name("2024") != "2024"
    assert owner in scrubber.message('pod "train-7" not found')
    assert scrubber.message("0/12 nodes are available: 12 cannot allocate all claims.") == (
        "0/12 nodes are available: 12 cannot allocate all claims."
    )


def test_another_recording_has_other_uids() -> None:
    one, other = Scrubber(b"key"), Scrubber(b"another")
    assert one.uid("5b1b7c2e") == one.uid("5b1b7c2e") != other.uid("5b1b7c2e")
    assert one.uid("") == ""


def test_what_a_device_is_stays_and_which_one_it_is_does_not() -> None:
    scrubber = Scrubber(b"key")
    sent: Mapping[str, Mapping[str, Any]] = {
        "productName": {"string": "NVIDIA H100"},
        "uuid": {"string": "GPU-1"},
        "minor": {"int": 3},
    }
    found = scrubber.attributes({**sent, "driverVersion": {"version": "580.1.0"}})
    assert (found["productName"], found["minor"]) == (sent["productName"], sent["minor"])
    assert found["driverVersion"] == {"version": "580.1.0"}
    assert found["uuid"] != sent["uuid"]


def test_an_expression_compares_with_the_renamed() -> None:
    scrubber = Scrubber(b"key")
    rack = scrubber.name("rack-a")
    assert scrubber.expression("device.attributes['a.example.com'].rack == 'rack-a'") == (
        f"device.attributes['a.example.com'].rack == '{rack}'"
    )
    same = "device.driver == 'gpu.nvidia.com' && device.capacity['gpu.nvidia.com'].memory >= quantity('80Gi')"
    assert scrubber.expression(same) == same


def test_what_a_driver_reports_is_still_what_binding_waits_for() -> None:
    scrubber = Scrubber(b"key")
    assert scrubber.condition("attach.example.com/ready") == scrubber.label("attach.example.com/ready")
    assert scrubber.condition("attach.example.com/ready") != "attach.example.com/ready"
    assert scrubber.condition("Ready") == "Ready"


def test_no_alphabet_is_overlooked() -> None:
    scrubber = Scrubber(b"key")
    for text in ("müller-größe", "стойка_7", "機密"):
        said = scrubber.message(f"0/1 nodes are available: {text}.")
        assert said.startswith("0/1 nodes are available: ")
        assert not any(word in said for word in re.findall(r"[^\W\d_]+", text))


def test_versions_lose_what_vendors_put_behind_them() -> None:
    found = [
        Scrubber(b"key").version(text)
        for text in ("v1.36.3", "v1.29.3-eks-ae9a62a", "580.1.0-rc.1", "secret")
    ]
    assert found == ["v1.36.3", "v1.29.3", "580.1.0-rc.1", "(scrubbed)"]


def test_where_a_pod_may_go_still_fits_the_nodes_that_it_fitted() -> None:
    scrubber = Scrubber(b"key")
    pod = {
        "metadata": {"namespace": "red", "name": "train"},
        "spec": {
            "nodeSelector": {"team": "red"},
            "affinity": {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [{"matchExpressions": [ZONE]}]}}},
            "tolerations": [{"key": "team", "operator": "Equal", "value": "red", "effect": "NoSchedule"}],
            "containers": [{"name": "main", "resources": {"limits": {"nvidia.com/gpu": "1"}}}],
        },
    }
    node = {"metadata": {"name": "n", "labels": {"team": "red", "zone": "alpine"}}}
    sent = [("pods", pod), ("nodes", node)]
    events = [Put(stream, RawObject("v1", json.dumps(each).encode())) for stream, each in sent]
    its, there = (
        codec(e.stream, "v1").row(e.row.data) for e in scrubber.events(events) if isinstance(e, Put)
    )
    assert isinstance(its, Pod)
    assert its.placement.affinity is not None
    labels = dict(there.labels)
    assert "red" not in labels.values()
    assert its.placement.node_selector[0] in labels.items()
    asked = its.placement.affinity.node_selector_terms[0].match_expressions[0]
    assert (asked.operator, labels[asked.key] in asked.values) == ("In", True)
    assert its.placement.tolerations[0].effect == "NoSchedule"


REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
ZONE = {"key": "zone", "operator": "In", "values": ["alpine"]}
