"""The agent's image, as far as it can be tested without a registry: its steps are carried out here, one by one."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "agent" / "Dockerfile"
PREFIX = "/opt/dratui-agent"

Step = tuple[str, str]


def stages() -> list[list[Step]]:
    """Instructions with their arguments, by stage."""
    found: list[list[Step]] = []
    for line in DOCKERFILE.read_text().replace("\\\n", " ").splitlines():
        if line and not line.startswith("#"):
            instruction, _, rest = line.partition(" ")
            if instruction == "FROM":
                found.append([])
            if found:
                found[-1].append((instruction, rest))
    return found


def settings(steps: list[Step]) -> dict[str, str]:
    return {
        name: value
        for instruction, rest in steps
        if instruction == "ENV"
        for name, value in re.findall(r"(\w+)=(\S+)", rest)
    }


def test_what_it_copies_is_in_the_repository() -> None:
    (build, _) = stages()
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for instruction, rest in build:
        if instruction == "COPY":
            source, _target = rest.split()
            assert any(line == source or line.startswith(source) for line in tracked.splitlines()), source


def test_it_does_not_run_as_root_unless_it_is_told_to() -> None:
    (*_, last) = stages()
    (user,) = [rest for instruction, rest in last if instruction == "USER"]
    assert not user.startswith(("0", "root"))


@pytest.mark.realparts
def test_what_is_built_is_what_the_constraints_pin_and_it_runs(tmp_path: Path) -> None:
    """With the machine's own Python and the ordinary package client; only the base image is missing."""
    build, last = stages()
    source, target = tmp_path / "src", tmp_path / "agent"
    for instruction, rest in build:
        if instruction == "COPY":
            what, where = rest.split()
            if what.endswith("/"):
                shutil.copytree(ROOT / what, source / where, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                source.mkdir(exist_ok=True)
                shutil.copy(ROOT / what, source / where)
    (command,) = [rest for instruction, rest in build if instruction == "RUN"]
    here = {name: value.replace("/src/", f"{source}/") for name, value in settings(build).items()}
    python = Path(sys.executable).parent
    environ = os.environ | here | {"PATH": f"{python}:{os.environ['PATH']}"}
    subprocess.run(command.replace(PREFIX, str(target)), shell=True, cwd=source, env=environ, check=True)

    pinned = {
        canonicalize_name(Requirement(line).name): str(Requirement(line).specifier)
        for line in (ROOT / "constraints.txt").read_text().splitlines()
    }
    frozen = subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "--python",
            target / "bin/python",
            "freeze",
            "--exclude",
            "dratui-agent",
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for line in frozen.splitlines():
        installed = Requirement(line)
        assert pinned[canonicalize_name(installed.name)] == str(installed.specifier)

    (entry,) = [json.loads(rest) for instruction, rest in last if instruction == "ENTRYPOINT"]
    of_image = {name: value.replace(PREFIX, str(target)) for name, value in settings(last).items()}
    said = subprocess.run(
        [*entry, "--version"], env=of_image, capture_output=True, text=True, check=True
    ).stdout
    assert said.startswith("dratui-agent ")
