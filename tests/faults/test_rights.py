"""Rights that are taken away and given back while one looks."""

import asyncio

import yaml

from tests.faults.conftest import claims
from tests.faults.watched import Times, watching
from tests.realparts import users
from tests.realparts.controlplane import ControlPlane


async def test_rights_are_revoked_and_given_back(plane: ControlPlane, times: Times) -> None:
    """A server does not cut watches that run: it is noticed when they end, and until then all is live."""
    async with watching(plane.kubeconfig("viewer"), times, size=(120, 60)) as watch:  # all reasons fit
        await watch.remembers()
        await asyncio.to_thread(plane.kubectl, "delete", "clusterrolebinding", "dratui-viewer")
        try:
            await asyncio.to_thread(plane.apply, claims("meanwhile"))
            await watch.until(
                lambda: "kinds forbidden" in watch.first_line, "the first line to say forbidden"
            )
            await watch.shows("before")
            await watch.health_says(
                "⊘ forbidden", 'User "viewer" cannot list resource "pods"', "what was read before stays"
            )
            await watch.messages_say("⊘ forbidden: ")
        finally:
            await asyncio.to_thread(plane.apply, users.RBAC)
        await asyncio.to_thread(plane.apply, claims("after"))
        await watch.shows("meanwhile", "after")
        await watch.recovers()
        await watch.messages_say("live again after")


async def test_rights_to_one_kind_are_revoked_and_given_back(plane: ControlPlane, times: Times) -> None:
    async with watching(plane.kubeconfig("viewer"), times) as watch:
        await watch.remembers()
        await asyncio.to_thread(plane.apply, _without("nodes"))
        try:
            await watch.until(lambda: "nodes forbidden" in watch.first_line, "the first line to name nodes")
            await asyncio.to_thread(plane.apply, claims("meanwhile"))
            await watch.shows("meanwhile")
            await watch.messages_say("⊘ forbidden: nodes: 403")
        finally:
            await asyncio.to_thread(plane.apply, users.RBAC)
        await watch.recovers()


def _without(kind: str) -> str:
    """The viewers' role, less one kind."""
    role = next(
        d for d in yaml.safe_load_all(users.RBAC.read_text()) if d["metadata"]["name"] == "dratui-viewer"
    )
    for rule in role["rules"]:
        rule["resources"] = [resource for resource in rule["resources"] if resource != kind]
    return yaml.safe_dump(role)
