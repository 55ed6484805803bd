"""List and watch against a server that misbehaves on command."""

import asyncio

import pytest
from aiohttp import web

from dratui.events import Page, Phase, Put
from tests.kube.conftest import Follow
from tests.kube.scripted import (
    ScriptedServer,
    added,
    bookmark,
    error,
    line,
    pod,
    pods,
    refuse,
    stream,
    watch,
)

PODS = "/api/v1/pods"


def asked_versions(server: ScriptedServer) -> list[str]:
    return [asked.query["resourceVersion"] for asked in server.requests(PODS, watching=True)]


async def test_pages_arrive_as_they_come_and_tell_how_far_they_are(
    server: ScriptedServer, follow: Follow
) -> None:
    server.on(PODS, lists=[pods("a", "b", token="t", remaining=2), pods("c", "d")])
    async with follow(stream(), page_size=2) as heard:
        await heard.until_phase(Phase.LIVE)
    assert heard.names() == ["a", "b", "c", "d"]
    pages = [event for batch in heard.batches for event in batch if isinstance(event, Page)]
    assert [(page.first, page.last, len(page.rows)) for page in pages] == [(True, False, 2), (False, True, 2)]
    assert [(h.phase, h.seen, h.total) for h in heard.healths["pods"]][1:] == [
        (Phase.SYNCING, 0, None),
        (Phase.SYNCING, 2, 4),
        (Phase.LIVE, 0, None),
    ]
    first, second = server.requests(PODS, watching=False)
    assert first.query == {"limit": "2"}
    assert second.query == {"limit": "2", "continue": "t"}


async def test_a_chunk_of_events_is_handed_on_as_one(server: ScriptedServer, follow: Follow) -> None:
    chunk = added("b", 101) + added("c", 102) + line("DELETED", pod("a", 103))
    server.on(PODS, lists=[pods("a")], watches=[watch(chunk, then="hang")])
    async with follow(stream()) as heard:
        await heard.until(lambda: heard.names() == ["b", "c"])
    assert len(heard.batches[-1]) == 3


async def test_a_watch_that_ends_is_resumed_where_it_was(server: ScriptedServer, follow: Follow) -> None:
    server.on(
        PODS,
        lists=[pods("a", version=100)],
        watches=[watch(added("b", 101)), watch(bookmark(150)), watch(added("c", 160), then="break")],
    )
    async with follow(stream()) as heard:
        await heard.until(lambda: len(asked_versions(server)) == 4)
        await heard.until_phase(Phase.LIVE)
    assert asked_versions(server) == ["100", "101", "150", "160"]
    assert len(server.requests(PODS, watching=False)) == 1
    assert heard.names() == ["a", "b", "c"]
    asked = server.requests(PODS, watching=True)[0]
    assert asked.query["allowWatchBookmarks"] == "true"
    assert 300 <= int(asked.query["timeoutSeconds"]) <= 600
    assert asked.headers["Accept-Encoding"] == "identity"


async def test_a_watch_that_ends_in_order_is_no_trouble_but_a_broken_one_is_said(
    server: ScriptedServer, follow: Follow
) -> None:
    server.on(
        PODS, watches=[watch(added("b", 101)), watch(added("c", 102), then="break"), refuse(500, "not yet")]
    )
    async with follow(stream()) as heard:
        await heard.until(lambda: heard.phases()[-2:] == [Phase.STALE, Phase.LIVE])
    assert heard.phases() == [Phase.WAITING, Phase.SYNCING, Phase.LIVE, Phase.STALE, Phase.LIVE]
    stale = [health.detail for health in heard.healths["pods"] if health.phase is Phase.STALE]
    assert "broke the connection off" in stale[0]
    assert stale[-1] == "500: not yet"


async def test_410_on_a_watch_lists_anew_and_keeps_the_rows_meanwhile(
    server: ScriptedServer, follow: Follow
) -> None:
    seen_while_listing: list[list[str]] = []

    server.on(
        PODS,
        lists=[pods("a", "b", version=100), pods("b", token="t", version=200), pods("c", version=200)],
        watches=[watch(error(410, "too old resource version"))],
    )
    async with follow(stream()) as heard:
        await heard.until(
            lambda: any(h.phase is Phase.STALE and h.seen == 1 for h in heard.healths.get("pods", []))
        )
        seen_while_listing.append(heard.names())
        await heard.until(lambda: asked_versions(server)[-1:] == ["200"])
    assert set(seen_while_listing[0]) >= {"a", "b"}
    assert heard.names() == ["b", "c"]
    assert heard.phases() == [Phase.WAITING, Phase.SYNCING, Phase.LIVE, Phase.STALE, Phase.LIVE]
    assert (
        "too old resource version" in next(h for h in heard.healths["pods"] if h.phase is Phase.STALE).detail
    )


async def test_410_as_the_answer_to_a_watch_lists_anew(server: ScriptedServer, follow: Follow) -> None:
    server.on(PODS, lists=[pods("a"), pods("b", version=200)], watches=[refuse(410, "compacted")])
    async with follow(stream()) as heard:
        await heard.until(lambda: heard.names() == ["b"])


async def test_a_list_that_expires_begins_again_with_larger_pages(
    server: ScriptedServer, follow: Follow
) -> None:
    server.on(
        PODS,
        lists=[pods("a", token="t1"), refuse(410, "continue parameter is too old"), pods("b", version=200)],
    )
    async with follow(stream(), page_size=5) as heard:
        await heard.until_phase(Phase.LIVE)
    assert heard.names() == ["b"]
    limits = [asked.query["limit"] for asked in server.requests(PODS, watching=False)]
    assert limits == ["5", "5", "50"]


async def test_retry_after_is_obeyed(server: ScriptedServer, follow: Follow) -> None:
    server.on(PODS, lists=[refuse(429, "slow down", {"Retry-After": "1"}), pods("a")])
    async with follow(stream(), longest_obedience=0.2) as heard:
        await heard.until_phase(Phase.FAILED)
        failed = heard.health["pods"].since
        await heard.until_phase(Phase.LIVE)
    assert heard.health["pods"].since - failed >= 0.2  # far beyond QUICK's longest delay
    assert [h.detail for h in heard.healths["pods"] if h.phase is Phase.FAILED] == ["429: slow down"]


async def test_a_torn_line_is_asked_for_again(server: ScriptedServer, follow: Follow) -> None:
    torn = added("b", 101)[:-20] + b"\n"
    server.on(
        PODS, lists=[pods("a")], watches=[watch(torn, then="hang"), watch(added("b", 101), then="hang")]
    )
    async with follow(stream()) as heard:
        await heard.until(lambda: heard.names() == ["a", "b"])
    assert asked_versions(server) == ["100", "100"]
    assert len(server.requests(PODS, watching=False)) == 1


async def test_a_line_in_pieces_is_one_line(server: ScriptedServer, follow: Follow) -> None:
    whole = added("b", 101) + added("c", 102)
    server.on(PODS, watches=[watch(whole[:10], whole[10:70], whole[70:], then="hang")])
    async with follow(stream()) as heard:
        await heard.until(lambda: heard.names() == ["b", "c"])


async def test_lines_that_stay_unreadable_lead_to_a_new_list(server: ScriptedServer, follow: Follow) -> None:
    rubbish = watch(b"\xff\xfe no json\n", then="hang")
    server.on(PODS, lists=[pods("a"), pods("b", version=200)], watches=[rubbish, rubbish, rubbish])
    async with follow(stream()) as heard:
        await heard.until(lambda: heard.names() == ["b"])
    assert asked_versions(server)[:3] == ["100", "100", "100"]


async def test_deeply_nested_json_is_unreadable_and_no_crash(server: ScriptedServer, follow: Follow) -> None:
    deep = b'{"x":' + b"[" * 100_000 + b"\n"
    server.on(
        PODS, lists=[pods("a")], watches=[watch(deep, then="hang"), watch(added("b", 101), then="hang")]
    )
    async with follow(stream()) as heard:
        await heard.until(lambda: heard.names() == ["a", "b"])


async def test_an_oversize_line_without_a_name_leads_to_a_new_list(
    server: ScriptedServer, follow: Follow
) -> None:
    huge = b'{"type":"ADDED","object":{"pad":"' + b"x" * 3_000_000
    server.on(PODS, lists=[pods("a"), pods("b", version=200)], watches=[watch(huge, then="hang")])
    async with follow(stream(), longest_line=1_000_000) as heard:
        await heard.until(lambda: heard.names() == ["b"])
    stale = next(h for h in heard.healths["pods"] if h.phase is Phase.STALE)
    assert "too large" in stale.detail


def huge_pod(name: str, version: int) -> bytes:
    """As Go writes it: names first."""
    return (
        line("MODIFIED", pod(name, version)).replace(b'"resourceVersion"', b'"uid": "u", "resourceVersion"')[
            :-3
        ]
        + b', "spec": {"pad": "'
        + b"x" * 3_000_000
        + b'"}}}\n'
    )


async def test_an_oversize_object_of_a_watch_keeps_its_place_with_its_name(
    server: ScriptedServer, follow: Follow
) -> None:
    chunks = huge_pod("b", 101), added("c", 102)
    small_again = line("MODIFIED", pod("b", 103))
    go_on = asyncio.Event()

    async def watched(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for chunk in chunks:
            await response.write(chunk)
        await go_on.wait()
        await response.write(small_again)
        await asyncio.Event().wait()
        return response

    server.on(PODS, lists=[pods("a")], watches=[watched])
    async with follow(stream(), longest_line=1_000_000) as heard:
        await heard.until(lambda: heard.names() == ["a", "b", "c"])
        assert "only the name is known: default/b" in heard.health["pods"].detail
        assert heard.health["pods"].phase is Phase.LIVE
        go_on.set()
        await heard.until(lambda: not heard.health["pods"].detail)
    assert asked_versions(server) == ["100"]


async def test_a_page_that_is_too_large_is_asked_for_in_smaller_ones_and_only_one_object_is_not_read(
    server: ScriptedServer, follow: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dratui.kube.connection.LARGEST_BODY", 1_000_000)
    names = "abcdefg"

    async def listed(request: web.Request) -> web.StreamResponse:
        start = int(request.query.get("continue") or 0)
        end = start + int(request.query["limit"])
        items = [
            pod(name, 100) | ({"spec": "x" * 2_000_000} if name == "d" else {}) for name in names[start:end]
        ]
        meta = {"resourceVersion": "100", "continue": str(end) if end < len(names) else ""}
        return web.json_response({"kind": "PodList", "metadata": meta, "items": items})

    server.on(PODS, lists=[listed] * 20)
    async with follow(stream(), page_size=4) as heard:
        await heard.until_phase(Phase.LIVE)
    assert heard.names() == [*names]
    assert heard.health["pods"].detail.endswith("only the name is known: default/d")


async def test_one_answer_that_is_too_large_is_not_taken_for_one_object(
    server: ScriptedServer, follow: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that does not heed `limit` sends all of them."""
    monkeypatch.setattr("dratui.kube.connection.LARGEST_BODY", 1_000)
    server.on(PODS, lists=[pods(*(f"pod-{n}" for n in range(100)))] * 4)
    async with follow(stream()) as heard:
        await heard.until_phase(Phase.FAILED)
    assert "larger than" in heard.health["pods"].detail


async def test_a_silent_watch_is_asked_for_again_and_is_no_failure(
    server: ScriptedServer, follow: Follow
) -> None:
    server.on(PODS, watches=[watch(then="hang"), watch(added("b", 101), then="hang")])
    async with follow(stream(), watch_silence=0.1) as heard:
        await heard.until(lambda: heard.names() == ["b"])
    assert Phase.STALE not in heard.phases()


async def test_a_server_that_fell_silent_and_is_gone_is_stale_since_it_was_heard_last(
    server: ScriptedServer, follow: Follow
) -> None:
    server.on(PODS, watches=[watch(added("b", 101), then="hang"), refuse(500, "gone")])
    async with follow(stream(), watch_silence=0.3) as heard:
        await heard.until(lambda: heard.names() == ["b"])
        live_since = heard.health["pods"].since
        await heard.until_phase(Phase.STALE)
        stale = heard.health["pods"]
        await heard.until_phase(Phase.LIVE)
        assert stale.since - live_since < 0.3 <= heard.health["pods"].since - live_since


async def test_a_kind_that_is_refused_is_forbidden_until_rights_are_given(
    server: ScriptedServer, follow: Follow
) -> None:
    path = "/api/v1/nodes"
    server.on(path, lists=[refuse(403, 'User "jane" cannot list resource "nodes"'), pods("n1", namespace="")])
    async with follow(stream("nodes", namespaced=False)) as heard:
        await heard.until_phase(Phase.FORBIDDEN, "nodes")
        assert heard.health["nodes"].detail == '403: User "jane" cannot list resource "nodes"'
        await heard.until_phase(Phase.LIVE, "nodes")
    assert heard.names("nodes") == ["n1"]


async def test_as_long_as_a_kind_stays_forbidden_it_is_said_that_what_was_read_stays(
    server: ScriptedServer, follow: Follow
) -> None:
    no = refuse(403, "not any more")
    lists = [pods("n1", namespace=""), no, refuse(403, "still not"), pods("n2", namespace="")]
    server.on("/api/v1/nodes", lists=lists, watches=[no])
    async with follow(stream("nodes", namespaced=False)) as heard:
        await heard.until(lambda: heard.names("nodes") == ["n2"])
    details = [h.detail for h in heard.healths["nodes"] if h.phase is Phase.FORBIDDEN]
    assert len(details) == 2
    assert all("what was read before stays" in detail for detail in details)


async def test_rights_in_one_namespace_only_give_partial_rows(server: ScriptedServer, follow: Follow) -> None:
    mine = "/api/v1/namespaces/mine/pods"
    server.on(PODS, lists=[refuse(403, "not all of them")])
    server.on(mine, lists=[pods("a", namespace="mine")])
    async with follow(stream()) as heard:
        await heard.until_phase(Phase.LIVE)
        assert heard.health["pods"].namespace == "mine"
        await heard.until(lambda: server.requests(mine, watching=True))
    assert heard.names() == ["a"]


async def test_rights_that_grow_from_one_namespace_to_all_are_noticed(
    server: ScriptedServer, follow: Follow
) -> None:
    mine = "/api/v1/namespaces/mine/pods"
    server.on(PODS, lists=[refuse(403, "not yet"), pods(), pods("a", "b")])
    server.on(mine, lists=[pods("a", namespace="mine")], watches=[watch(bookmark(120))])
    async with follow(stream()) as heard:
        await heard.until(lambda: heard.names() == ["a", "b"])
        await heard.until_phase(Phase.LIVE)
    assert heard.health["pods"].namespace == ""


async def test_what_may_be_listed_but_not_watched_is_listed_again_and_again(
    server: ScriptedServer, follow: Follow
) -> None:
    no = refuse(403, "cannot watch")
    server.on(PODS, lists=[pods("a"), pods("b"), pods("c")], watches=[no] * 3)
    async with follow(stream()) as heard:
        await heard.until(lambda: heard.names() == ["c"])
        await heard.until_phase(Phase.LIVE)
    details = [h.detail for h in heard.healths["pods"] if h.phase is Phase.STALE]
    assert any("may be listed, but not watched" in detail for detail in details)
    assert heard.phases().count(Phase.LIVE) == 2  # at first, and when the watch was allowed


async def test_rights_that_are_taken_away_are_noticed_at_the_next_watch(
    server: ScriptedServer, follow: Follow
) -> None:
    server.on("/api/v1/nodes", lists=[pods("n1"), refuse(403, "no more")], watches=[refuse(403, "no watch")])
    async with follow(stream("nodes", namespaced=False), slow_retry=60) as heard:
        await heard.until_phase(Phase.FORBIDDEN, "nodes")


async def test_a_first_list_that_fails_is_failed_and_tried_again(
    server: ScriptedServer, follow: Follow
) -> None:
    server.on(
        PODS, lists=[refuse(500, "etcdserver: no leader"), refuse(500, "etcdserver: no leader"), pods("a")]
    )
    async with follow(stream()) as heard:
        await heard.until_phase(Phase.LIVE)
    assert heard.phases() == [Phase.WAITING, Phase.SYNCING, Phase.FAILED, Phase.LIVE]


async def test_a_list_that_is_no_list_is_failed_and_tried_again(
    server: ScriptedServer, follow: Follow
) -> None:
    async def page(_: web.Request) -> web.StreamResponse:
        return web.Response(text="<html>please log in</html>")

    server.on(PODS, lists=[page, pods("a")])
    async with follow(stream()) as heard:
        await heard.until_phase(Phase.LIVE)
    assert (
        "no object of this kind" in next(h for h in heard.healths["pods"] if h.phase is Phase.FAILED).detail
    )


async def test_a_bookmark_is_not_an_object(server: ScriptedServer, follow: Follow) -> None:
    server.on(PODS, watches=[watch(bookmark(130) + added("b", 131), then="hang")])
    async with follow(stream()) as heard:
        await heard.until(lambda: heard.names() == ["b"])
    assert sum(isinstance(event, Put) for batch in heard.batches for event in batch) == 1


async def test_events_are_chosen_by_field_selector(server: ScriptedServer, follow: Follow) -> None:
    async with follow(stream("events:Failed", field_selector="type=Warning,reason=Failed")) as heard:
        await heard.until_phase(Phase.LIVE, "events:Failed")
        await heard.until(lambda: server.requests("/api/v1/events", watching=True))
    for asked in server.asked:
        if asked.path.endswith("/events"):
            assert asked.query["fieldSelector"] == "type=Warning,reason=Failed"


async def test_what_matters_less_is_listed_after_what_matters(server: ScriptedServer, follow: Follow) -> None:
    async with follow(stream(priority=1), stream("nodes", namespaced=False)) as heard:
        await heard.until_phase(Phase.LIVE)
    order = [
        asked.path for asked in server.asked if asked.path in (PODS, "/api/v1/nodes") and not asked.watching
    ]
    assert order == ["/api/v1/nodes", PODS]
