"""One object as the server has it, fetched when someone opens it: rows hold only what tables show."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from textwrap import wrap
from typing import Any, Final

from textual.worker import Worker

from dratui.api.model import ObjectKey
from dratui.cluster.store import Store
from dratui.failure import Failure
from dratui.terminal import clean_lines
from dratui.tui.lines import Line
from dratui.tui.places import Yaml, name_of
from dratui.tui.screens.face import Chosen, World
from dratui.tui.screens.reading import Reading
from dratui.tui.themes import Skin
from dratui.tui.widgets.pager import Pager
from dratui.views.drafts import manifest
from dratui.views.table import Style
from dratui.views.tables import TABLES

Fetch = Callable[[str, str, str], Awaitable[bytes]]

STREAMS: Final = {
    "claims": "resourceclaims",
    "slices": "resourceslices",
    "templates": "resourceclaimtemplates",
    "classes": "deviceclasses",
    "taintrules": "devicetaintrules",
    "podgroups": "podgroups",
    "computedomains": "computedomains",
    "pods": "pods",
    "nodes": "nodes",
    "namespaces": "namespaces",
    "devices": "resourceslices",
    "pools": "resourceslices",
}
DRAFTS: Final = "drafts"
_FIELD = re.compile(r"([ -]*[\w./\"'-]+:)( .*)?")


class YamlFace(Reading):
    """Fetches and shows. What is shown is as old as its opening: `y` again for a new look."""

    hints = ("back", "filter", "copy", "command", "help")

    def __init__(self, world: World, fetch: Fetch) -> None:
        self._world = world
        self._fetch = fetch
        self.view = Pager(world.skin, id="yaml")
        self._place: Yaml | None = None
        self._age = ""
        self._loading: Worker[None] | None = None

    def enter(self, place: Yaml, mark: int | None) -> None:
        """Fetch the object; a slow server can be left with esc."""
        self._place = place
        if place.kind == DRAFTS:
            text, device_class = _words(place.key)
            self.narrow("")
            self._write(to_yaml(json.dumps(manifest(text, device_class)).encode()), mark or 0)
            return
        named = _object(self._world.store, place)
        if named is None:
            raise Failure(f"{place.kind} {name_of(place.key)!r} is gone")
        self.narrow("")
        self._say(f"fetching {named[0]} {named[1].name} …  {self._world.keymap.first('back')} leaves it")
        self._loading = self.view.run_worker(self._load(*named, mark or 0), exclusive=True)

    def anew(self) -> None:
        """Fetch it as it was then."""
        if self._place is not None:
            self.enter(self._place, self.mark())

    def leave(self) -> None:
        """What is still being fetched is not waited for; what was is not kept: it may be megabytes."""
        if self._loading is not None:
            self._loading.cancel()
            self._loading = None
        self.view.set_text(())

    def headline(self) -> tuple[Line, Line]:
        """Whose YAML."""
        if self._place is None:
            return (), ()
        skin = self._world.skin
        if self._place.kind == DRAFTS:
            return ((" YAML ", skin.strong), ("of the draft", skin.plain)), ()
        path = "/".join(filter(None, _words(self._place.key)))
        whose = f"{TABLES[self._place.kind].singular} {path}"
        return ((" YAML ", skin.strong), (whose, skin.plain)), ()

    def chosen(self) -> Chosen | None:
        """The object."""
        if self._place is None or self._place.kind == DRAFTS:
            return None
        return Chosen(self._place.kind, self._place.key)

    def copied(self) -> tuple[str, str]:
        """All of it, as in k9s."""
        return "\n".join("".join(line) for line in self.view.as_text()), "the YAML"

    async def _load(self, stream: str, key: ObjectKey, top: int) -> None:
        try:
            raw = await self._fetch(stream, key.namespace, key.name)
        except Failure as failure:
            self._say(str(failure), Style.FAULT)
            return
        text = await asyncio.to_thread(to_yaml, raw)  # a slice of 128 devices takes 100 ms and more
        self._write(text, top)

    def _write(self, text: str, top: int) -> None:
        self.view.set_text([_coloured(line, self._world.skin) for line in text.split("\n")], top=top)

    def _say(self, text: str, style: Style = Style.DIM) -> None:
        ink = self._world.skin.states[style]
        lines = [
            piece
            for line in clean_lines(text).split("\n")
            for piece in wrap(line, self.view.app.size.width - 2)
        ]
        self.view.set_text([((line, ink),) for line in lines], top=0)


def to_yaml(raw: bytes) -> str:
    """An object's JSON as YAML, safe for a terminal; without managedFields, which nobody reads."""
    import yaml

    try:
        document: Any = json.loads(raw)
    except ValueError as error:
        return f"the server's answer is no JSON: {error}"
    if isinstance(document, dict) and isinstance(document.get("metadata"), dict):
        document["metadata"].pop("managedFields", None)
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    return clean_lines(yaml.dump(document, Dumper=dumper, sort_keys=False, allow_unicode=True, width=10_000))


def _object(store: Store, place: Yaml) -> tuple[str, ObjectKey] | None:
    """Stream and key of the object to fetch: for devices and pools that is a slice."""
    stream = STREAMS[place.kind]
    if place.kind == "devices":
        row = TABLES["devices"].row(store, place.key)
        return (stream, ObjectKey("", row.slice)) if row is not None and row.slice else None
    if place.kind == "pools":
        slices = sorted(store.slices_of_pool[place.key])
        return (stream, slices[0]) if slices else None
    return stream, ObjectKey(*_words(place.key))


def _words(key: object) -> tuple[str, ...]:
    return tuple(key) if isinstance(key, tuple) else (str(key),)


def _coloured(line: str, skin: Skin) -> Line:
    field = _FIELD.fullmatch(line)
    if field is None:
        return ((line, skin.plain),)
    return ((field[1], skin.states[Style.HELD]), (field[2] or "", skin.plain))
