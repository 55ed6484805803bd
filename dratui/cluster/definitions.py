"""The objects that define what can be asked for: slices, classes, templates and taint rules, as listed."""

from datetime import datetime
from typing import Literal

import msgspec

from dratui.api.model import Condition, ObjectKey, Request
from dratui.cluster.index import pool_of, rule_selects, users
from dratui.cluster.judgement import judgement, where
from dratui.cluster.store import Store


class SliceRow(msgspec.Struct, frozen=True, gc=False, rename="camel", kw_only=True):
    """A ResourceSlice as listed. `state` is `obsolete` for an older generation, else the pool's."""

    name: str
    node: str
    where: str
    driver: str
    pool: str
    generation: int
    devices: int
    counter_sets: int
    state: Literal["complete", "incomplete", "invalid", "obsolete"]
    created: datetime | None

    @property
    def key(self) -> ObjectKey:
        """Which slice."""
        return ObjectKey("", self.name)


def slice_row(store: Store, key: ObjectKey) -> SliceRow | None:
    """A slice as listed."""
    slice_ = store.slices.get(key)
    if slice_ is None:
        return None
    verdict = judgement(store, pool_of(slice_))
    current = verdict is not None and slice_.generation == verdict.generation
    return SliceRow(
        name=slice_.name,
        node=slice_.node,
        where=where(slice_),
        driver=slice_.driver,
        pool=slice_.pool,
        generation=slice_.generation,
        devices=len(slice_.devices),
        counter_sets=len(slice_.counter_sets),
        state=verdict.state if verdict and current else "obsolete",
        created=slice_.created,
    )


class ClassRow(msgspec.Struct, frozen=True, gc=False, rename="camel", kw_only=True):
    """A DeviceClass as listed. `claims` counts those that name it; None: unknown."""

    name: str
    selectors: tuple[str, ...]
    extended_resource: str
    claims: int | None
    pending: int | None
    created: datetime | None

    @property
    def key(self) -> ObjectKey:
        """Which class."""
        return ObjectKey("", self.name)


def class_row(store: Store, key: ObjectKey) -> ClassRow | None:
    """A class as listed; a class that claims name and that does not exist is not listed."""
    class_ = store.classes.get(key)
    if class_ is None:
        return None
    claims = [store.claims[k] for k in store.claims_of_class[key]]
    known = store.known("resourceclaims")
    return ClassRow(
        name=class_.name,
        selectors=class_.selectors,
        extended_resource=class_.extended_resource,
        claims=len(claims) if known else None,
        pending=sum(c.allocation is None for c in claims) if known else None,
        created=class_.created,
    )


class TemplateRow(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A ResourceClaimTemplate as listed. `pods` counts those that name it; None: unknown."""

    namespace: str
    name: str
    requests: tuple[Request, ...]
    pods: int | None
    created: datetime | None

    @property
    def key(self) -> ObjectKey:
        """Which template."""
        return ObjectKey(self.namespace, self.name)


def template_row(store: Store, key: ObjectKey) -> TemplateRow | None:
    """A template as listed."""
    template = store.templates.get(key)
    if template is None:
        return None
    return TemplateRow(
        namespace=template.namespace,
        name=template.name,
        requests=template.requests,
        pods=len(store.pods_of_template[key]) if store.known("pods", key.namespace) else None,
        created=template.created,
    )


class TaintRuleRow(msgspec.Struct, frozen=True, gc=False, rename="camel", kw_only=True):
    """A DeviceTaintRule as listed: what it selects, and what came of it. `devices` counts the published ones, `held`
    those that claims have, `pods` those that the claims are reserved for; None: unknown. `conditions` are the
    server's; of these EvictionInProgress says how far an eviction is, or what it would do if the effect is None."""

    name: str
    taint_key: str
    value: str
    effect: str
    driver: str
    pool: str
    device: str
    device_class: str
    selectors: tuple[str, ...]
    devices: int | None
    held: int | None
    pods: int | None
    conditions: tuple[Condition, ...]
    time_added: datetime | None
    created: datetime | None

    @property
    def key(self) -> ObjectKey:
        """Which rule."""
        return ObjectKey("", self.name)

    @property
    def eviction(self) -> Condition | None:
        """How far the eviction is."""
        return next((c for c in self.conditions if c.type == "EvictionInProgress"), None)


def taint_rule_row(store: Store, key: ObjectKey) -> TaintRuleRow | None:
    """A taint rule as listed."""
    rule = store.taint_rules.get(key)
    if rule is None:
        return None
    held = [device for device in store.claims_of_device if rule_selects(rule, device)]
    claims = {claim for device in held for claim in store.claims_of_device[device]}
    known = store.known("resourceclaims") and not rule.narrowed
    return TaintRuleRow(
        name=rule.name,
        taint_key=rule.taint.key,
        value=rule.taint.value,
        effect=rule.taint.effect,
        driver=rule.driver,
        pool=rule.pool,
        device=rule.device,
        device_class=rule.device_class,
        selectors=rule.selectors,
        devices=sum(rule_selects(rule, device) for device in store.slices_of_device)
        if store.known("resourceslices") and not rule.narrowed
        else None,
        held=len(held) if known else None,
        pods=len({pod for claim in claims for pod in users(store, store.claims[claim])}) if known else None,
        conditions=rule.conditions,
        time_added=rule.taint.time_added,
        created=rule.created,
    )
