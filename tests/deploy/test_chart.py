"""The Helm chart: the real helm lints and renders it, the real API server takes what it renders, and nobody gets more
rights than are needed."""

import json
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from dratui_agent import __version__
from dratui_agent.exporter.web_config import read as read_web_config

from tests.agent.driver import GIB, FakeDriver
from tests.agent.scraped import scraped_node
from tests.deploy import CHART
from tests.realparts.controlplane import ControlPlane
from tests.realparts.kubectl import KubectlError
from tests.realparts.prometheus import Tools
from tests.realparts.releases import USUAL

HASH = "$2b$04$abcdefghijklmnopqrstuuC5FNqRXLZ4NxXbWzC4sP3cPOQcbnz2m"
PERSON = {"kind": "User", "name": "jane", "apiGroup": "rbac.authorization.k8s.io"}
KEYS = {"username": {"name": "login", "key": "user"}, "password": {"name": "login", "key": "password"}}

Values = Mapping[str, Any]
Document = dict[str, Any]

VARIANTS: Mapping[str, Values] = {
    "default": {},
    "least": {
        "attribution": {"enabled": False},
        "runtimeClassName": "",
        "affinity": None,
        "service": {"create": False},
    },
    "mig only": {"attribution": {"enabled": False}, "mig": {"monitor": True}},
    "tls": {"web": {"tls": {"secretName": "agent-tls"}}, "podMonitor": {"create": True}},
    "mutual tls": {
        "web": {"tls": {"secretName": "agent-tls", "requireClientCertificates": True, "minVersion": "TLS13"}}
    },
    "passwords": {
        "web": {"users": {"prometheus": HASH}},
        "podMonitor": {"create": True, "labels": {"release": "prometheus"}, "basicAuth": KEYS},
        "serviceMonitor": {"create": True, "basicAuth": KEYS, "tlsConfig": {"insecureSkipVerify": True}},
    },
    "tokens": {
        "web": {"bearerTokens": True, "readers": [PERSON]},
        "attribution": {"apiServer": True},
        "podMonitor": {"create": True, "authorization": {"credentials": {"name": "token", "key": "token"}}},
    },
    "plugin": {
        "kubeletPlugin": {"enabled": True, "driverName": "accelerator.example.com"},
        "attribution": {"kubeletDir": "/var/lib/other/kubelet"},
    },
    "plugin alone": {
        "kubeletPlugin": {"enabled": True, "partitionable": True, "cdiDir": "/etc/cdi"},
        "attribution": {"enabled": False},
    },
    "all": {
        "mig": {"monitor": True},
        "attribution": {"processes": True},
        "dcgmNames": True,
        "dashboard": {"rbac": {"subjects": [PERSON]}},
        "prometheusRule": {"create": True},
        "grafanaDashboard": {"create": True},
        "extraArgs": ["--log.format=json"],
        "podLabels": {"team": "platform"},
        "podAnnotations": {"note": "a: b"},
        "imagePullSecrets": [{"name": "registry"}],
        "nodeSelector": {"pool": "gpu"},
    },
}

Render = Callable[..., list[Document]]


def asked(helm: Path, *arguments: str, values: Values | None = None) -> "subprocess.CompletedProcess[str]":
    said = {"image": {"repository": "registry.example/dratui-agent"}, **(values or {})}
    return subprocess.run(
        [helm, *arguments, CHART, "--kube-version", USUAL.version, "--values", "-"],
        input=yaml.safe_dump(said),
        capture_output=True,
        text=True,
    )


@pytest.fixture
def render(helm: Path) -> Render:
    def rendered(values: Values, namespace: str = "dratui") -> list[Document]:
        done = asked(helm, "template", "dratui", "-n", namespace, values=values)
        assert done.returncode == 0, done.stderr
        return [document for document in yaml.safe_load_all(done.stdout) if document]

    return rendered


@pytest.fixture(scope="session")
def operator(control_plane: ControlPlane) -> Iterator[ControlPlane]:
    """A cluster that knows Prometheus Operator's kinds."""
    kinds = yaml.safe_dump(yaml.safe_load(Path(__file__).with_name("monitoring-crds.yaml").read_text()))
    control_plane.apply(kinds)
    control_plane.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
    yield control_plane
    control_plane.kubectl("delete", "--wait=false", "-f", "-", input=kinds)


def one(documents: list[Document], kind: str) -> Document:
    (found,) = [document for document in documents if document["kind"] == kind]
    return found


@pytest.mark.parametrize("values", VARIANTS.values(), ids=VARIANTS.keys())
def test_helm_has_nothing_to_say(helm: Path, values: Values) -> None:
    linted = asked(helm, "lint", "--strict", values=values)
    said = linted.stdout + linted.stderr
    assert linted.returncode == 0, said
    assert not re.search(r"\[(WARNING|ERROR)\]", said), said


@pytest.mark.parametrize("values", VARIANTS.values(), ids=VARIANTS.keys())
def test_the_api_server_takes_all_that_is_rendered(
    operator: ControlPlane, namespace: str, render: Render, values: Values
) -> None:
    documents = yaml.safe_dump_all(render(values, namespace))
    operator.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", "-", input=documents)


def test_a_field_that_a_monitor_does_not_have_would_be_refused(
    operator: ControlPlane, namespace: str, render: Render
) -> None:
    monitor = one(render({"podMonitor": {"create": True}}, namespace), "PodMonitor")
    monitor["spec"]["podMetricsEndpoints"][0]["relabelConfigs"] = []
    with pytest.raises(KubectlError, match="unknown field"):
        operator.kubectl(
            "apply", "--dry-run=server", "--validate=strict", "-f", "-", input=yaml.safe_dump(monitor)
        )


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"image": {}}, "image.repository"),
        ({"podMonitor": {"crate": True}}, "crate"),
        ({"web": {"users": {"jane": "secret"}}}, "/web/users/jane"),
        ({"web": {"users": {"jane": HASH}}, "podMonitor": {"create": True}}, "basicAuth or authorization"),
        ({"interval": "often"}, "/interval"),
        ({"kubeletPlugin": {"enabled": True, "driverName": "gpu.nvidia.com/x"}}, "/kubeletPlugin/driverName"),
    ],
)
def test_values_that_are_wrong_are_refused_by_name(helm: Path, values: Values, said: str) -> None:
    refused = asked(helm, "template", "dratui", values=values)
    assert refused.returncode
    assert said in refused.stderr


def pod_of(documents: list[Document]) -> Document:
    pod: Document = one(documents, "DaemonSet")["spec"]["template"]["spec"]
    return pod


@pytest.mark.parametrize("values", VARIANTS.values(), ids=VARIANTS.keys())
def test_the_agent_has_the_least_rights(render: Render, values: Values) -> None:
    documents = render(values)
    pod = pod_of(documents)
    (agent,) = pod["containers"]
    plugin = values.get("kubeletPlugin", {})
    cuts = plugin.get("partitionable", False)
    mig = values.get("mig", {}).get("monitor", False) or cuts
    added = ["SYS_ADMIN", "MKNOD"] if cuts else ["SYS_ADMIN"] if mig else []
    assert agent["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"], **({"add": added} if added else {})},
    }
    of_kubelet = values.get("attribution", {}).get("kubeletDir", "/var/lib/kubelet")
    attribution = values.get("attribution", {}).get("enabled", True)
    read = {f"{of_kubelet}/pod-resources", "/var/run/cdi"} if attribution else set()
    if values.get("attribution", {}).get("processes"):
        read.add("/var/log/containers")
    written = set()
    if plugin:
        driver = plugin.get("driverName", "gpu.dratui.dev")
        written = {f"{of_kubelet}/plugins/{driver}", f"{of_kubelet}/plugins_registry"}
        written |= {plugin.get("cdiDir", "/var/run/cdi"), *(["/dev"] if cuts else [])}
    assert not pod.keys() & {"hostNetwork", "hostIPC"}
    assert pod.get("hostPID", False) is ("/var/log/containers" in read)
    assert pod["securityContext"]["runAsUser"] == (0 if attribution or mig or plugin else 65532)
    on_host = {
        volume["name"]: volume["hostPath"]["path"]
        for volume in pod.get("volumes", ())
        if "hostPath" in volume
    }
    assert {*on_host.values()} == read | written
    writing = [mount for mount in agent.get("volumeMounts", ()) if not mount.get("readOnly")]
    assert {on_host[mount["name"]] for mount in writing} == written
    assert all(mount["mountPath"] in written for mount in writing), "kubelet is told these paths"
    bindings = [document for document in documents if document["kind"].endswith("RoleBinding")]
    own = [s for binding in bindings for s in binding["subjects"] if s["name"] == "dratui-agent"]
    asks = bool(
        plugin or values.get("web", {}).get("bearerTokens") or values.get("attribution", {}).get("apiServer")
    )
    assert (bool(own), pod["automountServiceAccountToken"]) == (asks, asks)


def test_the_toolkit_refuses_to_monitor_mig_without_its_capability(render: Render) -> None:
    """NVIDIA's toolkit panics at the variable without it, so both or none are there."""
    plugin = {"enabled": True, "partitionable": True}
    for monitor, values in (
        (False, {}),
        (True, {"mig": {"monitor": True}}),
        (True, {"kubeletPlugin": plugin}),
    ):
        (agent,) = pod_of(render(values))["containers"]
        assert any(each["name"] == "NVIDIA_MIG_MONITOR_DEVICES" for each in agent["env"]) is monitor
        assert ("add" in agent["securityContext"]["capabilities"]) is monitor


@pytest.mark.parametrize("values", VARIANTS.values(), ids=VARIANTS.keys())
def test_the_agent_knows_its_flags(render: Render, values: Values) -> None:
    from dratui_agent.cli import _parser

    (agent,) = pod_of(render(values))["containers"]
    _parser().parse_args(agent["args"])


def test_the_agent_reads_the_web_config(render: Render, tmp_path: Path) -> None:
    for name in ("tls", "mutual tls", "passwords"):
        text = one(render(VARIANTS[name]), "Secret")["stringData"]["web.config.yml"]
        (tmp_path / "web.config.yml").write_text(text)
        config = read_web_config(tmp_path / "web.config.yml")
        mounted = {m["mountPath"] for m in pod_of(render(VARIANTS[name]))["containers"][0]["volumeMounts"]}
        if config.tls is not None:
            assert str(config.tls.certificate.parent) in mounted
        assert bool(config.users) is (name == "passwords")


def test_probes_speak_as_the_agent_does(render: Render) -> None:
    def probe(name: str) -> Document:
        ready: Document = pod_of(render(VARIANTS[name]))["containers"][0]["readinessProbe"]
        return ready

    assert probe("default")["httpGet"] == {"path": "/-/ready", "port": 9402, "scheme": "HTTP"}
    assert probe("tls")["httpGet"]["scheme"] == "HTTPS"
    assert probe("mutual tls")["tcpSocket"] == {"port": 9402}


def test_the_port_is_called_what_the_dashboard_looks_for(render: Render) -> None:
    for name, port in (("default", "metrics"), ("tls", "https")):
        documents = render(VARIANTS[name])
        template = one(documents, "DaemonSet")["spec"]["template"]
        assert template["metadata"]["labels"]["app.kubernetes.io/name"] == "dratui-agent"
        assert [each["name"] for each in template["spec"]["containers"][0]["ports"]] == [port]
        assert one(documents, "Service")["spec"]["ports"][0]["name"] == port


def test_versions_and_rights_are_those_of_agent_and_readme(render: Render) -> None:
    assert yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"] == __version__
    readme = (CHART.parents[2] / "README.md").read_text()
    (rights,) = [
        text for text in re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL) if "ClusterRole" in text
    ]
    assert one(render({}), "ClusterRole")["rules"] == yaml.safe_load(rights)["rules"]


def test_rules_and_dashboard_are_the_ones_of_the_repository(render: Render) -> None:
    documents = render(VARIANTS["all"])
    assert one(documents, "PrometheusRule")["spec"] == yaml.safe_load(
        (CHART / "files/alerts.yaml").read_text()
    )
    shown = json.loads(one(documents, "ConfigMap")["data"]["dratui.json"])
    assert shown == json.loads((CHART / "files/dashboard.json").read_text())


def test_helm_installs_it_and_the_cluster_runs_it(operator: ControlPlane, namespace: str, helm: Path) -> None:
    """On every node that has the label; kwok plays the nodes."""
    release = f"dratui-{namespace}"
    node = f"gpu-{namespace}"
    operator.apply(NODE.replace("NODE", node))
    values = {
        "image": {"repository": "registry.example/dratui-agent"},
        "runtimeClassName": node,
        "nodeSelector": {"test": node},
    }
    where = ["--namespace", namespace, "--kubeconfig", str(operator.kubeconfig())]
    installed = subprocess.run(
        [helm, "install", release, CHART, *where, "--values", "-"],
        input=yaml.safe_dump(values),
        capture_output=True,
        text=True,
    )
    try:
        assert installed.returncode == 0, installed.stderr
        assert f"DaemonSet {release}-agent" in installed.stdout

        def running() -> list[str]:
            pods = operator.objects("pods", "-n", namespace, "-l", "app.kubernetes.io/name=dratui-agent")
            return [pod["spec"]["nodeName"] for pod in pods if pod["status"]["phase"] == "Running"]

        operator.wait(lambda: running() == [node], 60, "the agent to run on the node")
    finally:
        subprocess.run([helm, "uninstall", release, *where], check=True, capture_output=True)
        operator.kubectl("delete", "node,runtimeclass", node, "--wait=false")


NODE = """
apiVersion: v1
kind: Node
metadata:
  name: NODE
  labels: {nvidia.com/gpu.present: "true", test: NODE, type: kwok}
  annotations: {kwok.x-k8s.io/node: fake}
spec: {taints: [{key: nvidia.com/gpu, effect: NoSchedule}]}
status: {allocatable: {cpu: "8", memory: 64Gi, pods: "110"}, capacity: {cpu: "8", memory: 64Gi, pods: "110"}}
---
apiVersion: node.k8s.io/v1
kind: RuntimeClass
metadata: {name: NODE}
handler: nvidia
"""


def test_who_looks_may_read_and_reach_the_agents_and_nothing_else(
    control_plane: ControlPlane, namespace: str, helm: Path
) -> None:
    """As the API server judges somebody to whom the chart gives its roles."""
    person = f"jane-{namespace}"
    subject = {**PERSON, "name": person}
    done = asked(
        helm,
        *("template", f"dratui-{namespace}", "-n", namespace),
        values={"dashboard": {"rbac": {"subjects": [subject]}}},
    )
    roles = [d for d in yaml.safe_load_all(done.stdout) if d and d["apiVersion"].startswith("rbac.")]
    control_plane.apply(yaml.safe_dump_all(roles))
    try:

        def may(verb: str, what: str, where: str) -> bool:
            kind, _, part = what.partition("/")
            of_part = [f"--subresource={part}"] if part else []  # else kubectl takes it for an object's name
            try:
                said = control_plane.kubectl(
                    "auth", "can-i", verb, kind, *of_part, "-n", where, "--as", person
                )
            except KubectlError:
                return False
            return said.strip() == "yes"

        assert may("get", "pods/proxy", namespace)
        assert not may("get", "pods/proxy", "default")
        for verb in ("create", "update", "patch", "delete"):
            for what in ("pods", "pods/proxy", "pods/exec", "secrets", "resourceclaims", "nodes", "*"):
                assert not may(verb, what, namespace), (verb, what)
        for what in ("secrets", "configmaps", "pods/exec", "pods/log", "nodes/proxy"):
            assert not may("get", what, namespace), what
        for kind in ("resourceslices", "resourceclaims", "pods", "nodes", "events", "deviceclasses"):
            assert may("watch", kind, "default"), kind

        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectRulesReview",
            "spec": {"namespace": namespace},
        }
        said = control_plane.kubectl(
            "create", "--validate=false", "-f", "-", "-o", "json", "--as", person, input=json.dumps(review)
        )
        rules = json.loads(said)["status"]["resourceRules"]
        writing = [r for r in rules if {*r["verbs"]} - {"get", "list", "watch"}]
        assert all(
            {*rule["apiGroups"]} <= {"authorization.k8s.io", "authentication.k8s.io"} for rule in writing
        ), "only what everybody may: ask what one may"

        def proxied(where: str) -> str:
            with pytest.raises(KubectlError) as refused:
                control_plane.kubectl(
                    "get", "--raw", f"/api/v1/namespaces/{where}/pods/x:9402/proxy/", "--as", person
                )
            return str(refused.value)

        assert "NotFound" in proxied(namespace), "may, but there is no such pod"
        assert "Forbidden" in proxied("default")
    finally:
        control_plane.kubectl("delete", "--wait=false", "-f", "-", input=yaml.safe_dump_all(roles))


def test_a_scrape_as_the_monitor_says_keeps_what_the_agent_says_of_holders(
    render: Render, driver: FakeDriver, tmp_path: Path, prometheus_tools: Tools
) -> None:
    """Prometheus Operator gives a target its pod's namespace and name: a device that nobody holds must not get them."""
    (endpoint,) = one(render({"podMonitor": {"create": True}}), "PodMonitor")["spec"]["podMetricsEndpoints"]
    snake = {"sourceLabels": "source_labels", "targetLabel": "target_label"}
    relabel = [
        {snake.get(key, key): value for key, value in each.items()} for each in endpoint["relabelings"]
    ]
    target = {
        "__meta_kubernetes_pod_node_name": "node-1",
        "namespace": "dratui",
        "pod": "dratui-agent-x2k9f",
        "container": "agent",
    }
    job = {"honor_labels": endpoint["honorLabels"], "relabel_configs": relabel}
    with scraped_node(driver, tmp_path, prometheus_tools, target, **job) as scraped:
        used = "sum by (namespace) (dratui_gpu_memory_used_bytes)"
        scraped.comes_to(
            "namespace", used, {"ml-team": 62 * GIB, "vision": 5 * GIB, "shared": 5 * GIB, "": 72 * GIB}
        )
        scraped.comes_to("node", "dratui_agent_ready", {"node-1": 1})
        scraped.comes_to("pod", "dratui_agent_ready", {"": 1})
