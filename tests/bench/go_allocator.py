"""The scheduler's own allocator, in Go, asked what ours is asked: what deciding takes at least."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from dratui.api.model import Claim
from dratui.cluster.store import Store
from tests.realparts.binaries import own

MODULE: Final = "k8s.io/dynamic-resource-allocation@v0.36.3"


def asked(store: Store, claim: Claim, slices: Sequence[str]) -> dict[str, Any]:
    """`milliseconds` on all nodes, and on how many it `fits`. `slices`: the store's, as the API server has them.

    Raises PartsUnavailable.
    """
    program = own(Path(__file__).with_name("floor"), lambda line: print(line, file=sys.stderr), MODULE)
    requests = [
        {
            "name": each.name,
            "exactly": {
                "deviceClassName": each.device_class,
                "allocationMode": each.mode,
                "count": each.count,
                "selectors": _selectors(each.selectors),
            },
        }
        for each in claim.requests
    ]
    named = {"name": claim.name, "namespace": claim.namespace}
    question = {
        "nodes": [
            {"metadata": {"name": node.name, "labels": dict(node.labels)}} for node in store.nodes.values()
        ],
        "slices": [json.loads(each) for each in slices],
        "classes": [
            {"metadata": {"name": each.name}, "spec": {"selectors": _selectors(each.selectors)}}
            for each in store.classes.values()
        ],
        "claims": [{"metadata": named, "spec": {"devices": {"requests": requests}}}],
        "held": [key._asdict() for key in store.claims_of_device],
    }
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(question, file)
        file.flush()
        done = subprocess.run([program, file.name], check=True, stdout=subprocess.PIPE)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _selectors(sources: Sequence[str]) -> list[dict[str, Any]]:
    return [{"cel": {"expression": source}} for source in sources]
