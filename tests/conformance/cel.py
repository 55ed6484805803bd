"""Runs CEL case files, and prints each answer that is not the recorded one.

`python -m tests.conformance.cel [-v] FILE...`: files of the two schemas of the data's README.
"""

import gzip
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from dratui.allocation.cel.errors import EvaluationError
from dratui.allocation.cel.library.kubernetes import to_quantity, to_semver
from dratui.allocation.cel.library.network import to_cidr, to_ip
from dratui.allocation.cel.selector import Dialect, Program, Selector
from dratui.allocation.cel.values import Format, Map, Optional, equal
from dratui.allocation.fleet import view
from dratui.api.model import AttributeValue, Capacity, Device, Version
from dratui.failure import Failure
from tests.conformance.tally import tally

EMPTY = Map()


class Answer(NamedTuple):
    """`true`, `false`, `compileError`, `runtimeError`, or `value`; with its text or value, and what it costs."""

    outcome: str
    detail: Any = None
    cost: int | None = None
    worst_case: int | None = None


def cases(path: Path) -> list[dict[str, Any]]:
    """Those of a file."""
    data = path.read_bytes()
    document = msgspec.json.decode(gzip.decompress(data) if path.suffix == ".gz" else data)
    return list(document["cases"])


def dialect(case: Mapping[str, Any]) -> Dialect:
    """What the environment of a case knows."""
    stored = case.get("envType", "StoredExpressions") == "StoredExpressions"
    lists = list_attributes(case)
    if stored:
        return Dialect(list_attributes=lists)
    return Dialect(
        list_attributes=lists,
        multiple_allocations=case.get("enableConsumableCapacity", True),
        includes="dra" if lists else "",
    )


def list_attributes(case: Mapping[str, Any]) -> bool:
    """Whether attributes may be lists. Upstream's tables are newer than 1.36, and know them in all that is stored."""
    if "outcome" not in case and case["envType"] == "StoredExpressions":
        return True
    return case["enableListTypeAttributes"] is not False


def device(case: Mapping[str, Any]) -> Device:
    """That of a case."""
    return Device(
        name="device",
        attributes={name: value(union) for name, union in (case["attributes"] or {}).items()},
        capacity={name: Capacity(value=quantity) for name, quantity in (case["capacity"] or {}).items()},
        multiple_allocations=bool(case["allowMultipleAllocations"]),
    )


def looked_at(case: Mapping[str, Any]) -> Map:
    """The device of a case, as its expression sees it. Raises EvaluationError."""
    return view(case["driver"], device(case), Dialect(list_attributes=list_attributes(case)))


def value(union: Mapping[str, Any]) -> AttributeValue:
    """An attribute's value: `{"string": "x"}`, `{"ints": [1]}`."""
    [(kind, given)] = union.items()
    if kind.startswith("version"):
        given = tuple(map(Version, given)) if kind == "versions" else Version(given)
    found: AttributeValue = tuple(given) if isinstance(given, list) else given
    return found


def answer(case: Mapping[str, Any], *, counting: bool = True) -> Answer:
    """Ours. Where costs are counted they are compared, too."""
    try:
        if case.get("kind") == "library":
            program = Program(case["expression"], Dialect(), {})
        else:
            program = Selector(case["expression"], dialect(case), counting=counting)
    except Failure as failure:
        return Answer("compileError", str(failure))
    try:
        if not isinstance(program, Selector):
            return Answer("value", program.evaluate(EMPTY))
        found = looked_at(case)
        matches = program.matches(found)
        spent = program.measured(found)[1] if counting else None
        return Answer("true" if matches else "false", None, spent, program.worst_case)
    except EvaluationError as error:
        return Answer("runtimeError", str(error))


def disagreement(case: Mapping[str, Any], ours: Answer) -> str:
    """What is not as recorded; empty if all is."""
    if "outcome" in case:
        if case["outcome"] != ours.outcome:
            return f"{case['outcome']} ({case['error'] or ''}), ours {ours.outcome} ({ours.detail or ''})"
        if ours.outcome == "runtimeError" and case["error"] != ours.detail:
            return f"error {case['error']!r}, ours {ours.detail!r}"
        if ours.cost is not None and case["cost"] is not None and case["cost"] != ours.cost:
            return f"cost {case['cost']}, ours {ours.cost}"
        if ours.worst_case is not None and case.get("maxCost", ours.worst_case) != ours.worst_case:
            return f"estimated cost {case['maxCost']}, ours {ours.worst_case}"
        return ""
    return _tabled(case, ours)


def _tabled(case: Mapping[str, Any], ours: Answer) -> str:
    """Of upstream's tables."""
    if wanted := case["expectCompileError"]:
        if ours.outcome != "compileError" or not (wanted == "*any*" or re.search(wanted, ours.detail)):
            return f"compile error {wanted!r}, ours {ours.outcome} ({ours.detail or ''})"
        return ""
    if wanted := case["expectMatchError"]:
        if ours.outcome != "runtimeError" or not (wanted in ours.detail or re.search(wanted, ours.detail)):
            return f"runtime error {wanted!r}, ours {ours.outcome} ({ours.detail or ''})"
        return ""
    if case["kind"] == "selector":
        wanted = "true" if case["expectMatch"] else "false"
        return "" if ours.outcome == wanted else f"{wanted}, ours {ours.outcome} ({ours.detail or ''})"
    if ours.outcome != "value" or not is_value(ours.detail, case["expectValue"]):
        return f"{case['expectValue']}, ours {ours.outcome} ({ours.detail!r})"
    return ""


def is_value(found: Any, wanted: Mapping[str, Any] | None) -> bool:
    """Whether a result is the one that is recorded as `{type: value}`."""
    if wanted is None:
        return False
    [(kind, given)] = wanted.items()
    match kind:
        case "optional":
            if type(found) is not Optional:
                return False
            return (
                not found.present if given is None else found.present and found.value == given["list_string"]
            )
        case "quantity":
            return equal(found, to_quantity(given))
        case "semver":
            return equal(found, to_semver(given))
        case "ip":
            return equal(found, to_ip(given))
        case "cidr":
            return equal(found, to_cidr(given))
        case "format":
            return type(found) is Format and found.name == given
    return equal(found, given)


def compared(case: Mapping[str, Any]) -> str:
    """What is not as recorded: by the way that counts costs, or by the fast one."""
    return disagreement(case, answer(case)) or disagreement(case, answer(case, counting=False))


def main(arguments: Sequence[str]) -> int:
    """Print and count."""
    return tally(
        (f"{case.get('id') or case.get('name')}: {case['expression']}", compared(case))
        for argument in arguments
        for case in cases(Path(argument))
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
