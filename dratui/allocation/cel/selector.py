"""A device selector: compiled once, asked of many devices."""

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from dratui.allocation.cel import cost, types
from dratui.allocation.cel.checker import check
from dratui.allocation.cel.compiler import instantiate
from dratui.allocation.cel.declarations import Functions, Includes, functions
from dratui.allocation.cel.errors import (
    CompileError,
    EvaluationError,
    InstantiationError,
    OutOfBudget,
    Problem,
    TooLong,
)
from dratui.allocation.cel.estimate import worst_case
from dratui.allocation.cel.evaluation import Evaluation, Step
from dratui.allocation.cel.parser import parse
from dratui.allocation.cel.types import Type
from dratui.allocation.cel.values import Map, type_name
from dratui.allocation.cel.work import OutOfWork
from dratui.failure import Failure

LONGEST: Final = 10 * 1024
"""Bytes of an expression: CELSelectorExpressionMaxLength of pkg/apis/resource."""

OVER_LIMIT: Final = "operation cancelled: actual cost limit exceeded"


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a server's CEL knows.

    `list_attributes`: the gate DRAListTypeAttributes; `multiple_allocations`: whether `device` has that field;
    `includes`: whose that function is, if it is known; `lists`: whether the list library's are known. `tells_sharing`:
    whether that field is ever true.
    """

    list_attributes: bool = False
    multiple_allocations: bool = True
    includes: Includes = "dra"
    lists: bool = True
    tells_sharing: bool = True

    @property
    def functions(self) -> Functions:
        """All that may be called."""
        return functions(lists=self.lists, includes=self.includes)

    @property
    def attribute(self) -> Type:
        """The static type of an attribute, which is any. Over `dyn` one may loop."""
        return types.DYN if self.list_attributes else types.ANY

    @property
    def fields(self) -> Mapping[str, Type]:
        """Those of `device`."""
        attribute = self.attribute
        fields = {
            "driver": types.STRING,
            "attributes": types.map_of(types.STRING, types.map_of(types.STRING, attribute)),
            "capacity": types.map_of(types.STRING, types.map_of(types.STRING, types.QUANTITY)),
        }
        if self.multiple_allocations:
            fields["allowMultipleAllocations"] = types.BOOL
        return fields


@contextmanager
def _uncollected() -> Iterator[None]:
    """A long expression has many parts, for which the collector looks at all that the process has, again and again:
    half the time in one with 300,000 rows. None of the parts is garbage yet."""
    if not gc.isenabled():
        yield  # somebody else takes care
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class Program:
    """A checked expression that can be evaluated: its tree is `node`, its static type `type`, and at most it costs
    `worst_case`. Raises CompileError, and Failure for what is too long."""

    def __init__(
        self, source: str, dialect: Dialect, variables: Mapping[str, Type], *, counting: bool = False
    ) -> None:
        if (size := len(source.encode())) > LONGEST:
            raise Failure(f"may not be more than {LONGEST} bytes, and is {size}")
        self.source = source
        self.dialect = dialect
        with _uncollected():
            self.node = parse(source)
            self.type = check(source, self.node, dialect.functions, variables, dialect.fields)
            self.worst_case = worst_case(self.node)
            self._step, self._variables = self._instantiated(counting or self.worst_case > cost.LIMIT)

    def _instantiated(self, counting: bool) -> tuple[Step, int]:
        try:
            return instantiate(self.node, self.dialect.functions, counting=counting)
        except InstantiationError as error:
            problem = Problem(error.at, f"program instantiation failed: {error}")
            raise CompileError(self.source, [problem]) from None

    def evaluate(self, device: Map) -> Any:
        """The value. Raises EvaluationError, also for what would cost too much."""
        return self.measured(device)[0]

    def measured(self, device: Map) -> tuple[Any, int]:
        """The value, and what it cost, where that is counted. Raises EvaluationError."""
        evaluation = Evaluation(device, self._variables)
        try:
            return self._step(evaluation), evaluation.cost
        except OutOfWork:
            raise TooLong("it takes too long to evaluate") from None
        except OutOfBudget:
            raise EvaluationError(OVER_LIMIT) from None
        except RecursionError:
            raise EvaluationError("nested too deeply") from None


class Selector(Program):
    """An expression that is true or false of a device."""

    def __init__(self, source: str, dialect: Dialect, *, counting: bool = False) -> None:
        super().__init__(source, dialect, {"device": types.DEVICE}, counting=counting)
        if self.type not in (types.BOOL, dialect.attribute):
            raise Failure(f"must evaluate to bool or the unknown type, not {self.type}")

    def matches(self, device: Map) -> bool:
        """Raises EvaluationError."""
        result = self.evaluate(device)
        if result is True or result is False:
            return bool(result)
        kind = type_name(result)
        why = (
            f"unsupported native conversion from {kind} to 'bool'"
            if kind == "string"
            else f"unsupported type conversion from '{kind}' to bool"
        )
        raise EvaluationError(f"CEL result of type {kind} could not be converted to bool: {why}")


@lru_cache(maxsize=1024)
def selector(source: str, dialect: Dialect) -> Selector:
    """Raises CompileError, or Failure for what is no selector."""
    return Selector(source, dialect)
