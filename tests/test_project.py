"""What the project says of itself is true."""

import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
CONSTRAINTS = dict(
    line.split("==")
    for line in (ROOT / "constraints.txt").read_text().splitlines()
    if line and line[0] != "#"
)
NEEDED = [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["dev"]]


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("requirement", NEEDED)
def test_a_lower_bound_is_a_version_that_the_tests_ran_with(requirement: str) -> None:
    name, bound = requirement.split(">=")
    pinned = {normal(key): value for key, value in CONSTRAINTS.items()}[normal(name)]
    assert version(name) == pinned
    assert pinned == bound or pinned.startswith(f"{bound}.")  # type stubs carry a date behind it


def test_constraints_name_no_index() -> None:
    text = (ROOT / "constraints.txt").read_text()
    assert "://" not in text
    assert not any(line.startswith("-") for line in text.splitlines())


def test_the_readme_begins_with_the_two_commands_and_a_picture_that_exists() -> None:
    head = (ROOT / "README.md").read_text()[:900]
    assert "make demo" in head
    assert "make test" in head
    for picture in re.findall(r"!\[.*?\]\((.*?)\)", (ROOT / "README.md").read_text()):
        assert (ROOT / picture).is_file(), picture


def test_every_command_and_flag_of_the_readme_exists(capsys: pytest.CaptureFixture[str]) -> None:
    from dratui_agent.cli import main as agent

    from dratui.cli.arguments import parse

    readme = (ROOT / "README.md").read_text().splitlines()
    shown = "\n".join(line for line in readme if not line.startswith(("    helm ", "    docker ")))
    for command in ("get", "what-if", "record", "replay", "demo"):
        with pytest.raises(SystemExit):
            parse([command, "--help"])
    with pytest.raises(SystemExit):
        agent(["--help"])
    helped = capsys.readouterr().out
    for flag in set(re.findall(r"(?<![\w-])--[a-z][a-z.-]*[a-z]", shown)):
        assert flag in helped, flag
