"""`dratui what-if` on a recording."""

import io
import json
import re
import sys
from importlib.resources import as_file, files
from pathlib import Path

import pytest

from dratui.cli import main

MANIFEST = """
apiVersion: resource.k8s.io/v1
kind: ResourceClaimTemplate
metadata: {name: one, namespace: ml}
spec:
  spec:
    devices:
      requests: [{name: gpu, exactly: {deviceClassName: gpu.nvidia.com}}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: train, namespace: ml}
spec:
  replicas: 9
  template:
    spec:
      containers: [{name: main, image: train, resources: {claims: [{name: gpu}]}}]
      resourceClaims: [{name: gpu, resourceClaimTemplateName: one}]
"""


@pytest.fixture
def demo() -> Path:
    with as_file(files("dratui") / "demo.rec") as path:
        return path


@pytest.fixture
def manifest(tmp_path: Path) -> str:
    path = tmp_path / "train.yaml"
    path.write_text(MANIFEST)
    return str(path)


def asked(capsys: pytest.CaptureFixture[str], demo: Path, manifest: str, *arguments: str) -> str:
    assert main(("what-if", "-f", manifest, "--from", str(demo), *arguments)) == 0
    return capsys.readouterr().out


def test_where_replicas_land_and_why_the_next_one_does_not(
    capsys: pytest.CaptureFixture[str], demo: Path, manifest: str
) -> None:
    lines = asked(capsys, demo, manifest).splitlines()
    assert lines[:4] == [
        "Deployment ml/train: 7 of 9 replicas fit, whichever of 3 nodes the scheduler takes.",
        "Runs out first: free devices (3 nodes).",
        "  2 on a100-1",
        "      train-0: gpu-2",
    ]
    assert "The next one does not fit:" in lines
    assert "  - claim batch/job-9-device-shdl7 ended: on h100-4" not in lines  # one of several
    assert "  - it tolerated example.com/repair=fan:NoSchedule: on h100-3" in lines
    assert "each is shown on the first node by name that fits" in "\n".join(lines)
    assert max(map(len, lines)) <= 120


def test_json_has_every_device_and_every_node(
    capsys: pytest.CaptureFixture[str], demo: Path, manifest: str
) -> None:
    (found,) = json.loads(asked(capsys, demo, manifest, "-o", "json"))["workloads"]
    assert (found["workload"], found["wanted"], found["fit"]) == ("Deployment ml/train", 9, 7)
    assert found["landings"][0] == {
        "replica": "train-0",
        "node": "a100-1",
        "devices": [
            {
                "claim": "train-0-gpu",
                "request": "gpu",
                "driver": "gpu.nvidia.com",
                "pool": "a100-1",
                "device": "gpu-2",
                "holder": "",
            }
        ],
        "shares": [],
        "plugin": {},
        "of": 3,
        "evicts": [],
    }
    assert found["whicheverNodes"] is True
    assert found["next"]["verdict"] == "does not fit"
    assert len(found["next"]["nodes"]) == 11


def test_all_that_fit_with_more_nodes(capsys: pytest.CaptureFixture[str], demo: Path, manifest: str) -> None:
    text = asked(capsys, demo, manifest, "--replicas", "max", "--add-node", "like=2*h100-1")
    assert text.startswith("Deployment ml/train: 23 more fit, whichever of 5 nodes the scheduler takes.")
    assert "  8 on h100-1-copy-2" in text
    assert "with 2 more nodes like h100-1, 8 devices each" in " ".join(text.split())


def test_what_it_would_take_from_whom(capsys: pytest.CaptureFixture[str], demo: Path, manifest: str) -> None:
    text = asked(capsys, demo, manifest, "--without", "pod/batch/job-3", "--without", "a100-1")
    assert text.startswith("Deployment ml/train: 6 of 9 replicas fit, whichever of 2 nodes")
    assert re.search(r"gpu-\d \(now held by claim batch/job-3-device-\w+ of job-3\)", text)
    assert "  2 on a100-1" not in text


def test_a_template_alone_from_stdin(
    capsys: pytest.CaptureFixture[str], demo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = MANIFEST.split("---")[0]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(template.encode())))
    text = asked(capsys, demo, "-", "--replicas", "2")
    assert text.startswith("ResourceClaimTemplate ml/one: 2 replicas fit, whichever of 3 nodes")


def test_a_folder_of_manifests(capsys: pytest.CaptureFixture[str], demo: Path, tmp_path: Path) -> None:
    template, deployment = MANIFEST.split("---")
    (tmp_path / "b.yaml").write_text(template)
    (tmp_path / "a.yml").write_text(deployment)
    (tmp_path / "README.md").write_text("kind: [")
    assert asked(capsys, demo, str(tmp_path)).startswith(
        "Deployment ml/train: 7 of 9 replicas fit, whichever"
    )


def test_a_folder_without_manifests(capsys: pytest.CaptureFixture[str], demo: Path, tmp_path: Path) -> None:
    assert main(("what-if", "-f", str(tmp_path), "--from", str(demo))) == 1
    assert "has no manifest" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (("--without", "nobody"), 1, "--without nobody: no claim, pod or node has that name"),
        (("--without", "deployment/x"), 1, "hint: claim, pod or node: NAME, NAMESPACE/NAME or"),
        (("-n", "other"), 2, "-n other: train is in namespace ml, as its manifest says"),
        (("--add-node", "h100-1"), 2, "is not LIKE=NODE"),
        (("--add-node", "like=nobody"), 1, "node 'nobody' not found"),
        (("--add-node", "like=9999999*h100-1"), 2, "from 1 to 5000 nodes"),
        (("--replicas", "none"), 2, "'none' is neither max nor a number"),
        (("-f", "/nowhere.yaml"), 1, "cannot read /nowhere.yaml"),
        (
            ("-f", "https://example.com/x.yaml"),
            2,
            "hint: curl -sL https://example.com/x.yaml | dratui what-if -f -",
        ),
    ],
)
def test_what_cannot_be_asked(
    *,
    capsys: pytest.CaptureFixture[str],
    demo: Path,
    manifest: str,
    arguments: tuple[str, ...],
    status: int,
    says: str,
) -> None:
    assert main(("what-if", "-f", manifest, "--from", str(demo), *arguments)) == status
    assert says in capsys.readouterr().err


def test_a_misspelt_field_is_named(capsys: pytest.CaptureFixture[str], demo: Path, tmp_path: Path) -> None:
    path = tmp_path / "train.yaml"
    path.write_text(MANIFEST.replace("deviceClassName", "deviceClass"))
    assert main(("what-if", "-f", str(path), "--from", str(demo))) == 2
    said = capsys.readouterr().err
    assert (
        "spec.spec.devices.requests[0].exactly.deviceClass: unknown field; did you mean deviceClassName?"
        in said
    )


def test_pods_that_wait_already_may_come_first(
    capsys: pytest.CaptureFixture[str], demo: Path, manifest: str
) -> None:
    notes = json.loads(asked(capsys, demo, manifest, "-o", "json"))["notes"]
    assert "7 pods that wait for devices already may be tried first, and take what is free" in notes


def test_rules_that_are_not_looked_at_are_said_beside_the_number(
    capsys: pytest.CaptureFixture[str], demo: Path, tmp_path: Path
) -> None:
    path = tmp_path / "train.yaml"
    rule = "affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: x}]}}"
    path.write_text(
        MANIFEST.replace("    spec:\n      containers", f"    spec:\n      {rule}\n      containers")
    )
    text = " ".join(asked(capsys, demo, str(path)).split())
    assert "Fewer may fit: what its pods say of podAntiAffinity is not looked at." in text
    assert "whichever" not in text
    assert "another order" not in text


def test_what_asks_for_nothing_is_told_before_the_cluster_is_asked(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "service.yaml"
    path.write_text("apiVersion: v1\nkind: Service\nmetadata: {name: web}")
    assert main(("what-if", "-f", str(path), "--kubeconfig", "/nowhere")) == 1
    assert "the manifests have no pods and no claims, but Service web" in capsys.readouterr().err


def test_what_no_pods_come_of_is_named(
    capsys: pytest.CaptureFixture[str], demo: Path, manifest: str, tmp_path: Path
) -> None:
    path = tmp_path / "others.yaml"
    kinds = "\n---\n".join(f"apiVersion: v1\nkind: Service\nmetadata: {{name: web-{n}}}" for n in range(30))
    path.write_text(kinds)
    text = " ".join(asked(capsys, demo, manifest, "-f", str(path)).split())
    assert "- left out, as no pods are known to come of it: Service web-0, Service web-1," in text
    assert "Service web-19 and 10 more" in text


def test_a_quota_that_lets_fewer_be_made_is_told_with_its_numbers(
    capsys: pytest.CaptureFixture[str], demo: Path, tmp_path: Path
) -> None:
    path = tmp_path / "train.yaml"
    path.write_text(MANIFEST.replace("namespace: ml", "namespace: modern"))
    name = "gpu.nvidia.com.deviceclass.resource.k8s.io/devices"
    text = " ".join(asked(capsys, demo, str(path)).split())
    assert f"But quota gpus lets only 2 of them be made: 2 of 4 {name} used, 1 each." in text
    (found,) = json.loads(asked(capsys, demo, str(path), "-o", "json"))["workloads"]
    assert found["quota"] == {"quota": "gpus", "resource": name, "hard": 4, "used": 2, "each": 1, "most": 2}
    text = " ".join(
        asked(capsys, demo, str(path), "--without", "pod/modern/render-0", "--replicas", "3").split()
    )
    assert "quota gpus" not in text


def test_what_cannot_be_tried_is_told_and_is_no_answer(
    capsys: pytest.CaptureFixture[str], demo: Path, tmp_path: Path
) -> None:
    path = tmp_path / "train.yaml"
    path.write_text(MANIFEST.split("---")[1])
    assert main(("what-if", "-f", str(path), "--from", str(demo))) == 1
    text = capsys.readouterr().out
    assert text.startswith("Deployment ml/train: claim template ml/one is not known: give its manifest, too,")
    assert "each is shown" not in text
    assert "not looked at" not in text


def test_a_node_may_be_replaced_by_others_like_it(
    capsys: pytest.CaptureFixture[str], demo: Path, manifest: str
) -> None:
    text = asked(capsys, demo, manifest, "--without", "node/h100-1", "--add-node", "like=h100-1")
    assert "h100-1-copy-1" in text
    assert text.startswith("Deployment ml/train: 9 replicas fit")


def test_no_manifest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(("what-if",)) == 2
    assert "-f/--filename" in capsys.readouterr().err
