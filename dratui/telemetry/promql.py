"""What Prometheus is asked, as expressions. Names come from a cluster: in an expression they are only ever names.

Source: prometheus.io/docs/prometheus/latest/querying (string literals, matchers: RE2, anchored on both sides).
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

NODE_LABELS: Final = (
    "exported_node",
    "node",
    "exported_hostname",
    "hostname",
    "exported_Hostname",
    "Hostname",
    "kubernetes_node",
    "nodename",
    "host",
    "instance",
)
"""Labels in which a node's name is looked for: the exporters' own first, then those that people give to targets."""

_SPECIAL: Final = re.compile(r"[\\.+*?()|\[\]{}^$]")
_ESCAPED: Final = {"\\": r"\\", '"': r"\"", "\n": r"\n", "\r": r"\r", "\t": r"\t"}


def string(text: str) -> str:
    """A string literal of PromQL."""
    return f'"{"".join(_letter(letter) for letter in text)}"'


def one_of(names: Iterable[str]) -> str:
    """A literal of a regular expression that only these match."""
    return string("|".join(_SPECIAL.sub(r"\\\g<0>", name) for name in dict.fromkeys(names)))


def of_nodes(series: Sequence[str], nodes: Sequence[str], labels: Sequence[str] = NODE_LABELS) -> str:
    """Those series of these nodes, whichever of `labels` has the node's name.

    `or` leaves out what the left side has under the same labels, whatever its name is; but the same labels have the
    same node in them, so that all of it is on the left side already.
    """
    names = one_of(series)
    selectors = [f"{{__name__=~{names},{label}=~{one_of(nodes)}}}" for label in labels]
    return " or ".join(selectors)


def targets(instances: Sequence[str]) -> str:
    """When each of these targets was scraped last, unix seconds, with the labels that Prometheus gave it."""
    return f"timestamp(up{{instance=~{one_of(instances)}}})"


def scrapes(instances: Sequence[str], seconds: int) -> str:
    """How often each of these targets was scraped in the last `seconds`."""
    return f"count_over_time(up{{instance=~{one_of(instances)}}}[{seconds}s])"


def of_same(series: Sequence[str], label: str, others: str) -> str:
    """Series that have a value of `label` in common with `others`."""
    return f"{{__name__=~{one_of(series)}}} and on ({label}) ({others})"


def below(selected: str, threshold: float, *, window: int, step: int) -> str:
    """The share of the time, 0 to 1, in which each of the selected was below `threshold`, while there was any.

    Looked at every `step` seconds of the last `window`. The selected must be of one name, which the answer lacks.
    """
    return f"avg_over_time((({selected}) < bool {threshold:g})[{window}s:{step}s])"


def looks(selected: str, *, window: int, step: int) -> str:
    """How many of these looks there were."""
    return f"count_over_time(({selected})[{window}s:{step}s])"


def _letter(letter: str) -> str:
    if letter in _ESCAPED:
        return _ESCAPED[letter]
    if letter.isprintable():
        return letter
    code = ord(letter)
    if 0xD800 <= code < 0xE000:
        return "\ufffd"  # half a letter: no text has it
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
