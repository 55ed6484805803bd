"""A real node of the lab: kubelet, containerd and runc in namespaces of their own, at the paths that they have in life.

Its pods have addresses of their own, on a bridge.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Self

import yaml

from tests.lab import image, namespaces
from tests.realparts import users
from tests.realparts.controlplane import ControlPlane
from tests.realparts.processes import Process

NAME: Final = "gpu-node"
ADDRESS: Final = "10.197.0.1"
PODS: Final = "10.198.0.0/24"
_BRIDGE: Final = "10.197.0.254"
_CNI: Final = "/usr/lib/cni"  # where Debian has the network plugins
_START: Final = 60.0
_NEEDED: Final = ("runc", "busybox", f"{_CNI}/bridge", f"{_CNI}/host-local")


def impossible() -> str:
    """What a node lacks on this machine; empty where nothing."""
    missing = [program for program in _NEEDED if shutil.which(program) is None]
    return f"a real node needs {' and '.join(missing)}" if missing else ""


class Node:
    """One node, from `start` to `stop`."""

    name = NAME

    def __init__(self, plane: ControlPlane, parts: Mapping[str, Path]) -> None:
        self._plane = plane
        self._parts = parts
        self._folder = plane.path / NAME
        self._cgroup = os.environ[namespaces.ENTERED]
        self._process: Process | None = None
        self._first = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # Life

    def start(self) -> None:
        """Until the node is Ready."""
        self._write_files()
        for cgroup in namespaces.cgroups(self._cgroup):
            cgroup.mkdir(exist_ok=True)
        namespace = ["unshare", "--mount", "--uts", "--ipc", "--net", "--pid", "--fork", "--kill-child"]
        self._process = Process(
            [shutil.which(namespace[0]) or "", *namespace[1:], "bash", self._folder / "init.sh"],
            self._folder / "node.log",
            {"PATH": f"{self._parts['containerd'].parent}:{os.environ['PATH']}", "HOME": str(self._folder)},
        )
        self._first = int(self._plane.wait(self._child, _START, "the node's first process"))
        self._connect()
        self._plane.wait(self._ready, _START, "the node to be Ready")

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()

    def stop_kubelet(self) -> None:
        """kubelet ends and is away; pods run on."""
        self._no_kubelet.touch()
        (kubelet,) = [each for each in self.path("/proc").glob("[0-9]*") if _name_of(each) == "kubelet"]
        self.run("/usr/bin/kill", "-9", kubelet.name)

    def start_kubelet(self) -> None:
        """It is begun again, as its supervisor does."""
        self._no_kubelet.unlink()

    @property
    def _no_kubelet(self) -> Path:
        return self._folder / "no-kubelet"

    # Use

    def path(self, inside: str) -> Path:
        """The node's file of this absolute path."""
        return Path(f"/proc/{self._first}/root{inside}")

    def within(self) -> list[str]:
        """What makes a command run on the node."""
        nsenter = shutil.which("nsenter") or ""
        return [nsenter, "--target", str(self._first), "--mount", "--net", "--pid", "--"]

    def run(self, *command: str) -> str:
        """A command on the node; what it prints."""
        return subprocess.run([*self.within(), *command], check=True, capture_output=True, text=True).stdout

    def last_words(self) -> str:
        return "" if self._process is None else self._process.last_words(40)

    # Within

    def _child(self) -> str:
        assert self._process is not None
        assert self._process.running(), self._process.last_words(20)
        pid = self._process.pid
        return Path(f"/proc/{pid}/task/{pid}/children").read_text().strip()

    def _connect(self) -> None:
        """The node's end of a cable, and ours."""
        for command in (
            "link add br0 type bridge",
            f"addr add {_BRIDGE}/24 dev br0",
            "link set br0 up",
            "link add lab0 type veth peer name lab1",
            "link set lab0 master br0 up",
            f"link set lab1 netns {self._first} name eth0",
            f"route add {PODS} via {ADDRESS} dev br0",
        ):
            subprocess.run(["ip", *command.split()], check=True)

    def _ready(self) -> bool:
        assert self._process is not None
        assert self._process.running(), self._process.last_words(20)
        (node,) = self._plane.objects("nodes", f"--field-selector=metadata.name={NAME}") or ({},)
        conditions = node.get("status", {}).get("conditions", ())
        ready = [each for each in conditions if each["type"] == "Ready"]
        assert ready, self.last_words()
        assert ready[0]["status"] == "True", ready[0]["message"]
        return True

    def _write_files(self) -> None:
        for folder in ("kubelet", "containerd", "cni"):
            (self._folder / folder).mkdir(parents=True)
        image.write(self._folder / "image.tar", Path(shutil.which("busybox") or ""))
        files: dict[str, str] = {
            "init.sh": _INIT.format(
                folder=self._folder,
                name=NAME,
                address=ADDRESS,
                bridge=_BRIDGE,
                kubeconfig=self._plane.kubeconfig(users.KUBELET),
                **{name.replace("-", "_"): path for name, path in self._parts.items()},
            ),
            "containerd.toml": _CONTAINERD.format(image=image.NAME, cni=_CNI),
            "kubelet.yaml": yaml.safe_dump(self._kubelet_configuration()),
            "cni/10.conflist": json.dumps({"cniVersion": "1.0.0", "name": "lab", "plugins": [_NETWORK]}),
        }
        for name, text in files.items():
            (self._folder / name).write_text(text)

    def _kubelet_configuration(self) -> dict[str, Any]:
        keep_all = ("nodefs.available", "imagefs.available", "nodefs.inodesFree", "imagefs.inodesFree")
        return {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "failCgroupV1": False,
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{self._cgroup}",
            "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
            "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
            "authorization": {"mode": "AlwaysAllow"},
            "makeIPTablesUtilChains": False,
            "failSwapOn": False,
            "resolvConf": "",
            "volumePluginDir": "/var/lib/kubelet/volume-plugins",
            "evictionHard": {"memory.available": "50Mi"} | dict.fromkeys(keep_all, "0%"),
            "imageGCHighThresholdPercent": 100,
        }


def _name_of(process: Path) -> str:
    """The program of a folder of /proc."""
    try:
        return (process / "comm").read_text().strip()
    except FileNotFoundError:
        return ""  # it has ended


_NETWORK: Final = {
    "type": "bridge",
    "bridge": "cni0",
    "isGateway": True,
    "ipam": {
        "type": "host-local",
        "dataDir": "/run/cni-ipam",
        "ranges": [[{"subnet": PODS}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    },
}

# The node's first process. Its paths are those of any node, what is written there is in our folder.
_INIT = """\
set -e
mount --make-rprivate /
mount -t proc proc /proc
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/log
for each in dev etc var/lib; do
  mkdir -p {folder}/over/$each {folder}/work/$each
  mount -t overlay overlay -o lowerdir=/$each,upperdir={folder}/over/$each,workdir={folder}/work/$each /$each
done
for each in vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops; do
  mkdir -p {folder}/settings/${{each%/*}}
  cat /proc/sys/$each >{folder}/settings/$each
  mount --bind {folder}/settings/$each /proc/sys/$each  # kubelet sets it, else for the whole machine
done
mkdir -p /run/cdi /run/lock /var/lib/kubelet /var/lib/containerd /etc/cni/net.d
mount --bind {folder}/kubelet /var/lib/kubelet
mount --bind {folder}/containerd /var/lib/containerd
mount --bind {folder}/cni /etc/cni/net.d
mount --make-rshared /
hostname {name}
ip link set lo up
until ip link show eth0 >/dev/null 2>&1; do sleep 0.02; done
ip addr add {address}/24 dev eth0
ip link set eth0 up
ip route add default via {bridge}
echo 1 >/proc/sys/net/ipv4/ip_forward
{containerd} -c {folder}/containerd.toml &
until {ctr} version >/dev/null 2>&1; do sleep 0.05; done
{ctr} -n k8s.io images import --local {folder}/image.tar
while :; do
  while [ -e {folder}/no-kubelet ]; do sleep 0.1; done
  {kubelet} --config={folder}/kubelet.yaml --kubeconfig={kubeconfig} \\
    --hostname-override={name} --node-ip={address} || sleep 0.1
done
"""

_CONTAINERD = """\
version = 3
[plugins.'io.containerd.internal.v1.opt']
  path = '/run/opt'
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = '{image}'
[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true
[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dirs = ['{cni}']
  use_internal_loopback = true
"""
