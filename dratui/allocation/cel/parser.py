"""Tokens to a tree. Macros are expanded on the way, as their own grammar knows nothing of them."""

from typing import Final

from dratui.allocation.cel import lexer
from dratui.allocation.cel.errors import CompileError, Problem
from dratui.allocation.cel.lexer import Token
from dratui.allocation.cel.macros import WrongMacro, global_macro, member_macro
from dratui.allocation.cel.syntax import (
    Call,
    Ident,
    ListOf,
    Literal,
    MapOf,
    Message,
    Node,
    Select,
)
from dratui.allocation.cel.values import Uint

DEEPEST: Final = 250
"""How deep an expression may be nested; cel-go's limit."""

_RESERVED: Final = frozenset(
    [
        "as",
        "break",
        "const",
        "continue",
        "else",
        "false",
        "for",
        "function",
        "if",
        "import",
        "in",
        "let",
        "loop",
        "package",
        "namespace",
        "null",
        "return",
        "true",
        "var",
        "void",
        "while",
    ]
)
_RANKS: Final = {
    **dict.fromkeys(("<", "<=", ">=", ">", "==", "!=", "in"), 1),
    **dict.fromkeys(("+", "-"), 2),
    **dict.fromkeys(("*", "/", "%"), 3),
}
"""How tightly operators bind that have two sides."""

_SIGNS: Final = frozenset(("!", "-"))
_MEMBERS: Final = frozenset((".", "["))
_CONSTANTS: Final = {"true": True, "false": False, "null": None}
_NUMBERS: Final = frozenset(("int", "double"))  # that may have a sign
_LITERALS: Final = _NUMBERS | {"uint", "string", "bytes", *_CONSTANTS}
_MOST_DIGITS: Final = 20
_LARGEST_INT: Final = (1 << 63) - 1


def parse(source: str) -> Node:
    """The tree of an expression. Raises CompileError."""
    tokens, problems = lexer.tokens(source)
    if problems:
        raise CompileError(source, problems)
    try:
        return _Parser(tokens).whole()
    except _WrongSyntax as wrong:
        raise CompileError(source, [Problem(wrong.at, wrong.text)]) from None
    except WrongMacro as wrong:
        raise CompileError(source, [Problem(wrong.at, wrong.text)]) from None


class _WrongSyntax(Exception):
    def __init__(self, at: int, text: str) -> None:
        super().__init__(text)
        self.at = at
        self.text = text


class _Parser:
    """Recursive descent, a method a level of the grammar. Left recursion is a loop that counts its depth."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._next = 0
        self._token = tokens[0]  # the next one, which is looked at far more often than taken
        self._depth = 0

    def whole(self) -> Node:
        node = self._expression()
        if self._token.kind != "end":
            raise self._unexpected("<EOF>")
        return node

    def _take(self) -> Token:
        """The next token, which is not the end."""
        token = self._token
        self._next += 1
        self._token = self._tokens[self._next]
        return token

    def _accept(self, mark: str) -> Token | None:
        return self._take() if self._token.kind == mark else None

    def _expect(self, kind: str, wanted: str = "") -> Token:
        if self._token.kind != kind:
            raise self._unexpected(wanted or f"'{kind}'")
        return self._take()

    def _unexpected(self, wanted: str) -> _WrongSyntax:
        token = self._token
        return _WrongSyntax(token.at, f"Syntax error: mismatched input '{token.text}' expecting {wanted}")

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise _WrongSyntax(self._token.at, f"expression recursion limit exceeded: {DEEPEST}")

    def _expression(self) -> Node:
        self._deeper()
        node = self._or()
        if self._token.kind == "?":
            question = self._take()
            then = self._or()
            self._expect(":")
            node = Call(question.at, "_?_:_", [node, then, self._expression()])
        self._depth -= 1
        return node

    def _or(self) -> Node:
        node = self._and()
        if self._token.kind != "||":
            return node
        terms, operators = [node], []
        while operator := self._accept("||"):
            operators.append(operator.at)
            terms.append(self._and())
        return _balanced("_||_", terms, operators)

    def _and(self) -> Node:
        node = self._clause()
        if self._token.kind != "&&":
            return node
        terms, operators = [node], []
        while operator := self._accept("&&"):
            operators.append(operator.at)
            terms.append(self._clause())
        return _balanced("_&&_", terms, operators)

    def _clause(self) -> Node:
        """What stands between two `&&`, with its place in the text."""
        begin = self._token.at
        node = self._operation(1)
        node.span = begin, self._ended()
        return node

    def _ended(self) -> int:
        """Where in the text what was taken last ends."""
        last = self._tokens[self._next - 1]
        return last.at + len(last.text)

    def _operation(self, least: int) -> Node:
        """Operators that bind as tightly as that, or tighter."""
        node, before = self._unary(), self._depth
        while (rank := _RANKS.get(self._token.kind, 0)) >= least:
            self._deeper()
            operator = self._take()
            name = "@in" if operator.kind == "in" else f"_{operator.kind}_"
            node = Call(operator.at, name, [node, self._operation(rank + 1)])
        self._depth = before
        return node

    def _unary(self) -> Node:
        mark = self._token.kind
        if mark not in _SIGNS or self._signs_number():
            return self._member()
        first, count = self._token, 0
        while self._accept(mark):
            count += 1
        node = self._member()
        return Call(first.at, f"{mark}_", [node]) if count % 2 else node

    def _signs_number(self) -> bool:
        return self._token.kind == "-" and self._tokens[self._next + 1].kind in _NUMBERS

    def _member(self) -> Node:
        node, before = self._primary(), self._depth
        while self._token.kind in _MEMBERS:
            self._deeper()
            mark = self._take()
            optional = self._accept("?")
            if mark.kind == "[":
                index = self._expression()
                self._expect("]")
                node = Call(mark.at, "_[?_]" if optional else "_[_]", [node, index])
                continue
            if self._token.kind == "quoted":
                raise _WrongSyntax(self._token.at, "unsupported syntax: '`'")
            name = self._expect("name", "IDENTIFIER")
            if optional:
                node = Call(mark.at, "_?._", [node, Literal(name.at, name.text)])
            elif self._token.kind == "(":
                opening = self._take()
                arguments = self._arguments()
                expanded = member_macro(opening.at, name.text, node, arguments)
                node = expanded or Call(opening.at, name.text, arguments, node)
            else:
                node = Select(mark.at, node, name.text)
        self._depth = before
        return node

    def _arguments(self) -> list[Node]:
        arguments: list[Node] = []
        if not self._accept(")"):
            arguments.append(self._expression())
            while self._accept(","):
                arguments.append(self._expression())
            self._expect(")")
        return arguments

    def _primary(self) -> Node:
        token = self._token
        match token.kind:
            case "name" | ".":
                return self._name()
            case "(":
                self._take()
                node = self._expression()
                self._expect(")")
                return node
            case "[":
                self._take()
                return self._list(token.at)
            case "{":
                self._take()
                return self._map(token.at)
        literal = self._literal()
        literal.span = token.at, self._ended()
        return literal

    def _name(self) -> Node:
        """An identifier, a call of a function, or a message."""
        start = self._next
        dot = "." if self._accept(".") else ""
        token = self._expect("name", "IDENTIFIER")
        if message := self._message(start):
            return message
        name = dot + token.text
        if token.text in _RESERVED:
            raise _WrongSyntax(token.at, f"reserved identifier: {token.text}")
        if opening := self._accept("("):
            arguments = self._arguments()
            return global_macro(opening.at, name, arguments) or Call(opening.at, name, arguments)
        return Ident(token.at, name)

    def _message(self, start: int) -> Node | None:
        """`a.b{c: d}`, if that is what begins there."""
        at = self._next
        while self._tokens[at].kind == "." and self._tokens[at + 1].kind == "name":
            at += 2
        opening = self._tokens[at]
        if opening.kind != "{":
            return None
        name = "".join(token.text for token in self._tokens[start:at])
        while self._take() is not opening:
            pass
        fields: list[tuple[str, Node]] = []
        while not self._accept("}"):
            self._accept("?")
            field = self._expect("name", "IDENTIFIER")
            self._expect(":")
            fields.append((field.text, self._expression()))
            if self._token.kind != "}":
                self._expect(",")
        return Message(opening.at, name, fields)

    def _list(self, at: int) -> Node:
        elements: list[Node] = []
        optional: set[int] = set()
        while not self._accept("]"):
            if self._accept("?"):
                optional.add(len(elements))
            elements.append(self._expression())
            if self._token.kind != "]":
                self._expect(",")
        return ListOf(at, elements, frozenset(optional))

    def _map(self, at: int) -> Node:
        entries: list[tuple[Node, Node, bool]] = []
        while not self._accept("}"):
            optional = self._accept("?") is not None
            key = self._expression()
            self._expect(":")
            entries.append((key, self._expression(), optional))
            if self._token.kind != "}":
                self._expect(",")
        return MapOf(at, entries)

    def _literal(self) -> Node:
        at = self._token.at
        sign = "-" if self._accept("-") else ""
        if self._token.kind not in (_NUMBERS if sign else _LITERALS):
            raise self._unexpected(
                "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', a number, a string, a name}"
            )
        token = self._take()
        match token.kind:
            case "int":
                number = _whole(token.text) * (-1 if sign else 1)
                if not -_LARGEST_INT - 1 <= number <= _LARGEST_INT:
                    raise _WrongSyntax(at, "invalid int literal")
                return Literal(at, number)
            case "uint":
                number = _whole(token.text[:-1])
                if number > 2 * _LARGEST_INT + 1:
                    raise _WrongSyntax(at, "invalid uint literal")
                return Literal(at, Uint(number))
            case "double":
                value = float(sign + token.text)
                if value in (float("inf"), float("-inf")):
                    raise _WrongSyntax(at, "invalid double literal")
                return Literal(at, value)
            case "string" | "bytes":
                meaning = lexer.string_value if token.kind == "string" else lexer.bytes_value
                try:
                    return Literal(at, meaning(token.text))
                except ValueError as error:
                    raise _WrongSyntax(at, str(error)) from None
        return Literal(at, _CONSTANTS[token.kind])


def _whole(text: str) -> int:
    """A number as it is written. One of very many digits takes time to read, and is too large in any case."""
    base, digits = (16, text[2:]) if text.startswith("0x") else (10, text)
    digits = digits.lstrip("0")
    return int(digits or "0", base) if len(digits) <= _MOST_DIGITS else 1 << 64


def _balanced(function: str, terms: list[Node], operators: list[int]) -> Node:
    """A tree that is as flat as can be, so that long conditions are not deep."""
    if not operators:
        return terms[0]
    middle = len(operators) // 2
    left = _balanced(function, terms[: middle + 1], operators[:middle])
    right = _balanced(function, terms[middle + 1 :], operators[middle + 1 :])
    return Call(operators[middle], function, [left, right])
