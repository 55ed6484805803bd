"""What `dratui get` says of every kind, and what of it is the same on every cluster with the scenarios."""

import io
import json
import re
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

from dratui.cli import main
from dratui.views.tables import TABLES
from tests.realparts import scenarios
from tests.realparts.releases import Release

Row = dict[str, Any]
Rows = Mapping[str, Sequence[Row]]
"""The rows of each kind, in the order in which they are printed."""


def live(kubeconfig: Path) -> Rows:
    """From an API server, each kind in the newest version that it serves."""
    return _rows("--kubeconfig", str(kubeconfig))


def recorded(recording: Path) -> Rows:
    """From a recording."""
    return _rows("--from", str(recording))


KINDS = [kind for kind in TABLES if kind not in ("podgroups", "computedomains")]
"""Those that every release has."""


def _rows(*source: str) -> Rows:
    return {kind: _get(kind, "-A", "-o", "json", *source) for kind in KINDS}


def _get(*arguments: str) -> Sequence[Row]:
    printed = io.StringIO()
    with redirect_stdout(printed):
        status = main(("get", *arguments))
    assert status == 0, f"dratui get {' '.join(arguments)} ended with status {status}"
    items: list[Row] = json.loads(printed.getvalue())["items"]
    return items


_MOVES = re.compile(
    r"(?<=quota-device-)\w{5}"
    r'|(?<="PodsPendingEviction", )"message": "[^"]*", "lastTransitionTime": "[^"]*"'
)
"""What changes without anybody's doing: a claim that a quota refuses is tried again and again, by another name each
time; the controller that evicts counts its pods now and then."""


def without(rows: Rows, namespaces: Container[str]) -> Rows:
    """Without what is in these namespaces, or has the name of one, as nodes and pools of other tests have."""
    keys = ("namespace", "name", "pool", "node")
    return {
        kind: [row for row in rows[kind] if not any(row.get(key) in namespaces for key in keys)]
        for kind in rows
    }


def assert_same(ours: Rows, theirs: Rows) -> None:
    """Raises AssertionError with the first fields that differ."""
    complaints = list(islice(_differences(ours, theirs), 20))
    assert not complaints, "\n".join(complaints)


def _differences(ours: Rows, theirs: Rows) -> Iterator[str]:
    nothing: Row = {}
    for kind in KINDS:
        for left, right in zip_longest(ours[kind], theirs[kind], fillvalue=nothing):
            for field in (*left, *(right.keys() - left.keys())):
                one, other = (_MOVES.sub("*", json.dumps(row.get(field))) for row in (left, right))
                if one != other:
                    yield f"{kind} {_name(left)} {field}: {one[:300]} | {_name(right)}: {other[:300]}"


def _name(row: Row) -> str:
    return "/".join(str(row[key]) for key in ("namespace", "driver", "pool", "device", "name") if key in row)


# --- between clusters ---------------------------------------------------------------------------------

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_SUFFIX = re.compile(r"(?<=-)[bcdfghjklmnpqrstvwxz2456789]{5}$")
"""What the API server adds to a name that it generates."""
_PREFIX = re.compile(r"pod (\S+): ")


def comparable(rows: Rows, release: Release) -> Rows:
    """Without what is another on each cluster (times, uids, generated names), what the scheduler says in the words of
    its release, beyond what the scenario tells of them, and what `release` cannot tell.
    """
    pods = {(p.namespace, p.name): p for name in scenarios.NAMES for p in scenarios.pods(name, release)}

    def told(namespace: str, text: str, name: str = "") -> str:
        """What a scenario tells of a sentence about its pod, which the sentence may name."""
        if prefix := _PREFIX.match(text):
            name = prefix[1]
        found = (namespace, name) in pods and pods[namespace, name].reason.search(text)
        return found[0] if found else text

    plain: dict[str, list[Row]] = {kind: [_plain(row) for row in rows[kind]] for kind in rows}
    for row in plain["pods"]:
        if row["waiting"] and row["waiting"]["source"] != "derived":
            del row["waiting"]["nodes"]
            row["waiting"]["reason"] = told(row["namespace"], row["waiting"]["reason"], row["name"])
    for row in plain["claims"]:
        row["reason"] = told(row["namespace"], row["reason"])
        for step in row["steps"]:
            step["reason"] = told(row["namespace"], step["reason"], step["pod"])
            if "allocated" in release.untold.get("claims", ()) and step["step"] in ("allocated", "reserved"):
                step |= {"at": None, "after": None, "before": None}
    for kind, fields in release.untold.items():
        for row in plain[kind]:
            for field in fields:
                del row[field]
    return plain


def _plain(value: Any, key: str = "") -> Any:
    match value:
        case dict():
            return {k: _plain(v, k) for k, v in value.items()}
        case list():
            return [_plain(v, key) for v in value]
        case str() if key in ("uid", "shareID") and value:
            return key
        case str():
            return _TIME.sub("time", _SUFFIX.sub("*", value))
    return value
