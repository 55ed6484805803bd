"""Who talks to the control plane: people of different rights, and the components themselves."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

# The people of the tests. `admin` may do all; what the others may do is in users.yaml.
PEOPLE = ("admin", "viewer", "no-slices", "one-namespace", "nobody")
# Like viewer, but known by a client certificate.
CERTIFICATE_USER = "certificate-viewer"
# The one real kubelet (tests/lab/node.py).
KUBELET = "kubelet"
VIEWERS_GROUP = "dratui:viewers"
# The namespace in which the user one-namespace may read.
ONE_NAMESPACE = "one-namespace"

RBAC = Path(__file__).with_name("users.yaml")


@dataclass(frozen=True)
class User:
    """`login`: the key of the kubeconfig; `name`: as RBAC knows it."""

    login: str
    name: str
    group: str = ""

    @property
    def token(self) -> str:
        return f"token-of-{self.login}"


TOKEN_USERS = (
    User("admin", "admin", "system:masters"),
    *(User(person, person) for person in PEOPLE if person != "admin"),
    User("kube-controller-manager", "system:kube-controller-manager"),
    User("kube-scheduler", "system:kube-scheduler"),
    User(KUBELET, "system:node:gpu-node", "system:nodes"),
    # kwok stands for every kubelet, so it needs the rights of all nodes.
    User("kwok", "kwok", "system:masters"),
)


def token_file(users: Iterable[User]) -> str:
    """The --token-auth-file: token,name,uid,group."""
    return "".join(f"{user.token},{user.name},{user.login},{user.group}\n" for user in users)


def kubeconfig(server: str, ca: Path, login: str, credentials: dict[str, str]) -> str:
    """A kubeconfig with one context, named after the user."""
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {"name": "realparts", "cluster": {"server": server, "certificate-authority": str(ca)}}
            ],
            "users": [{"name": login, "user": credentials}],
            "contexts": [{"name": login, "context": {"cluster": "realparts", "user": login}}],
            "current-context": login,
        },
        sort_keys=False,
    )
