"""The command line as a whole: commands, flags, and what they mean. Knows what to call, calls nothing."""

import argparse
import os
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from dratui import __version__
from dratui.duration import seconds
from dratui.failure import UsageFailure
from dratui.kube.options import Options
from dratui.settings.metrics import FOUND, NOBODY, metrics_from

if TYPE_CHECKING:
    from dratui.settings.dashboard import Chosen

SHELLS = ("bash", "zsh", "fish")
KINDS = (
    "claims, devices, pools, slices, pods, nodes, classes, templates, taintrules, namespaces, podgroups, "
    "computedomains"
)


PERSONAL = ("config", "aliases", "keymap", "theme")
_Switch = argparse.BooleanOptionalAction


class Parser(argparse.ArgumentParser):
    """Speaks like the rest of dratui: one sentence, and what to do."""

    def error(self, message: str) -> NoReturn:
        """Called by argparse for anything wrong."""
        raise UsageFailure(message, hint=f"{self.prog} --help")


def parse(argv: Sequence[str]) -> Callable[[], int]:
    """What the command line asks for, ready to run. Raises UsageFailure; `--help` prints and exits."""
    parser = _parser()
    known, rest = parser.parse_known_args(_with_values(argv))
    arguments = vars(known)
    # argparse wants NAME right behind KIND; hands used to kubectl put it anywhere.
    if len(rest) == 1 and arguments.get("name") == "" and not rest[0].startswith("-"):
        arguments["name"] = rest.pop()
    if rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    command = arguments.pop("command", _dashboard)
    return partial(command, arguments)


def complete() -> None:
    """Answer the shell that asks which words may come next, and exit; what asks is `dratui completion`."""
    from dratui.cli import completion

    completion.complete(_parser(), _options)


def _with_values(argv: Sequence[str]) -> Sequence[str]:
    """argparse would take the `-30s` of `--at -30s` for a flag."""
    words = list(argv)
    for n, (flag, value) in enumerate(pairwise(argv)):
        if flag == "--at" and value[:1] == "-" and value[1:2].isdigit():
            words[n : n + 2] = [f"{flag}={value}"]
            break
    return words


def _parser() -> Parser:
    # Every flag is SUPPRESSed when absent, so that it may stand before the command or behind it.
    connection, measuring = _connection_flags(), _measuring_flags()
    parser = Parser(
        prog="dratui",
        description="Devices, claims, pods and why they wait: Kubernetes Dynamic Resource Allocation in a terminal.",
        epilog="Without a command: the dashboard. It only ever reads the cluster.",
        parents=[connection, measuring, _dashboard_flags()],
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", parser_class=Parser)

    def add(name: str, run: Callable[[dict[str, Any]], int], about: str, *parents: Parser) -> Parser:
        command: Parser = commands.add_parser(
            name, help=about, description=about, parents=list(parents), allow_abbrev=False
        )
        command.set_defaults(command=run)
        return command

    get = add("get", _get, "print a table, JSON or YAML, as kubectl get does", connection, measuring)
    get.add_argument("kind", metavar="KIND", help=f"{KINDS}, or kubectl's name for one")
    get.add_argument("name", metavar="NAME", nargs="?", default="", help="only this one")
    get.add_argument(
        "-o",
        "--output",
        choices=("table", "wide", "json", "yaml", "name"),
        default="table",
        help="how to print it",
    )
    get.add_argument("-w", "--watch", action="store_true", help="then print what changes, until ctrl-c")
    get.add_argument(
        "--from",
        dest="recording",
        metavar="RECORDING",
        type=Path,
        help="read a recording instead of a cluster",
    )
    get.add_argument(
        "--at",
        metavar="TIME",
        default="",
        help="with --from: as it was then; 2026-03-01T14:03:11Z, 14:03, +90s after its beginning, -30s before its end",
    )

    explain = add("explain", _explain, "why a pod or a claim waits, node by node", connection)
    explain.add_argument("subject", metavar="pod|claim")
    explain.add_argument("name", metavar="NAME", nargs="?", default="")
    explain.add_argument("-o", "--output", choices=("text", "json"), default="text", help="how to print it")
    explain.add_argument(
        "--from",
        dest="recording",
        metavar="RECORDING",
        type=Path,
        help="read a recording instead of a cluster",
    )
    explain.add_argument("--at", metavar="TIME", default="", help="with --from: as it was then, as for get")

    what_if = add("what-if", _what_if, "where pods of a manifest would land, and how many fit", connection)
    what_if.add_argument(
        "-f",
        "--filename",
        dest="files",
        metavar="MANIFEST",
        nargs="+",
        action="extend",
        required=True,
        help="YAML or JSON, or a folder of it: pods and what makes them, claims, templates, classes; - is stdin",
    )
    what_if.add_argument(
        "--replicas",
        metavar="N",
        type=_replicas,
        help="of each, instead of what it says; max: as many as fit",
    )
    what_if.add_argument(
        "--without",
        metavar="CLAIM|POD|NODE",
        action="append",
        default=[],
        help="as if it were not there: NAME, NAMESPACE/NAME, claim/NAME, pod/NAME, node/NAME",
    )
    what_if.add_argument(
        "--add-node",
        dest="add_nodes",
        metavar="LIKE=NODE",
        action="append",
        default=[],
        help="with one more node like this one, and its devices, all free; like=3*NODE: three",
    )
    what_if.add_argument("-o", "--output", choices=("text", "json"), default="text", help="how to print it")
    what_if.add_argument(
        "--from",
        dest="recording",
        metavar="RECORDING",
        type=Path,
        help="read a recording instead of a cluster",
    )
    what_if.add_argument("--at", metavar="TIME", default="", help="with --from: as it was then, as for get")

    record = add("record", _record, "write what the API server says into a file", connection, measuring)
    record.add_argument("file", metavar="FILE", type=Path)
    record.add_argument(
        "--for",
        dest="duration",
        metavar="10m",
        type=_seconds,
        help="stop after this time (default: at ctrl-c)",
    )
    record.add_argument(
        "--samples",
        metavar="10s",
        type=_seconds,
        help="how often what devices do is written, of the nodes with devices, 40 at most (10s)",
    )
    record.add_argument(
        "--scrub",
        action="store_true",
        help="to give it away: only what dratui reads, with other names, uids, labels and attributes; what stays: "
        "times, versions, quantities, names of drivers, resources and products, Kubernetes' own words",
    )

    replay = add("replay", _replay, "the dashboard on a recording", _dashboard_flags())
    replay.add_argument("file", metavar="FILE", type=Path)
    replay.add_argument(
        "--speed", metavar="N", type=_speed, default=1.0, help="times as fast as recorded (1)"
    )

    demo = add(
        "demo",
        _demo,
        "the dashboard on a recording that comes with dratui",
        _dashboard_flags(),
    )
    demo.add_argument("--speed", metavar="N", type=_speed, default=1.0, help="times as fast as recorded (1)")

    info = add("info", _info, "print every path and setting in use", connection)
    info.add_argument(
        "file",
        nargs="?",
        metavar="FILE",
        choices=PERSONAL,
        help=f"print this file as it is when nothing is set, to begin with: {', '.join(PERSONAL)}",
    )
    completion = add("completion", _completion, "print what makes a shell complete dratui's words with tab")
    completion.add_argument("shell", choices=SHELLS, metavar="SHELL", help=", ".join(SHELLS))
    add("version", _version, "print the version")
    return parser


def _connection_flags() -> Parser:
    flags = Parser(add_help=False, argument_default=argparse.SUPPRESS)
    group = flags.add_argument_group("cluster", "as kubectl has them")
    group.add_argument(
        "--kubeconfig", metavar="FILE", help="default: $KUBECONFIG, ~/.kube/config, then in-cluster"
    )
    group.add_argument("--context", metavar="NAME")
    group.add_argument("--cluster", metavar="NAME")
    group.add_argument("--user", metavar="NAME")
    group.add_argument("-n", "--namespace", metavar="NAME", help="default: the context's namespace")
    group.add_argument("-A", "--all-namespaces", action="store_true")
    group.add_argument("--as", dest="as_user", metavar="USER", help="impersonate")
    group.add_argument("--as-group", dest="as_groups", metavar="GROUP", action="append")
    group.add_argument("--token", metavar="TOKEN")
    group.add_argument(
        "--request-timeout",
        metavar="30s",
        type=_seconds,
        help="give up after this long without a byte from the server",
    )
    return flags


def _measuring_flags() -> Parser:
    flags = Parser(add_help=False, argument_default=argparse.SUPPRESS)
    group = flags.add_argument_group("utilisation")
    group.add_argument(
        "--metrics-from",
        metavar="WHO",
        type=_metrics_from,
        help="who measures devices: auto (agents and exporters, found in the cluster; the default but for get), agent, "
        "none, http(s)://HOST:PORT of an agent, http(s)://{node}:PORT/metrics of an exporter, {node} being the "
        "node's name, or Prometheus: prometheus+http(s)://HOST:PORT or svc/NAMESPACE/NAME:PORT, alone, "
        "or behind another and a comma, only to remember how idle devices were; "
        "$DRATUI_METRICS_HTTP_CONFIG names a file as promtool's --http.config.file, with its log-in",
    )
    return flags


def _dashboard_flags() -> Parser:
    flags = Parser(add_help=False, argument_default=argparse.SUPPRESS)
    group = flags.add_argument_group("dashboard", "these win over $DRATUI_…, and that over config.yaml")
    group.add_argument("--ascii", action=_Switch, help="no glyphs outside ASCII, or even so")
    group.add_argument(
        "-c",
        "--command",
        dest="start",
        metavar="':claims NS'",
        help="where to start: a line as typed behind the colon, such as ':pods ml-team /train'",
    )
    group.add_argument("--headless", action=_Switch, help="no first line")
    group.add_argument(
        "--mouse", action=_Switch, help="without it the terminal keeps the mouse, and its selection"
    )
    group.add_argument(
        "-r",
        "--refresh",
        metavar="2s",
        type=_seconds,
        help="show what changed no more often than this (default: 250ms)",
    )
    group.add_argument(
        "--theme", metavar="NAME", help="terminal, dark, light, high-contrast, colour-blind, or yours"
    )
    group.add_argument("--readonly", action="store_true", help="as k9s has it; dratui only ever reads")
    group.add_argument("--logoless", action="store_true", help="as k9s has it; dratui has no logo")
    return flags


def _seconds(text: str) -> float:
    """For argparse, whose own words for a ValueError would name this function."""
    try:
        return seconds(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _replicas(text: str) -> int | str:
    if text == "max":
        return text
    if not (text.isascii() and text.isdigit() and len(text) < 7 and 0 < int(text) <= 100_000):
        raise argparse.ArgumentTypeError(f"{text!r} is neither max nor a number from 1 to 100000")
    return int(text)


def _metrics_from(text: str) -> str:
    try:
        return metrics_from(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no speed such as 0.5 or 10")
    return speed


def _options(arguments: dict[str, Any]) -> Options:
    return Options(
        kubeconfig=arguments.get("kubeconfig", ""),
        context=arguments.get("context", ""),
        cluster=arguments.get("cluster", ""),
        user=arguments.get("user", ""),
        namespace=arguments.get("namespace", ""),
        as_user=arguments.get("as_user", ""),
        as_groups=tuple(arguments.get("as_groups", ())),
        token=arguments.get("token", ""),
        request_timeout=arguments.get("request_timeout") or None,
    )


def _chosen(arguments: dict[str, Any]) -> "Chosen":
    from dratui.config import config_folder
    from dratui.settings.dashboard import Settings, choose

    names = {field: field for field in Settings.__dataclass_fields__} | {"command": "start"}
    flags = {name: arguments[flag] for name, flag in names.items() if flag in arguments}
    if arguments.get("all_namespaces"):
        flags["namespace"] = ""
    return choose(flags, os.environ, config_folder())


# --- the commands ------------------------------------------------------------------------------------


def _dashboard(arguments: dict[str, Any]) -> int:
    from dratui.cli import dashboard

    settings = _chosen(arguments).settings
    return dashboard.live(_options({"namespace": settings.namespace} | arguments), settings)


def _replay(arguments: dict[str, Any]) -> int:
    from dratui.cli import dashboard

    return dashboard.replay(arguments["file"], arguments["speed"], _chosen(arguments).settings)


def _demo(arguments: dict[str, Any]) -> int:
    from dratui.cli import dashboard

    return dashboard.demo(arguments["speed"], _chosen(arguments).settings)


def _get(arguments: dict[str, Any]) -> int:
    from dratui.cli import get

    wanted = get.Wanted(
        kind=arguments["kind"],
        name=arguments["name"],
        namespace=arguments.get("namespace", ""),
        everywhere=arguments.get("all_namespaces", False),
        output=arguments["output"],
        watch=arguments["watch"],
        at=arguments["at"],
    )
    measurer = arguments.get("metrics_from", NOBODY)
    return get.run(wanted, _options(arguments), arguments["recording"], measurer)


def _explain(arguments: dict[str, Any]) -> int:
    from dratui.cli import explain

    kind, _, name = arguments["subject"].partition("/")
    wanted = explain.Wanted(
        kind=kind,
        name=name or arguments["name"],
        namespace=arguments.get("namespace", ""),
        everywhere=arguments.get("all_namespaces", False),
        output=arguments["output"],
        at=arguments["at"],
    )
    return explain.run(wanted, _options(arguments), arguments["recording"])


def _what_if(arguments: dict[str, Any]) -> int:
    from dratui.cli import what_if

    wanted = what_if.Wanted(
        files=arguments["files"],
        replicas=arguments["replicas"],
        without=arguments["without"],
        add_nodes=arguments["add_nodes"],
        namespace=arguments.get("namespace", ""),
        output=arguments["output"],
        at=arguments["at"],
    )
    return what_if.run(wanted, _options(arguments), arguments["recording"])


def _record(arguments: dict[str, Any]) -> int:
    from dratui.cli import record

    return record.run(
        arguments["file"],
        arguments["duration"],
        _options(arguments),
        scrub=arguments["scrub"],
        metrics_from=arguments.get("metrics_from", FOUND),
        every=record.SAMPLES_EVERY if arguments["samples"] is None else arguments["samples"],
    )


def _info(arguments: dict[str, Any]) -> int:
    from dratui.cli import info

    file = arguments.get("file")
    return info.run(_options(arguments)) if file is None else info.defaults(file)


def _completion(arguments: dict[str, Any]) -> int:
    from dratui.cli import completion

    return completion.run(arguments["shell"])


def _version(arguments: dict[str, Any]) -> int:
    print(f"dratui {__version__}")
    return 0
