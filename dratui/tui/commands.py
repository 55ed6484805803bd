"""What is typed behind `:`: words into a place, and the words that may be meant."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from dratui.failure import UsageFailure
from dratui.tui.places import (
    AliasList,
    ContextList,
    HealthOfStreams,
    Keys,
    Messages,
    Overview,
    Place,
    Rows,
    Selector,
    Switch,
)
from dratui.views.query import Query
from dratui.views.tables import TABLES, table_named


@dataclass(frozen=True, slots=True)
class Quit:
    """Leave the program."""


@dataclass(frozen=True, slots=True)
class Wear:
    """Other colours."""

    theme: str


PLACES: Final[dict[str, Place | Quit]] = {
    "overview": Overview(),
    "selector": Selector(),
    "health": HealthOfStreams(),
    "messages": Messages(),
    "contexts": ContextList(),
    "aliases": AliasList(),
    "help": Keys(),
    "quit": Quit(),
}
SELECTOR: Final = "selector"
SHORT: Final = {  # k9s's other words for them
    **dict.fromkeys(("q", "q!", "qa", "Q", "exit"), "quit"),
    **dict.fromkeys(("h", "?"), "help"),
    **dict.fromkeys(("ctx", "context"), "contexts"),
    **dict.fromkeys(("a", "alias"), "aliases"),
    **dict.fromkeys(("cel", "selectors"), SELECTOR),
    "skin": "theme",
}
THEME: Final = "theme"
ALL_NAMESPACES: Final = ("all", "-A", "*")


def parse(text: str, namespace: str) -> Place | Switch | Wear | Quit:
    """`claims`, `claims ml-team`, `claims /regex`, `claims all a=b`, `claims @context`, `ctx name`, `theme name`,
    `selector class`.

    Without a namespace, `namespace` is kept; in another context, all are meant. A namespace behind `ns` means its
    pods, as in k9s. Raises UsageFailure for what is none of these.
    """
    words, slash, pattern = text.partition("/")
    name, *rest = words.split() or [""]
    name = SHORT.get(name, name)
    if name == "contexts" and (rest or slash):
        # A context's name may hold anything
        return Switch(text.split(maxsplit=1)[1].strip().removeprefix("@"))
    if name == THEME:
        return Wear(" ".join(rest) + slash + pattern)
    if name == SELECTOR and len(rest) == 1 and not slash:
        return Selector(device_class=rest[0])
    if not rest and not slash and name in PLACES:
        return PLACES[name]
    table = table_named(name)
    if table is None:
        raise UsageFailure(f"there is no place {name!r}", hint="tab completes; ? shows the keys")
    contexts = [word[1:] for word in rest if word.startswith("@")]
    labels = [word for word in rest if "=" in word and not word.startswith("@")]
    rest = [word for word in rest if word not in labels and not word.startswith("@")]
    if labels and slash:
        raise UsageFailure("labels or an expression, not both", hint=f":{name} a=b, or :{name} /REGEX")
    if len(rest) > 1 or len(contexts) > 1:
        raise UsageFailure(
            f"{' '.join([*rest[1:], *contexts[1:]])!r} is one word too many",
            hint=f":{name} NAMESPACE @CONTEXT, then /REGEX or a=b,c!=d",
        )
    if labels:
        pattern = f"-l {','.join(labels)}"
    if rest:
        namespace = "" if rest[0] in ALL_NAMESPACES else rest[0]
        table = TABLES["pods"] if table.kind == "namespaces" else table
    elif contexts:
        namespace = ""
    place = Rows(Query(kind=table.kind, namespace=namespace if table.namespaced else "", filter=pattern))
    return Switch(contexts[0], place) if contexts else place


def suggestions(
    text: str,
    namespaces: Sequence[str],
    contexts: Sequence[str] = (),
    themes: Sequence[str] = (),
    own: Sequence[str] = (),
    classes: Sequence[str] = (),
) -> list[str]:
    """Whole command lines that `text` may become, the likeliest first. `own` are a person's aliases."""
    name, space, rest = text.partition(" ")
    if not space:
        known = [*own, *TABLES, *PLACES, THEME]
        if not name:
            return known
        aliases = [table.kind for table in TABLES.values() if any(n.startswith(name) for n in table.names)]
        others = [long for short, long in SHORT.items() if short.startswith(name)]
        return list(dict.fromkeys([n for n in known if n.startswith(name)] + aliases + others))
    if SHORT.get(name, name) == "contexts":
        return [f"{name} {c}" for c in contexts if c.startswith(rest.strip())]
    if SHORT.get(name, name) == THEME:
        return [f"{name} {t}" for t in themes if t.startswith(rest.strip())]
    if SHORT.get(name, name) == SELECTOR:
        return [f"{name} {c}" for c in classes if c.startswith(rest.strip())]
    table = table_named(name)
    if table is None or "/" in rest:
        return []
    head, _, word = rest.rpartition(" ")
    before = f"{name} {head} " if head.strip() else f"{name} "
    if word.startswith("@"):
        return [f"{before}@{c}" for c in contexts if c.startswith(word[1:])]
    if head.strip() or not (table.namespaced or table.kind == "namespaces"):
        return []
    return [f"{name} {n}" for n in (*namespaces, "all") if n.startswith(word)]
