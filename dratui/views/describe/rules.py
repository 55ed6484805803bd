"""A DeviceTaintRule in words."""

from collections.abc import Iterator
from datetime import datetime

from dratui.cluster.definitions import TaintRuleRow
from dratui.cluster.index import rule_selects, users
from dratui.cluster.store import Store
from dratui.cluster.taints import eviction_time
from dratui.views import words
from dratui.views.describe.document import Field, Section, ago, number, section, since_text
from dratui.views.table import Style


def taint_rule(store: Store, row: TaintRuleRow, now: datetime) -> Iterator[Section]:
    """The sections of a taint rule."""
    rule = store.taint_rules[row.key]
    dry = row.effect == "None"
    yield section(
        "TAINT",
        ("taint", rule.taint.text, Style.DIM if dry else Style.TAINTED),
        ("", "a dry run: keeps nobody away and evicts nobody" if dry else ""),
        ("added", ago(row.time_added, now)),
    )
    yield section(
        "SELECTS",
        ("driver", row.driver or "any"),
        ("pool", row.pool or "any"),
        ("device", row.device or "any"),
        ("devices", f"{number(row.devices)} published, {number(row.held)} held"),
        ("pods", f"{number(row.pods)} use them"),
    )
    yield section(
        "STATUS",
        *(
            (
                c.type,
                f"{c.status} {c.reason}{since_text(c.last_transition_time, now)}: {c.message}".rstrip(": "),
            )
            for c in row.conditions
        ),
    )
    yield section("PODS", *_pods(store, row, now))


def _pods(store: Store, row: TaintRuleRow, now: datetime) -> Iterator[Field]:
    """Whom the rule concerns: pod by pod the claim, and when this taint evicts it."""
    rule = store.taint_rules[row.key]
    claims = {
        c
        for device in store.claims_of_device
        if rule_selects(rule, device)
        for c in store.claims_of_device[device]
    }
    for key in sorted(claims):
        claim = store.claims[key]
        results = claim.allocation.results if claim.allocation else ()
        times = [eviction_time(r, [rule.taint]) for r in results if rule_selects(rule, r.key)]
        at = min(filter(None, times), default=None)
        what = words.due((at, "evicted"), now) if at else "not evicted"
        for pod in sorted(users(store, claim)):
            found = store.pods.get(pod)
            going = found is not None and found.deleted is not None
            yield Field(
                f"{pod.namespace}/{pod.name}",
                f"claim {claim.name} · {'being deleted' if going else what}",
                Style.TAINTED if at else Style.PLAIN,
                leads=("pods", pod),
            )
