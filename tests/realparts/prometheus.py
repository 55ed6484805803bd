"""A real Prometheus, and promtool: those of Debian's package, unpacked in a second without root and without a service;
where there is none they are built from Go modules (minutes)."""

import json
import os
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import yaml

from tests.realparts import binaries
from tests.realparts.binaries import Part, Say, Source
from tests.realparts.polling import wait
from tests.realparts.processes import Process, free_ports
from tests.realparts.unavailable import PartsUnavailable

START_TIMEOUT = 60.0
PROGRAMS = ("prometheus", "promtool")
_MODULE = Source("github.com/prometheus/prometheus", "v0.310.0")


@dataclass(frozen=True)
class Tools:
    """The two programs."""

    prometheus: Path
    promtool: Path


def ensure(say: Say) -> Tools:
    """Both, from the cache folder, Debian or Go modules. Raises PartsUnavailable."""
    unpacked = binaries.cache_folder() / "debian-prometheus"
    if not unpacked.exists() and not _unpack(unpacked):
        wanted = [Part(name, _MODULE, f"{_MODULE.module}/cmd/{name}") for name in PROGRAMS]
        return Tools(**binaries.built(wanted, say))
    return Tools(**{name: unpacked / name for name in PROGRAMS})


def _unpack(target: Path) -> bool:
    """Whether Debian's package could be had: by now its programs are in `target`."""
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".debian-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # apt downloads as a user of its own
        if subprocess.run(
            ["apt-get", "-qq", "download", "prometheus"], cwd=folder, capture_output=True
        ).returncode:
            return False
        (package,) = folder.glob("*.deb")
        subprocess.run(["dpkg-deb", "--extract", package, folder / "all"], check=True, capture_output=True)
        try:
            (folder / "all/usr/bin").rename(target)
        except OSError:  # another run was quicker
            return target.exists()
    return True


@dataclass(frozen=True)
class Value:
    """One series of an answer, with its newest value."""

    labels: Mapping[str, str]
    value: float


class Prometheus:
    """A server at `host` with storage of its own, from `start` to `stop`. It scrapes what `jobs` says (as in
    scrape_configs) every two seconds, and evaluates the rules of the files `rules`."""

    def __init__(
        self,
        tools: Tools,
        jobs: Sequence[Mapping[str, Any]],
        rules: Sequence[Path] = (),
        *,
        host: str = "127.0.0.1",
    ) -> None:
        self._tools = tools
        self._folder = tempfile.TemporaryDirectory(prefix="dratui-prometheus-")
        self.path = Path(self._folder.name)
        (port,) = free_ports(1)
        self.port = port
        self.address = f"http://{host}:{port}"
        every = {"scrape_interval": "2s", "scrape_timeout": "2s", "evaluation_interval": "2s"}
        self._config = {"global": every, "rule_files": [*map(str, rules)], "scrape_configs": [*jobs]}
        self._listen = f"{host}:{port}"
        self._process: Process | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Up to the point where it answers. Raises PartsUnavailable with its last words."""
        config = self.path / "prometheus.yml"
        config.write_text(yaml.safe_dump(self._config, sort_keys=False))
        argv: list[str | Path] = [
            self._tools.prometheus,
            f"--config.file={config}",
            f"--storage.tsdb.path={self.path / 'data'}",
            f"--web.listen-address={self._listen}",
            "--log.level=warn",
        ]
        self._process = process = Process(
            argv, self.path / "log", {"HOME": str(self.path), "PATH": os.defpath}
        )

        def ready() -> bool:
            if not process.running():
                raise PartsUnavailable(f"prometheus ended: {process.last_words()}")
            try:
                self._get("/-/ready")
            except OSError:  # refused, or 503, while it starts
                return False
            return True

        try:
            wait(ready, START_TIMEOUT, "prometheus to be ready")
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
        self._folder.cleanup()

    def query(self, expression: str) -> list[Value]:
        """An instant query; a scalar is one value without labels. Raises AssertionError with what Prometheus says."""
        data = self._api("query", query=expression)
        if data["resultType"] == "scalar":
            return [Value({}, float(data["result"][1]))]
        return [Value(each["metric"], float(each["value"][1])) for each in data["result"]]

    def targets(self) -> Mapping[str, str]:
        """What went wrong at each target's last scrape, by its address; empty where all is well."""
        found = self._api("targets")["activeTargets"]
        return {each["scrapeUrl"]: each["lastError"] for each in found if each["health"] != "unknown"}

    def firing(self) -> set[str]:
        """The names of the alerts that fire."""
        return {a["labels"]["alertname"] for a in self._api("alerts")["alerts"] if a["state"] == "firing"}

    def _api(self, what: str, **parameters: str) -> Any:
        answer = json.loads(self._get(f"/api/v1/{what}?{urllib.parse.urlencode(parameters)}"))
        assert answer["status"] == "success", answer
        return answer["data"]

    def _get(self, path: str) -> bytes:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(self.address + path, timeout=30) as answer:
                said: bytes = answer.read()
                return said
        except urllib.error.HTTPError as error:
            with error:
                if error.code in (400, 422):  # a query that it refuses, with the reason
                    return error.read()
                raise
