"""The command line of every component: what makes it a quick, small, loopback-only control plane for DRA."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.realparts.releases import Release


def commands(
    folder: Path, release: Release, *, host: str, api_port: int, etcd_ports: tuple[int, int]
) -> Mapping[str, Sequence[str]]:
    """The arguments of each component; everything it writes is below `folder`."""
    keys = folder / "keys"
    gates = _gates(release)
    etcd_client, etcd_peer = (f"http://127.0.0.1:{port}" for port in etcd_ports)
    return {
        "etcd": (
            f"--data-dir={folder}/etcd",
            f"--listen-client-urls={etcd_client}",
            f"--advertise-client-urls={etcd_client}",
            f"--listen-peer-urls={etcd_peer}",
            f"--initial-advertise-peer-urls={etcd_peer}",
            f"--initial-cluster=default={etcd_peer}",
            "--unsafe-no-fsync",
            "--log-level=warn",
        ),
        "kube-apiserver": apiserver(folder, release, api_port, etcd_ports[0], host=host),
        "kube-controller-manager": (
            f"--kubeconfig={folder}/kube-controller-manager.kubeconfig",
            f"--service-account-private-key-file={keys}/sa.key",
            f"--root-ca-file={keys}/ca.crt",
            "--use-service-account-credentials=true",
            # A busy test machine must not make nodes NotReady and evict what a test just made.
            "--controllers=*,-node-lifecycle-controller",
            "--leader-elect=false",
            "--secure-port=0",
            "--kube-api-qps=500",
            "--kube-api-burst=1000",
            gates,
        ),
        "kube-scheduler": (f"--config={folder}/scheduler.yaml", "--secure-port=0", gates),
        "kwok": (
            f"--kubeconfig={folder}/kwok.kubeconfig",
            f"--config={Path(__file__).with_name('kwok.yaml')}",
            "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
            "--node-ip=10.197.0.1",
            "--cidr=10.198.0.0/16",
        ),
    }


def apiserver(
    folder: Path,
    release: Release,
    port: int,
    etcd_port: int,
    only: Collection[str] = (),
    host: str = "127.0.0.1",
    off: Collection[str] = (),
) -> Sequence[str]:
    """The arguments of an API server.

    `only`: one more server for those who read, with no other versions of resource.k8s.io than these. Nodes need not
    be authorized there, and the authorizer would follow slices in a version that it may not serve.
    `off`: feature gates.
    """
    keys = folder / "keys"
    known = {*release.served, "v1alpha3"}
    served = [f"resource.k8s.io/{v}={str(not only or v in only).lower()}" for v in sorted(known)]
    if "GenericWorkload" in release.gates:
        served.append(f"scheduling.k8s.io/{release.groups}=true")
    return (
        f"--etcd-servers=http://127.0.0.1:{etcd_port}",
        f"--bind-address={host}",
        f"--secure-port={port}",
        f"--advertise-address={host}",
        "--kubelet-preferred-address-types=InternalIP",  # names of nodes are known to nobody
        # An Endpoints object may not hold a loopback address, and no pod looks for the server here.
        "--endpoint-reconciler-type=none",
        "--service-cluster-ip-range=10.196.0.0/24",
        f"--tls-cert-file={keys}/server.crt",
        f"--tls-private-key-file={keys}/server.key",
        f"--client-ca-file={keys}/ca.crt",
        f"--token-auth-file={folder}/tokens.csv",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={keys}/sa.key",
        f"--service-account-signing-key-file={keys}/sa.key",
        f"--authorization-mode={'RBAC' if only else 'Node,RBAC'}",
        "--enable-admission-plugins=NodeRestriction",
        # With the controller that would lift the taint off (above), nodes must not be created with it.
        "--disable-admission-plugins=TaintNodesByCondition",
        "--runtime-config=" + ",".join(served),
        _gates(release, off),
    )


def _gates(release: Release, off: Collection[str] = ()) -> str:
    gates = {**dict.fromkeys(release.gates, "true"), **dict.fromkeys(off, "false")}
    return "--feature-gates=" + ",".join(f"{gate}={on}" for gate, on in gates.items())


def scheduler_configuration(release: Release, kubeconfig: Path) -> dict[str, Any]:
    """As by default, but it tries again after 1 s instead of 10: a test waits for that."""
    kind = {"apiVersion": "kubescheduler.config.k8s.io/v1", "kind": "DynamicResourcesArgs"}
    plugins = (
        [{"name": "DynamicResources", "args": {**kind, **release.scheduling}}] if release.scheduling else []
    )
    return {
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "clientConnection": {"kubeconfig": str(kubeconfig), "qps": 500, "burst": 1000},
        "leaderElection": {"leaderElect": False},
        "podInitialBackoffSeconds": 1,
        "podMaxBackoffSeconds": 1,
        "profiles": [{"schedulerName": "default-scheduler", "pluginConfig": plugins}],
    }
