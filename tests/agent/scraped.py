"""A node whose agent a real Prometheus scrapes over TLS and with a password."""

import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bcrypt
import trustme

from tests.agent.driver import GIB, FakeDriver, cut, gpu
from tests.agent.kubelet import Kubelet, pod
from tests.agent.process import Agent
from tests.realparts.polling import wait
from tests.realparts.prometheus import Prometheus, Tools

PATIENCE = 30.0
RULES = Path(__file__).parents[2] / "deploy" / "alerts.yaml"
UID = "0a1b2c3d-0000-1111-2222-33334444555"  # and one more digit
GPUS = [f"GPU-0000000{n}-0000-0000-0000-000000000000" for n in range(3)]
MIGS = [f"MIG-1{gi}000000-0000-0000-0000-000000000000" for gi in (1, 2)]
LOGIN = "Basic cHJvbTpzZWNyZXQ="  # prom:secret

ACTIVE = re.compile(r'dratui_gpu_graphics_active_ratio\{.*uuid="MIG-.*namespace="vision"')

NODE = {
    "count": "3",
    **gpu(0, **{"temperature_threshold.1": "87"}),
    **gpu(1, mig_mode="1,1", memory=f"{80 * GIB},{GIB},{69 * GIB},{10 * GIB}", gpm="1"),
    **cut(1, 0, gi=1, profile=19, start=0, size=1),
    **cut(1, 1, gi=2, profile=19, start=1, size=1),
    **gpu(2, utilization="0,0", power="70000", energy="!999"),
}
PODS = [
    pod("ml-team", "train-7", "train-7-gpu", f"{UID}1", "gpu-0"),
    pod("vision", "eval-1", "eval-1-gpu", f"{UID}2", "gpu-1-mig-1g10gb-19-0"),
    pod("vision", "serve-1", "serve-gpu", f"{UID}3", "gpu-1-mig-1g10gb-19-1"),
    pod("chat", "serve-2", "serve-gpu", f"{UID}4", "gpu-1-mig-1g10gb-19-1"),
]


@dataclass(frozen=True)
class Scraped:
    """An agent, and the Prometheus that scrapes it."""

    agent: Agent
    prometheus: Prometheus

    def value(self, expression: str) -> float:
        """The one value of an expression, as soon as there is one."""

        def asked() -> list[float]:
            return [each.value for each in self.prometheus.query(expression)]

        (value,) = wait(asked, PATIENCE, f"a value of {expression}")
        return value

    def by(self, label: str, expression: str) -> Mapping[str, float]:
        """What is found now; empty after a scrape that came too late, on a busy machine."""
        return {each.labels.get(label, ""): each.value for each in self.prometheus.query(expression)}

    def comes_to(self, label: str, expression: str, expected: object) -> None:
        """Wait until the values of an expression by this label are these."""

        def same() -> bool:
            assert self.by(label, expression) == expected
            return True

        wait(same, PATIENCE, f"{expression} to be {expected}")


@contextmanager
def scraped_node(
    driver: FakeDriver, folder: Path, tools: Tools, target: Mapping[str, str] | None = None, **job: Any
) -> Iterator[Scraped]:
    """From the first scrape on. `target`: labels of the target; `job`: more of the job in scrape_configs."""
    driver.set(NODE)
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    certificate.cert_chain_pems[0].write_to_path(folder / "tls.crt")
    certificate.private_key_pem.write_to_path(folder / "tls.key")
    authority.cert_pem.write_to_path(folder / "ca.crt")
    hashed = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
    (folder / "web.yml").write_text(
        "tls_server_config: {cert_file: tls.crt, key_file: tls.key, min_version: TLS13}\n"
        f"basic_auth_users: {{prom: {hashed}}}\n"
    )
    kubelet = Kubelet(folder / "kubelet.sock", PODS)
    agent = Agent(
        driver,
        folder / "agent.log",
        f"--kubelet-socket={kubelet.socket}",
        f"--web.config.file={folder / 'web.yml'}",
        trust=ssl.create_default_context(cafile=str(folder / "ca.crt")),
    )
    job |= {
        "job_name": "dratui-agent",
        "scheme": "https",
        "tls_config": {"ca_file": str(folder / "ca.crt")},
        "basic_auth": {"username": "prom", "password": "secret"},
        "static_configs": [{"targets": [agent.authority], "labels": dict(target or {})}],
    }
    try:
        # Who holds what, and what takes two samples.
        agent.until(lambda: ACTIVE.search(agent.get("/metrics", login=LOGIN)[1]) is not None)
        driver.set({"event": "1,gpu0,8,79,4294967295"})  # an Xid
        agent.until(lambda: 'xid="79"' in agent.get("/metrics", login=LOGIN)[1])
        with Prometheus(tools, [job], [RULES]) as prometheus:
            wait(lambda: len(prometheus.query("up == 1")) == 1, PATIENCE, "the first scrape")
            yield Scraped(agent, prometheus)
    finally:
        agent.kill()
        kubelet.stop()
