"""What is typed behind `:`: words into a place, and the words that may be meant."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from dratui.failure import UsageFailure
from dratui.tui.places import HealthOfStreams, Keys, Messages, Overview, Place, Rows
from dratui.views.query import Query
from dratui.views.tables import TABLES, table_named


@dataclass(frozen=True, slots=True)
class Quit:
    """Leave the program."""


PLACES: Final[dict[str, Place | Quit]] = {
    "overview": Overview(),
    "health": HealthOfStreams(),
    "messages": Messages(),
    "help": Keys(),
    "quit": Quit(),
    "q": Quit(),
}
ALL_NAMESPACES: Final = ("all", "-A", "*")


def parse(text: str, namespace: str) -> Place | Quit:
    """`claims`, `claims ml-team`, `claims /regex`, `claims all a=b`, `overview`, `q`.

    Without a namespace, `namespace` is kept. Raises UsageFailure for what is none of these.
    """
    words, slash, pattern = text.partition("/")
    name, *rest = words.split() or [""]
    if not rest and not slash and name in PLACES:
        return PLACES[name]
    table = table_named(name)
    if table is None:
        raise UsageFailure(f"there is no place {name!r}", hint="tab completes; ? shows the keys")
    labels = [word for word in rest if "=" in word]
    rest = [word for word in rest if "=" not in word]
    if labels and slash:
        raise UsageFailure("labels or an expression, not both", hint=f":{name} a=b, or :{name} /REGEX")
    if len(rest) > 1:
        raise UsageFailure(
            f"{' '.join(rest[1:])!r} is one word too many", hint=f":{name} NAMESPACE, then /REGEX or a=b,c!=d"
        )
    if labels:
        pattern = f"-l {','.join(labels)}"
    if rest:
        namespace = "" if rest[0] in ALL_NAMESPACES else rest[0]
    return Rows(Query(kind=table.kind, namespace=namespace if table.namespaced else "", filter=pattern))


def suggestions(text: str, namespaces: Sequence[str]) -> list[str]:
    """Whole command lines that `text` may become, the likeliest first."""
    if "/" in text or not text:
        return [*TABLES, *(n for n in PLACES if len(n) > 1)] if not text else []
    name, space, rest = text.partition(" ")
    if not space:
        known = [*TABLES, *PLACES]
        aliases = [table.kind for table in TABLES.values() if any(n.startswith(name) for n in table.names)]
        return list(dict.fromkeys([n for n in known if n.startswith(name)] + aliases))
    table = table_named(name)
    if table is None or not table.namespaced:
        return []
    return [f"{name} {n}" for n in (*namespaces, "all") if n.startswith(rest.strip())]
