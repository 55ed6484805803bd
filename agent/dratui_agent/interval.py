"""Times between two samples, as flags and queries write them."""

import re

_UNITS = {None: 1.0, "ms": 1e-3, "s": 1.0, "m": 60.0}


def seconds(text: str) -> float:
    """`2s`, `500ms`, `1.5`, `1m` in seconds; 0 for what is no time."""
    found = re.fullmatch(r"(\d{1,6}(?:\.\d{1,6})?)(ms|s|m)?", text)
    return float(found[1]) * _UNITS[found[2]] if found else 0.0
