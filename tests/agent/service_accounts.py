"""Pods' service accounts on a real API server, made by hand: no pod runs there."""

import shutil
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.realparts.controlplane import ControlPlane


def token(plane: ControlPlane, namespace: str, name: str) -> str:
    """A token as kubelet asks for one, of a service account that is made if need be."""
    manifest = f"apiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: {name}, namespace: {namespace}}}\n"
    plane.apply(manifest)
    return plane.kubectl("create", "token", name, "-n", namespace).strip()


def folder(plane: ControlPlane, path: Path, text: str) -> Path:
    """What kubelet mounts into a pod: the token and whose certificates to believe."""
    path.mkdir()
    (path / "token").write_text(text)
    shutil.copy(plane.path / "keys" / "ca.crt", path / "ca.crt")
    return path


def in_pod(plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of a pod of this cluster."""
    server = urlsplit(plane.server)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", server.hostname or "")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(server.port))
