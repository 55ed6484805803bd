"""What Prometheus reads: names, labels and numbers as text.

Formats: Prometheus text 0.0.4, OpenMetrics 1.0.0.
"""

from collections.abc import Iterable, Mapping
from typing import Final, Literal

Format = Literal["text", "openmetrics"]
Kind = Literal["gauge", "counter"]
CONTENT_TYPES: Final[Mapping[Format, str]] = {
    "text": "text/plain; version=0.0.4; charset=utf-8",
    "openmetrics": "application/openmetrics-text; version=1.0.0; charset=utf-8",
}
_UNITS: Final = ("bytes_per_second", "bytes", "ratio", "watts", "joules", "celsius", "hertz", "seconds")


def unit(name: str) -> str:
    """The unit at the end of a series' name; empty if there is none."""
    plain = name.removesuffix("_total")
    return next((u for u in _UNITS if plain.endswith(f"_{u}")), "")


def escape(value: str) -> str:
    """A label's value as both formats want it. What a driver or kubelet says is anybody's text."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def written(pairs: Iterable[tuple[str, str]]) -> str:
    """Labels without braces. Empty ones are left out: to Prometheus they are the same as none."""
    return ",".join(f'{name}="{escape(value)}"' for name, value in pairs if value)


def labels(pairs: Iterable[tuple[str, str]], *, after: str = "") -> str:
    """Labels in braces, after those that are written already."""
    own = written(pairs)
    return f"{{{after}{',' if after and own else ''}{own}}}"


def header(name: str, help_: str, kind: Kind, form: Format) -> str:
    """What stands before a series. OpenMetrics names a counter without its suffix, and its unit.

    A counter without the suffix is nothing that OpenMetrics knows: its type is not told there.
    """
    if form == "text":
        return f"# HELP {name} {help_}\n# TYPE {name} {kind}\n"
    if kind == "counter" and not name.endswith("_total"):
        return f"# TYPE {name} unknown\n# HELP {name} {help_}\n"
    family = name.removesuffix("_total") if kind == "counter" else name
    measure = unit(name)
    told = f"# UNIT {family} {measure}\n" if measure else ""
    return f"# TYPE {family} {kind}\n{told}# HELP {family} {help_}\n"


def number(value: float) -> str:
    """As short as it can be without a loss."""
    whole = int(value)
    return str(whole) if whole == value else repr(value)
