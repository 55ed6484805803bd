"""`dratui completion SHELL`, and what the script that it prints asks for: words that may come next, the cluster's too.

Finding out takes a bounded time and says nothing when it fails: a person is typing.
"""

import argparse
import asyncio
import os
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import argcomplete
import msgspec
from argcomplete.completers import FilesCompleter, SuppressCompleter
from argcomplete.shell_integration import shellcode

from dratui.config import config_folder
from dratui.events import Row
from dratui.failure import Failure
from dratui.kube.options import Options
from dratui.settings.metrics import WORDS
from dratui.terminal import clean

PATIENCE: Final = 2.0  # seconds for the cluster to answer
MOST: Final = 500  # objects that are looked at

Completer = Callable[[str, argparse.Namespace], Iterable[str]]


def run(shell: str) -> int:
    """Print the script."""
    print(shellcode(["dratui"], shell=shell))
    return 0


def complete(parser: argparse.ArgumentParser, options: Callable[[dict[str, Any]], Options]) -> None:
    """Answer the shell that runs us, and exit. `options` are the cluster's flags."""
    completers: dict[str, Completer] = {
        "kind": lambda prefix, line: _kinds(),
        "subject": lambda prefix, line: ("pod", "claim"),
        "name": lambda prefix, line: _names(_table(_kind(line)), options(vars(line)), _everywhere(line)),
        "namespace": lambda prefix, line: _names(_table("namespaces"), options(vars(line)), True),
        "context": lambda prefix, line: (c.name for c in _contexts(options(vars(line)))),
        "cluster": lambda prefix, line: (c.cluster for c in _contexts(options(vars(line)))),
        "metrics_from": lambda prefix, line: WORDS,
        "replicas": lambda prefix, line: ("max",),
        "theme": lambda prefix, line: _themes(),
        "user": lambda prefix, line: (c.user for c in _contexts(options(vars(line)))),
    }
    for action in _actions(parser):
        if action.nargs == argparse.OPTIONAL and action.dest == "name":
            action.nargs = None  # else argparse takes it for left out as soon as a flag comes before it
        if action.dest in completers:
            action.completer = _quiet(completers[action.dest])  # type: ignore[attr-defined]  # argcomplete's word
        elif action.dest in ("file", "files", "recording", "kubeconfig") and not action.choices:
            action.completer = FilesCompleter()  # type: ignore[attr-defined]  # argcomplete's word
    argcomplete.autocomplete(parser, always_complete_options="long", default_completer=SuppressCompleter())


def _actions(parser: argparse.ArgumentParser) -> Iterable[argparse.Action]:
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _actions(command)


def _quiet(completer: Completer) -> Callable[..., list[str]]:
    def words(prefix: str, parsed_args: argparse.Namespace, **_: Any) -> list[str]:
        try:
            found = [word for word in completer(prefix, parsed_args) if word.startswith(prefix)]
        except (Failure, TimeoutError, OSError, msgspec.DecodeError):
            return []
        return sorted({word for word in found if word and clean(word) == word})

    return words


def _themes() -> Sequence[str]:
    from dratui.tui.wardrobe import names

    return names(config_folder())


def _kinds() -> Sequence[str]:
    from dratui.views.tables import TABLES

    return list(TABLES)


def _table(kind: str) -> Any:
    from dratui.views.tables import table_named

    table = table_named(kind)
    if table is None:
        raise Failure(f"there is no kind {kind!r}")
    return table


def _kind(line: argparse.Namespace) -> str:
    """What is named: of `get` any kind, of `explain` what it explains."""
    return str(getattr(line, "kind", "") or line.subject)


def _everywhere(line: argparse.Namespace) -> bool:
    return bool(getattr(line, "all_namespaces", False))


def _contexts(options: Options) -> Iterable[Any]:
    from dratui.kube.kubeconfig import contexts

    return contexts(options, os.environ)


def _names(table: Any, options: Options, everywhere: bool) -> Iterable[str]:
    """The names by which `get` finds rows, of those among the first objects of what the rows are made of."""
    from dratui.api.streams import STREAMS
    from dratui.cluster.store import Store
    from dratui.events import Page
    from dratui.kube.peek import first_rows
    from dratui.views.listing import Listing
    from dratui.views.query import Query
    from dratui.views.tables import path

    async def rows() -> Sequence[Row]:
        async with asyncio.timeout(PATIENCE):
            return await first_rows(options, stream, everywhere=everywhere, limit=MOST)

    stream = STREAMS[table.streams[0]]
    store = Store()
    store.apply([Page(stream.name, asyncio.run(rows()), first=True, last=True)])
    for row in Listing(store, Query(kind=table.kind), datetime.now(UTC)).rows():
        yield row.key.name if hasattr(row.key, "name") else path(row.key)
