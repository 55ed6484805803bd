"""`make demo-recording`: the demo, recorded by dratui itself from a real control plane that lives for three minutes.

Nothing in the file is made by hand: users create and delete, the real controllers, scheduler and API server answer,
kwok plays the nodes, and what only a kubelet or a driver would do is done here in their name: a pod that finishes, a
device that is reported sick, a pool that is published anew. What devices do is measured by real agents and read
through the API server's pod proxy; the library that they ask is the one of tests (`workloads`). All of it runs in a
lab (`tests.lab`), where the API server reaches addresses of pods.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from dratui.recording.format import RecordingFailure
from dratui.recording.reader import Reader
from tests.lab import namespaces
from tests.lab.cluster import Lab
from tests.realparts import binaries, partitionable, plugged, scenarios, workloads
from tests.realparts.controlplane import ControlPlane
from tests.realparts.unavailable import PartsUnavailable
from tests.realparts.workloads import Node

SCENARIOS = ("nvidia", "llm-d", "both-worlds")
TENANTS = Path(__file__).with_name("demo.yaml")
LARGEST = 1_000_000  # bytes: it is part of what everybody installs
PATIENCE = 60.0  # seconds for one thing to happen


class Cluster:
    """What users, kubelets and drivers do, and waiting until it had its effect."""

    def __init__(self, plane: ControlPlane, nodes: Mapping[str, Node], cdi: Path) -> None:
        self.plane = plane
        self.nodes = nodes  # with GPUs of NVIDIA's DRA driver
        self.cdi = cdi  # where the agent that is a driver itself writes specs

    def rest(self, seconds: float) -> None:
        """Let those who watch see it."""
        time.sleep(seconds)

    def create(
        self,
        namespace: str,
        name: str,
        *,
        template: str = "",
        claim: str = "",
        estate: str = "serving",
        annotations: Mapping[str, str] | None = None,
    ) -> None:
        """A user starts a pod with one claim."""
        wish = {"resourceClaimTemplateName": template} if template else {"resourceClaimName": claim}
        container = {
            "name": "main",
            "image": f"{name.partition('-')[0]}:1",
            "resources": {"claims": [{"name": "device"}]},
        }
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"namespace": namespace, "name": name, "annotations": annotations or {}},
            "spec": {
                "nodeSelector": {"estate": estate},
                "containers": [container],
                "resourceClaims": [{"name": "device", **wish}],
            },
        }
        self.plane.kubectl("create", "-f", "-", input=json.dumps(pod))

    def running(self, namespace: str, *names: str) -> None:
        """Wait until they run."""
        self._pods(namespace, names, "to run", lambda pod: pod["status"]["phase"] == "Running")

    def waiting(self, namespace: str, name: str) -> None:
        """Wait until the scheduler has said why it cannot."""
        said = "PodScheduled"
        self._pods(
            namespace,
            [name],
            "to be refused by the scheduler",
            lambda pod: any(
                c["type"] == said and c.get("message") for c in pod["status"].get("conditions", ())
            ),
        )

    def finish(self, namespace: str, *names: str) -> None:
        """Kubelet's part: the containers have ended, and well."""
        for name in names:
            ended = {
                "name": "main",
                "image": f"{name.partition('-')[0]}:1",
                "imageID": "",
                "ready": False,
                "restartCount": 0,
            }
            ended["state"] = {"terminated": {"exitCode": 0, "reason": "Completed"}}
            status = {"phase": "Succeeded", "containerStatuses": [ended]}
            patch = json.dumps({"status": status})
            self.plane.kubectl("patch", "pod", name, "-n", namespace, "--subresource=status", "-p", patch)

    def tidy(self) -> None:
        """Somebody removes the newest CDI spec."""
        max(self.cdi.iterdir(), key=lambda path: path.stat().st_mtime_ns).unlink()

    def delete(self, kind: str, namespace: str, *names: str) -> None:
        """A user deletes."""
        self.plane.kubectl("delete", kind, "-n", namespace, "--wait=false", *names)

    def slice_of(self, pool: str) -> dict[str, Any]:
        """The one slice of a pool."""
        return next(s for s in self.plane.objects("resourceslices") if s["spec"]["pool"]["name"] == pool)

    def publish(self, verb: str, slice_: dict[str, Any]) -> None:
        """A driver's part: `create` or `replace` a slice."""
        self.plane.kubectl(verb, "-f", "-", input=json.dumps(slice_))

    def _pods(
        self, namespace: str, names: Sequence[str], what: str, condition: Callable[[dict[str, Any]], bool]
    ) -> None:
        def holds() -> bool:
            pods = {pod["metadata"]["name"]: pod for pod in self.plane.objects("pods", "-n", namespace)}
            return all(name in pods and condition(pods[name]) for name in names)

        self.plane.wait(holds, PATIENCE, f"{namespace}/{', '.join(names)} {what}")


# --- the story, in order -----------------------------------------------------------------------------


def tenants_ask_for_what_cannot_be_had(cluster: Cluster) -> None:
    """Before the recording begins: a product that is not there, and a template that does not exist."""
    cluster.create("research", "llama-1", template="b200")
    cluster.create("research", "finetune-3", template="fine-tuning")
    cluster.waiting("research", "llama-1")


def a_card_is_cut(cluster: Cluster) -> None:
    """Each tenant takes a piece of one card; what overlaps becomes impossible."""
    for namespace, name, template in (
        ("vision", "ocr-1", "cut-1g10gb"),
        ("ml-team", "sweep-1", "cut-2g20gb"),
        ("batch", "index-1", "cut-3g40gb"),
    ):
        cluster.create(namespace, name, template=template, estate="sharing")
        cluster.running(namespace, name)
        cluster.rest(1)


def parts_are_made_for_claims(cluster: Cluster) -> None:
    """On lab-1 the agent is the driver: it cuts the GPU when a claim wants a part, and says what it did."""
    for namespace, name, profile in (
        ("notebooks", "tutorial-1", "1g.10gb"),
        ("research", "draft-1", "3g.40gb"),
    ):
        cluster.create(
            namespace,
            name,
            template=f"part-{profile.replace('.', '')}",
            estate="lab",
            annotations=plugged.OURS,
        )
        cluster.running(namespace, name)
        cluster.rest(1)


def somebody_tidies_up(cluster: Cluster) -> None:
    """A CDI spec is deleted that a claim still needs: the next container of its pod would not start."""
    cluster.tidy()


def jobs_come(cluster: Cluster) -> None:
    """Devices are allocated one after the other."""
    for name in ("job-1", "job-2", "job-3"):
        cluster.create("batch", name, template="one-gpu")
        cluster.running("batch", name)
        cluster.rest(2)
    cluster.create("vision", "eval-1", template="h100")
    cluster.create("vision", "eval-2", template="h100")
    cluster.running("vision", "eval-1", "eval-2")


def three_pods_share_a_claim(cluster: Cluster) -> None:
    """One device, three consumers."""
    for name in ("ablation-a", "ablation-b", "ablation-c"):
        cluster.create("ml-team", name, claim="ablation-gpu")
        cluster.running("ml-team", name)
        cluster.rest(1.5)


def a_claim_was_never_made(cluster: Cluster) -> None:
    """A typo: nobody says that there is no such claim, neither the scheduler nor an event."""
    cluster.create("ml-team", "train-7", claim="train-7-gpus")


def notebooks_fill_the_mig_devices(cluster: Cluster) -> None:
    """Seven are free; the eighth notebook waits."""
    for name in ("ada", "alan", "barbara", "edsger", "grace", "ken", "leslie", "margaret"):
        cluster.create("notebooks", f"notebook-{name}", template="mig-1g")
        cluster.rest(1)
    cluster.waiting("notebooks", "notebook-margaret")


def a_device_falls_off_the_bus(cluster: Cluster) -> None:
    """Xid 79: the driver taints the device, the job on it goes on until it notices."""
    cluster.nodes["h100-3"].lost.add(1)
    slice_ = cluster.slice_of("h100-3")
    slice_["spec"]["devices"][1]["taints"] = [
        {"key": "gpu.nvidia.com/xid", "value": "79", "effect": "NoSchedule"}
    ]
    cluster.publish("replace", slice_)


def the_cluster_fills_up(cluster: Cluster) -> None:
    """Training takes what is left; the next job waits for any GPU."""
    cluster.create("ml-team", "train-8", template="two-gpus")
    cluster.running("ml-team", "train-8")
    cluster.rest(2)
    cluster.create("research", "probe-1", template="one-gpu")
    cluster.running("research", "probe-1")
    cluster.rest(2)
    cluster.create("batch", "job-8", template="one-gpu")
    cluster.create("batch", "job-9", template="one-gpu")
    cluster.waiting("batch", "job-9")


def a_job_ends_and_another_gets_its_device(cluster: Cluster) -> None:
    """job-9 waited for any GPU; job-1 and job-2 give theirs back."""
    cluster.finish("batch", "job-1", "job-2")
    cluster.running("batch", "job-8", "job-9")


def a_quota_is_reached(cluster: Cluster) -> None:
    """research may claim two devices: the claim for a third is refused, so its pod never reaches the scheduler."""
    cluster.create("research", "probe-2", template="one-gpu")


def a_driver_rolls_out(cluster: Cluster) -> None:
    """The next generation of a pool comes in two slices; until the second is there the pool is incomplete."""
    old = cluster.slice_of("gaudi-1")
    devices, pool = old["spec"]["devices"], old["spec"]["pool"]
    next_pool = pool | {"generation": pool["generation"] + 1, "resourceSliceCount": 2}
    half = len(devices) // 2
    cluster.publish("replace", old | {"spec": old["spec"] | {"pool": next_pool, "devices": devices[:half]}})
    cluster.rest(7)
    second = {
        "apiVersion": old["apiVersion"],
        "kind": old["kind"],
        "metadata": {"name": f"{old['metadata']['name']}-2"},
        "spec": old["spec"] | {"pool": next_pool, "devices": devices[half:]},
    }
    cluster.publish("create", second)


def the_api_server_restarts(cluster: Cluster) -> None:
    """Everything goes stale, and comes back with nothing lost."""
    cluster.plane.kill_apiserver()
    cluster.rest(4)
    cluster.plane.start_apiserver()


def a_claim_is_deleted_while_it_is_held(cluster: Cluster) -> None:
    """It stays until its pods have ended; a pod that comes now waits, and nobody says why."""
    cluster.delete("resourceclaim", "ml-team", "ablation-gpu")
    cluster.rest(2)
    cluster.create("ml-team", "ablation-d", claim="ablation-gpu")


def the_device_is_back(cluster: Cluster) -> None:
    """After a reset the driver takes the taint away."""
    cluster.nodes["h100-3"].lost.clear()
    slice_ = cluster.slice_of("h100-3")
    del slice_["spec"]["devices"][1]["taints"]
    cluster.publish("replace", slice_)


def pretraining_ends_and_the_next_begins(cluster: Cluster) -> None:
    """pretrain-2 waited for a whole node since the beginning."""
    cluster.finish("ml-team", "pretrain-0")
    cluster.running("ml-team", "pretrain-2")


def the_day_ends(cluster: Cluster) -> None:
    """The last consumer of the deleted claim goes, the claim goes with it; notebooks close, one gets its turn."""
    cluster.delete("pod", "ml-team", "ablation-a", "ablation-b", "ablation-c")
    cluster.rest(3)
    cluster.delete("pod", "notebooks", "notebook-ada", "notebook-ken")
    cluster.running("notebooks", "notebook-margaret")
    cluster.delete("pod", "notebooks", "tutorial-1")
    cluster.rest(3)
    cluster.finish("vision", "eval-1", "eval-2")
    cluster.finish("ml-team", "train-8")


STORY: Sequence[tuple[Callable[[Cluster], None], float]] = (
    (a_card_is_cut, 3),
    (parts_are_made_for_claims, 4),
    (jobs_come, 6),
    (three_pods_share_a_claim, 6),
    (a_claim_was_never_made, 5),
    (notebooks_fill_the_mig_devices, 8),
    (a_device_falls_off_the_bus, 8),
    (the_cluster_fills_up, 10),
    (a_job_ends_and_another_gets_its_device, 8),
    (a_quota_is_reached, 8),
    (a_driver_rolls_out, 8),
    (somebody_tidies_up, 2),
    (the_api_server_restarts, 10),
    (a_claim_is_deleted_while_it_is_held, 8),
    (the_device_is_back, 8),
    (pretraining_ends_and_the_next_begins, 8),
    (the_day_ends, 12),
)
"""Each step, and the seconds to look at it."""


# --- the recording -----------------------------------------------------------------------------------


def record(lab: Lab, path: Path) -> None:
    """Let the cluster live through the story while dratui records it."""
    plane = lab.plane
    scenarios.apply(plane, *SCENARIOS)
    plane.apply(TENANTS)
    card = [partitionable.node("h100-5"), *partitionable.slices("h100-5")]
    templates = [
        partitionable.template(namespace, profile)
        for namespace, profile in (("vision", "1g.10gb"), ("ml-team", "2g.20gb"), ("batch", "3g.40gb"))
    ]
    parts = [plugged.template("notebooks", "1g.10gb"), plugged.template("research", "3g.40gb")]
    plane.apply(yaml.safe_dump_all([*card, *templates, *parts]))
    for namespace in ("research", "notebooks"):
        plane.wait_for_namespace(namespace)
    nodes = {name: workloads.node(lab, name, devices) for name, devices in workloads.published(plane).items()}
    with workloads.Workloads(plane, nodes), plugged.PluginNode(lab) as own:
        cluster = Cluster(plane, nodes, own.cdi)
        tenants_ask_for_what_cannot_be_had(cluster)
        scenarios.settled(plane, *SCENARIOS)
        for name, node in nodes.items():
            lab.agent(name, node.driver, interval="1s", kubelet=node.kubelet.socket)
        _record(cluster, path)


def _record(cluster: Cluster, path: Path) -> None:
    viewer = str(cluster.plane.kubeconfig("viewer"))
    argv = [
        *(sys.executable, "-m", "dratui", "record", str(path)),
        *("--metrics-from", "agent", "--samples", "7s", "--kubeconfig", viewer),
    ]
    with subprocess.Popen(argv) as recorder:
        try:
            cluster.plane.wait(lambda: _began(path), PATIENCE, "the recording to begin")
            cluster.rest(6)
            for step, seconds in STORY:
                _say(f"{step.__name__.replace('_', ' ')}")
                step(cluster)
                cluster.rest(seconds)
        finally:
            recorder.send_signal(signal.SIGINT)
    if recorder.returncode:
        raise RecordingFailure(f"dratui record ended with status {recorder.returncode}")


def _began(path: Path) -> bool:
    try:
        with Reader(path) as reader:
            return any(line.stream == "pods" and line.page is not None for line in reader.lines())
    except RecordingFailure:
        return False


def _check(path: Path) -> None:
    size = path.stat().st_size
    if size >= LARGEST:
        raise RecordingFailure(f"the recording has {size} bytes, {LARGEST} are the most")
    with Reader(path) as reader:
        lines = sum(1 for _ in reader.lines())
        if reader.torn or reader.skipped:
            raise RecordingFailure(f"the recording cannot be read to its end: {reader.torn}")
        _say(f"{lines} lines, {reader.duration:.0f} s, {size / 1000:.0f} kB")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main(argv: Sequence[str]) -> int:
    [target] = argv
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that it, too, ends in the cleaning up
    try:
        if namespaces.inside():
            with Lab() as lab:
                record(lab, Path(target))
            return 0
        if why := namespaces.impossible():
            raise PartsUnavailable(why)
        # Beside the target, so that the old demo is replaced at once and only by a good one.
        with tempfile.TemporaryDirectory(dir=Path(target).parent) as folder:
            path = Path(folder) / "demo.rec"
            binaries.ensure(_say)  # inside there is no network
            inside = [sys.executable, "-m", "tests.realparts.demo", str(path)]
            with namespaces.entered(inside) as lab:
                if lab.wait():
                    return 1
            _check(path)
            os.replace(path, target)
    except (PartsUnavailable, RecordingFailure, TimeoutError) as failure:
        _say(str(failure))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
