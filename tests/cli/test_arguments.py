"""The command line: what it means, and what it says of what it does not understand."""

import subprocess
import sys
from pathlib import Path

import pytest

from dratui import __version__
from dratui.cli import main
from dratui.cli.arguments import parse
from dratui.failure import UsageFailure
from tests.cli.commands import dratui


def parsed(*argv: str) -> dict[str, object]:
    command = parse(argv)
    return dict(command.args[0])  # type: ignore[attr-defined]  # a partial


@pytest.mark.parametrize(
    "argv",
    [
        ("--context", "prod", "-n", "ml", "get", "claims"),
        ("get", "--context", "prod", "-n", "ml", "claims"),
        ("get", "claims", "--context=prod", "--namespace", "ml"),
        ("--context", "prod", "get", "claims", "-n", "ml"),
    ],
)
def test_a_flag_may_stand_before_the_command_or_behind_it(argv: tuple[str, ...]) -> None:
    arguments = parsed(*argv)
    assert (arguments["context"], arguments["namespace"], arguments["kind"]) == ("prod", "ml", "claims")


def test_the_flag_that_stands_last_counts() -> None:
    assert parsed("-n", "a", "get", "claims", "-n", "b")["namespace"] == "b"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90.0),
        ("30s", 30.0),
        ("10m", 600.0),
        ("1h30m", 5400.0),
        ("1.5m", 90.0),
        ("250ms", 0.25),
        ("0", 0.0),
    ],
)
def test_durations_are_written_as_for_kubectl(text: str, seconds: float) -> None:
    assert parsed("record", "file", "--for", text)["duration"] == seconds


@pytest.mark.parametrize("text", ["", "fast", "10 m", "m10", "-5s", "10x", "1h-", "١٠m"])
def test_what_is_no_duration_is_wrong_usage(text: str) -> None:
    with pytest.raises(UsageFailure, match="no duration such as 30s"):
        parse(("record", "file", f"--for={text}"))


@pytest.mark.parametrize("text", ["0", "-1", "inf", "nan", "fast"])
def test_what_is_no_speed_is_wrong_usage(text: str) -> None:
    with pytest.raises(UsageFailure, match="no speed such as"):
        parse(("replay", "file", f"--speed={text}"))


@pytest.mark.parametrize(
    "argv",
    [("got",), ("get",), ("get", "claims", "-o", "xml"), ("--colour",), ("get", "claims", "--nam", "x")],
)
def test_wrong_usage_is_one_sentence_a_hint_and_status_2(
    argv: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(argv) == 2
    said = capsys.readouterr()
    assert said.out == ""
    error, hint = said.err.splitlines()
    assert error.startswith("error: ")
    assert hint.startswith("  hint: dratui")
    assert hint.endswith("--help")


def test_an_unknown_kind_names_those_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(("get", "gpus\x1b[31m")) == 2
    said = capsys.readouterr().err
    assert "there is no kind" in said
    assert "claims, devices, pools" in said
    assert "\x1b" not in said


@pytest.mark.parametrize("argv", [("--help",), ("get", "--help"), ("record", "--help"), ("demo", "--help")])
def test_help_is_no_error(argv: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(argv)
    assert left.value.code == 0
    assert "usage: dratui" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(("version",)) == 0
    assert capsys.readouterr().out == f"dratui {__version__}\n"


def test_the_dashboard_needs_a_terminal(tmp_path: Path) -> None:
    done = dratui("demo", home=tmp_path)
    assert done.status == 2
    assert done.err.startswith("error: the dashboard needs a terminal")


def test_info_tells_every_path_even_without_a_cluster(tmp_path: Path) -> None:
    done = dratui("info", home=tmp_path)
    assert done.status == 0
    assert str(tmp_path) in done.out
    assert "kubeconfig" in done.out
    assert not done.err


def test_info_tells_what_each_file_says_and_what_is_wrong_with_it(tmp_path: Path) -> None:
    folder = tmp_path / ".config" / "dratui"
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text("headless: true\n")
    (folder / "keymap.yaml").write_text("quit: d\n")
    (folder / "themes").mkdir()
    (folder / "themes" / "mine.yaml").write_text("held: red\n")
    done = dratui("info", home=tmp_path, env={"DRATUI_REFRESH": "2s", "TERM": "linux"})
    assert done.status == 0
    said = [" ".join(line.split()) for line in done.lines]
    assert "config.yaml read: 1 entry" in said
    assert "aliases.yaml not there" in said
    assert "terminal 16 colours, ASCII only" in said
    assert "themes read: mine" in said
    assert f"headless True ({folder}/config.yaml line 1)" in said
    assert "refresh 2.0 ($DRATUI_REFRESH)" in said
    assert (
        f"keymap.yaml wrong: {folder}/keymap.yaml line 1: quit: d is the key of describe too (by default)"
        in said
    )


def test_info_prints_a_file_to_begin_with(tmp_path: Path) -> None:
    assert "# describe: d  # describe" in dratui("info", "keymap", home=tmp_path).lines
    assert "# headless: true" in dratui("info", "config", home=tmp_path).lines
    assert "# gpu: claims all /nvidia" in dratui("info", "aliases", home=tmp_path).lines
    assert "# held: '#3182d8'" in dratui("info", "theme", home=tmp_path).lines


# --- what starting costs ------------------------------------------------------------------------------

LOADED = "import sys; print(*sorted({name.partition('.')[0] for name in sys.modules}))"


def modules(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; {LOADED}"], capture_output=True, text=True, check=True, timeout=60
    )
    return set(done.stdout.splitlines()[-1].split())


HEAVY = {"textual", "rich", "aiohttp", "kubernetes_asyncio", "yaml", "msgspec"}


def test_importing_the_command_line_loads_nothing_heavy() -> None:
    assert modules("import dratui.cli").isdisjoint({*HEAVY, "argparse", "asyncio"})


def test_a_small_command_loads_nothing_heavy() -> None:
    assert modules("from dratui.cli import main; main(['version'])").isdisjoint(
        {"textual", "rich", "aiohttp", "kubernetes_asyncio"}
    )


def test_without_files_settings_cost_no_yaml(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; from dratui.cli import personal; from dratui.settings.dashboard import choose; "
        f"choose({{}}, {{}}, Path({str(tmp_path)!r})); personal.keymap(Path({str(tmp_path)!r}))"
    )
    assert modules(code).isdisjoint({"yaml", "textual", "difflib"})


def test_a_table_needs_no_terminal_program(tmp_path: Path) -> None:
    code = f"from dratui.cli import main; main(['get', 'claims', '--from', {str(tmp_path / 'none')!r}])"
    assert modules(code).isdisjoint({"textual", "rich", "kubernetes_asyncio"})
