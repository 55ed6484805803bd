"""Manifests that mean harm: how long the worst of them takes to be refused."""

from collections.abc import Mapping
from typing import Final

from dratui.allocation.documents import Wrong
from dratui.allocation.manifests import read
from tests.bench.hostile import worst
from tests.bench.table import Result

_LEVELS: Final = "\n".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 12))
_CLAIM: Final = """apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {name: a}
spec:
  devices:
    requests:
"""


def _request(expression: str) -> str:
    return f"    - {{name: a, exactly: {{deviceClassName: g, selectors: [{{cel: {{expression: '{expression}'}}}}]}}}}\n"


HOSTILE: Final[Mapping[str, str]] = {
    "aliases of aliases": "l0: &l0 [x]\n" + _LEVELS,
    "aliases of a long text": "a: &a " + "x" * 900_000 + "\nb: [" + "*a, " * 9_000 + "]",
    "merged again and again": "a: &a {"
    + ", ".join(f"k{n}: 1" for n in range(900))
    + "}\n"
    + "".join(f"b{n}: {{<<: *a}}\n" for n in range(90)),
    "many values": "[" + ", ".join(["1"] * 300_000) + "]",
    "many numbers of JSON": '{"a": [' + ", ".join(["1"] * 300_000) + "]}",
    "many texts of JSON": '{"a": [' + ", ".join(['""'] * 250_000) + "]}",
    "many objects": "a: [" + ", ".join(["{a: 1}"] * 100_000) + "]",
    "many names": "\n".join(f"k{n}: 1" for n in range(90_000)),
    "many anchors": "\n".join(f"a{n}: &a{n} 1" for n in range(50_000)),
    "many documents": "---\n{}\n" * 100_000,
    "names that collide": "{" + ", ".join(f"{n * (2**61 - 1)}: 1" for n in range(20_000)) + "}",
    "brackets": "[" * 100_000,
    "braces": '{"a":' * 100_000,
    "indented": "a:\n" + "\n".join(" " * n + "a:" for n in range(1, 1_000)),
    "digits": "a: " + "9" * 1_000_000,
    "sexagesimal": "a: 1" + ":59" * 300_000,
    "a long text": "a: " + "x" * 1_000_000,
    "escaped": 'a: "' + "\\x41" * 250_000 + '"',
    "misspelt fields": "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n"
    + "".join(f"  {'containerz' * 6}{n}: 1\n" for n in range(8_000)),
    "many requests": _CLAIM + _request("true") * 4_000,
    "no tokens": _CLAIM + _request("@" * 4_000),
    "parentheses": _CLAIM + _request("(" * 4_000),
    "a long list": _CLAIM + _request(f"[{','.join('1' * 2_000)}]"),
}


def measure() -> Result:
    """The row."""

    def ask(text: str) -> str:
        try:
            read([("manifest", text.encode())], "default")
        except Wrong as wrong:
            return str(wrong)
        return "read"

    return worst("manifests", HOSTILE, ask)
