"""The command `dratui-agent`. Flags are named as Prometheus exporters name theirs."""

import argparse
import asyncio
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from dratui_agent import __version__
from dratui_agent.interval import seconds
from dratui_agent.kubelet.options import DRIVER, PluginOptions, driver_name

EPILOG = """\
Serves / /metrics /v1/stream /v1/snapshot /-/healthy /-/ready. Reads NVIDIA's driver library (libnvidia-ml.so.1);
without one it goes on and says so, and looks again every ten seconds.

dratui-agent node says what this node's kubelet plugin believes: prepared claims, CDI specs, orphans, last errors."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the agent, or say what its plugin believes; the exit status."""
    argv = sys.argv[1:] if argv is None else argv
    try:
        return _node(argv[1:]) if argv[:1] == ["node"] else _agent(argv)
    except KeyboardInterrupt:
        return 130


def _node(argv: Sequence[str]) -> int:
    from dratui_agent.kubelet.node import run

    text, status = run(_node_parser().parse_args(argv))
    _print(text)
    return status


def _print(text: str) -> None:
    try:
        print(text, flush=True)
    except BrokenPipeError:  # whoever reads it, such as `head`, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _agent(argv: Sequence[str]) -> int:
    parser = _parser()
    asked = parser.parse_args(argv)
    if asked.metrics:
        from dratui_agent.exporter.reference import markdown

        _print(markdown().rstrip("\n"))
        return 0
    if asked.ask_cluster and not asked.node:
        parser.error("--attribution.api-server asks for the slices of --node: which one is it?")
    if asked.destroy_unclaimed and not asked.partitionable:
        parser.error("--destroy-unclaimed-mig is for --partitionable: else MIG devices are what is offered")
    if asked.kubelet_plugin and not asked.node:
        parser.error("--kubelet-plugin serves the kubelet of --node: which one is it?")
    from dratui_agent.log import begin, log  # not for --help: it takes a moment
    from dratui_agent.run import CannotStart, Options, run

    begin(asked.log_level, asked.log_format)
    host, port = asked.listen
    options = Options(
        host=host,
        port=port,
        interval=asked.interval,
        node=asked.node,
        web_config=asked.web_config,
        kubelet=Path(asked.kubelet_socket) if asked.kubelet_socket else None,
        dcgm_names=asked.dcgm_names,
        tokens=asked.web_auth == "kubernetes",
        ask_cluster=asked.ask_cluster,
        service_account=asked.service_account,
        proc=Path(asked.proc) if asked.proc else None,
        container_logs=asked.container_logs,
        plugin=PluginOptions(
            driver=asked.driver_name,
            pod=asked.pod_uid,
            kubelet=asked.kubelet_folder,
            cdi=asked.cdi_folder,
            partitionable=asked.partitionable,
            destroy_unclaimed=asked.destroy_unclaimed,
            sys=asked.sys_folder,
            health_port=asked.health_port,
        )
        if asked.kubelet_plugin
        else None,
    )
    try:
        return asyncio.run(run(options))
    except CannotStart as error:
        log.error("%s", error)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dratui-agent",
        description="Live GPU and MIG utilisation of this node, for Prometheus and for dratui.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"dratui-agent {__version__}")
    parser.add_argument(
        "--web.listen-address",
        dest="listen",
        metavar="[HOST]:PORT",
        type=_address,
        default=("", 9402),
        help="where to listen; without a host on all addresses (:9402)",
    )
    parser.add_argument(
        "--web.config.file",
        dest="web_config",
        metavar="PATH",
        type=Path,
        help="TLS and who may read, as Prometheus exporters have it; read again when it changes",
    )
    parser.add_argument(
        "--web.auth",
        dest="web_auth",
        metavar="HOW",
        choices=("none", "kubernetes"),
        default="none",
        help="kubernetes: take bearer tokens too, of whoever may `get` the page as a nonResourceURL, as the API server "
        "says (none)",
    )
    parser.add_argument(
        "--interval",
        metavar="TIME",
        type=_interval,
        default=1.0,
        help="between two samples, such as 1s, 500ms (1s)",
    )
    parser.add_argument(
        "--node",
        metavar="NAME",
        default=os.environ.get("NODE_NAME", ""),
        help="this node's name, for the label `node` ($NODE_NAME)",
    )
    parser.add_argument(
        "--kubelet-socket",
        metavar="PATH",
        default="/var/lib/kubelet/pod-resources/kubelet.sock",
        help="kubelet's PodResources API, which tells who holds what; '' for none (%(default)s)",
    )
    parser.add_argument(
        "--proc",
        metavar="FOLDER",
        default="/proc",
        help="the node's /proc, which tells the pods of processes; '' for none (%(default)s)",
    )
    parser.add_argument(
        "--container-logs",
        metavar="FOLDER",
        type=Path,
        default=Path("/var/log/containers"),
        help="kubelet's links to logs, which tell the names of containers; only names are read (%(default)s)",
    )
    parser.add_argument(
        "--attribution.api-server",
        dest="ask_cluster",
        action="store_true",
        help="read this node's ResourceSlices and the claims of its pods: names of requests, and devices that only "
        "their slice tells",
    )
    parser.add_argument(
        "--dcgm-names",
        action="store_true",
        help="serve dcgm-exporter's names and labels too, for dashboards that exist",
    )
    plugin = parser.add_argument_group("as kubelet plugin")
    plugin.add_argument(
        "--kubelet-plugin",
        action="store_true",
        help="be a DRA driver: publish this node's GPUs, and prepare the claims that get them",
    )
    _shared(plugin)
    plugin.add_argument(
        "--destroy-unclaimed-mig",
        dest="destroy_unclaimed",
        action="store_true",
        help="with --partitionable: destroy MIG devices that no claim has, whoever made them, at the start and each "
        "ten minutes; without it they stay, and are in the way of what is offered there",
    )
    plugin.add_argument(
        "--pod-uid",
        metavar="UID",
        default=os.environ.get("POD_UID", ""),
        help="of the agent's pod: a new version begins before the old one ends ($POD_UID)",
    )
    plugin.add_argument(
        "--sys-folder",
        metavar="FOLDER",
        type=Path,
        default=Path("/sys"),
        help="the node's /sys, which tells PCIe roots and NUMA nodes (%(default)s)",
    )
    plugin.add_argument(
        "--plugin-health-port",
        dest="health_port",
        metavar="PORT",
        type=_port,
        help="serve the gRPC health service there, which asks the plugin as kubelet does (none)",
    )
    parser.add_argument(
        "--log.level",
        dest="log_level",
        metavar="LEVEL",
        choices=("debug", "info", "warn", "error"),
        default="info",
        help="what is worth a line on stderr: debug, info, warn, error (info)",
    )
    parser.add_argument(
        "--log.format",
        dest="log_format",
        metavar="FORMAT",
        choices=("logfmt", "json"),
        default="logfmt",
        help="logfmt or json (logfmt)",
    )
    parser.add_argument("--metrics", action="store_true", help="print every series as a table, and end")
    return parser


def _node_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dratui-agent node",
        description="What this node's kubelet plugin believes: prepared claims, CDI specs, MIG devices, what fits "
        "nothing, the last errors and steps. Asks the running agent, or reads its files where that tells nothing.",
    )
    parser.add_argument(
        "-o", "--output", choices=("table", "json"), default="table", help="table or json (table)"
    )
    parser.add_argument(
        "--agent",
        metavar="URL",
        type=_url,
        default="http://127.0.0.1:9402",
        help="where the running agent serves; '' to read its files at once (%(default)s)",
    )
    _shared(parser.add_argument_group("as the plugin was started", "where that was not with these defaults"))
    return parser


def _shared(plugin: argparse._ArgumentGroup) -> None:
    """Flags of the agent that `node` has too: a plugin's folders are found by them."""
    plugin.add_argument(
        "--driver-name",
        metavar="NAME",
        type=_driver,
        default=DRIVER,
        help="of the driver; none that another driver of the node has (%(default)s)",
    )
    plugin.add_argument(
        "--partitionable",
        action="store_true",
        help="offer all parts that MIG can cut a GPU into, beside the whole; a part is made when a claim gets it",
    )
    plugin.add_argument(
        "--kubelet-folder",
        metavar="FOLDER",
        type=Path,
        default=Path("/var/lib/kubelet"),
        help="where kubelet has `plugins` and `plugins_registry` (%(default)s)",
    )
    plugin.add_argument(
        "--cdi-folder",
        metavar="FOLDER",
        type=Path,
        default=Path("/var/run/cdi"),
        help="where the container runtime looks for CDI specs (%(default)s)",
    )
    plugin.add_argument(
        "--service-account",
        metavar="FOLDER",
        type=Path,
        default=Path("/var/run/secrets/kubernetes.io/serviceaccount"),
        help="`token` and `ca.crt` for asking the API server, where it is asked (%(default)s)",
    )


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or not 0 <= int(port) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no address: such as :9402, 127.0.0.1:9402, [::1]:9402")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _url(text: str) -> str:
    if text and not re.fullmatch(r"https?://[^/\s]+/*", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no agent's URL: such as http://127.0.0.1:9402")
    return text.rstrip("/")


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: such as 9403")
    return int(text)


def _driver(text: str) -> str:
    try:
        return driver_name(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _interval(text: str) -> float:
    interval = seconds(text)
    if not 0.1 <= interval <= 300:
        raise argparse.ArgumentTypeError(f"{text!r} is no interval from 100ms to 5m")
    return interval


if __name__ == "__main__":
    sys.exit(main())
