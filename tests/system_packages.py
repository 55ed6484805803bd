"""Run by `make test` before all else: see to the system packages of system-packages.txt.

As root on Debian it installs what is missing; elsewhere it names the tests that will be skipped. It never fails:
a test that lacks its program skips itself.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

LIST = Path(__file__).with_name("system-packages.txt")


class Package(NamedTuple):
    name: str
    program: str
    tests: str

    def missing(self) -> bool:
        return shutil.which(self.program) is None


def read(text: str) -> list[Package]:
    lines = (line.strip() for line in text.splitlines())
    return [Package(*line.split(maxsplit=2)) for line in lines if line and not line.startswith("#")]


def main() -> int:
    missing = [package for package in read(LIST.read_text()) if package.missing()]
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        _install(missing)
    for package in missing:
        if package.missing():
            print(f"skipped: {package.tests}: needs the package {package.name}")
    return 0


def _install(packages: Sequence[Package]) -> None:
    names = [package.name for package in packages]
    print(f"installing {' '.join(names)}", flush=True)
    for command in (["update"], ["install", "--yes", "--no-install-recommends", *names]):
        done = subprocess.run(
            ["apt-get", "-qq", *command],
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            print(f"apt-get {command[0]} failed: {done.stderr.strip()}")


if __name__ == "__main__":
    sys.exit(main())
