"""`make test-versions`: what the reference cases ask, answered by the allocators and the CEL of 1.37 themselves.

Their recorded answers are of 1.36 and before. The program that is asked is built on first use.
"""

import copy
import gzip
import json
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from random import Random
from typing import Final

import pytest

from dratui.allocation.cel.errors import EvaluationError
from dratui.allocation.cel.selector import Dialect, Selector
from dratui.allocation.fleet import view
from dratui.allocation.rules import DEFAULT_FEATURES, Feature, implementation, rules
from dratui.allocation.search import GaveUp
from dratui.failure import Failure
from tests.conformance import cel, real
from tests.conformance.allocator import agrees, answers, recorded
from tests.conformance.data import needed
from tests.conformance.real import Json

RELEASE: Final = "1.37"
MODULES: Final = "v0.37.2"
UNTOLD = ("timeout", "panic")


@pytest.fixture(scope="module")
def program(request: pytest.FixtureRequest) -> Path:
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        return real.built(MODULES, partial(print, flush=True))


def asked_of_1_37(case: Json) -> Json:
    """A question to 1.36 with what has come since: its scheduler tells the allocator of lists, too."""
    features = {name for name, on in case["features"].items() if on}
    if Feature.CONSUMABLE_CAPACITY in features:
        features.add(Feature.FRACTIONAL_CAPACITY.value)
    if case.get("celFeatures", {}).get("ListTypeAttributes"):
        features.add(Feature.LISTS.value)
    chosen = implementation(RELEASE, frozenset(map(Feature, features)))
    rest = {name: value for name, value in case.items() if name != "celFeatures"}
    return rest | {
        "features": dict.fromkeys(sorted(features), True),
        "default": chosen if chosen == "experimental" else case["default"],
    }


def disagreements(case: Json, real_answers: list[list[Json]]) -> Iterator[str]:
    """Node by node. What takes too long is left out."""
    try:
        for (node, (ours, _)), seen in zip(answers(RELEASE, case), real_answers, strict=True):
            theirs = [recorded(each) for each in seen if each["outcome"] not in UNTOLD]
            if theirs and not any(agrees(ours, each) for each in theirs):
                yield f"{case.get('id') or case['name']} {node}: {theirs[0]}\n    ours {ours}"
    except GaveUp:
        return


def cases_of(name: str) -> list[Json]:
    path = needed(name)
    text = path.read_bytes()
    document = json.loads(gzip.decompress(text) if path.suffix == ".gz" else text)
    return [asked_of_1_37(each) for each in (document if isinstance(document, list) else document["cases"])]


@pytest.mark.parametrize("name", ["allocator-cases.json", "allocator-random.json.gz"])
def test_every_answer_is_one_of_the_real_ones(program: Path, name: str) -> None:
    _compare(program, cases_of(name))


def test_with_what_is_new_too_every_answer_is_one_of_the_real_ones(program: Path) -> None:
    chance = Random(37)
    _compare(program, [renewed(each, chance) for each in cases_of("allocator-random.json.gz")])


def renewed(case: Json, chance: Random) -> Json:
    """With compatibility groups, operations that are skipped, and shares and steps of less than one, by chance."""
    case = copy.deepcopy(case)
    features = {*case["features"], Feature.COMPATIBILITY_GROUPS.value, Feature.OPTIONAL_OPERATIONS.value}
    case |= {"features": dict.fromkeys(sorted(features), True), "default": "experimental"}
    for node in case["nodes"]:
        if chance.random() < 0.7:
            node["status"] = {"declaredFeatures": ["DRAOptionalNodeOperations"]}
    for each in case["slices"]:
        if chance.random() < 0.2:
            each["spec"]["skipNodeOperations"] = ["*"]
        for device in each["spec"].get("devices", ()):
            for consumed in device.get("consumesCounters", ()):
                if groups := chance.choice(([], ["a"], ["a"], ["b"], ["a", "b"])):
                    consumed["compatibilityGroups"] = groups
            for capacity in device.get("capacity", {}).values():
                if device.get("allowMultipleAllocations") and chance.random() < 0.6:
                    span = {"min": chance.choice(("100m", "1", "250m")), "step": chance.choice(("100m", "1"))}
                    capacity["requestPolicy"] = {"default": span["min"], "validRange": span}
    for claim in case["claims"]:
        for request in claim["spec"]["devices"]["requests"]:
            for asked in (request.get("exactly"), *request.get("firstAvailable", ())):
                for name in (asked or {}).get("capacity", {}).get("requests", {}):
                    if chance.random() < 0.5:
                        asked["capacity"]["requests"][name] = chance.choice(
                            ("1250m", "300m", "1", "1000100u")
                        )
    return case


def _compare(program: Path, cases: list[Json]) -> None:
    theirs = real.answered(program, cases)
    wrong = [
        each
        for case, found in zip(cases, theirs, strict=True)
        for each in disagreements(case, found["answers"])
    ]
    assert not wrong, "\n".join([f"{len(wrong)} disagree", *wrong[:20]])


def test_every_selector_says_what_the_real_one_says(program: Path) -> None:
    """Of what is stored, as a scheduler reads it."""
    dialect = rules(RELEASE, DEFAULT_FEATURES[RELEASE]).dialect
    cases = [
        each for each in cel.cases(needed("cel-random.json.gz")) if each["envType"] == "StoredExpressions"
    ]
    theirs = real.answered(program, cases)
    wrong = [
        f"{case['id']} {case['expression']}: {why}"
        for case, found in zip(cases, theirs, strict=True)
        if (why := cel.disagreement(_comparable(case, found), answer(case, dialect)))
    ]
    assert not wrong, "\n".join([f"{len(wrong)} of {len(cases)} disagree", *wrong[:20]])


_RECKONED_OTHERWISE: Final = re.compile(r"\b(startsWith|endsWith)\(|(?<!\.)\bmatches\(")
"""Their cost is another by some units in cel-go 0.29. Ours is that of 0.26, which 1.34 to 1.36 have."""


def _comparable(case: Json, found: Json) -> Json:
    """With the costs that are always the same, and the same in 1.36."""
    known = {"error": None, "cost": None, "maxCost": None, **found}
    if case["cost"] is None:  # it depends on the order of a map
        known["cost"] = None
    if _RECKONED_OTHERWISE.search(case["expression"]):
        known["cost"] = None
        known.pop("maxCost")
    return known


def answer(case: Json, dialect: Dialect) -> cel.Answer:
    """Ours."""
    try:
        program = Selector(case["expression"], dialect, counting=True)
    except Failure as failure:
        return cel.Answer("compileError", str(failure))
    try:
        found = view(case["driver"], cel.device(case), dialect)
        matches = program.matches(found)
        return cel.Answer(
            "true" if matches else "false", None, program.measured(found)[1], program.worst_case
        )
    except EvaluationError as error:
        return cel.Answer("runtimeError", str(error))
