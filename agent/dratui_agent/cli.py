"""The command `dratui-agent`. Flags are named as Prometheus exporters name theirs."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from dratui_agent import __version__
from dratui_agent.interval import seconds

EPILOG = """\
Serves / /metrics /-/healthy /-/ready. Reads NVIDIA's driver library (libnvidia-ml.so.1); without one it goes on and
says so, and looks again every ten seconds."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the agent; the exit status."""
    parser = _parser()
    asked = parser.parse_args(argv)
    from dratui_agent.run import CannotStart, Options, run, say  # not for --help: it takes a moment

    host, port = asked.listen
    kubelet = Path(asked.kubelet_socket) if asked.kubelet_socket else None
    try:
        return asyncio.run(run(Options(host, port, asked.interval, asked.node, asked.web_config, kubelet)))
    except CannotStart as error:
        say(f"error: {error}")
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
    return parser


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or not 0 <= int(port) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no address: such as :9402, 127.0.0.1:9402, [::1]:9402")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _interval(text: str) -> float:
    interval = seconds(text)
    if not 0.1 <= interval <= 300:
        raise argparse.ArgumentTypeError(f"{text!r} is no interval from 100ms to 5m")
    return interval


if __name__ == "__main__":
    sys.exit(main())
