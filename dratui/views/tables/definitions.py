"""Tables of what is written about it: device classes, claim templates, taint rules."""

from dratui.cluster.definitions import (
    ClassRow,
    TaintRuleRow,
    TemplateRow,
    class_row,
    taint_rule_row,
    template_row,
)
from dratui.cluster.store import KEYS
from dratui.views import cells, styles, words
from dratui.views.table import Column, Table

CLASSES: Table[ClassRow] = Table(
    kind="classes",
    singular="class",
    names=("deviceclasses", "deviceclass", "dc"),
    list_kind="ClassList",
    title="Classes",
    namespaced=False,
    columns=(
        Column(title="NAME", value=lambda r: r.name),
        Column(title="AGE", value=lambda r: r.created, text=words.age, align="right", ticks=True),
        Column(title="CLAIMS", value=lambda r: r.claims, align="right"),
        Column(title="PENDING", value=lambda r: r.pending, align="right"),
        Column(title="EXTENDED RESOURCE", value=lambda r: r.extended_resource),
        Column(title="SELECTORS", value=lambda r: " && ".join(r.selectors), grow=True, prose=True),
    ),
    keys=KEYS["classes"],
    objects=lambda s: s.classes,
    row=class_row,
    name_of=lambda r: r.name,
    streams=("deviceclasses", "resourceclaims"),
    empty="No DeviceClasses. A DRA driver's installation brings some: is one installed?",
)


TEMPLATES: Table[TemplateRow] = Table(
    kind="templates",
    singular="template",
    names=("resourceclaimtemplates", "resourceclaimtemplate", "rct"),
    list_kind="TemplateList",
    title="Templates",
    namespaced=True,
    columns=(
        Column(title="NAMESPACE", value=lambda r: r.namespace),
        Column(title="NAME", value=lambda r: r.name, grow=True),
        Column(title="AGE", value=lambda r: r.created, text=words.age, align="right", ticks=True),
        Column(title="REQUESTS", value=lambda r: words.wanted(r.requests), grow=True, prose=True),
        Column(title="PODS", value=lambda r: r.pods, align="right"),
    ),
    keys=KEYS["templates"],
    objects=lambda s: s.templates,
    row=template_row,
    name_of=lambda r: r.name,
    streams=("resourceclaimtemplates",),
    joins=("pods",),
    empty="No ResourceClaimTemplates.",
)


TAINT_RULES: Table[TaintRuleRow] = Table(
    kind="taintrules",
    singular="taintrule",
    names=("devicetaintrules", "devicetaintrule", "dtr"),
    list_kind="TaintRuleList",
    title="TaintRules",
    namespaced=False,
    columns=(
        Column(title="NAME", value=lambda r: r.name),
        Column(title="KEY", value=lambda r: r.taint_key),
        Column(title="VALUE", value=lambda r: r.value),
        Column(title="EFFECT", value=lambda r: r.effect),
        Column(title="TIMEADDED", value=lambda r: r.time_added, text=words.since, ticks=True),
        Column(title="AGE", value=lambda r: r.created, text=words.age, align="right", ticks=True),
        Column(title="DEVICES", value=lambda r: r.devices, align="right"),
        Column(title="HELD", value=lambda r: r.held, align="right"),
        Column(title="PODS", value=lambda r: r.pods, align="right"),
        Column(title="SELECTOR", value=cells.rule_selector, grow=True),
        Column(title="EVICTION", value=cells.rule_eviction, style=styles.rule, grow=True, prose=True),
    ),
    keys=KEYS["taintrules"],
    objects=lambda s: s.taint_rules,
    row=taint_rule_row,
    name_of=lambda r: r.name,
    streams=("devicetaintrules", "resourceslices", "resourceclaims"),
    joins=("pods",),
    empty="No DeviceTaintRules.",
)
