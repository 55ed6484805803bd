"""Every function and operator that a selector may use: what it takes and gives.

One line an overload: `function overload (arguments) result`, a member function with its target in front of the dot.
From cel-go 0.26 (common/stdlib, ext/strings version 2, lists 3, sets, comprehensions; optional types 2) and
k8s.io/apiserver/pkg/cel (library/, environment/base.go), Kubernetes 1.36.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

from dratui.allocation.cel import types
from dratui.allocation.cel.types import Type

_NUMBERS: Final = ("int64", "uint64", "double")
_OF: Final = {"int64": "int", "uint64": "uint", "double": "double"}

_OPERATORS: Final = """
_?_:_ conditional (bool, A, A) A
_&&_ logical_and (bool, bool) bool
_||_ logical_or (bool, bool) bool
!_ logical_not (bool) bool
@not_strictly_false not_strictly_false (bool) bool
_==_ equals (A, A) bool
_!=_ not_equals (A, A) bool
_+_ add_bytes (bytes, bytes) bytes
_+_ add_double (double, double) double
_+_ add_duration_duration (duration, duration) duration
_+_ add_duration_timestamp (duration, timestamp) timestamp
_+_ add_timestamp_duration (timestamp, duration) timestamp
_+_ add_int64 (int, int) int
_+_ add_list (list(A), list(A)) list(A)
_+_ add_string (string, string) string
_+_ add_uint64 (uint, uint) uint
_/_ divide_double (double, double) double
_/_ divide_int64 (int, int) int
_/_ divide_uint64 (uint, uint) uint
_%_ modulo_int64 (int, int) int
_%_ modulo_uint64 (uint, uint) uint
_*_ multiply_double (double, double) double
_*_ multiply_int64 (int, int) int
_*_ multiply_uint64 (uint, uint) uint
-_ negate_double (double) double
-_ negate_int64 (int) int
_-_ subtract_double (double, double) double
_-_ subtract_duration_duration (duration, duration) duration
_-_ subtract_int64 (int, int) int
_-_ subtract_timestamp_duration (timestamp, duration) timestamp
_-_ subtract_timestamp_timestamp (timestamp, timestamp) duration
_-_ subtract_uint64 (uint, uint) uint
_[_] index_list (list(A), int) A
_[_] index_map (map(A, B), A) B
_[_] optional_list_index_int (optional(list(A)), int) optional(A)
_[_] optional_map_index_value (optional(map(A, B)), A) optional(B)
_[?_] list_optindex_optional_int (list(A), int) optional(A)
_[?_] optional_list_optindex_optional_int (optional(list(A)), int) optional(A)
_[?_] map_optindex_optional_value (map(A, B), A) optional(B)
_[?_] optional_map_optindex_optional_value (optional(map(A, B)), A) optional(B)
@in in_list (A, list(A)) bool
@in in_map (A, map(A, B)) bool
"""

_STANDARD: Final = """
size size_bytes (bytes) int
size bytes_size bytes.() int
size size_list (list(A)) int
size list_size list(A).() int
size size_map (map(A, B)) int
size map_size map(A, B).() int
size size_string (string) int
size string_size string.() int
type type (A) type(A)
dyn to_dyn (A) dyn
bool bool_to_bool (bool) bool
bool string_to_bool (string) bool
bytes bytes_to_bytes (bytes) bytes
bytes string_to_bytes (string) bytes
double double_to_double (double) double
double int64_to_double (int) double
double string_to_double (string) double
double uint64_to_double (uint) double
duration duration_to_duration (duration) duration
duration int64_to_duration (int) duration
duration string_to_duration (string) duration
int int64_to_int64 (int) int
int double_to_int64 (double) int
int duration_to_int64 (duration) int
int string_to_int64 (string) int
int timestamp_to_int64 (timestamp) int
int uint64_to_int64 (uint) int
string string_to_string (string) string
string bool_to_string (bool) string
string bytes_to_string (bytes) string
string double_to_string (double) string
string duration_to_string (duration) string
string int64_to_string (int) string
string timestamp_to_string (timestamp) string
string uint64_to_string (uint) string
timestamp timestamp_to_timestamp (timestamp) timestamp
timestamp int64_to_timestamp (int) timestamp
timestamp string_to_timestamp (string) timestamp
uint uint64_to_uint64 (uint) uint
uint double_to_uint64 (double) uint
uint int64_to_uint64 (int) uint
uint string_to_uint64 (string) uint
contains contains_string string.(string) bool
endsWith ends_with_string string.(string) bool
startsWith starts_with_string string.(string) bool
matches matches (string, string) bool
matches matches_string string.(string) bool
getFullYear timestamp_to_year timestamp.() int
getFullYear timestamp_to_year_with_tz timestamp.(string) int
getMonth timestamp_to_month timestamp.() int
getMonth timestamp_to_month_with_tz timestamp.(string) int
getDayOfYear timestamp_to_day_of_year timestamp.() int
getDayOfYear timestamp_to_day_of_year_with_tz timestamp.(string) int
getDayOfMonth timestamp_to_day_of_month timestamp.() int
getDayOfMonth timestamp_to_day_of_month_with_tz timestamp.(string) int
getDate timestamp_to_day_of_month_1_based timestamp.() int
getDate timestamp_to_day_of_month_1_based_with_tz timestamp.(string) int
getDayOfWeek timestamp_to_day_of_week timestamp.() int
getDayOfWeek timestamp_to_day_of_week_with_tz timestamp.(string) int
getHours timestamp_to_hours timestamp.() int
getHours timestamp_to_hours_with_tz timestamp.(string) int
getHours duration_to_hours duration.() int
getMinutes timestamp_to_minutes timestamp.() int
getMinutes timestamp_to_minutes_with_tz timestamp.(string) int
getMinutes duration_to_minutes duration.() int
getSeconds timestamp_to_seconds timestamp.() int
getSeconds timestamp_to_seconds_tz timestamp.(string) int
getSeconds duration_to_seconds duration.() int
getMilliseconds timestamp_to_milliseconds timestamp.() int
getMilliseconds timestamp_to_milliseconds_with_tz timestamp.(string) int
getMilliseconds duration_to_milliseconds duration.() int
optional.of optional_of (V) optional(V)
optional.ofNonZeroValue optional_ofNonZeroValue (V) optional(V)
optional.none optional_none () optional(V)
optional.unwrap optional_unwrap (list(optional(V))) list(V)
unwrapOpt optional_unwrapOpt list(optional(V)).() list(V)
value optional_value optional(V).() V
hasValue optional_hasValue optional(V).() bool
or optional_or_optional optional(V).(optional(V)) optional(V)
orValue optional_orValue_value optional(V).(V) V
first list_first list(V).() optional(V)
last list_last list(V).() optional(V)
cel.@mapInsert @mapInsert_map_key_value (map(K, V), K, V) map(K, V)
cel.@mapInsert @mapInsert_map_map (map(K, V), map(K, V)) map(K, V)
"""

_EXTENSIONS: Final = """
charAt string_char_at_int string.(int) string
indexOf string_index_of_string string.(string) int
indexOf string_index_of_string_int string.(string, int) int
lastIndexOf string_last_index_of_string string.(string) int
lastIndexOf string_last_index_of_string_int string.(string, int) int
lowerAscii string_lower_ascii string.() string
replace string_replace_string_string string.(string, string) string
replace string_replace_string_string_int string.(string, string, int) string
split string_split_string string.(string) list(string)
split string_split_string_int string.(string, int) list(string)
substring string_substring_int string.(int) string
substring string_substring_int_int string.(int, int) string
trim string_trim string.() string
upperAscii string_upper_ascii string.() string
format string_format string.(list(dyn)) string
strings.quote strings_quote (string) string
join list_join list(string).() string
join list_join_string list(string).(string) string
sets.contains list_sets_contains_list (list(T), list(T)) bool
sets.equivalent list_sets_equivalent_list (list(T), list(T)) bool
sets.intersects list_sets_intersects_list (list(T), list(T)) bool
indexOf list_a_index_of_int list(A).(A) int
lastIndexOf list_a_last_index_of_int list(A).(A) int
"""

_LISTS: Final = """
slice list_slice list(T).(int, int) list(T)
flatten list_flatten list(list(T)).() list(T)
flatten list_flatten_int list(dyn).(int) list(dyn)
lists.range lists_range (int) list(int)
reverse list_reverse list(T).() list(T)
distinct list_distinct list(T).() list(T)
"""

_KUBERNETES: Final = """
url string_to_url (string) url
getScheme url_get_scheme url.() string
getHost url_get_host url.() string
getHostname url_get_hostname url.() string
getPort url_get_port url.() string
getEscapedPath url_get_escaped_path url.() string
getQuery url_get_query url.() map(string, list(string))
isURL is_url_string (string) bool
find string_find_string string.(string) string
findAll string_find_all_string string.(string) list(string)
findAll string_find_all_string_int string.(string, int) list(string)
quantity string_to_quantity (string) quantity
isQuantity is_quantity_string (string) bool
sign quantity_sign (quantity) int
isGreaterThan quantity_is_greater_than quantity.(quantity) bool
isLessThan quantity_is_less_than quantity.(quantity) bool
compareTo quantity_compare_to quantity.(quantity) int
asApproximateFloat quantity_get_float quantity.() double
asInteger quantity_get_int quantity.() int
isInteger quantity_is_integer quantity.() bool
add quantity_add quantity.(quantity) quantity
add quantity_add_int quantity.(int) quantity
sub quantity_sub quantity.(quantity) quantity
sub quantity_sub_int quantity.(int) quantity
ip string_to_ip (string) ip
ip.isCanonical ip_is_canonical (string) bool
isIP is_ip (string) bool
family ip_family ip.() int
isUnspecified ip_is_unspecified ip.() bool
isLoopback ip_is_loopback ip.() bool
isLinkLocalMulticast ip_is_link_local_multicast ip.() bool
isLinkLocalUnicast ip_is_link_local_unicast ip.() bool
isGlobalUnicast ip_is_global_unicast ip.() bool
string ip_to_string (ip) string
cidr string_to_cidr (string) cidr
isCIDR is_cidr (string) bool
containsIP cidr_contains_ip_string cidr.(string) bool
containsIP cidr_contains_ip_ip cidr.(ip) bool
containsCIDR cidr_contains_cidr_string cidr.(string) bool
containsCIDR cidr_contains_cidr cidr.(cidr) bool
ip cidr_ip cidr.() ip
prefixLength cidr_prefix_length cidr.() int
masked cidr_masked cidr.() cidr
string cidr_to_string (cidr) string
validate format-validate format.(string) optional(list(string))
format.named format-named (string) optional(format)
semver string_to_semver (string) semver
semver string_bool_to_semver (string, bool) semver
isSemver is_semver_string (string) bool
isSemver is_semver_string_bool (string, bool) bool
isGreaterThan semver_is_greater_than semver.(semver) bool
isLessThan semver_is_less_than semver.(semver) bool
compareTo semver_compare_to semver.(semver) int
major semver_major semver.() int
minor semver_minor semver.() int
patch semver_patch semver.() int
"""

Includes = Literal["", "dra", "lists"]
"""Whose `includes` is: DRA's own in 1.36, of short lists only, and the API server's list library's from 1.37."""

_INCLUDES: Final[Mapping[Includes, str]] = {
    "": "",
    "dra": "includes dra_includes_dyn_dyn dyn.(dyn) bool",
    "lists": "includes list_includes_dyn_dyn dyn.(dyn) bool",
}

FORMATS: Final = (
    "dns1123Label",
    "dns1123Subdomain",
    "dns1035Label",
    "qualifiedName",
    "dns1123LabelPrefix",
    "dns1123SubdomainPrefix",
    "dns1035LabelPrefix",
    "labelValue",
    "uri",
    "uuid",
    "byte",
    "date",
    "datetime",
)

_NAMED: Final = {
    "bool": types.BOOL,
    "int": types.INT,
    "uint": types.UINT,
    "double": types.DOUBLE,
    "string": types.STRING,
    "bytes": types.BYTES,
    "dyn": types.DYN,
    "duration": types.DURATION,
    "timestamp": types.TIMESTAMP,
    "quantity": types.QUANTITY,
    "semver": types.SEMVER,
    "url": types.URL,
    "format": types.FORMAT,
    "ip": types.IP,
    "cidr": types.CIDR,
}
TYPE_NAMES: Final[Mapping[str, Type]] = {
    **{name: types.type_of(_NAMED[name]) for name in ("bool", "int", "uint", "double", "string", "bytes")},
    "list": types.type_of(types.list_of(types.DYN)),
    "map": types.type_of(types.map_of(types.DYN, types.DYN)),
    "null_type": types.type_of(types.NULL),
    "type": types.type_of(types.TYPE),
    "optional_type": types.type_of(types.optional_of(types.DYN)),
    **{t.name: types.type_of(t) for t in (types.DURATION, types.TIMESTAMP, types.IP, types.CIDR)},
    **{t.name: types.type_of(t) for t in (types.QUANTITY, types.SEMVER, types.URL, types.FORMAT)},
}
"""Identifiers that are types."""


@dataclass(frozen=True, slots=True)
class Overload:
    """One way to call a function. Of a member function the first argument is the target."""

    name: str
    member: bool
    arguments: tuple[Type, ...]
    result: Type
    variables: tuple[str, ...]


Functions = Mapping[str, tuple[Overload, ...]]


@cache
def functions(*, lists: bool, includes: Includes) -> Functions:
    """All that may be called, by name. `lists`: cel-go's list library, of Kubernetes 1.34."""
    found: dict[str, list[Overload]] = {}
    for line in _lines(lists=lists, includes=includes):
        name, overload = _read(line)
        found.setdefault(name, []).append(overload)
    return {name: tuple(overloads) for name, overloads in found.items()}


def _lines(*, lists: bool, includes: Includes) -> Iterator[str]:
    texts = [_OPERATORS, _STANDARD, _EXTENSIONS, _KUBERNETES]
    if lists:
        texts.append(_LISTS)
    texts.append(_INCLUDES[includes])
    for text in texts:
        yield from filter(None, text.split("\n"))
    yield from _orders()
    yield from _generic_lists(sort=lists)
    for name in FORMATS:
        yield f"format.{name} format.{name} () format"


def _orders() -> Iterator[str]:
    for operator, name in (("<", "less"), ("<=", "less_equals"), (">", "greater"), (">=", "greater_equals")):
        for one in _NUMBERS:
            for other in _NUMBERS:
                overload = f"{name}_{one}" if one == other else f"{name}_{one}_{other}"
                yield f"_{operator}_ {overload} ({_OF[one]}, {_OF[other]}) bool"
        for kind in ("bool", "string", "bytes", "timestamp", "duration"):
            yield f"_{operator}_ {name}_{kind} ({kind}, {kind}) bool"


def _generic_lists(*, sort: bool) -> Iterator[str]:
    """Functions of lists whose elements have an order, or a sum: one overload a type."""
    for kind in ("int", "uint", "double", "duration"):
        yield f"sum list_{kind}_sum_{kind} list({kind}).() {kind}"
    for kind in ("int", "uint", "double", "bool", "duration", "timestamp", "string", "bytes"):
        yield f"isSorted list_{kind}_is_sorted_bool list({kind}).() bool"
        yield f"max list_{kind}_max_{kind} list({kind}).() {kind}"
        yield f"min list_{kind}_min_{kind} list({kind}).() {kind}"
        if sort:
            yield f"sort list_{kind}_sort list({kind}).() list({kind})"
            yield (f"@sortByAssociatedKeys list_{kind}_sortByAssociatedKeys list(T).(list({kind})) list(T)")


_LINE: Final = re.compile(r"(\S+) (\S+) (.*?\.)?\((.*)\) ([^ ].*)")


def _read(line: str) -> tuple[str, Overload]:
    match = _LINE.fullmatch(line) or _LINE.fullmatch("")
    assert match is not None, line
    name, overload, target, arguments, result = match.groups()
    texts = [target[:-1]] if target else []
    texts += _split(arguments)
    variables: set[str] = set()
    read = tuple(_type(text, variables) for text in texts)
    given = _type(result, variables)
    return name, Overload(overload, target is not None, read, given, tuple(sorted(variables)))


def _type(text: str, variables: set[str]) -> Type:
    text = text.strip()
    if text in _NAMED:
        return _NAMED[text]
    if len(text) == 1:
        variables.add(text)
        return Type(text, variable=True)
    name, _, inner = text[:-1].partition("(")
    of = tuple(_type(part, variables) for part in _split(inner))
    return Type({"optional": "optional_type"}.get(name, name), of)


def _split(text: str) -> Iterable[str]:
    """At the commas that are in no brackets."""
    depth, part = 0, ""
    for character in text:
        if character == "," and not depth:
            yield part
            part = ""
            continue
        depth += (character == "(") - (character == ")")
        part += character
    if part.strip():
        yield part
