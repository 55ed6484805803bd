"""How a person wants the dashboard. A flag wins over the environment, that over the file, and that over the default."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final, NamedTuple

from dratui.api import quantity
from dratui.duration import seconds
from dratui.settings.document import Document, Wrong, read, text_of, unknown
from dratui.settings.metrics import FOUND, metrics_from

FILE: Final = "config.yaml"
PREFIX: Final = "DRATUI_"  # of variables: $DRATUI_REFRESH


def _switch(text: str) -> bool:
    match text.lower():
        case "true" | "yes" | "on" | "1":
            return True
        case "false" | "no" | "off" | "0":
            return False
    raise ValueError(f"{text!r} is neither true nor false")


def _words(text: str) -> str:
    return text.strip()


def _namespace(text: str) -> str:
    return "" if text in ("all", "*") else _words(text)


def _memory(text: str) -> float:
    nano = quantity.parse(text)
    if nano is None or nano < 1_000_000 * quantity.NANO:
        raise ValueError(
            f"{text!r} is no amount of memory such as 100M or 1Gi, or too little: 1M is the least"
        )
    return nano / quantity.NANO


def _always(reason: str) -> Callable[[str], bool]:
    def understand(text: str) -> bool:
        if not _switch(text):
            raise ValueError(f"cannot be turned off: {reason}")
        return True

    return understand


def _setting(default: Any, example: str, understand: Callable[[str], Any], about: str) -> Any:
    return field(default=default, metadata={"example": example, "understand": understand, "about": about})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What `config.yaml` in the config folder may say, a line for each, beside an example and what it means.

    The flags have the same names, and so have variables: $DRATUI_REFRESH.
    """

    theme: str = _setting(
        "terminal",
        "dark",
        _words,
        "Colours: terminal, dark, light, high-contrast, colour-blind, or a file in `themes`.",
    )
    ascii: bool | None = _setting(
        None,
        "true",
        _switch,
        "No glyphs outside ASCII; unless set, where the terminal has no others (Linux console, no UTF-8).",
    )
    mouse: bool = _setting(
        True,
        "false",
        _switch,
        "Clicks and the wheel are for dratui; if not, the terminal keeps its selection.",
    )
    headless: bool = _setting(False, "true", _switch, "No first line.")
    refresh: float = _setting(0.25, "2s", seconds, "Show what changed no more often than this (250ms).")
    command: str = _setting(
        "", "pods ml-team /train", _words, "Where to start: a line as typed behind the colon."
    )
    namespace: str = _setting(
        "", "ml-team", _namespace, "Where to look first, as with -n (all); not for recordings."
    )
    history: float = _setting(
        100e6, "1Gi", _memory, "Memory for what was: how far back `<` and `t` go in a live session (100M)."
    )
    metrics_from: str = _setting(
        FOUND,
        "https://{node}:9402",
        metrics_from,
        "Who measures devices: auto (agents and exporters in the cluster), agent, none, an address, or Prometheus.",
    )
    readonly: bool = _setting(True, "true", _always("dratui only ever reads"), "As k9s has it; always true.")
    logoless: bool = _setting(True, "true", _always("dratui has no logo"), "As k9s has it; always true.")


class Chosen(NamedTuple):
    """The settings in force; of those that are not the default, where each was set: `flag`, a variable, a line."""

    settings: Settings
    origins: Mapping[str, str]


def choose(flags: Mapping[str, Any], environ: Mapping[str, str], folder: Path) -> Chosen:
    """Put together what was asked for; `flags` has those that were given. Raises Wrong."""
    document = read(folder / FILE)
    known = {f.name: f.metadata["understand"] for f in fields(Settings)}
    for name, node in (document.fields if document is not None else {}).items():
        if name not in known:
            raise unknown(node.at, name, known, "setting")
    asked: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for name, understand in known.items():
        found = _asked(name, understand, flags, environ, document)
        if found is not None:
            asked[name], origins[name] = found
    return Chosen(Settings(**asked), origins)


def _asked(
    name: str,
    understand: Callable[[str], Any],
    flags: Mapping[str, Any],
    environ: Mapping[str, str],
    document: Document | None,
) -> tuple[Any, str] | None:
    """What was asked for, and where; None where nothing was."""
    variable = PREFIX + name.upper()
    if name in flags:
        return flags[name], "flag"
    if text := environ.get(variable):
        try:
            return understand(text), f"${variable}"
        except ValueError as error:
            raise Wrong(f"${variable}: {error}") from None
    if document is not None and (node := document.fields.get(name)) is not None:
        try:
            return understand(text_of(node)), str(node.at)
        except ValueError as error:
            raise node.at.wrong(str(error)) from None
    return None


def default() -> str:
    """The file as it is when nothing is set: to edit, and to learn from."""
    return "".join(
        f"## {f.metadata['about']}\n# {f.name}: {f.metadata['example']}\n\n" for f in fields(Settings)
    )
