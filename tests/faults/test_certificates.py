"""Certificates that run out while one looks: whose, what to do, and going on by itself when they are renewed."""

import asyncio
import json
from pathlib import Path

import pytest
import yaml

from tests.faults.conftest import claims
from tests.faults.watched import Times, watching
from tests.realparts import users
from tests.realparts.controlplane import ControlPlane

GOOD = 7 * 24 * 3600
CLIENT = f"{users.CERTIFICATE_USER}={users.VIEWERS_GROUP}"


async def test_the_servers_certificate_runs_out(plane: ControlPlane, times: Times) -> None:
    async with watching(plane.kubeconfig("viewer"), times) as watch:
        await watch.remembers()
        await asyncio.to_thread(plane.kill_apiserver)
        plane.renew_certificate(seconds=-60)
        try:
            await asyncio.to_thread(plane.start_apiserver)
            await watch.shows("◍ stale")
            await watch.health_says(
                "the certificate of https://127.0.0.1", "has run out", "kubeadm certs renew"
            )
            await watch.messages_say("has run out")
        finally:
            plane.renew_certificate(seconds=GOOD)
        await watch.recovers()
        await watch.shows("before")


@pytest.mark.parametrize("embedded", [False, True], ids=["file", "in the kubeconfig"])
async def test_the_clients_certificate_runs_out(
    plane: ControlPlane, times: Times, tmp_path: Path, embedded: bool
) -> None:
    """Both as a file that the kubeconfig names, and as data in it, as kubeadm writes it."""
    kubeconfig = tmp_path / "config"

    def renew(seconds: int) -> None:
        plane.renew_certificate(CLIENT, seconds=seconds)
        text = plane.kubeconfig(users.CERTIFICATE_USER).read_text()
        kubeconfig.write_text(_embedded(text) if embedded else text)

    renew(20)  # a busy machine must start the dashboard meanwhile
    try:
        async with watching(kubeconfig, times, fresh=plane.kubeconfig("viewer")) as watch:
            await watch.remembers()
            await watch.shows("◍ stale")
            await watch.health_says(
                "the client certificate of user 'certificate-viewer' ran out at", "renewed"
            )
            await watch.messages_say("ran out at")
            renew(GOOD)
            await watch.recovers()
            await asyncio.to_thread(plane.apply, claims("after"))
            await watch.shows("after")
    finally:
        renew(GOOD)


def _embedded(text: str) -> str:
    """A kubeconfig with the client's certificate and key in it."""
    import base64

    config = yaml.safe_load(text)
    user = config["users"][0]["user"]
    for field in ("client-certificate", "client-key"):
        user[f"{field}-data"] = base64.b64encode(Path(user.pop(field)).read_bytes()).decode()
    return json.dumps(config)
