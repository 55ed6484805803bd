"""A checked tree to nested Python functions. No text of an expression ever becomes Python's.

An error is an exception, and what absorbs errors catches it. `counting`, the functions also count what they cost, step
by step as cel-go does; where the worst case stays below the limit that would only take time.
"""

from collections.abc import Sequence
from typing import Any

from dratui.allocation.cel import calls, cost, loops, paths
from dratui.allocation.cel.declarations import TYPE_NAMES, Functions
from dratui.allocation.cel.errors import EvaluationError, InstantiationError
from dratui.allocation.cel.evaluation import Constant, Evaluation, Step, charged
from dratui.allocation.cel.library.text import WrongPattern, compiled
from dratui.allocation.cel.syntax import (
    ACCUMULATOR,
    INDEX,
    Call,
    Fold,
    Ident,
    ListOf,
    Literal,
    MapOf,
    Node,
    Select,
    dotted,
)
from dratui.allocation.cel.values import Map, Optional, TypeValue, written
from dratui.allocation.cel.work import metered


def instantiate(node: Node, functions: Functions, *, counting: bool) -> tuple[Step, int]:
    """What evaluates it, and how many variables that needs. Raises InstantiationError."""
    compiler = _Compiler(functions, counting=counting)
    return compiler.step(node), compiler.variables


class _Compiler:
    def __init__(self, functions: Functions, *, counting: bool) -> None:
        self.variables = 0
        self._functions = functions
        self._counting = counting
        self._scopes: list[dict[str, Step]] = []
        self._loops = 0  # that what is compiled is in
        self._steps: dict[int, Step] = {}  # by node: `optMap` has its target twice

    def step(self, node: Node) -> Step:
        if isinstance(node, Literal):
            return Constant(node.value)
        found = self._steps.get(id(node))
        if found is None:
            found = self._steps[id(node)] = self._made(node)
        return found

    def _made(self, node: Node) -> Step:
        match node:
            case Ident():
                return self._charged(self._ident(node), cost.SELECT)
            case Call():
                return self._call(node)
            case Select():
                return self._path(node)
            case ListOf():
                return self._list(node)
            case MapOf():
                return self._map(node)
            case Fold():
                return self._fold(node)
        raise AssertionError(node)  # messages do not pass the checker

    def _charged(self, step: Step, amount: int) -> Step:
        return charged(step, amount) if self._counting else step

    # Names and what is in them

    def _ident(self, node: Ident) -> Step:
        for scope in reversed(self._scopes):
            if node.name in scope:
                return scope[node.name]
        if node.name in TYPE_NAMES:
            return Constant(TypeValue(node.name))
        return lambda evaluation: evaluation.device

    def _is_device(self, node: Node) -> bool:
        return (
            isinstance(node, Ident) and node.name == "device" and not any("device" in s for s in self._scopes)
        )

    def _path(self, node: Node) -> Step:
        chain: list[Select | Call] = []
        root = node
        while isinstance(root, Select) or (isinstance(root, Call) and root.function in INDEX):
            if root.type.name == "type" and (name := dotted(root)) in TYPE_NAMES:
                root = Ident(root.at, name)
                break
            chain.append(root)
            root = root.operand if isinstance(root, Select) else root.arguments[0]
        if not chain:
            return self.step(root)
        chain.reverse()
        tested = isinstance(chain[-1], Select) and chain[-1].test
        if not self._counting and self._is_device(root) and (keys := _written_keys(chain)):
            return paths.of_device(keys, tested=tested)
        is_choice = isinstance(root, Call) and root.function == "_?_:_"
        step = self._bare(root) if isinstance(root, Ident) or is_choice else self.step(root)
        qualifiers = [self._qualifier(part) for part in chain]
        if self._counting:
            charge = 0 if tested or is_choice else cost.SELECT
            return paths.counted(step, qualifiers, tested=tested, charge=charge)
        return paths.of_value(step, qualifiers, tested=tested)

    def _qualifier(self, part: Select | Call) -> paths.Qualifier:
        if isinstance(part, Select):
            return Constant(part.field), False
        return self._bare(part.arguments[1]), part.function != "_[_]"

    def _bare(self, node: Node) -> Step:
        """What is part of a path, or a branch of a choice: that it is looked at costs nothing."""
        if isinstance(node, Ident):
            return self._ident(node)
        if isinstance(node, Call) and node.function == "_?_:_":
            return self._conditional(node)
        step = self.step(node)
        is_path = (isinstance(node, Select) and not node.test) or (
            isinstance(node, Call) and node.function in INDEX
        )
        if not self._counting or not is_path or isinstance(step, Constant):
            return step

        def discounted(evaluation: Evaluation) -> Any:
            evaluation.cost -= cost.SELECT
            return step(evaluation)

        return discounted

    # Calls

    def _call(self, node: Call) -> Step:
        if node.function in INDEX:
            return self._path(node)
        match node.function:
            case "_&&_" | "_||_":
                left, right = map(self.step, node.arguments)
                return calls.logical(left, right, decides=node.function == "_||_")
            case "_?_:_":
                return self._conditional(node)
            case "or" | "orValue" if node.target is not None:
                first, second = map(self.step, node.operands)
                return calls.or_else(first, second, unwrap=node.function == "orValue")
            case "@not_strictly_false":
                return self._charged(calls.not_strictly_false(self.step(node.arguments[0])), 1)
        if _appends(node):
            first, second = map(self.step, node.arguments)
            return self._charged(loops.appended(first, second), 1)
        operands = list(map(self.step, node.operands))
        if node.overloads == ("in_list",) and (step := calls.in_constants(*operands)):
            return step
        function = calls.function_of(node, self._functions)
        if node.function in calls.CONVERSIONS and isinstance(operands[0], Constant):
            return _converted(function, operands[0], node.operands[0].at)
        if node.function == "matches" and isinstance(operands[1], Constant):
            _check_pattern(operands[1].value, node.operands[1].at)
        if self._loops:
            function = metered(node.function, function)
        if self._counting:
            return calls.counted(function, operands, cost.of_call(node.function, node.overloads))
        return calls.applied(function, operands)

    def _conditional(self, node: Call) -> Step:
        condition, then, otherwise = node.arguments
        return calls.conditional(self.step(condition), self._bare(then), self._bare(otherwise))

    # Lists, maps, loops

    def _list(self, node: ListOf) -> Step:
        elements = list(map(self.step, node.elements))
        optional = node.optional
        if optional:
            return self._charged(_with_optionals(elements, optional), cost.LIST)
        if all(isinstance(element, Constant) for element in elements):
            return Constant([element.value for element in elements if isinstance(element, Constant)])
        return self._charged(lambda evaluation: [element(evaluation) for element in elements], cost.LIST)

    def _map(self, node: MapOf) -> Step:
        entries = [(self.step(key), self.step(value), optional) for key, value, optional in node.entries]
        step = _mapped(entries)
        if not entries:
            return step  # a new one each time: a loop may fill it
        if all(isinstance(k, Constant) and isinstance(v, Constant) and not o for k, v, o in entries):
            return Constant(step(Evaluation(Map(), 0)))
        return self._charged(step, cost.MAP)

    def _fold(self, node: Fold) -> Step:
        over = self.step(node.over)
        fills = isinstance(node.initial, ListOf) and not node.initial.elements and not node.binds
        initial = loops.empty_list if fills else self.step(node.initial)
        indices = self.variables, self.variables + 1, self.variables + 2
        accumulated, first, second = indices
        self.variables += len(indices)
        self._scopes.append({node.accumulator: loops.lazy(accumulated, initial)})
        if node.binds:
            result = self.step(node.result)
            self._scopes.pop()
            return loops.binding(accumulated, result)
        scope = {node.variable: loops.variable(first)}
        if node.second:
            scope[node.second] = loops.variable(second)
        self._scopes.append(scope)
        self._loops += 1
        if quantifier := _quantifier(node):
            predicate = self.step(quantifier.arguments[1])
            self._loops -= 1
            self._scopes.pop()
            result = self.step(node.result)
            self._scopes.pop()
            decides = quantifier.function == "_||_"
            # to go on: the accumulator, `!` before it in `exists`, and the function that absorbs its error
            prices = (cost.SELECT + 1 + decides, cost.SELECT) if self._counting else (0, 0)
            return loops.quantified(
                over, predicate, result, indices, prices, decides=decides, two=bool(node.second)
            )
        condition, step = self.step(node.condition), self.step(node.step)
        self._loops -= 1
        self._scopes.pop()
        result = self.step(node.result)
        self._scopes.pop()
        return loops.loop(over, condition, step, result, indices, two=bool(node.second))


def _written_keys(chain: Sequence[Select | Call]) -> list[str]:
    """The keys of a path that are all written there as texts, and none of them optional; none otherwise."""
    keys: list[str] = []
    for part in chain:
        if isinstance(part, Select):
            keys.append(part.field)
            continue
        index = part.arguments[1]
        if part.function != "_[_]" or not isinstance(index, Literal) or type(index.value) is not str:
            return []
        keys.append(index.value)
    return keys


def _quantifier(node: Fold) -> Call | None:
    """The step of what `all` and `exists` become, and of nothing else: a condition like this only they have."""
    condition, step = node.condition, node.step
    if not (isinstance(condition, Call) and condition.function == "@not_strictly_false"):
        return None
    return step if isinstance(step, Call) and step.function in ("_&&_", "_||_") else None


def _appends(node: Call) -> bool:
    """Whether it is what a macro makes to add an element to its list."""
    if node.function != "_+_":
        return False
    first, second = node.arguments
    return isinstance(first, Ident) and first.name == ACCUMULATOR and isinstance(second, ListOf)


def _converted(function: calls.Function, operand: Constant, at: int) -> Constant:
    try:
        return Constant(function(operand.value))
    except EvaluationError as error:
        raise InstantiationError(at, str(error)) from None


def _check_pattern(pattern: object, at: int) -> None:
    try:
        if isinstance(pattern, str):
            compiled(pattern)
    except WrongPattern as wrong:
        raise InstantiationError(at, str(wrong)) from None


def _with_optionals(elements: Sequence[Step], optional: frozenset[int]) -> Step:
    def listed(evaluation: Evaluation) -> list[Any]:
        found: list[Any] = []
        for index, element in enumerate(elements):
            value = element(evaluation)
            if index not in optional:
                found.append(value)
            elif type(value) is not Optional:
                raise EvaluationError(
                    f"cannot initialize optional list element from non-optional value {written(value)}"
                )
            elif value.present:
                found.append(value.value)
        return found

    return listed


def _mapped(entries: Sequence[tuple[Step, Step, bool]]) -> Step:
    def mapped(evaluation: Evaluation) -> Map:
        found: list[tuple[Any, Any]] = []
        for key_step, value_step, optional in entries:
            key, value = key_step(evaluation), value_step(evaluation)
            if not optional:
                found.append((key, value))
            elif type(value) is not Optional:
                raise EvaluationError(
                    f"cannot initialize optional entry '{written(key)}' from non-optional value {written(value)}"
                )
            elif value.present:
                found.append((key, value.value))
        return Map(found)

    return mapped
