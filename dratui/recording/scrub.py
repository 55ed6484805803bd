"""A recording that may be given away: of objects only what dratui reads, and every name another one.

An allow-list: a text is kept, or renamed, because a rule here says so; for what there is no rule, there is nothing.
Names are renamed word by word, and the same word becomes the same word everywhere. So a pod, its claim and their
owner still have names that tell they belong together, whichever of them comes first.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from hashlib import blake2b
from typing import Any

import msgspec

from dratui import samples
from dratui.api.streams import STREAMS, codec
from dratui.api.trim import fields, trim
from dratui.api.wire import Decoding
from dratui.events import About, Event, Gone, HealthChanged, Page, Put
from dratui.recording.raw import RawObject
from dratui.recording.samples import SAMPLES
from dratui.recording.scrub_plugin import scrubbed_plugin

_KNOWN = """
gpu.nvidia.com mig.nvidia.com vfio.gpu.nvidia.com compute-domain-daemon.nvidia.com gpu.intel.com gaudi.intel.com
compute-domain-default-channel.nvidia.com gpu.amd.com gpu.google.com tpu.google.com dra.net gpu.example.com
nvidia.com/gpu amd.com/gpu gpu.intel.com/i915 gpu.intel.com/xe habana.ai/gaudi google.com/tpu
"""
KNOWN = frozenset(_KNOWN.split())
"""Device classes and resources that drivers and plugins bring along: nobody's own names."""

PRODUCT = frozenset(
    {"productName", "model", "brand", "architecture", "type", "family", "profile", "numaNode", "numa"}
)
"""Attributes that say what a device is, not which one; their texts stay."""

_WORDS = """
a about above add added admission affinity after all allocate allocated allocation allowed already an and anti
anti-affinity any are as asks at attached available be because been before being below binding blocked bound but
by can cannot capacity cel change changed check claim claims class combined complete condition conditions constraint
consumable container containers control controller could couldn counter counters create created creating
creation currently daemon deadline deallocate deallocated deleted deleting deletion device deviceclass devices
did didn different disk do does doesn done down dra driver drivers due dynamic empty encountered enough error events
evicted eviction exceed exceeded exceeds exist exists expected fail failed failing failure feature filter
filters find finished for found free from gate gates generated get getting had has have healthy helpful host if
in incoming incomplete insufficient internal into invalid is isn it its key kube kubelet label limit list low
made manager match matched matching maximum may memory message missing more must name named namespace needed
needs network never new no node nodes noexecute non non-empty none nor noschedule not null number object of on
one only or other out over owner pending pick plane plugin pod podresourceclaim pods policy pool pools possible
preemption prefernoschedule prepare prepared preparing pressure quota ready reason refused registered remove
removed report request requested requests required reserved resource resourceclaim resourceclaims
resourceclaimtemplate resources resourceslice resourceslices response retry rpc rule run running runtime s
satisfied schedulable scheduled scheduler scheduling selector server service set share shared should similar slice
slices spec state status still stopped success successfully such t taint tainted taints template templates
terminated terminating than that the them then there this time timed to tolerate tolerated toleration too unable
unavailable unexpected unhandled unhealthy unknown unreachable unresolvable unschedulable unsupported until
untolerated update updated used user using valid validation value victims volume volumes waiting was watch were
when which while will with without would yet
"""
WORDS = frozenset(_WORDS.split())
"""What Kubernetes' own messages are made of. Another word in a message is renamed as if it were a name."""

_WORD = re.compile(r"[^\W_]+")
_CHUNK = re.compile(r"\w(?:[\w.\-/@:=+%]*\w)?")
_COUNT = re.compile(r"\d{1,6}(?:/\d{1,6})?")
_PART = re.compile(r"[^/:]+")
_NUMBER = re.compile(r"\d{1,4}")
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9]{0,63}")
_PLAIN = re.compile(r"-?[0-9.]+(?:[eE][0-9]+|[KMGTPE]i?|[kmun])?|true|false|")
_VERSION = re.compile(r"v?[0-9]+(?:\.[0-9]+){0,3}(?:-(?:alpha|beta|rc)[.0-9]*)?(?![0-9])")
_OURS = re.compile(r"(?:[a-z0-9.-]+\.)?(?:kubernetes\.io|k8s\.io)(?:/.+)?")
_ROLES = "node-role.kubernetes.io/"
_KNOWN_ROLES = frozenset({"control-plane", "master", "worker"})
_LITERAL = re.compile(r"""(?P<quote>["'])(?P<text>[^"'\\\n]*)(?P=quote)""")
_ODD_CEL = re.compile(r"""//|\\|\b[rRbB]{1,2}["']|["']""")
_SAYS_WHAT = re.compile(
    rf"(?:\bdriver|\.(?:{'|'.join(sorted(PRODUCT))}))\s*(?:==|!=|\.\w+\()\s*$|(?:attributes|capacity)\s*\[\s*$"
)
_QUANTITY = re.compile(r"[a-z][a-z0-9_]{0,127}")
_EXPORTER = re.compile(r"[a-z]+(?:[-_ ](?:exporter|gpu|smi|metrics|stream))*")
_HIDDEN = "(scrubbed)"


class Scrubber:
    """Renames what events say, for as long as a recording lasts. `key` makes uids that nobody can turn back."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._words: dict[str, str] = {}

    def about(self, about: About) -> About:
        """Whom the recording is of, unnamed."""
        return msgspec.structs.replace(
            about,
            cluster=self.name(about.cluster),
            user=self.name(about.user),
            namespace=self.name(about.namespace),
        )

    def events(self, events: Sequence[Event]) -> list[Event]:
        """The same events about renamed objects, whose rows are RawObjects. What cannot be read is left out."""
        return [scrubbed for event in events for scrubbed in self._event(event)]

    def _event(self, event: Event) -> Iterator[Event]:
        match event:
            case HealthChanged(stream, health):
                namespace = self.name(health.namespace)
                detail = self.message(health.detail)
                yield HealthChanged(
                    stream, msgspec.structs.replace(health, detail=detail, namespace=namespace)
                )
            case Page(stream, rows, first, last):
                scrubbed = [row for each in rows for row in self._object(stream, each)]
                yield Page(stream, scrubbed, first, last)
            case Put(stream, row) | Gone(stream, row):
                for scrubbed_row in self._object(stream, row):
                    yield type(event)(stream, scrubbed_row)

    def _object(self, stream: str, raw: RawObject) -> Iterator[RawObject]:
        if stream == samples.STREAM:
            yield from self._sample(raw)
            return
        try:
            _, data = trim(codec(stream.partition(":")[0], raw.version), raw.data)
        except (ValueError, RecursionError, KeyError):
            return
        yield RawObject(raw.version, msgspec.json.encode(self._value(msgspec.json.decode(data), "")))

    def _sample(self, raw: RawObject) -> Iterator[RawObject]:
        """What a node's devices did. Who has them, and which they are, is renamed as where the cluster says it."""
        try:
            sample = SAMPLES.row(raw.data)
        except (ValueError, RecursionError):
            return
        scrubbed = msgspec.structs.replace(
            sample,
            node=self.name(sample.node),
            source=self.measurer(sample.source),
            devices=tuple(map(self._device, sample.devices)),
            problem=self.message(sample.problem),
            attribution_problem=self.message(sample.attribution_problem),
            plugin=sample.plugin and scrubbed_plugin(sample.plugin, self),
        )
        yield RawObject(raw.version, msgspec.json.encode(scrubbed))

    def _device(self, device: samples.DeviceSample) -> samples.DeviceSample:
        return msgspec.structs.replace(
            device,
            uuid=self.name(device.uuid),
            gpu=self.name(device.gpu),
            pci=self.name(device.pci),
            holders=tuple(map(self._holder, device.holders)),
            values={key: value for key, value in device.values.items() if _QUANTITY.fullmatch(key)},
            absent={k: why for k, why in device.absent.items() if _QUANTITY.fullmatch(k + why)},
        )

    def _holder(self, holder: samples.Holder) -> samples.Holder:
        named = ("namespace", "pod", "container", "claim", "request", "pool", "device")
        return msgspec.structs.replace(
            holder,
            claim_uid=self.uid(holder.claim_uid),
            share_id=self.uid(holder.share_id),
            **{field: self.name(getattr(holder, field)) for field in named},
        )

    def measurer(self, text: str) -> str:
        """A kind of exporter; not where one is."""
        return text if not text or _EXPORTER.fullmatch(text) else _HIDDEN

    def _value(self, value: Any, path: str) -> Any:
        """A part of an object, by the rule for its place; None for what there is no rule for."""
        rule = _rule(path)
        if isinstance(value, str):
            return rule(self, value) if rule is not None and rule not in _MAPS else None
        if isinstance(value, dict) and rule in _MAPS:
            return rule(self, value)
        if isinstance(value, dict):
            known = {key: part for key, part in value.items() if f"{path}.{key}" in _fields()}
            parts = {key: self._value(part, f"{path}.{key}") for key, part in known.items()}
            return {key: part for key, part in parts.items() if part is not None}
        if isinstance(value, list):
            return [self._value(part, path) for part in value]
        return value if isinstance(value, bool | int | float) else None

    # --- the rules

    def name(self, text: str) -> str:
        """A name, word by word; `namespace/name` as both. Short numbers stay: they are what tells train-7 from train-8.
        So does a name that is but one of Kubernetes' own words: messages are full of them."""
        return text if text in KNOWN else _PART.sub(lambda m: self._part(m[0]), text)

    def _part(self, text: str) -> str:
        if text.lower() in WORDS:
            return text
        numbered = any(c.isalpha() for c in text)
        return _WORD.sub(lambda m: m[0] if numbered and _NUMBER.fullmatch(m[0]) else self._word(m[0]), text)

    def _word(self, word: str) -> str:
        found = self._words.get(word)
        if found is None:
            found = self._words[word] = _pronounceable(len(self._words))
        return found

    def uid(self, text: str) -> str:
        """Another uid, the same for the same."""
        if not text:
            return text
        digest = blake2b(text.encode(), key=self._key, digest_size=16).hexdigest()
        return "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:]))

    def nothing(self, data: Mapping[str, Any]) -> Mapping[str, Any]:
        """A driver's own data: nobody knows what stands in them."""
        return {}

    def same(self, value: Any) -> Any:
        """A time; what drivers are called, and their attributes."""
        return value

    def opaque(self, text: str) -> str:
        """An address: another word for it."""
        return self._word(text) if text else text

    def code(self, text: str) -> str:
        """A word such as `Unschedulable`."""
        return text if not text or _CODE.fullmatch(text) else _HIDDEN

    def condition(self, text: str) -> str:
        """The type of a condition: a word, or one with the domain of whoever invented it."""
        return text if _CODE.fullmatch(text) else self.label(text)

    def version(self, text: str) -> str:
        """A version, without what vendors put behind it."""
        found = _VERSION.match(text)
        return found[0] if found else _HIDDEN

    def label(self, text: str) -> str:
        """The key of a label or a taint: Kubernetes' own stay."""
        if text.startswith(_ROLES):
            role = text.removeprefix(_ROLES)
            return _ROLES + (role if role in _KNOWN_ROLES else self.name(role))
        return text if _OURS.fullmatch(text) or text == "metadata.name" else self.name(text)

    def flag(self, text: str) -> str:
        """The value of a label or a taint."""
        return text if text in ("true", "false") else self.name(text)

    def labels(self, labels: Mapping[str, str]) -> Mapping[str, str]:
        """All are kept, unreadable: who selects by them still finds the same."""
        return {self.label(key): self.flag(value) for key, value in labels.items()}

    def node_selector(self, selector: Mapping[str, Any]) -> Mapping[str, Any]:
        """A pod's is labels, a slice's and an allocation's has terms."""
        terms = selector.get("nodeSelectorTerms")
        if isinstance(terms, list):
            return {"nodeSelectorTerms": self._value(terms, ".spec.nodeSelector.nodeSelectorTerms")}
        return self.labels({key: value for key, value in selector.items() if isinstance(value, str)})

    def annotations(self, annotations: Mapping[str, str]) -> Mapping[str, str]:
        """Those that are read."""
        return {key: self.flag(value) for key, value in annotations.items()}

    def resources(self, resources: Mapping[str, Any]) -> Mapping[str, Any]:
        """Quantities by resource: a resource is called after its plugin, or after a device class."""
        return {self.resource(key): value for key, value in resources.items() if self._quantity(value)}

    def resource(self, text: str) -> str:
        """A resource's name."""
        for part, name in (("deviceclass.resource.kubernetes.io/", 1), (".deviceclass.resource.k8s.io/", 0)):
            if part in text:
                pieces = text.split(part, 1)
                pieces[name] = self.name(pieces[name])
                return part.join(pieces)
        return text

    def quantities(self, quantities: Mapping[str, Any]) -> Mapping[str, Any]:
        """Quantities by the driver's own names for them."""
        return {key: value for key, value in quantities.items() if self._quantity(value)}

    def _quantity(self, value: Any) -> bool:
        """A bare one, or one with `value` and its policy."""
        if isinstance(value, dict):
            return all(self._quantity(part) for part in value.values())
        if isinstance(value, list):
            return all(self._quantity(part) for part in value)
        return not isinstance(value, str) or bool(_PLAIN.fullmatch(value))

    def attributes(self, attributes: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
        """What a device is stays; which one it is, is renamed."""
        return {
            key: {kind: self._attribute(key, kind, value) for kind, value in each.items()}
            for key, each in attributes.items()
        }

    def _attribute(self, key: str, kind: str, value: Any) -> Any:
        if isinstance(value, list):
            return [self._attribute(key, kind, part) for part in value]
        if not isinstance(value, str) or key.rpartition("/")[2] in PRODUCT:
            return value
        return self.version(value) if kind.startswith("version") else self.name(value)

    def expression(self, text: str) -> str:
        """CEL: its texts are renamed as the names are that they are compared with."""
        if _ODD_CEL.search(_LITERAL.sub("", text)):
            return _HIDDEN
        return _LITERAL.sub(
            lambda m: m["quote"] + self._literal(m["text"], text[: m.start()]) + m["quote"], text
        )

    def _literal(self, text: str, before: str) -> str:
        stays = _SAYS_WHAT.search(before) or _PLAIN.fullmatch(text) or _VERSION.fullmatch(text)
        return text if stays else self.name(text)

    def message(self, text: str) -> str:
        """What Kubernetes says in its own words stays, what it says it about is renamed."""
        return _CHUNK.sub(lambda m: m[0] if _COUNT.fullmatch(m[0]) else self.name(m[0]), text)

    def resource_id(self, text: str) -> str:
        """`driver/pool/device`, or what a device plugin calls a device."""
        driver, slash, rest = text.partition("/")
        named = "." in driver and rest.count("/") == 1
        return driver + slash + self.name(rest) if named else self.name(text)


Rule = Callable[[Scrubber, Any], Any]

_RULES: Mapping[str, Rule] = {
    # The last parts of a path; where several fit, the longest.
    **dict.fromkeys(("name", "namespace", "nodeName", "pool", "device", "counterSet"), Scrubber.name),
    **dict.fromkeys(("resourceClaimName", "resourceClaimTemplateName", "deviceClassName"), Scrubber.name),
    **dict.fromkeys(("request", "constraints.requests", "podGroupName"), Scrubber.name),
    "compatibilityGroups": Scrubber.name,
    **dict.fromkeys(("uid", "shareID"), Scrubber.uid),
    **dict.fromkeys(("driver", "matchAttribute", "distinctAttribute", "extendedResourceName"), Scrubber.same),
    "resourceName": Scrubber.resource,
    **dict.fromkeys(("creationTimestamp", "deletionTimestamp", "allocationTimestamp"), Scrubber.same),
    **dict.fromkeys(
        ("lastTransitionTime", "timeAdded", "startTime", "startedAt", "finishedAt"), Scrubber.same
    ),
    **dict.fromkeys(("firstTimestamp", "lastTimestamp", "eventTime", "lastObservedTime"), Scrubber.same),
    **dict.fromkeys(
        ("allocationMode", "effect", "operator", "phase", "restartPolicy", "reason"), Scrubber.code
    ),
    **dict.fromkeys(("health", "conditions.status", "resource", "scopes", "scopeName"), Scrubber.code),
    **dict.fromkeys(("ownerReferences.kind", "involvedObject.kind"), Scrubber.code),
    **dict.fromkeys(("status.status", "nodes.status"), Scrubber.code),
    **dict.fromkeys(("declaredFeatures", "skipNodeOperations"), Scrubber.code),
    "kubeletVersion": Scrubber.version,
    "schedulerName": lambda scrubber, text: text if text == "default-scheduler" else scrubber.name(text),
    "priorityClassName": lambda scrubber, text: text if text.startswith("system-") else scrubber.name(text),
    **dict.fromkeys(("type", "bindingConditions", "bindingFailureConditions"), Scrubber.condition),
    **dict.fromkeys(("apiGroup", "finalizers", "key", "schedulingGates.name"), Scrubber.label),
    **dict.fromkeys(("values", "taints.value", "taint.value", "tolerations.value"), Scrubber.flag),
    "labels": Scrubber.labels,
    "nodeSelector": Scrubber.node_selector,
    "annotations": Scrubber.annotations,
    "attributes": Scrubber.attributes,
    **dict.fromkeys(("limits", "resources.requests", "allocatable", "hard", "used"), Scrubber.resources),
    **dict.fromkeys(("overhead", "allocatedResources"), Scrubber.resources),
    **dict.fromkeys(("capacity.requests", "consumedCapacity", "counters"), Scrubber.quantities),
    **dict.fromkeys(("devices.capacity", "basic.capacity"), Scrubber.quantities),
    "interfaceName": Scrubber.name,
    **dict.fromkeys(("ips", "ipAddress", "hardwareAddress", "cliqueID"), Scrubber.opaque),
    "status.devices.data": Scrubber.nothing,
    "expression": Scrubber.expression,
    "message": Scrubber.message,
    "resourceID": Scrubber.resource_id,
}


_MAPS = (
    *(Scrubber.labels, Scrubber.annotations, Scrubber.attributes, Scrubber.resources, Scrubber.quantities),
    Scrubber.nothing,
    Scrubber.node_selector,
)


@cache
def _fields() -> frozenset[str]:
    """The places of fields, of any kind and version: what is written elsewhere, drivers' own data, is anything."""
    codecs = (stream.codec(version) for stream in STREAMS.values() for version in stream.versions)
    return frozenset(f".{path}" for each in codecs if isinstance(each, Decoding) for path in fields(each))


@cache
def _rule(path: str) -> Rule | None:
    """The rule for a place: of the longest end of the path that has one."""
    parts = path.split(".")
    return next((rule for n in range(len(parts)) if (rule := _RULES.get(".".join(parts[n:])))), None)


def _pronounceable(number: int) -> str:
    """A word of two syllables or more, another one for every number."""
    syllables = []
    number += 100  # two at least
    while number:
        number, rest = divmod(number, 100)
        syllables.append("bdfghjklmnprstvwxyzc"[rest // 5] + "aeiou"[rest % 5])
    return "".join(reversed(syllables))
