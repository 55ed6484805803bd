"""Named formats: `format.dns1123Label().validate(x)` gives what is wrong with a text, or nothing.

The words are those of k8s.io/apimachinery's validation and of kube-openapi's strfmt.
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final

from dratui.allocation.cel.errors import EvaluationError
from dratui.allocation.cel.library.conversion import to_timestamp
from dratui.allocation.cel.library.network import to_url
from dratui.allocation.cel.values import NONE, Format, Optional

_LABEL: Final = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN: Final = rf"{_LABEL}(\.{_LABEL})*"
_DNS1035: Final = "[a-z]([-a-z0-9]*[a-z0-9])?"
_NAME: Final = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_LONGEST_LABEL: Final = 63
_LONGEST_SUBDOMAIN: Final = 253

_WRONG_LABEL: Final = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with"
    f" an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '{_LABEL}')"
)
_WRONG_SUBDOMAIN: Final = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and"
    f" end with an alphanumeric character (e.g. 'example.com', regex used for validation is '{_SUBDOMAIN}')"
)
_WRONG_1035: Final = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character,"
    " and end with an alphanumeric character"
    f" (e.g. 'my-name',  or 'abc-123', regex used for validation is '{_DNS1035}')"
)
_WRONG_NAME: Final = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric"
    f" character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '{_NAME}')"
)
_WRONG_VALUE: Final = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and"
    f" end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is"
    f" '({_NAME})?')"
)
_WRONG_QUALIFIED: Final = (
    "a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an"
    f" alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '{_NAME}')"
    " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
)


def _shaped(pattern: str, wrong: str, longest: int, *, prefix: bool = False) -> Callable[[str], list[str]]:
    shape = re.compile(pattern, re.ASCII)

    def problems(text: str) -> list[str]:
        found: list[str] = []
        if prefix and text.endswith("-") and len(text) > 1:
            text = text[:-2] + "a"  # what a generated name goes on with
        if len(text) > longest:
            found.append(f"must be no more than {longest} bytes")
        if not shape.fullmatch(text):
            found.append(wrong)
        return found

    return problems


_label = _shaped(_LABEL, _WRONG_LABEL, _LONGEST_LABEL)
_subdomain = _shaped(_SUBDOMAIN, _WRONG_SUBDOMAIN, _LONGEST_SUBDOMAIN)
_name = _shaped(_NAME, _WRONG_NAME, _LONGEST_LABEL)
_value = _shaped(f"({_NAME})?", _WRONG_VALUE, _LONGEST_LABEL)


def _qualified(text: str) -> list[str]:
    parts = text.split("/")
    if len(parts) > 2:
        return [_WRONG_QUALIFIED]
    found: list[str] = []
    if len(parts) == 2:
        if not parts[0]:
            found.append("prefix part must be non-empty")
        else:
            found += [f"prefix part {problem}" for problem in _subdomain(parts[0])]
    if not parts[-1]:
        found.append("name part must be non-empty")
    elif len(parts[-1]) > _LONGEST_LABEL:
        found.append(f"name part must be no more than {_LONGEST_LABEL} bytes")
    if not re.fullmatch(_NAME, parts[-1], re.ASCII):
        found.append(_WRONG_NAME)
    return found


def _uri(text: str) -> list[str]:
    try:
        to_url(text)
    except EvaluationError as wrong:
        return [str(wrong).partition("string: ")[2]]
    return []


_UUID: Final = re.compile(
    r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", re.ASCII | re.I
)


def _uuid(text: str) -> list[str]:
    return [] if _UUID.fullmatch(text) else ["does not match the UUID format"]


def _base64(text: str) -> list[str]:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return ["invalid base64"]
    return [] if text else ["invalid base64"]


def _date(text: str) -> list[str]:
    try:
        if len(text) == 10:
            date.fromisoformat(text)
            return []
    except ValueError:
        pass
    return ["invalid date"]


def _datetime(text: str) -> list[str]:
    try:
        to_timestamp(text.upper().replace(" ", "T", 1))
    except EvaluationError:
        return ["invalid datetime"]
    return []


_DATE_TIME_PATTERN: Final = 89  # characters of strfmt.DateTimePattern
_FORMATS: Final = {
    "dns1123Label": Format("DNS1123Label", _label, 30),
    "dns1123Subdomain": Format("DNS1123Subdomain", _subdomain, 60),
    "dns1035Label": Format("DNS1035Label", _shaped(_DNS1035, _WRONG_1035, _LONGEST_LABEL), 30),
    "qualifiedName": Format("QualifiedName", _qualified, 60),
    "dns1123LabelPrefix": Format(
        "DNS1123LabelPrefix", _shaped(_LABEL, _WRONG_LABEL, _LONGEST_LABEL, prefix=True), 30
    ),
    "dns1123SubdomainPrefix": Format(
        "DNS1123SubdomainPrefix",
        _shaped(_SUBDOMAIN, _WRONG_SUBDOMAIN, _LONGEST_SUBDOMAIN, prefix=True),
        60,
    ),
    "dns1035LabelPrefix": Format(
        "DNS1035LabelPrefix", _shaped(_DNS1035, _WRONG_1035, _LONGEST_LABEL, prefix=True), 30
    ),
    "labelValue": Format("LabelValue", _value, 40),
    "uri": Format("URI", _uri, 2083),
    "uuid": Format("uuid", _uuid, 102),
    "byte": Format("byte", _base64, 84),
    "date": Format("date", _date, _DATE_TIME_PATTERN),
    "datetime": Format("datetime", _datetime, _DATE_TIME_PATTERN),
}


def _validate(format_: Format, text: str) -> Optional:
    problems = format_.problems(text)
    return Optional(problems) if problems else NONE


def _named(name: str) -> Optional:
    return Optional(_FORMATS[name]) if name in _FORMATS else NONE


def _constant(format_: Format) -> Callable[[], Format]:
    return lambda: format_


IMPLEMENTATIONS: Final[Mapping[str, Callable[..., Any]]] = {
    "format-validate": _validate,
    "format-named": _named,
    **{f"format.{name}": _constant(format_) for name, format_ in _FORMATS.items()},
}
