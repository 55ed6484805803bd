"""What a kubeconfig means, compared with kubernetes_asyncio, where that reads it as kubectl does."""

import base64
import warnings
from pathlib import Path

import pytest
import yaml

from dratui.kube.kubeconfig import Access, load
from dratui.kube.options import Options

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its own use of what is deprecated
    from kubernetes_asyncio import config
    from kubernetes_asyncio.client import Configuration

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nbm90IG9uZQ==\n-----END CERTIFICATE-----\n"


def kubeconfig(cluster: dict[str, object], user: dict[str, object], namespace: str = "team") -> str:
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "here",
            "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u", "namespace": namespace}}],
            "clusters": [{"name": "c", "cluster": {"server": "https://api.test:6443", **cluster}}],
            "users": [{"name": "u", "user": user}],
        }
    )


@pytest.mark.parametrize(
    ("cluster", "user"),
    [
        ({}, {"token": "abc"}),
        ({"insecure-skip-tls-verify": True}, {"token": "abc"}),
        ({"certificate-authority": "ca.crt"}, {"token": "abc"}),
        ({"certificate-authority-data": base64.b64encode(CERTIFICATE.encode()).decode()}, {"token": "abc"}),
        ({"tls-server-name": "other.test", "proxy-url": "http://proxy.test:3128"}, {"token": "abc"}),
    ],
)
async def test_a_kubeconfig_means_what_kubernetes_asyncio_makes_of_it(
    tmp_path: Path, cluster: dict[str, object], user: dict[str, object]
) -> None:
    (tmp_path / "ca.crt").write_text(CERTIFICATE)
    path = tmp_path / "config"
    path.write_text(kubeconfig(cluster, user))

    theirs = Configuration()
    await config.load_kube_config(str(path), client_configuration=theirs, persist_config=False)
    ours = load(Options(kubeconfig=str(path)), {})

    assert ours.cluster.server == theirs.host
    assert f"Bearer {ours.user.token}" == theirs.api_key["BearerToken"]
    assert ours.cluster.insecure_skip_tls_verify is not theirs.verify_ssl
    assert (ours.cluster.tls_server_name or None) == theirs.tls_server_name
    assert (ours.cluster.proxy_url or None) == theirs.proxy
    assert authority(ours) == (read(theirs.ssl_ca_cert) if theirs.ssl_ca_cert else "")


def authority(access: Access) -> str:
    cluster = access.cluster
    if cluster.certificate_authority_data:
        return base64.b64decode(cluster.certificate_authority_data).decode()
    return read(access.cluster_dir / cluster.certificate_authority) if cluster.certificate_authority else ""


def read(path: str | Path) -> str:
    return Path(path).read_text()
