"""kubeconfig files, and the place in a pod: from `Options` to whom to talk to and as whom.

Read here and not by kubernetes_asyncio: its import alone stalls the event loop for 345 ms, it lets the last of
several files name the current context where kubectl takes the first, knows neither `--cluster` and `--user` nor
impersonation, runs exec plugins on our terminal's stdin and leaves private keys in /tmp until exit.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import yaml

from dratui.events import Context as Listed
from dratui.kube.failure import KubeFailure
from dratui.kube.options import Options

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_LARGEST_FILE = 16 << 20  # bytes; a kubeconfig of a thousand clusters with their certificates is 5 MB
_YAML = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's where it is there: 10 × as fast


class _Kebab(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """kubeconfig names its fields like-this, but for a few."""


class NamedExtension(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    extension: Any = None


class Cluster(_Kebab, frozen=True, kw_only=True):
    server: str = ""
    certificate_authority: str = ""
    certificate_authority_data: str = ""
    insecure_skip_tls_verify: bool = False
    tls_server_name: str = ""
    proxy_url: str = ""
    disable_compression: bool = False
    extensions: list[NamedExtension] = []


class EnvVar(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    value: str = ""


class Exec(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A credential plugin; client.authentication.k8s.io."""

    command: str
    api_version: str
    args: list[str] = []
    env: list[EnvVar] = []
    install_hint: str = ""
    interactive_mode: str = "IfAvailable"
    provide_cluster_info: bool = False


class AuthProvider(msgspec.Struct, frozen=True, kw_only=True):
    name: str = ""


class User(_Kebab, frozen=True, kw_only=True):
    client_certificate: str = ""
    client_certificate_data: str = ""
    client_key: str = ""
    client_key_data: str = ""
    token: str = ""
    token_file: str = msgspec.field(default="", name="tokenFile")
    username: str = ""
    password: str = ""
    exec: Exec | None = None
    auth_provider: AuthProvider | None = None
    as_user: str = msgspec.field(default="", name="as")
    as_uid: str = ""
    as_groups: list[str] = []
    as_user_extra: dict[str, list[str]] = {}


class Context(_Kebab, frozen=True, kw_only=True):
    cluster: str = ""
    user: str = ""
    namespace: str = ""


class _NamedCluster(msgspec.Struct, frozen=True):
    name: str
    cluster: Cluster = Cluster()


class _NamedUser(msgspec.Struct, frozen=True):
    name: str
    user: User = User()


class _NamedContext(msgspec.Struct, frozen=True):
    name: str
    context: Context = Context()


class _File(_Kebab, frozen=True, kw_only=True):
    current_context: str = ""
    clusters: list[_NamedCluster] = []
    users: list[_NamedUser] = []
    contexts: list[_NamedContext] = []


@dataclass(frozen=True, kw_only=True)
class Access:
    """Whom to talk to and as whom, as the files say it; no credential has been read or run yet.

    `cluster_dir` and `user_dir` are what relative paths in `cluster` and `user` are relative to.
    """

    context: str
    cluster_name: str
    user_name: str
    namespace: str
    cluster: Cluster
    user: User
    cluster_dir: Path = Path()
    user_dir: Path = Path()


@dataclass(frozen=True)
class _Merged:
    """Several files as one. For every name the first file that has it wins, whole, as in kubectl."""

    files: tuple[Path, ...]
    current: str
    clusters: Mapping[str, tuple[Cluster, Path]]
    users: Mapping[str, tuple[User, Path]]
    contexts: Mapping[str, Context]


def load(options: Options, environ: Mapping[str, str], *, pod: Path = SERVICE_ACCOUNT) -> Access:
    """Find out whom `options` mean.

    `--kubeconfig`, else the files of $KUBECONFIG that exist, else ~/.kube/config, else the service account of the
    pod that we run in. Raises KubeFailure where that names nobody, cannot be read, or is no kubeconfig.
    """
    paths = list(_paths(options, environ))
    if not paths:
        if environ.get("KUBERNETES_SERVICE_HOST") and (pod / "token").exists():
            return _in_cluster(options, environ, pod)
        places = environ.get("KUBECONFIG") or str(_default_path(environ))
        raise KubeFailure(
            f"there is no kubeconfig: {places} does not exist",
            hint="name one with --kubeconfig or $KUBECONFIG; without a cluster, look at `dratui demo`",
        )
    return _choose(_merge(paths), options)


def contexts(options: Options, environ: Mapping[str, str]) -> list[Listed]:
    """All contexts of these files, by name; none without files. Raises KubeFailure like `load`."""
    merged = _merge(list(_paths(options, environ)))
    return [
        Listed(name=name, cluster=context.cluster, user=context.user, namespace=context.namespace)
        for name, context in sorted(merged.contexts.items())
    ]


def reload(access: Access, options: Options, environ: Mapping[str, str]) -> Access:
    """`access` as the files say it now: something may have put newer credentials into them.

    The same object where they say the same, lead to another server or user, or cannot be read now.
    """
    try:
        if not all(path.is_file() for path in _paths(options, environ)):
            return access  # a pipe says it once
        again = load(replace(options, context=access.context), environ)
    except KubeFailure:
        return access
    elsewhere = (again.cluster.server, again.user_name) != (access.cluster.server, access.user_name)
    return access if elsewhere or again == access else again


def _paths(options: Options, environ: Mapping[str, str]) -> Iterator[Path]:
    """The files to read. Only the one that was asked for by flag has to exist."""
    if options.kubeconfig:
        yield Path(options.kubeconfig).expanduser()
        return
    listed = [Path(part).expanduser() for part in environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    for path in listed or [_default_path(environ)]:
        if path.exists():
            yield path


def _default_path(environ: Mapping[str, str]) -> Path:
    home = environ.get("HOME")
    return (Path(home) if home else Path.home()) / ".kube" / "config"


def _merge(paths: list[Path]) -> _Merged:
    clusters: dict[str, tuple[Cluster, Path]] = {}
    users: dict[str, tuple[User, Path]] = {}
    contexts: dict[str, Context] = {}
    current = ""
    for path in paths:
        file = _read(path)
        folder = path.absolute().parent
        current = current or file.current_context
        for cluster in file.clusters:
            clusters.setdefault(cluster.name, (cluster.cluster, folder))
        for user in file.users:
            users.setdefault(user.name, (user.user, folder))
        for context in file.contexts:
            contexts.setdefault(context.name, context.context)
    return _Merged(tuple(paths), current, clusters, users, contexts)


def _read(path: Path) -> _File:
    try:
        with path.open("rb") as file:  # also a pipe: --kubeconfig <(…)
            data = file.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise KubeFailure(
            f"cannot read the kubeconfig {path}: {(error.strerror or str(error)).lower()}",
            hint="name another with --kubeconfig or $KUBECONFIG",
        ) from error
    if len(data) > _LARGEST_FILE:
        raise KubeFailure(f"{path} is no kubeconfig: it is larger than {_LARGEST_FILE >> 20} MiB")
    try:
        # Without nulls: in Go's eyes `token:` with nothing behind it is an empty string.
        document = _without_nulls(yaml.load(data, Loader=_YAML))  # noqa: S506 (a safe loader)
        return msgspec.convert(document if document is not None else {}, _File)
    except yaml.MarkedYAMLError as error:
        # Not str(error): it quotes the lines around the mistake, which may hold a token.
        mark = error.problem_mark
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise _malformed(path, f"is not valid YAML{where}: {error.problem}") from error
    except yaml.YAMLError as error:
        raise _malformed(path, "is not valid YAML: it holds bytes that are no text") from error
    except msgspec.ValidationError as error:
        raise _malformed(path, f"is no kubeconfig: {error}") from error
    except (RecursionError, ValueError) as error:  # ValueError: such as a date that does not exist
        raise _malformed(path, "is no kubeconfig: it holds something that YAML cannot mean") from error


def _malformed(path: Path, what: str) -> KubeFailure:
    return KubeFailure(f"{path} {what}", hint=f"kubectl config view --kubeconfig {path}")


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value


def _choose(merged: _Merged, options: Options) -> Access:
    files = ", ".join(str(path) for path in merged.files)
    name = options.context or merged.current
    context = merged.contexts.get(name) if name else None
    if context is None:
        if name or not options.cluster:
            what = f"there is no context {name!r}" if name else "no context is chosen"
            raise KubeFailure(
                f"{what} in {files}", hint=f"{_those('context', merged.contexts)}, see --context"
            )
        context = Context()
    cluster_name = options.cluster or context.cluster
    user_name = options.user or context.user
    if cluster_name not in merged.clusters:
        raise KubeFailure(
            f"there is no cluster {cluster_name!r} in {files}{_named_by(name, options.cluster)}",
            hint=f"{_those('cluster', merged.clusters)}, see --cluster",
        )
    if user_name and user_name not in merged.users:
        raise KubeFailure(
            f"there is no user {user_name!r} in {files}{_named_by(name, options.user)}",
            hint=f"{_those('user', merged.users)}, see --user",
        )
    cluster, cluster_dir = merged.clusters[cluster_name]
    user, user_dir = merged.users.get(user_name, (User(), Path()))
    return Access(
        context=name,
        cluster_name=cluster_name,
        user_name=user_name,
        namespace=options.namespace or context.namespace or "default",
        cluster=cluster,
        user=user,
        cluster_dir=cluster_dir,
        user_dir=user_dir,
    )


def _named_by(context: str, flag: str) -> str:
    return f", though the context {context!r} names it" if context and not flag else ""


def _those(kind: str, names: Mapping[str, object]) -> str:
    if not names:
        return f"there are no {kind}s at all"
    first = sorted(names)[:20]
    return f"{kind}s: {', '.join(first)}{', …' if len(names) > len(first) else ''}"


def _in_cluster(options: Options, environ: Mapping[str, str], pod: Path) -> Access:
    host = environ["KUBERNETES_SERVICE_HOST"]
    port = environ.get("KUBERNETES_SERVICE_PORT", "443")
    try:
        namespace = (pod / "namespace").read_text().strip()
    except OSError:
        namespace = ""  # an unusual mount; the token is what counts
    return Access(
        context="in-cluster",
        cluster_name="in-cluster",
        user_name="service account",
        namespace=options.namespace or namespace or "default",
        cluster=Cluster(
            server=f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}",
            certificate_authority=str(pod / "ca.crt"),
        ),
        user=User(token_file=str(pod / "token")),
    )
