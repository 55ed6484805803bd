"""Settings: what may be set, where, and what wins."""

from pathlib import Path

import pytest

from dratui.config import config_folder
from dratui.history import LIMIT
from dratui.settings.dashboard import Chosen, Settings, choose, default
from dratui.settings.document import Wrong
from dratui.tui.feed import SHOW_SECONDS

README = Path(__file__).parents[2] / "README.md"


def chosen(folder: Path, file: str, environ: dict[str, str] | None = None, **flags: object) -> Chosen:
    (folder / "config.yaml").write_text(file)
    return choose(flags, environ or {}, folder)


def test_nothing_set_is_the_default(tmp_path: Path) -> None:
    assert choose({}, {}, tmp_path) == (Settings(), {})
    assert (Settings().refresh, Settings().history) == (SHOW_SECONDS, LIMIT)


def test_a_flag_wins_over_the_environment_that_over_the_file_that_over_the_default(tmp_path: Path) -> None:
    file = "refresh: 1s\nheadless: true\nmouse: off\n"
    environ = {"DRATUI_REFRESH": "2s", "DRATUI_HEADLESS": "no"}
    settings, origins = chosen(tmp_path, file, environ, refresh=3.0)
    assert (settings.refresh, settings.headless, settings.mouse, settings.ascii) == (3.0, False, False, None)
    assert origins == {
        "refresh": "flag",
        "headless": "$DRATUI_HEADLESS",
        "mouse": f"{tmp_path}/config.yaml line 3",
    }


def test_every_setting_is_read(tmp_path: Path) -> None:
    file = (
        "theme: dark\nascii: false\nmouse: false\nheadless: yes\nrefresh: 2s\ncommand: :pods\nnamespace: ml-team\n"
        "readonly: true\nlogoless: true\nhistory: 1Gi\nmetrics_from: https://{node}:9402\n"
    )
    settings, origins = chosen(tmp_path, file)
    assert set(origins) == set(Settings.__dataclass_fields__)
    assert (settings.ascii, settings.refresh, settings.command) == (False, 2.0, ":pods")
    assert chosen(tmp_path, "namespace: all").settings.namespace == ""


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("refresh: fast", " line 1: refresh: 'fast' is no duration such as 30s, 10m or 1h30m"),
        ("mouse: maybe", " line 1: mouse: 'maybe' is neither true nor false"),
        (
            "\nheadles: true",
            " line 2: headles: there is no setting 'headles'\n  hint: did you mean headless?",
        ),
        ("history: 5", " line 1: history: '5' is no amount of memory such as 100M or 1Gi, or too little"),
        ("history: much", " line 1: history: 'much' is no amount of memory"),
        (
            "metrics_from: magic",
            " line 1: metrics_from: 'magic' is neither one of auto, agent, none nor an address",
        ),
        ("readonly: false", " line 1: readonly: cannot be turned off: dratui only ever reads"),
        ("command: [a]", " line 1: command: is to be one value"),
        ("command:", " line 1: command: has no value"),
        ("xyzzy: 1", " line 1: xyzzy: there is no setting 'xyzzy'"),
    ],
)
def test_what_is_wrong_is_told_with_file_line_and_key(tmp_path: Path, file: str, says: str) -> None:
    with pytest.raises(Wrong) as wrong:
        chosen(tmp_path, file)
    assert str(wrong.value).startswith(f"error: {tmp_path}/config.yaml{says}")


def test_a_variable_that_is_wrong_is_named(tmp_path: Path) -> None:
    with pytest.raises(Wrong, match=r"\$DRATUI_REFRESH: 'fast' is no duration"):
        chosen(tmp_path, "", {"DRATUI_REFRESH": "fast"})


def test_what_info_prints_to_begin_with_can_be_read(tmp_path: Path) -> None:
    printed = default()
    assert choose({}, {}, tmp_path).settings == chosen(tmp_path, printed).settings, "all of it is a comment"
    examples = "".join(f"{line.removeprefix('# ')}\n" for line in printed.splitlines())
    assert set(chosen(tmp_path, examples).origins) == set(Settings.__dataclass_fields__)


def test_the_readme_tells_every_setting() -> None:
    readme = README.read_text()
    for name, field in Settings.__dataclass_fields__.items():
        assert f"| `{name}: {field.metadata['example']}` | {field.metadata['about']} |" in readme


def test_without_a_home_there_are_no_files(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", nowhere)
    assert choose({}, {}, config_folder({})) == (Settings(), {})
    assert config_folder({"XDG_CONFIG_HOME": "/x"}) == Path("/x/dratui")
    assert config_folder({"XDG_CONFIG_HOME": "x"}) == Path("/.config/dratui"), "XDG ignores relative paths"
