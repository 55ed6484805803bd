"""The objects of a text, YAML or JSON, as plain values. Whatever the text is (huge, nested without end, aliases that
grow), the answer comes soon: objects, or a Wrong."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from dratui.failure import UsageFailure

LARGEST: Final = 1024 * 1024
"""Bytes of a text."""

_DEEPEST: Final = 64
_MOST_PARTS: Final = 50_000  # of a document, each alias with all that it stands for
_MOST_ALIASES: Final = 1_000
_LONGEST_NUMBER: Final = 64  # characters


class Wrong(UsageFailure):
    """A manifest is wrong: which, where in it, and what to write instead."""


def objects(file: str, text: bytes) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every object, lists opened, with words for where it is."""
    if len(text) > LARGEST:
        raise Wrong(f"{file}: is larger than {LARGEST // 1024} KiB", hint="is this the file that was meant?")
    try:
        decoded = text.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Wrong(f"{file}: is not UTF-8", hint="is this the file that was meant?") from None
    for number, document in enumerate(_documents(file, decoded), start=1):
        where = file if number == 1 else f"{file}, document {number}"
        _check_size(where, document)
        if document is None:
            continue
        if not isinstance(document, dict):
            raise Wrong(f"{where}: is no object", hint="an object has apiVersion and kind")
        if str(document.get("kind", "")).endswith("List") and isinstance(document.get("items"), list):
            for item, one in enumerate(document["items"]):
                if not isinstance(one, dict):
                    raise Wrong(f"{where}: items[{item}]: is no object")
                yield f"{where}, items[{item}]", one
        else:
            yield where, document


def _documents(file: str, text: str) -> Sequence[Any]:
    if text.lstrip()[:1] == "{":
        try:
            return [msgspec.json.decode(text)]
        except RecursionError:
            raise Wrong(f"{file}: is nested too deeply") from None
        except ValueError:  # of several objects, or YAML's own way to write one
            pass
    return _yaml(file, text)


def _yaml(file: str, text: str) -> Sequence[Any]:
    import yaml

    try:
        _check_yaml(file, text)
        return list(yaml.load_all(text, Loader=_loader()))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f" line {mark.line + 1}" if mark is not None else ""
        raise Wrong(f"{file}{line}: is no YAML: {error.problem or error.context}") from None
    except yaml.YAMLError:
        raise Wrong(f"{file}: is no YAML: it has a character that is no text") from None
    except RecursionError:
        raise Wrong(f"{file}: is nested too deeply") from None
    except ValueError as error:  # a number of thousands of digits
        raise Wrong(f"{file}: has a value that cannot be read: {error}") from None


def _check_yaml(file: str, text: str) -> None:
    """Before anything is built: nothing too deep, and nothing that grows."""
    import yaml

    depth = aliases = 0
    event: Any
    for number, event in enumerate(yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.AliasEvent):
            aliases += 1
        elif isinstance(event, yaml.ScalarEvent) and event.value == "<<" and not event.style:
            raise Wrong(
                f"{file} line {_line(event)}: merging with << is not read", hint="write the fields out"
            )
        if depth > _DEEPEST:
            raise Wrong(f"{file} line {_line(event)}: is nested too deeply")
        if number > 2 * _MOST_PARTS:  # a collection has two
            raise Wrong(f"{file}: has more than {_MOST_PARTS} values", hint="give it in pieces")
        if aliases > _MOST_ALIASES:
            raise Wrong(f"{file}: has more than {_MOST_ALIASES} aliases (*)", hint="write the values out")


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _loader() -> Any:
    """YAML's plain values, times left as text; a key stands once."""
    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class Strict(base):  # type: ignore[misc]  # one of two that are known only here
        yaml_implicit_resolvers = {  # noqa: RUF012 — as the base has it
            first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
            for first, found in base.yaml_implicit_resolvers.items()
        }

        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            seen = set()
            for key, _ in node.value:
                if key.value.__hash__ and key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"key {key.value!r} is there twice", key.start_mark
                    )
                if key.value.__hash__:
                    seen.add(key.value)
            return super().construct_mapping(node, deep=deep)

        def number(self, node: Any) -> Any:
            """A long one takes time that grows with its square, and is none that anybody wants."""
            if len(node.value) > _LONGEST_NUMBER:
                raise yaml.constructor.ConstructorError(None, None, "a number is too long", node.start_mark)
            return base.yaml_constructors[node.tag](self, node)

    for tag in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float"):
        Strict.add_constructor(tag, Strict.number)
    return Strict


def _check_size(where: str, document: Any) -> None:
    """Aliases may stand for more than there is memory, or for themselves."""
    parts, todo = 0, [(document, 0)]
    while todo:
        value, depth = todo.pop()
        parts += 1
        if depth > _DEEPEST:
            raise Wrong(f"{where}: is nested too deeply")
        if parts > _MOST_PARTS:
            raise Wrong(f"{where}: has more than {_MOST_PARTS} values")
        if isinstance(value, dict):
            if odd := next((key for key in value if not isinstance(key, str)), None):
                raise Wrong(f"{where}: the key {str(odd)[:40]} is no text", hint="put it in quotes")
            todo += [(each, depth + 1) for each in value.values()]
        elif isinstance(value, list):
            todo += [(each, depth + 1) for each in value]
        elif isinstance(value, int) and not -(2**63) <= value < 2**64:
            raise Wrong(f"{where}: {str(value)[:40]} is larger than any number can be")
        elif not isinstance(value, str | int | float | None):
            raise Wrong(f"{where}: has a value of a type that JSON does not have: {type(value).__name__}")
