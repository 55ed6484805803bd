"""Text to tokens, as CEL's grammar has it (cel-go, parser/gen/CEL.g4)."""

import re
from typing import Final, NamedTuple

from dratui.allocation.cel.errors import Problem

_KEYWORDS: Final = frozenset(("in", "true", "false", "null"))

_ESCAPE: Final = (
    r"""\\(?:[abfnrtv"'\\?`]|[0-3][0-7][0-7]|[xX][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})"""
)
_STRING: Final = rf"""
    [rR](?:\"\"\"(?s:.)*?\"\"\"|'''(?s:.)*?'''|"[^"\n\r]*"|'[^'\n\r]*')
  | \"\"\"(?:{_ESCAPE}|[^\\])*?\"\"\"
  | '''(?:{_ESCAPE}|[^\\])*?'''
  | "(?:{_ESCAPE}|[^\\"\n\r])*"
  | '(?:{_ESCAPE}|[^\\'\n\r])*'
"""
_TOKEN: Final = re.compile(
    rf"""
    (?P<skip>[\t\ \r\n\f]+|//[^\n]*)
  | (?P<double>[0-9]+\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+|\.[0-9]+(?:[eE][+-]?[0-9]+)?)
  | (?P<uint>(?:0x[0-9a-fA-F]+|[0-9]+)[uU])
  | (?P<int>0x[0-9a-fA-F]+|[0-9]+)
  | (?P<bytes>[bB](?:{_STRING}))
  | (?P<string>{_STRING})
  | (?P<name>[_a-zA-Z][_a-zA-Z0-9]*)
  | (?P<quoted>`[a-zA-Z0-9_.\-/\ ]+`)
  | (?P<mark>==|!=|<=|>=|&&|\|\||[<>\[\]{{}}().,\-!?:+*/%])
    """,
    re.VERBOSE,
)
_SIMPLE: Final = {"a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}
_LARGEST_CODE_POINT: Final = 0x10FFFF


class Token(NamedTuple):
    """A piece of the text. `kind`: int, uint, double, string, bytes, name, quoted, end; or the mark or keyword."""

    kind: str
    text: str
    at: int


def tokens(source: str) -> tuple[list[Token], list[Problem]]:
    """All of them, with an end; what is none is skipped and told."""
    found: list[Token] = []
    problems: list[Problem] = []
    end = 0
    for match in _TOKEN.finditer(source):
        begin = match.start()
        if begin > end:
            problems += _unknown(source, end, begin)
        end = match.end()
        kind = match.lastgroup
        if kind == "mark":
            found.append(Token(match[0], match[0], begin))
        elif kind != "skip" and kind is not None:
            text = match[0]
            found.append(Token(text if text in _KEYWORDS else kind, text, begin))
    problems += _unknown(source, end, len(source))
    found.append(Token("end", "<EOF>", len(source)))
    return found, problems


def _unknown(source: str, begin: int, end: int) -> list[Problem]:
    return [
        Problem(at, f"Syntax error: token recognition error at: {source[at]!r}") for at in range(begin, end)
    ]


def string_value(text: str) -> str:
    """What a string literal means. Raises ValueError for a code point that there is not."""
    raw, body = _body(text)
    return body if raw else _ESCAPED.sub(lambda m: chr(_code_point(m[0])), body)


def bytes_value(text: str) -> bytes:
    """What a bytes literal means. Raises ValueError as above, and for `\\u`."""
    raw, body = _body(text[1:])
    if raw:
        return body.encode()
    pieces: list[bytes] = []
    end = 0
    for match in _ESCAPED.finditer(body):
        if match[0][1] in "uU":
            raise ValueError("unable to unescape string")
        pieces += (body[end : match.start()].encode(), bytes((_code_point(match[0]),)))
        end = match.end()
    return b"".join((*pieces, body[end:].encode()))


_ESCAPED: Final = re.compile(_ESCAPE)


def _body(text: str) -> tuple[bool, str]:
    """Whether it is raw, and what is between the quotes, with one way to end a line."""
    raw = text[0] in "rR"
    text = text[1:] if raw else text
    quote = 3 if text[:3] in ('"""', "'''") and len(text) >= 6 else 1
    return raw, text[quote:-quote].replace("\r\n", "\n").replace("\r", "\n")


def _code_point(escape: str) -> int:
    what = escape[1]
    if what in _SIMPLE:
        return _SIMPLE[what]
    if what in "xXuU":
        value = int(escape[2:], 16)
        if value > _LARGEST_CODE_POINT or 0xD800 <= value <= 0xDFFF:
            raise ValueError("unable to unescape string: invalid unicode code point")
        return value
    return int(escape[1:], 8) if what in "0123" and len(escape) == 4 else ord(what)
