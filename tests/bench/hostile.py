"""Expressions that mean harm: how long the worst of them takes, from the text to the verdict on a device."""

import gc
import time
from collections.abc import Callable, Mapping
from typing import Final

from dratui.allocation.cel.columns import Columns
from dratui.allocation.cel.selector import Dialect, Selector
from dratui.allocation.fleet import Devices
from dratui.api.model import Capacity, Device
from dratui.failure import Failure
from tests.bench.table import Result

_DRIVER: Final = "gpu.nvidia.com"
_TEN: Final = "[0,1,2,3,4,5,6,7,8,9]"
_LONGEST: Final = 10_200


def _nested(macro: str, inner: str, depth: int) -> str:
    return _TEN + f".{macro}(a, {_TEN}" * depth + f".{macro}(z, {inner})" + ")" * depth


def _many(text: str, join: str, end: str = "") -> str:
    """As often as an expression may be long."""
    return join.join([text] * ((_LONGEST - len(end)) // len(text + join))) + end


def _doubled(start: str, join: str, times: int, result: str) -> str:
    """A value made of itself twice, again and again."""
    binds = "".join(f"cel.bind(v{n}, {join.replace('v', f'v{n - 1}')}, " for n in range(1, times))
    return f"cel.bind(v0, {start}, {binds}{result.replace('v', f'v{times - 1}')}{')' * times}"


HOSTILE: Final[Mapping[str, str]] = {
    "parentheses": "(" * 5000 + "true" + ")" * 5000,
    "lists in lists": "[" * 200 + "]" * 200 + ".size() == 1",
    "no tokens": "@#$" * 3000,
    "sums": " && ".join(["1" + "+1" * 240 + " > 1"] * 20),
    "alternatives": "true" + " || true" * 1270,
    "comparisons": _many("1<2", "&&"),
    "names": _many("a", "||"),
    "names of names": _many("device" + ".a" * 240, "||"),
    "calls of calls": _many("dyn(" * 200 + "1" + ")" * 200 + "==''", "||"),
    "lists beside lists": _many("[" * 60 + "]" * 60 + "==[]", "||"),
    "empty lists": _many("[]" + "+[]" * 200 + "==[]", "&&"),
    "empty maps": _many("{}=={}", "&&"),
    "anything": _many("dyn(1)==dyn(2)", "||"),
    "loops": _many("[1].sortBy(e,e)==[]", "||"),
    "optional of optional": "optional.of(1)" + ".optMap(x,x)" * 200 + ".hasValue()",
    "backslashes": '"' + "\\\\" * 5000,
    "long text": f'device.driver == "{"x" * 9000}"',
    "long number": "9" * 10_000 + " == 1",
    "number": "1e999 > 0.0 && 99999999999999999999999 > 1",
    "long list": f"{list(range(1500))}.exists(x, x == 3000)",
    "all in all": _nested("all", "true", 6),
    "exists_one in exists_one": _nested("exists_one", "false", 5),
    "map in map": _nested("map", "z", 5) + ".size() == 1",
    "filter in filter": f"{_TEN}.filter(a, {_TEN}" * 5 + ".size() > 0)" * 5 + ".size() == 1",
    "ranges": "lists.range(1000).all(x, lists.range(1000).all(y, lists.range(1000).all(z, true)))",
    "sorted": "lists.range(30000).sortBy(x, -x).size() > 0",
    "sets": "sets.contains(lists.range(990), lists.range(990))",
    "lists of the same list": _doubled("[1]", "[v, v]", 25, "v == v"),
    "maps of the same map": _doubled("{'a': 1}", "{'a': v, 'b': v}", 22, "v == v"),
    "text of the same list": _doubled("[1]", "[v, v]", 22, "'%s'.format([v]) == ''"),
    "doubled text": _doubled("'xxxxxxxx'", "v + v", 40, "v.size() > 0"),
    "backtracking": f'"{"a" * 4000}".matches("(a*)*b|((a|a?)+)+$")',
    "repetition": "device.driver.matches('((a{100}){100}){100}')",
    "patterns made in a loop": "lists.range(1000).all(x, device.driver.matches('a{' + string(x) + '}') || true)",
    "quantities in a loop": "lists.range(3000).all(x, quantity('1e9000').isGreaterThan(quantity('1e-9000')))",
    "versions in a loop": f"lists.range(5000).all(x, semver('1.2.3-{'a.' * 100}b').major() == 1)",
    "addresses in a loop": "lists.range(9000).all(x, isIP('::ffff:102:304') && ip('::1').family() == 6)",
}


def measure() -> Result:
    """The row."""
    devices = Devices([(_DRIVER, _device())], Dialect())

    def ask(source: str) -> str:
        try:
            [verdict] = Columns(devices).verdicts(Selector(source, Dialect()))
        except Failure as failure:
            return str(failure)
        return str(verdict)

    return worst("expressions", HOSTILE, ask)


def worst(what: str, hostile: Mapping[str, str], ask: Callable[[str], str]) -> Result:
    """The row of those that `ask` takes longest to answer, in CPU time, with what it says."""
    taken: dict[str, tuple[float, str]] = {}
    for name, text in hostile.items():
        gc.collect()  # what those before it left is not its own
        began = time.process_time()
        said = ask(text)
        taken[name] = time.process_time() - began, said.splitlines()[0][:50]
    longest = sorted(taken, key=lambda name: taken[name][0], reverse=True)
    others = ", ".join(f"{name} {taken[name][0] * 1000:.0f} ms" for name in longest[1:4])
    return Result(
        measure=f"the worst of {len(hostile)} hostile {what} (CPU)",
        value=taken[longest[0]][0] * 1000,
        goal=100,
        unit="ms",
        note=f"{longest[0]}: {taken[longest[0]][1]}; then {others}",
    )


def _device() -> Device:
    return Device(
        name="gpu-0", attributes={"type": "gpu", "index": 0}, capacity={"memory": Capacity(value="40Gi")}
    )
