"""The corpus on loopback, over TLS as a real API server has it, and a kubeconfig for it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from tests.bench.corpus import Size
from tests.realparts.binaries import certificates


@dataclass(frozen=True)
class Served:
    """Where to find it. `authority` is the certificate to believe."""

    address: str
    authority: str
    kubeconfig: str


@contextmanager
def serving(size: Size) -> Iterator[Served]:
    """A server in a process of its own, until the end."""
    with TemporaryDirectory(prefix="dratui-bench-") as folder:
        keys = Path(folder)
        make = certificates(lambda line: print(line, file=sys.stderr))
        subprocess.run([make, keys], check=True)
        argv = [sys.executable, "-m", "tests.bench.server", json.dumps(asdict(size)), str(keys)]
        with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                address = f"https://127.0.0.1:{int(process.stdout.readline())}"
                kubeconfig = keys / "kubeconfig"
                kubeconfig.write_text(_kubeconfig(address, keys / "ca.crt"))
                yield Served(address, str(keys / "ca.crt"), str(kubeconfig))
            finally:
                process.kill()


def _kubeconfig(address: str, authority: Path) -> str:
    cluster = {"server": address, "certificate-authority": str(authority)}
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "corpus", "cluster": cluster}],
            "users": [{"name": "bench", "user": {}}],
            "contexts": [{"name": "corpus", "context": {"cluster": "corpus", "user": "bench"}}],
            "current-context": "corpus",
        }
    )
