"""What Prometheus is asked, as expressions. Names come from a cluster: in an expression they are only ever names.

Source: prometheus.io/docs/prometheus/latest/querying (string literals, matchers: RE2, anchored on both sides).
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

NODE_LABELS: Final = (
    *("exported_node", "node", "kubernetes_node", "nodename"),
    *("exported_hostname", "hostname", "exported_Hostname", "Hostname", "host", "instance"),
)
"""Labels that may have a node's name: of those that a series has the first one does. A hostname is that of a pod where
an exporter was not told better; people who scrape it then give its target a label `node`."""

_SPECIAL: Final = re.compile(r"[\\.+*?()|\[\]{}^$]")
_ESCAPED: Final = {"\\": r"\\", '"': r"\"", "\n": r"\n", "\r": r"\r", "\t": r"\t"}


def string(text: str) -> str:
    """A string literal of PromQL."""
    return f'"{"".join(_letter(letter) for letter in text)}"'


def one_of(names: Iterable[str]) -> str:
    """A literal of a regular expression that only these match."""
    return string("|".join(_SPECIAL.sub(r"\\\g<0>", name) for name in dict.fromkeys(names)))


def places(series: Sequence[str]) -> str:
    """Which of these series there are of which nodes."""
    labels = ", ".join(("__name__", *NODE_LABELS))
    return f"count by ({labels}) ({{__name__=~{one_of(series)}}})"


def of_nodes(series: Sequence[str], label: str, nodes: Sequence[str]) -> str:
    """Those series of these nodes, of which `label` has the name."""
    return f"{{__name__=~{one_of(series)},{label}=~{one_of(nodes)}}}"


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
