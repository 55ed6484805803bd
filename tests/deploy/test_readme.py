"""What the README tells administrators to type works as it stands there."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.deploy import CHART
from tests.realparts.controlplane import ControlPlane
from tests.realparts.prometheus import Tools
from tests.realparts.releases import USUAL

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
SECTION = README.partition("## For cluster administrators")[2]
AS_DRIVER = README.partition("## As DRA driver")[2].partition("\n## ")[0]
VALUES = re.findall(r"`([a-z]+(?:\.[a-zA-Z]+)+)(?:=true)?`", SECTION)


def commands(section: str, tool: str) -> list[list[str]]:
    return [shlex.split(line) for line in section.splitlines() if line.strip().startswith(f"{tool} ")]


@pytest.mark.parametrize(
    ("section", "verbs"),
    [(SECTION, ["install", "upgrade"]), (AS_DRIVER, ["install"])],
    ids=["agent", "driver"],
)
def test_helms_commands(helm: Path, section: str, verbs: list[str]) -> None:
    settings: list[str] = []
    found = commands(section, "helm")
    assert [command[1] for command in found] == verbs
    for _, _, release, chart, *options in found:
        assert (ROOT / chart).samefile(CHART)
        settings += [part for n, flag in enumerate(options) if flag == "--set" for part in options[n : n + 2]]
        rendered = subprocess.run(
            [helm, "template", release, CHART, "--kube-version", USUAL.version, *settings],
            capture_output=True,
            text=True,
        )
        assert rendered.returncode == 0, rendered.stderr
        assert "kind: DaemonSet" in rendered.stdout


def test_the_pod_of_the_example_gets_a_class_that_the_chart_makes(
    helm: Path, control_plane: ControlPlane, namespace: str
) -> None:
    ((*_, path),) = [command for command in commands(AS_DRIVER, "kubectl") if command[1] == "apply"]
    example = (ROOT / path).read_text()
    options = ["--kube-version", USUAL.version, "--set", "kubeletPlugin.enabled=true,image.repository=x"]
    rendered = subprocess.run(
        [helm, "template", "dratui", CHART, *options], capture_output=True, text=True, check=True
    ).stdout
    classes = [
        d["metadata"]["name"] for d in yaml.safe_load_all(rendered) if d and d["kind"] == "DeviceClass"
    ]
    asked = [d for d in yaml.safe_load_all(example) if d["kind"] == "ResourceClaimTemplate"]
    (request,) = asked[0]["spec"]["spec"]["devices"]["requests"]
    assert request["exactly"]["deviceClassName"] in classes
    runtime = {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "handler": "nvidia"}
    control_plane.apply(yaml.safe_dump({**runtime, "metadata": {"name": f"nvidia-{namespace}"}}))
    try:
        manifest = example.replace("runtimeClassName: nvidia", f"runtimeClassName: nvidia-{namespace}")
        control_plane.kubectl(
            "apply", "--dry-run=server", "--validate=strict", "-n", namespace, "-f", "-", input=manifest
        )
    finally:
        control_plane.kubectl("delete", "runtimeclass", f"nvidia-{namespace}")


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


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#]+)\)", SECTION + AS_DRIVER))
def test_links(link: str) -> None:
    assert (ROOT / link).exists()
