"""Static types, and when one may stand for another.

As cel-go's checker has it (checker/types.go, v0.26): a type variable is bound by its first use and widened by later
ones; `dyn` and `any` fit everything.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final


class Type:
    """`name` with the types that it is made of: `list(int)`, `map(string, dyn)`, `optional_type(A)`, `type(int)`.

    A `variable` stands for a type that is not known yet; `open` is what has one in it. Types may be as deep as
    expressions, and are compared all the time: they know their hash, and equal ones are mostly the same.
    """

    __slots__ = ("_hash", "name", "of", "open", "variable")

    def __init__(self, name: str, of: tuple["Type", ...] = (), *, variable: bool = False) -> None:
        self.name = name
        self.of = of
        self.variable = variable
        self.open = variable
        for inner in of:
            self.open = self.open or inner.open
        self._hash = hash((name, of, variable))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Type) or self._hash != other._hash:
            return False
        return (self.name, self.of, self.variable) == (other.name, other.of, other.variable)

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
_FLEXIBLE: Final = _LENIENT | {NULL.name}
_NULLABLE: Final = frozenset((DURATION, TIMESTAMP, QUANTITY, SEMVER, URL, FORMAT, IP, CIDR, DEVICE))


@lru_cache(maxsize=4096)
def made_of(name: str, of: tuple[Type, ...]) -> Type:
    """Mostly the same one for the same parts."""
    return Type(name, of)


def list_of(element: Type) -> Type:
    return made_of("list", (element,))


def map_of(key: Type, value: Type) -> Type:
    return made_of("map", (key, value))


def optional_of(value: Type) -> Type:
    return made_of("optional_type", (value,))


def type_of(value: Type) -> Type:
    return made_of("type", (value,))


def dynamic(type_: Type) -> bool:
    """Whether it may turn out to be anything."""
    return type_.name in _DYNAMIC


def lenient(type_: Type) -> bool:
    """Whether nothing can be said about it: anything, or wrong already."""
    return type_.name in _LENIENT


def flexible(type_: Type) -> bool:
    """Whether it may fit one of another name."""
    return type_.variable or type_.name in _FLEXIBLE


def unwrapped(type_: Type) -> tuple[Type, bool]:
    """What is in an optional, and whether it is one."""
    return (type_.of[0], True) if type_.name == "optional_type" else (type_, False)


class Bindings:
    """What type variables stand for so far."""

    def __init__(self) -> None:
        self._bound: dict[str, Type] = {}
        self._before: list[tuple[str, Type | None]] = []  # of what `fit` has changed so far
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
        fitting = all(map(self._fits, some, others))
        if not fitting:
            for name, before in reversed(self._before):
                if before is None:
                    del self._bound[name]
                else:
                    self._bound[name] = before
        self._before.clear()
        return fitting

    def resolve(self, type_: Type) -> Type:
        """With all variables replaced that stand for something."""
        if not type_.open:
            return type_
        if not type_.variable:
            return made_of(type_.name, tuple(map(self.resolve, type_.of)))
        passed: list[str] = []
        while (bound := self._bound.get(type_.name)) is not None:
            passed.append(type_.name)
            type_ = bound
        for name in passed[:-1]:
            self._bound[name] = type_  # so that the next one has not as far to go
        return type_ if type_.variable else self.resolve(type_)

    def settled(self, type_: Type, known: dict[int, Type]) -> Type:
        """The same when nothing more will be learnt: what is open still may be anything. `known` are those before, by
        identity."""
        if not type_.open:
            return type_
        if (found := known.get(id(type_))) is None:
            if type_.variable:
                found = self.resolve(type_)
                found = DYN if found.variable else self.settled(found, known)
            else:
                found = Type(type_.name, tuple([self.settled(inner, known) for inner in type_.of]))
            known[id(type_)] = found
        return found

    def _fits(self, one: Type, other: Type) -> bool:
        if one is other or not (one.open or other.open or one != other):
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
        bound = self._bound.get(variable.name)
        if bound is not None:
            if type_ == bound:
                return True, True
            if not self._fits(type_, bound):
                return False, True
            wider = more_general(type_, bound)
            if not self._occurs(variable, wider):
                self._bind(variable, wider)
            return True, True
        if self._occurs(variable, type_):
            return False, False
        self._bind(variable, type_)
        return True, False

    def _bind(self, variable: Type, type_: Type) -> None:
        self._before.append((variable.name, self._bound.get(variable.name)))
        self._bound[variable.name] = type_

    def _occurs(self, variable: Type, within: Type) -> bool:
        if variable == within:
            return True
        if within.variable:
            bound = self._bound.get(within.name)
            return bound is not None and self._occurs(variable, bound)
        if within.open:
            for inner in within.of:
                if self._occurs(variable, inner):
                    return True
        return False


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
    if not type_.open:
        return type_
    return Type(type_.name, tuple([instantiate(inner, variables) for inner in type_.of]))
