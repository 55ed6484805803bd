"""The real allocators and CEL of a release (`real/main.go`), asked what case files ask."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.realparts import binaries

Json = dict[str, Any]


def built(version: str, say: binaries.Say) -> Path:
    """With the modules of a release: `v0.37.2` of Kubernetes 1.37.2. Raises PartsUnavailable."""
    return binaries.own(
        Path(__file__).with_name("real"), say, f"k8s.io/dynamic-resource-allocation@{version}"
    )


def answered(program: Path, questions: Sequence[Json]) -> list[Json]:
    """Its answers, in their order."""
    done = subprocess.run([program], input=json.dumps(questions), capture_output=True, text=True, check=True)
    found: list[Json] = json.loads(done.stdout)
    return found
