"""List and watch: one stream's rows, for as long as the program runs.

Why each step is as it is:

- *List in pages, without a resourceVersion.* A page is decoded in one go while the screen waits, so pages are small.
  No resourceVersion asks for a consistent read; the server then honours `limit` and all pages show one moment.
- *Watch from the list's resourceVersion.* Nothing can fall between: the watch begins with the very next change.
- *Resume from the last resourceVersion seen*, an object's or a bookmark's, when a watch ends, however it ends: the
  server sends what happened meanwhile. Bookmarks keep that version young on streams where nothing happens, so that
  it is still in the server's history (etcd compacts after 5 minutes, the watch cache keeps some hundred events).
- *410 is the server's word that it is not.* Then all is listed anew. The rows stay meanwhile, and what the list's
  last page has not named is gone: events that were missed need no repair of their own.
- *A list can expire, too*, where its pages take longer than etcd keeps history: it begins again with pages ten times
  as large.
- *Silence is no failure.* Idle kinds may send nothing for minutes, and a dead connection looks the same. So a silent
  watch is dropped and asked for again; only if that fails has the server gone, and then since it was heard last.
- *What cannot be read is asked for again, and then listed.* A torn line comes whole the second time; one that no
  decoder takes would come for ever.
- *An object that is too large becomes a row with its names* (`oversize`). No real one is, but one must not take the
  memory that all others need. In a list it is found by asking for smaller and smaller pages.
- *Being refused (403), or having no such kind (404), is a state*, not an error: it is said, and asked again slowly,
  for rights are given and kinds installed while a dashboard is open. Rights that are taken away are noticed when the
  watch ends, for a server looks at them only when it is asked; until then what it sends is as good as ever.

The state is one resourceVersion: empty means that a list is due. Everything else is health.
"""

import asyncio
from collections.abc import Callable, Sequence
from random import Random
from typing import TYPE_CHECKING, TypeVar

from dratui.events import Event, Gone, Page, Phase, Put
from dratui.kube import oversize
from dratui.kube.clock import Clock
from dratui.kube.discovery import Discovery, resource_path
from dratui.kube.failure import KubeFailure, TooLarge
from dratui.kube.lines import Lines
from dratui.kube.pace import Backoff, Pace
from dratui.kube.pulse import Pulse
from dratui.wire import ListPage, Stream, WatchEvent

if TYPE_CHECKING:
    from dratui.kube.connection import Connection

_T = TypeVar("_T")
_STUCK = 3  # failures of a watch at one resourceVersion after which the list is the way on


class Reflector:
    """Follows `stream` until cancelled. What goes wrong is health; `run` raises nothing but cancellation.

    `namespace` is where rights are looked for if the whole cluster is refused. `settled` is set once the first list
    is there, or cannot be had for now.
    """

    def __init__(
        self,
        stream: Stream,
        connection: "Connection",
        discovery: Discovery,
        emit: Callable[[Sequence[Event]], None],
        *,
        namespace: str,
        clock: Clock,
        random: Random,
        pace: Pace,
    ) -> None:
        self.stream = stream
        self.settled = asyncio.Event()
        self.version = ""  # in use, such as `v1beta1`; empty until found
        self._connection = connection
        self._discovery = discovery
        self._emit = emit
        self._fallback = namespace if stream.namespaced else ""
        self._clock = clock
        self._random = random
        self._pace = pace
        self._backoff = Backoff(pace.first_delay, pace.longest_delay, random)
        self._codec = stream.codec(stream.versions[0])
        self._pulse = Pulse(stream, clock.now)
        self._namespace = ""  # not empty: only this one is being followed
        self._resource_version = ""
        self._complete = False  # rows were complete once, and are still there
        self._had_rights = False
        self._page_size = pace.page_size
        self._stuck = 0
        self._watch_refused = False  # may be listed, but not watched
        self._heard = 0.0  # when the watch last brought something, on the clock that only passes
        self._fell_silent = False
        self._too_large: set[str] = set()  # objects of which we have only the names
        self._found_too_large: set[str] = set()  # by the list that is under way
        self._limit = pace.page_size  # of the page that is asked for next

    async def run(self) -> None:
        """List, watch, and begin again."""
        while True:
            try:
                if not self._resource_version:
                    await self._list()
                await self._watch()
            except KubeFailure as failure:
                await asyncio.sleep(self._judge(failure))

    def clock_was_set(self, seconds: float) -> None:
        """Forward by so much."""
        self._emit(self._pulse.shift(seconds))

    # --- list

    async def _list(self) -> None:
        """Read the whole list, of the cluster or else of the one namespace that rights allow."""
        if self._pulse.health.phase is Phase.WAITING:
            self._become(Phase.SYNCING)  # a retry keeps saying what it is a retry of, until there is a page
        version = await self._discovery.find(self.stream)
        if not version:
            self.version = ""
            raise KubeFailure(f"cannot list {self.stream.plural}: the server has no such kind", status=404)
        if version != self.version:
            self.version = version
            self._codec = self.stream.codec(version)
        try:
            await self._pages("")
        except KubeFailure as refused:
            if refused.status != 403 or not self._fallback:
                raise
            try:
                await self._pages(self._fallback)
            except KubeFailure as failure:
                raise refused if failure.status == 403 else failure from failure

    async def _pages(self, namespace: str) -> None:
        asked = asyncio.create_task(self._ask(namespace, ""))
        first, seen = True, 0
        try:
            while True:
                page: ListPage = self._decode(self._codec.page, await asked)
                last = not page.continue_token
                if not last:  # the server works on the next page while this one is taken in
                    asked = asyncio.create_task(self._ask(namespace, page.continue_token))
                elif not page.resource_version:
                    raise KubeFailure(
                        f"cannot list {self.stream.plural}: the server's list has no resourceVersion"
                    )
                self._namespace = namespace
                seen += len(page.rows)
                events: list[Event] = [Page(self.stream.name, page.rows, first, last)]
                first = False
                if last:
                    self._listed(events, page.resource_version)
                    return
                total = None if page.remaining is None else seen + page.remaining
                self._emit(
                    events
                    + self._pulse.listing(
                        seen, total, version=self._served, namespace=namespace, again=self._complete
                    )
                )
        finally:
            asked.cancel()

    async def _ask(self, namespace: str, token: str) -> bytes:
        """A page; of fewer objects where the answer is too large."""
        path = resource_path(self.stream, self.version, namespace)
        if not token:
            self._limit = self._page_size
            self._found_too_large = set()
        while True:
            params = [("limit", str(self._limit)), *self._selected()]
            if token:
                params.append(("continue", token))
            try:
                body = await self._connection.get(path, params, to=self._to("list", namespace))
            except TooLarge as failure:
                if self._limit > 1:
                    self._limit = max(1, self._limit // 10)
                    continue
                body = self._only_names(failure, begun=bool(token))
            self._limit = min(self._limit * 2, self._page_size)
            return body

    def _listed(self, events: list[Event], resource_version: str) -> None:
        """The last page is here."""
        self._complete = self._had_rights = True
        self._too_large = self._found_too_large
        self._resource_version = resource_version
        self._page_size = self._pace.page_size
        self._stuck = 0
        phase = Phase.STALE if self._watch_refused else Phase.LIVE
        detail = self._pulse.health.detail if self._watch_refused else self._remark
        self._emit(
            events + self._pulse.become(phase, detail, version=self._served, namespace=self._namespace)
        )
        self.settled.set()

    def _only_names(self, failure: TooLarge, *, begun: bool) -> bytes:
        """The page of one object that is too large, with no more of it than its names.

        If it is the first and last there is nothing to tell that the server heeds `limit`; then it may be many.
        """
        body = oversize.page(failure.head)
        if body is None or not (begun or self._decode(self._codec.page, body).continue_token):
            raise failure
        self._found_too_large.add(oversize.name(failure.head))
        return body

    # --- watch

    async def _watch(self) -> None:
        """Follow until the server ends it, as it does after the time that we ask for."""
        lasting = self._random.uniform(self._pace.watch_shortest, self._pace.watch_longest)
        params = [
            ("watch", "1"),
            ("allowWatchBookmarks", "true"),
            ("resourceVersion", self._resource_version),
            ("timeoutSeconds", str(round(lasting))),
            *self._selected(),
        ]
        path = resource_path(self.stream, self.version, self._namespace)
        to = self._to("watch", self._namespace)
        lines = Lines(self._pace.longest_line)
        async with self._connection.stream(path, params, to=to, silence=self._pace.watch_silence) as read:
            began = self._heard = self._clock.passing()
            self._fell_silent = brought = False
            self._watch_refused = False
            self._become(Phase.LIVE, self._remark)
            try:
                while chunk := await read():
                    self._heard = self._clock.passing()
                    brought = True
                    self._take(lines.feed(chunk))
            except KubeFailure as failure:
                if not failure.silent:
                    raise
                self._fell_silent = True
        lasted = self._clock.passing() - began
        if not (brought or self._fell_silent) and lasted < self._pace.shortest_watch:
            raise KubeFailure(
                f"cannot {to}: the server ends it at once", said="the server ends the watch at once"
            )
        if self._namespace and await self._may_list_cluster():
            self._become(Phase.STALE, "the whole cluster may be listed now")
            self._resource_version = ""

    def _take(self, lines: Sequence[bytes]) -> None:
        """Hand on what one chunk brought, at once: a screen that is told once is drawn once."""
        events: list[Event] = []
        name = self.stream.name
        try:
            for line in lines:
                event: WatchEvent = self._decode(self._codec.event, self._bearable(line))
                if event.type == "ERROR":
                    said = event.message or "without a reason"
                    raise KubeFailure(
                        f"the server broke off the watch of {self.stream.plural} ({event.code}: {said})",
                        status=event.code or 500,
                        said=said,
                    )
                if event.type == "DELETED":
                    events.append(Gone(name, event.row))
                elif event.type != "BOOKMARK":
                    events.append(Put(name, event.row))
                if event.resource_version:
                    self._resource_version = event.resource_version
                self._stuck = 0
                self._backoff.reset()
        finally:
            if events:
                self._emit(events)

    def _bearable(self, line: bytes) -> bytes:
        """The line, or if it is too long what can be made of its beginning."""
        if not (isinstance(line, oversize.Head) or self._too_large):
            return line
        name = oversize.name(line[: oversize.HEAD])
        if not isinstance(line, oversize.Head):
            self._too_large.discard(name)
        elif small := oversize.event(line):
            self._too_large.add(name)
            line = small
        else:
            self._stuck = _STUCK  # it would come again
            raise self._unreadable("an object is too large to follow, and does not begin with its name")
        self._become(Phase.LIVE, self._remark)
        return line

    @property
    def _remark(self) -> str:
        """What there is to say of a stream that is live."""
        if not self._too_large:
            return ""
        names = sorted(self._too_large)
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        return f"too large to be read, so only the name is known: {', '.join(names[:3])}{more}"

    async def _may_list_cluster(self) -> bool:
        """Whether rights have grown from one namespace to all."""
        try:
            path = resource_path(self.stream, self.version)
            await self._connection.get(path, [("limit", "1"), *self._selected()], to=self._to("list", ""))
        except KubeFailure:
            return False
        return True

    # --- what now

    def _judge(self, failure: KubeFailure) -> float:
        """Say what a failure means for the stream; returns the seconds to wait before going on."""
        watching = bool(self._resource_version)
        said = failure.said
        delay = self._backoff.next()
        match failure.status:
            case 403 if not watching:
                self._give_up(Phase.FORBIDDEN, failure.said)
                # A server that has just started refuses everyone until it has read who may do what.
                return delay if self._had_rights and not self._backoff.at_longest else self._slowly()
            case 403:
                # No right to watch, or no rights any more: the list will tell.
                if self._watch_refused:
                    delay = self._slowly()
                    said = f"it may be listed, but not watched, so it is listed about every minute: {said}"
                self._watch_refused = True
                self._resource_version = ""
            case 404:
                if not self.version:
                    self._give_up(Phase.NOT_SERVED, "")
                    return self._slowly()
                self._discovery.forget(self.stream.group)  # served a moment ago: an upgrade?
                self._resource_version = ""
            case 410:
                if not watching:
                    self._page_size = min(self._page_size * 10, self._pace.largest_page)
                self._resource_version = ""
            case 401 | 429 | 503 | None:
                pass  # no fault of what we asked for: ask again
            case _:
                self._stuck += 1
        if self._stuck >= _STUCK:
            self._resource_version = ""
        if failure.retry_after is not None:
            asked = min(failure.retry_after, self._pace.longest_obedience)
            delay = max(delay, asked * self._random.uniform(1.0, 1.25))
        if self._complete:
            self._become(Phase.STALE, said, since=self._last_heard(failure))
        else:
            self._become(Phase.FAILED, said)
        self.settled.set()
        return delay

    def _last_heard(self, failure: KubeFailure) -> float | None:
        """Since when what we have may be old, where that was before we noticed."""
        unheard = self._clock.passing() - self._heard
        if failure.unheard is not None:
            return self._clock.now() - min(unheard, failure.unheard)
        return self._clock.now() - unheard if self._fell_silent else None

    def _give_up(self, phase: Phase, detail: str) -> None:
        """There are no rows to be had. Those of a kind that is no longer served are gone with it."""
        if phase is Phase.NOT_SERVED and self._complete:
            self._emit([Page(self.stream.name, (), first=True, last=True)])
            self._complete = False
        elif self._complete:
            detail = f"{detail}; what was read before stays, and asking goes on about every minute"
        self._namespace = ""
        self._resource_version = ""
        self._watch_refused = False
        self._become(phase, detail)
        self.settled.set()

    def _become(self, phase: Phase, detail: str = "", *, since: float | None = None) -> None:
        changes = self._pulse.become(
            phase, detail, version=self._served, namespace=self._namespace, since=since
        )
        if changes:
            self._emit(changes)

    @property
    def _served(self) -> str:
        return f"{self.stream.group}/{self.version}".strip("/") if self.version else ""

    def _slowly(self) -> float:
        return self._pace.slow_retry * self._random.uniform(0.75, 1.25)

    def _decode(self, decode: Callable[[bytes], _T], data: bytes) -> _T:
        try:
            return decode(data)
        except (ValueError, RecursionError) as error:  # msgspec's errors, and what is no UTF-8
            raise self._unreadable(
                f"the server sent something that is no object of this kind ({error})"
            ) from error

    def _unreadable(self, said: str) -> KubeFailure:
        return KubeFailure(f"cannot read {self.stream.plural}: {said}", status=422, said=said)

    def _selected(self) -> list[tuple[str, str]]:
        return [("fieldSelector", self.stream.field_selector)] if self.stream.field_selector else []

    def _to(self, verb: str, namespace: str) -> str:
        return f"{verb} {self.stream.plural}{f' -n {namespace}' if namespace else ''}"
