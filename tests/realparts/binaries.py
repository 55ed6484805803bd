"""Finds or builds the real components: etcd, the Kubernetes control plane, kubectl, kwok, and what a node runs.

They are built from Go modules by the ordinary go client, checksums verified, once a version, into the user's
cache folder. `python -m tests.realparts [VERSION…]` builds all that are missing.
"""

import fcntl
import hashlib
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from tests.realparts.golang import OLDEST, find_go
from tests.realparts.releases import USUAL
from tests.realparts.unavailable import PartsUnavailable

Say = Callable[[str], None]


@dataclass(frozen=True)
class Source:
    """A Go module at one version. `stamp`: linker variables; without them a component says v0.0.0-master.

    `tags`: what is left out of it, as its makers name that.
    """

    module: str
    version: str
    stamp: tuple[str, ...] = ()
    tags: str = ""


@dataclass(frozen=True)
class Part:
    """One program. `asset`: it may come from $KUBEBUILDER_ASSETS."""

    name: str
    source: Source
    package: str
    asset: bool = False


def kubernetes(version: str) -> Source:
    major, minor, _ = version.removeprefix("v").split(".")
    variables = {"gitVersion": version, "gitMajor": major, "gitMinor": minor}
    stamp = tuple(f"k8s.io/component-base/version.{name}={value}" for name, value in variables.items())
    return Source("k8s.io/kubernetes", version, stamp)


ETCD = Source("go.etcd.io/etcd/server/v3", "v3.6.16")
KWOK = Source("sigs.k8s.io/kwok", "v0.8.0")
HELM = Part("helm", Source("helm.sh/helm/v3", "v3.22.0"), "helm.sh/helm/v3/cmd/helm")
CONTAINERD = Source(
    "github.com/containerd/containerd/v2",
    "v2.2.9",
    stamp=("github.com/containerd/containerd/v2/version.Version=v2.2.9",),
    tags="no_btrfs,no_devmapper,no_zfs",
)


def parts(version: str) -> tuple[Part, ...]:
    """The programs of a control plane of Kubernetes `version`; kubectl, etcd and kwok are the same for all."""
    source, usual = kubernetes(version), kubernetes(USUAL.version)
    return (
        Part("etcd", ETCD, "go.etcd.io/etcd/server/v3", asset=True),
        Part("kwok", KWOK, "sigs.k8s.io/kwok/cmd/kwok"),
        Part("kube-apiserver", source, "k8s.io/kubernetes/cmd/kube-apiserver", asset=source == usual),
        Part("kube-controller-manager", source, "k8s.io/kubernetes/cmd/kube-controller-manager"),
        Part("kube-scheduler", source, "k8s.io/kubernetes/cmd/kube-scheduler"),
        Part("kubectl", usual, "k8s.io/kubernetes/cmd/kubectl", asset=True),
    )


# What a node runs besides Debian's runc.
NODE = (
    Part("kubelet", kubernetes(USUAL.version), "k8s.io/kubernetes/cmd/kubelet"),
    *(
        Part(name, CONTAINERD, f"{CONTAINERD.module}/cmd/{name}")
        for name in ("containerd", "containerd-shim-runc-v2", "ctr")
    ),
)

CERTIFICATES = Path(__file__).with_name("certificates")


def ensure(say: Say, version: str = USUAL.version) -> Mapping[str, Path]:
    """The path of every part and of `certificates`, built where missing. Raises PartsUnavailable."""
    return {**built(parts(version), say), "certificates": certificates(say)}


def built(wanted: Sequence[Part], say: Say) -> Mapping[str, Path]:
    """The path of each, built where missing. Raises PartsUnavailable."""
    cache = cache_folder()
    found = {part.name: path for part in wanted if (path := _existing(part, cache))}
    missing = [part for part in wanted if part.name not in found]
    if missing:
        with _one_builder(cache, say):
            # Another run may have built them while this one waited for the lock.
            missing = [part for part in missing if not _cached(part, cache).exists()]
            _build(missing, cache, say)
    return {part.name: _cached(part, cache) for part in wanted} | found


def certificates(say: Say) -> Path:
    """The path of what makes keys (`certificates/main.go`), built where missing. Raises PartsUnavailable."""
    return own(CERTIFICATES, say)


def own(source: Path, say: Say, *modules: str) -> Path:
    """The path of a program of ours, `source/main.go`, built where missing with these modules, `NAME@VERSION`.

    Raises PartsUnavailable.
    """
    cache = cache_folder()
    text = (source / "main.go").read_bytes()
    digest = hashlib.sha256(b"\n".join([text, *map(str.encode, modules)]) if modules else text).hexdigest()
    path = cache / f"{source.name}-{digest[:12]}" / source.name
    if path.exists():
        return path
    with _one_builder(cache, say), tempfile.TemporaryDirectory(prefix="dratui-build-") as folder:
        if not path.exists():
            go, module = find_go(), Path(folder)
            say(f"real parts: building {source.name} (once)")
            (module / "main.go").write_bytes(text)
            (module / "go.mod").write_text(
                f"module {source.name}.invalid/main\n\ngo {OLDEST[0]}.{OLDEST[1]}\n"
            )
            if modules:
                _go(go, module, "get", *modules)
            _build_one(go, module, ".", Source("", ""), path, lambda _seconds: None)
    return path


def cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base, "dratui", "realparts")


def _cached(part: Part, cache: Path) -> Path:
    return cache / f"{part.source.module.replace('/', '-')}-{part.source.version}" / part.name


def _existing(part: Part, cache: Path) -> Path | None:
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    candidates = [Path(assets, part.name)] if assets and part.asset else []
    return next((path for path in [*candidates, _cached(part, cache)] if os.access(path, os.X_OK)), None)


@contextmanager
def _one_builder(cache: Path, say: Say) -> Iterator[None]:
    """Hold the cache: two test runs at once must not build the same 100 MB twice."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("real parts: another run is building them; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(parts: Sequence[Part], cache: Path, say: Say) -> None:
    if not parts:
        return
    go = find_go()
    say(f"real parts: building {len(parts)} programs from Go modules into {cache} (once; some minutes)")
    done = 0
    for source, of_source in groupby(parts, key=lambda part: part.source):
        group = list(of_source)
        with tempfile.TemporaryDirectory(prefix="dratui-build-") as folder:
            module = Path(folder)
            say(f"real parts: {source.module} {source.version}: downloading modules")
            _throwaway_module(go, module, source, [part.package for part in group])
            for part in group:
                done += 1
                _build_and_tell(go, module, part, _cached(part, cache), f"({done} of {len(parts)})", say)


def _build_and_tell(go: str, module: Path, part: Part, target: Path, position: str, say: Say) -> None:
    say(f"real parts: building {part.name} {position}")
    started = time.monotonic()
    next_word = 15.0

    def tick(seconds: float) -> None:
        nonlocal next_word
        if seconds >= next_word:
            say(f"real parts: building {part.name} {position} … {seconds:.0f} s")
            next_word += 15.0

    _build_one(go, module, part.package, part.source, target, tick)
    say(f"real parts: built {part.name} {position} in {time.monotonic() - started:.0f} s")


def _throwaway_module(go: str, folder: Path, source: Source, packages: Sequence[str]) -> None:
    """A main module that requires `source` with the language version and the staging modules it wants.

    k8s.io/kubernetes replaces its staging modules by folders beside it, and a replacement only counts in the
    main module; each is published as a module of its own, v1.36.3's as v0.36.3.
    """
    asked = _go(go, folder, "mod", "download", "-json", f"{source.module}@{source.version}")
    gomod = json.loads(asked)["GoMod"]
    wanted: Any = json.loads(_go(go, folder, "mod", "edit", "-json", gomod))
    edits = [f"-go={wanted['Go']}", f"-require={source.module}@{source.version}"]
    edits += [f"-godebug={setting['Key']}={setting['Value']}" for setting in wanted.get("Godebug") or ()]
    staging = "v0." + source.version.split(".", 1)[1]
    for replacement in wanted.get("Replace") or ():
        name = replacement["Old"]["Path"]
        if replacement["New"]["Path"].startswith("./staging/"):
            edits.append(f"-replace={name}={name}@{staging}")
    (folder / "go.mod").write_text("module realparts.invalid/throwaway\n")
    _go(go, folder, "mod", "edit", *edits)
    _go(go, folder, "get", *(f"{package}@{source.version}" for package in packages))


def _go(go: str, folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [go, *arguments], cwd=folder, env=_environment(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise _build_failure(arguments, done.stderr + done.stdout)
    return done.stdout


def _build_one(
    go: str, module: Path, package: str, source: Source, target: Path, tick: Callable[[float], None]
) -> None:
    """Build to a temporary name, then rename: a killed build leaves no half binary under the right name."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    linked = " ".join(["-s", "-w", *(f"-X {variable}" for variable in source.stamp)])
    arguments = (
        "build",
        "-mod=mod",
        "-buildvcs=false",
        "-trimpath",
        "-tags",
        source.tags,
        "-ldflags",
        linked,
        "-o",
        str(unfinished),
    )
    started = time.monotonic()
    with tempfile.TemporaryFile("w+") as output:
        build = subprocess.Popen(
            [go, *arguments, package],
            cwd=module,
            env=_environment(),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            while _running(build):
                tick(time.monotonic() - started)
        finally:
            build.kill()
            build.wait()
        if build.returncode:
            unfinished.unlink(missing_ok=True)
            output.seek(0)
            raise _build_failure((*arguments, package), output.read())
    unfinished.replace(target)


def _running(process: subprocess.Popen[bytes]) -> bool:
    """Whether it still runs after a second more."""
    try:
        process.wait(timeout=1)
    except subprocess.TimeoutExpired:
        return True
    return False


def _environment() -> dict[str, str]:
    """A workspace file above the temporary folder, or the user's -mod=vendor, is not ours to inherit."""
    return {**os.environ, "GOWORK": "off"}


def _build_failure(arguments: Sequence[str], output: str) -> PartsUnavailable:
    last = " ".join(line.strip() for line in output.strip().splitlines()[-5:])  # one line: a skip reason
    return PartsUnavailable(
        f"go {' '.join(arguments[:2])} failed: {last}",
        hint="the modules come from the Go module proxy; GOPROXY and GOSUMDB are honoured",
    )
