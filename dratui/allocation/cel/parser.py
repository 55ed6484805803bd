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
_RELATIONS: Final = frozenset(("<", "<=", ">=", ">", "==", "!=", "in"))
_SUMS: Final = frozenset(("+", "-"))
_PRODUCTS: Final = frozenset(("*", "/", "%"))
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
        self._depth = 0

    def whole(self) -> Node:
        node = self._expression()
        if self._token.kind != "end":
            raise self._unexpected("<EOF>")
        return node

    @property
    def _token(self) -> Token:
        return self._tokens[self._next]

    def _take(self) -> Token:
        token = self._token
        self._next += 1
        return token

    def _is(self, *marks: str) -> bool:
        token = self._token
        return token.kind == "mark" and token.text in marks

    def _accept(self, mark: str) -> Token | None:
        return self._take() if self._is(mark) else None

    def _expect(self, mark: str) -> Token:
        if not self._is(mark):
            raise self._unexpected(f"'{mark}'")
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
        if question := self._accept("?"):
            then = self._or()
            self._expect(":")
            node = Call(question.at, "_?_:_", [node, then, self._expression()])
        self._depth -= 1
        return node

    def _or(self) -> Node:
        terms, operators = [self._and()], []
        while operator := self._accept("||"):
            operators.append(operator.at)
            terms.append(self._and())
        return _balanced("_||_", terms, operators)

    def _and(self) -> Node:
        terms, operators = [self._clause()], []
        while operator := self._accept("&&"):
            operators.append(operator.at)
            terms.append(self._clause())
        return _balanced("_&&_", terms, operators)

    def _clause(self) -> Node:
        """What stands between two `&&`, with its place in the text."""
        begin = self._token.at
        node = self._relation()
        node.span = begin, self._ended()
        return node

    def _ended(self) -> int:
        """Where in the text what was taken last ends."""
        last = self._tokens[self._next - 1]
        return last.at + len(last.text)

    def _relation(self) -> Node:
        node, before = self._sum(), self._depth
        while self._is(*_RELATIONS):
            self._deeper()
            operator = self._take()
            name = "@in" if operator.text == "in" else f"_{operator.text}_"
            node = Call(operator.at, name, [node, self._sum()])
        self._depth = before
        return node

    def _sum(self) -> Node:
        node, before = self._product(), self._depth
        while self._is(*_SUMS):
            self._deeper()
            operator = self._take()
            node = Call(operator.at, f"_{operator.text}_", [node, self._product()])
        self._depth = before
        return node

    def _product(self) -> Node:
        node, before = self._unary(), self._depth
        while self._is(*_PRODUCTS):
            self._deeper()
            operator = self._take()
            node = Call(operator.at, f"_{operator.text}_", [node, self._unary()])
        self._depth = before
        return node

    def _unary(self) -> Node:
        for mark, function in (("!", "!_"), ("-", "-_")):
            if self._is(mark) and not (mark == "-" and self._signs_number()):
                first, count = self._token, 0
                while self._is(mark):
                    self._take()
                    count += 1
                node = self._member()
                return Call(first.at, function, [node]) if count % 2 else node
        return self._member()

    def _signs_number(self) -> bool:
        return self._tokens[self._next + 1].kind in ("int", "double")

    def _member(self) -> Node:
        node, before = self._primary(), self._depth
        while self._is(".", "["):
            self._deeper()
            mark = self._take()
            optional = self._accept("?")
            if mark.text == "[":
                index = self._expression()
                self._expect("]")
                node = Call(mark.at, "_[?_]" if optional else "_[_]", [node, index])
                continue
            name = self._take()
            if name.kind == "quoted":
                raise _WrongSyntax(name.at, "unsupported syntax: '`'")
            if name.kind != "name":
                self._next -= 1
                raise self._unexpected("IDENTIFIER")
            if optional:
                node = Call(mark.at, "_?._", [node, Literal(name.at, name.text)])
            elif self._is("("):
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
        if token.kind == "name" or self._is("."):
            return self._name()
        if self._accept("("):
            node = self._expression()
            self._expect(")")
            return node
        if self._accept("["):
            return self._list(token.at)
        if self._accept("{"):
            return self._map(token.at)
        literal = self._literal()
        literal.span = token.at, self._ended()
        return literal

    def _name(self) -> Node:
        """An identifier, a call of a function, or a message."""
        start = self._next
        dot = "." if self._accept(".") else ""
        token = self._take()
        if token.kind != "name":
            self._next -= 1
            raise self._unexpected("IDENTIFIER")
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
        while (
            self._tokens[at].text == "."
            and self._tokens[at + 1].kind == "name"
            and self._tokens[at].kind == "mark"
        ):
            at += 2
        if self._tokens[at].kind != "mark" or self._tokens[at].text != "{":
            return None
        name = "".join(token.text for token in self._tokens[start:at])
        self._next = at
        opening = self._take()
        fields: list[tuple[str, Node]] = []
        while not self._accept("}"):
            self._accept("?")
            field = self._take()
            if field.kind != "name":
                self._next -= 1
                raise self._unexpected("IDENTIFIER")
            self._expect(":")
            fields.append((field.text, self._expression()))
            if not self._is("}"):
                self._expect(",")
        return Message(opening.at, name, fields)

    def _list(self, at: int) -> Node:
        elements: list[Node] = []
        optional: set[int] = set()
        while not self._accept("]"):
            if self._accept("?"):
                optional.add(len(elements))
            elements.append(self._expression())
            if not self._is("]"):
                self._expect(",")
        return ListOf(at, elements, frozenset(optional))

    def _map(self, at: int) -> Node:
        entries: list[tuple[Node, Node, bool]] = []
        while not self._accept("}"):
            optional = self._accept("?") is not None
            key = self._expression()
            self._expect(":")
            entries.append((key, self._expression(), optional))
            if not self._is("}"):
                self._expect(",")
        return MapOf(at, entries)

    def _literal(self) -> Node:
        start = self._token
        sign = "-" if self._accept("-") else ""
        token = self._take()
        match token.kind:
            case "int":
                number = _whole(token.text) * (-1 if sign else 1)
                if not -_LARGEST_INT - 1 <= number <= _LARGEST_INT:
                    raise _WrongSyntax(start.at, "invalid int literal")
                return Literal(start.at, number)
            case "uint":
                number = _whole(token.text[:-1])
                if number > 2 * _LARGEST_INT + 1:
                    raise _WrongSyntax(start.at, "invalid uint literal")
                return Literal(start.at, Uint(number))
            case "double":
                value = float(sign + token.text)
                if value in (float("inf"), float("-inf")):
                    raise _WrongSyntax(start.at, "invalid double literal")
                return Literal(start.at, value)
            case "string" | "bytes":
                meaning = lexer.string_value if token.kind == "string" else lexer.bytes_value
                try:
                    return Literal(start.at, meaning(token.text))
                except ValueError as error:
                    raise _WrongSyntax(start.at, str(error)) from None
        if token.kind == "mark" and token.text in ("true", "false", "null"):
            return Literal(start.at, {"true": True, "false": False, "null": None}[token.text])
        self._next -= 1
        raise self._unexpected(
            "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', a number, a string, a name}"
        )


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
