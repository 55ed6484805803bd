"""Quantities and versions."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from dratui.allocation.cel import quantity, semver
from dratui.allocation.cel.errors import EvaluationError
from dratui.allocation.cel.quantity import NoQuantity, Quantity
from dratui.allocation.cel.semver import NoSemver, Semver


def to_quantity(text: str) -> Quantity:
    """`quantity`."""
    try:
        return quantity.parse(text)
    except NoQuantity as wrong:
        raise EvaluationError(str(wrong)) from None


def _is_quantity(text: str) -> bool:
    try:
        quantity.parse(text)
    except NoQuantity:
        return False
    return True


def _whole(value: Quantity) -> int:
    whole = value.whole
    if whole is None:
        raise EvaluationError("cannot convert value to integer")
    return whole


def to_semver(text: str, normalize: bool = False) -> Semver:
    """`semver`."""
    try:
        return semver.normalized(text) if normalize else semver.parse(text)
    except NoSemver as wrong:
        raise EvaluationError(str(wrong)) from None


def _is_semver(text: str, normalize: bool = False) -> bool:
    try:
        to_semver(text, normalize)
    except EvaluationError:
        return False
    return True


def _sign(value: Quantity) -> int:
    number = value.number
    return (number > 0) - (number < 0)


IMPLEMENTATIONS: Final[Mapping[str, Callable[..., Any]]] = {
    "string_to_quantity": to_quantity,
    "is_quantity_string": _is_quantity,
    "quantity_sign": _sign,
    "quantity_is_greater_than": lambda one, other: one.compare(other) > 0,
    "quantity_is_less_than": lambda one, other: one.compare(other) < 0,
    "quantity_compare_to": Quantity.compare,
    "quantity_get_float": lambda value: value.approximate,
    "quantity_get_int": _whole,
    "quantity_is_integer": lambda value: value.whole is not None,
    "quantity_add": Quantity.plus,
    "quantity_add_int": lambda value, number: value.plus(Quantity(number)),
    "quantity_sub": lambda one, other: one.plus(other, -1),
    "quantity_sub_int": lambda value, number: value.plus(Quantity(number), -1),
    "string_to_semver": to_semver,
    "string_bool_to_semver": to_semver,
    "is_semver_string": _is_semver,
    "is_semver_string_bool": _is_semver,
    "semver_is_greater_than": lambda one, other: one > other,
    "semver_is_less_than": lambda one, other: one < other,
    "semver_compare_to": lambda one, other: (one > other) - (one < other),
    "semver_major": lambda version: version.major,
    "semver_minor": lambda version: version.minor,
    "semver_patch": lambda version: version.patch,
}
