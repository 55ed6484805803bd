"""Static types, and when one may stand for another.

As cel-go's checker has it (checker/types.go, v0.26): a type variable is bound by its first use and widened by later
ones; `dyn` and `any` fit everything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Type:
    """`name` with the types that it is made of: `list(int)`, `map(string, dyn)`, `optional_type(A)`, `type(int)`."""

    name: str
    of: tuple["Type", ...] = ()
    variable: bool = False  # stands for a type that is not known yet

    def __str__(self) -> str:
        return f"{self.name}({', '.join(map(str, self.of))})" if self.of else self.name


BOOL: Final = Type("bool")
INT: Final = Type("int")
UINT: Final = Type("uint")
DOUBLE: Final = Type("double")
STRING: Final = Type("string")
BYTES: Final = Type("bytes")
NULL: Final = Type("null")
DYN: Final = Type("dyn")
ANY: Final = Type("any")
ERROR: Final = Type("!error!")
DURATION: Final = Type("google.protobuf.Duration")
TIMESTAMP: Final = Type("google.protobuf.Timestamp")
TYPE: Final = Type("type")
QUANTITY: Final = Type("kubernetes.Quantity")
SEMVER: Final = Type("kubernetes.Semver")
URL: Final = Type("kubernetes.URL")
FORMAT: Final = Type("kubernetes.NamedFormat")
IP: Final = Type("net.IP")
CIDR: Final = Type("net.CIDR")
DEVICE: Final = Type("kubernetes.DRADevice")

_DYNAMIC: Final = frozenset((DYN.name, ANY.name))
_LENIENT: Final = _DYNAMIC | {ERROR.name}
_NULLABLE: Final = frozenset((DURATION, TIMESTAMP, QUANTITY, SEMVER, URL, FORMAT, IP, CIDR, DEVICE))


def list_of(element: Type) -> Type:
    return Type("list", (element,))


def map_of(key: Type, value: Type) -> Type:
    return Type("map", (key, value))


def optional_of(value: Type) -> Type:
    return Type("optional_type", (value,))


def type_of(value: Type) -> Type:
    return Type("type", (value,))


def dynamic(type_: Type) -> bool:
    """Whether it may turn out to be anything."""
    return type_.name in _DYNAMIC


def lenient(type_: Type) -> bool:
    """Whether nothing can be said about it: anything, or wrong already."""
    return type_.name in _LENIENT


def unwrapped(type_: Type) -> tuple[Type, bool]:
    """What is in an optional, and whether it is one."""
    return (type_.of[0], True) if type_.name == "optional_type" else (type_, False)


class Bindings:
    """What type variables stand for so far."""

    def __init__(self) -> None:
        self._bound: dict[Type, Type] = {}
        self._count = 0

    def fresh(self) -> Type:
        """A variable of its own."""
        self._count += 1
        return Type(f"_var{self._count - 1}", variable=True)

    def fits(self, one: Type, other: Type) -> bool:
        """Whether `one` may be given where `other` is wanted; if so, what that says of variables is kept."""
        return self.fit((one,), (other,))

    def fit(self, some: Sequence[Type], others: Sequence[Type]) -> bool:
        """The same for each in its turn; all or nothing is kept."""
        if len(some) != len(others):
            return False
        before = self._bound.copy()
        if all(map(self._fits, some, others)):
            return True
        self._bound = before
        return False

    def resolve(self, type_: Type, *, open_as_dyn: bool = False) -> Type:
        """With all variables replaced that stand for something."""
        while type_.variable and type_ in self._bound:
            type_ = self._bound[type_]
        if type_.variable:
            return DYN if open_as_dyn else type_
        if not type_.of:
            return type_
        return Type(type_.name, tuple(self.resolve(t, open_as_dyn=open_as_dyn) for t in type_.of))

    def _fits(self, one: Type, other: Type) -> bool:
        if one is other:
            return True
        if other.variable:
            valid, bound = self._stands(one, other)
            if valid or bound:
                return valid
        if one.variable:
            return self._stands(other, one)[0]
        if lenient(one) or lenient(other):
            return True
        if one is NULL or other is NULL:
            that = other if one is NULL else one
            return that == NULL or that in _NULLABLE or that.name == "optional_type"
        if one.name == "type":
            return other.name == "type"
        return (
            one.name == other.name and len(one.of) == len(other.of) and all(map(self._fits, one.of, other.of))
        )

    def _stands(self, type_: Type, variable: Type) -> tuple[bool, bool]:
        """Whether a variable may stand for a type, and whether it stands for something already."""
        if type_ == variable:
            return True, True
        bound = self._bound.get(variable)
        if bound is not None:
            if type_ == bound:
                return True, True
            if not self._fits(type_, bound):
                return False, True
            wider = more_general(type_, bound)
            if not self._occurs(variable, wider):
                self._bound[variable] = wider
            return True, True
        if self._occurs(variable, type_):
            return False, False
        self._bound[variable] = type_
        return True, False

    def _occurs(self, variable: Type, within: Type) -> bool:
        if variable == within:
            return True
        if within.variable:
            return within in self._bound and self._occurs(variable, self._bound[within])
        return any(self._occurs(variable, t) for t in within.of)


def more_general(one: Type, other: Type) -> Type:
    """Of two that fit each other."""
    return one if _at_least_as_general(one, other) else other


def _at_least_as_general(one: Type, other: Type) -> bool:
    if dynamic(one) or one.variable:
        return True
    if dynamic(other) or other.variable or one.name != other.name:
        return False
    if one.name == "type":
        return True
    return len(one.of) == len(other.of) and all(map(_at_least_as_general, one.of, other.of))


def instantiate(type_: Type, variables: Mapping[str, Type]) -> Type:
    """With the variables of a declaration replaced."""
    if type_.variable:
        return variables[type_.name]
    return Type(type_.name, tuple(instantiate(t, variables) for t in type_.of)) if type_.of else type_
