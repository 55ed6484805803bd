"""What the README tells administrators to type works as it stands there."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.deploy import CHART
from tests.realparts.prometheus import Tools
from tests.realparts.releases import NEWEST

ROOT = Path(__file__).parents[2]
SECTION = (ROOT / "README.md").read_text().partition("## For cluster administrators")[2]
VALUES = re.findall(r"`([a-z]+(?:\.[a-zA-Z]+)+)(?:=true)?`", SECTION)


def test_helms_commands(helm: Path) -> None:
    settings: list[str] = []
    commands = [shlex.split(line) for line in SECTION.splitlines() if line.strip().startswith("helm ")]
    assert [command[1] for command in commands] == ["install", "upgrade"]
    for _, _, release, chart, *options in commands:
        assert (ROOT / chart).samefile(CHART)
        settings += [part for n, flag in enumerate(options) if flag == "--set" for part in options[n : n + 2]]
        rendered = subprocess.run(
            [helm, "template", release, CHART, "--kube-version", NEWEST.version, *settings],
            capture_output=True,
            text=True,
        )
        assert rendered.returncode == 0, rendered.stderr
        assert "kind: DaemonSet" in rendered.stdout


def test_the_job(prometheus_tools: Tools, tmp_path: Path) -> None:
    (job,) = re.findall(r"```yaml\n(.*?)```", SECTION, re.DOTALL)
    static = job.replace("kubernetes_sd_configs: [{role: pod}]", "static_configs: []")
    assert static != job, "Debian's build knows no Kubernetes"
    (tmp_path / "prometheus.yml").write_text(static)
    asked: list[str | Path] = [prometheus_tools.promtool, "check", "config", tmp_path / "prometheus.yml"]
    said = subprocess.run(asked, capture_output=True, text=True)
    assert said.returncode == 0, said.stdout + said.stderr


@pytest.mark.parametrize("name", [name for name in VALUES if not name.startswith(("deploy.", "kubelet."))])
def test_values_that_are_named_exist(name: str) -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    for part in name.split("."):
        assert part in values, name
        values = values[part]


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#]+)\)", SECTION))
def test_links(link: str) -> None:
    assert (ROOT / link).exists()
