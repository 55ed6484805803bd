"""kubeconfig files as people have them, and as they should not be."""

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from dratui.kube import kubeconfig
from dratui.kube.credentials import Credentials
from dratui.kube.failure import KubeFailure
from dratui.kube.options import Options


def config(name: str, *, current: bool = True, **context: Any) -> dict[str, Any]:
    """A kubeconfig of one context, cluster and user of the same name."""
    return {
        "clusters": [
            {"name": name, "cluster": {"server": f"https://{name}.test", "certificate-authority": "ca.crt"}}
        ],
        "users": [{"name": name, "user": {"token": f"token-of-{name}"}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name, **context}}],
        **({"current-context": name} if current else {}),
    }


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, object], Path]:
    def writing(name: str, content: object) -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
        return path

    return writing


Write = Callable[[str, object], Path]


def test_the_flag_wins_over_the_environment_and_that_over_home(write: Write, tmp_path: Path) -> None:
    flag, listed = write("flag", config("a")), write("listed", config("b"))
    write(".kube/config", config("c"))
    home = {"HOME": str(tmp_path)}
    both = {**home, "KUBECONFIG": str(listed)}
    assert kubeconfig.load(Options(kubeconfig=str(flag)), both).context == "a"
    assert kubeconfig.load(Options(), both).context == "b"
    assert kubeconfig.load(Options(), home).context == "c"


def test_of_several_files_the_first_wins_name_by_name(write: Write, tmp_path: Path) -> None:
    first = write("one/first", config("a"))
    again = config("a")
    again["clusters"][0]["cluster"]["server"] = "https://other.test"
    second = write("two/second", {k: again[k] + config("b")[k] for k in ("clusters", "users", "contexts")})
    listed = os.pathsep.join([str(tmp_path / "missing"), str(first), str(second)])
    merged = kubeconfig.load(Options(), {"KUBECONFIG": listed})
    assert (merged.context, merged.cluster.server) == ("a", "https://a.test")
    assert merged.cluster_dir == first.parent
    other = kubeconfig.load(Options(context="b"), {"KUBECONFIG": listed})
    assert other.cluster_dir == second.parent


def test_cluster_user_and_namespace_can_be_chosen_one_by_one(write: Write) -> None:
    a, b = config("a", namespace="team-a"), config("b")
    path = write(
        "config", {k: a[k] + b[k] for k in ("clusters", "users", "contexts")} | {"current-context": "a"}
    )
    chosen = kubeconfig.load(Options(kubeconfig=str(path), cluster="b", user="b"), {})
    assert (chosen.cluster.server, chosen.user.token, chosen.namespace) == (
        "https://b.test",
        "token-of-b",
        "team-a",
    )
    assert kubeconfig.load(Options(kubeconfig=str(path), namespace="mine"), {}).namespace == "mine"
    assert kubeconfig.load(Options(kubeconfig=str(path), context="b"), {}).namespace == "default"


def test_what_is_null_is_empty(write: Write) -> None:
    path = write("config", {**config("a"), "users": [{"name": "a", "user": {"token": None, "exec": None}}]})
    assert kubeconfig.load(Options(kubeconfig=str(path)), {}).user == kubeconfig.User()


def test_in_a_pod_the_service_account_is_used(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t")
    (tmp_path / "namespace").write_text("monitoring\n")
    environ = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "6443", "HOME": str(tmp_path)}
    access = kubeconfig.load(Options(), environ, pod=tmp_path)
    assert (access.cluster.server, access.namespace) == ("https://[fd00::1]:6443", "monitoring")
    assert access.user.token_file == str(tmp_path / "token")


SECRET = "hunter2"
BAD_FILES = {
    "yaml": (f"users:\n  token: {SECRET}\n bad: [", "line 3, column 2"),
    "tabs": (f"\tusers: {SECRET}", "line 1, column 1"),
    "no map": (f"- {SECRET}", "is no kubeconfig"),
    "a number as a token": ("users: [{name: a, user: {token: 5}}]", "$.users[0].user.token"),
    "text for a list": (f"users: {SECRET}", "$.users"),
    "a user without a name": (f"users: [{{user: {{token: {SECRET}}}}}]", "`name`"),
    "itself": ("users: &a [*a]", "is no kubeconfig"),
    "deep": ("[" * 5000, "is no"),
    "an impossible date": ("a: 2024-99-99", "is no kubeconfig"),
    "empty": ("", "no context is chosen"),
    "no context": ({"clusters": []}, "no context is chosen"),
    "a context that is not there": ({**config("a"), "current-context": "b"}, "there is no context 'b'"),
    "a cluster that is not there": ({**config("a"), "clusters": []}, "there is no cluster 'a'"),
    "a user that is not there": ({**config("a"), "users": []}, "there is no user 'a'"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_bad_file_is_one_sentence_that_names_it(case: str, write: Write) -> None:
    content, expected = BAD_FILES[case]
    path = write("config", content)
    with pytest.raises(KubeFailure) as raised:
        kubeconfig.load(Options(kubeconfig=str(path)), {})
    said = str(raised.value)
    assert expected in said
    assert str(path) in said
    assert SECRET not in said


def test_bytes_that_are_no_text_are_said(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_bytes(b"\xff\xfe\x00\x01users")
    with pytest.raises(KubeFailure, match="YAML"):
        kubeconfig.load(Options(kubeconfig=str(path)), {})


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (Options(context="x"), "contexts: a, b"),
        (Options(cluster="x"), "clusters: a, b"),
        (Options(user="x"), "users: a, b"),
    ],
)
def test_what_does_not_exist_is_answered_with_what_does(options: Options, names: str, write: Write) -> None:
    a, b = config("a"), config("b")
    path = write(
        "config", {k: a[k] + b[k] for k in ("clusters", "users", "contexts")} | {"current-context": "a"}
    )
    with pytest.raises(KubeFailure, match=r"there is no .* 'x'") as raised:
        kubeconfig.load(options, {"KUBECONFIG": str(path)})
    assert names in raised.value.hint


def test_no_kubeconfig_at_all_is_said_with_the_places_that_were_looked_at(tmp_path: Path) -> None:
    with pytest.raises(KubeFailure, match=r"there is no kubeconfig: .*/\.kube/config does not exist"):
        kubeconfig.load(Options(), {"HOME": str(tmp_path)})
    with pytest.raises(KubeFailure, match="nowhere does not exist"):
        kubeconfig.load(Options(), {"HOME": str(tmp_path), "KUBECONFIG": str(tmp_path / "nowhere")})


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(KubeFailure, match="no such file"):
        kubeconfig.load(Options(kubeconfig=str(tmp_path / "missing")), {})
    with pytest.raises(KubeFailure, match="is a directory"):
        kubeconfig.load(Options(kubeconfig=str(tmp_path)), {})


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_the_right_to_read_it_is_said(write: Write) -> None:
    path = write("config", config("a"))
    path.chmod(stat.S_IWUSR)
    with pytest.raises(KubeFailure, match="permission denied"):
        kubeconfig.load(Options(kubeconfig=str(path)), {})


@pytest.mark.parametrize("provider", ["oidc", "gcp"])
def test_auth_providers_are_refused_with_the_way_out(provider: str, write: Write) -> None:
    path = write(
        "config", {**config("a"), "users": [{"name": "a", "user": {"auth-provider": {"name": provider}}}]}
    )
    options = Options(kubeconfig=str(path))
    with pytest.raises(KubeFailure, match=f"auth-provider: {provider}") as raised:
        Credentials(kubeconfig.load(options, {}), options, now=lambda: 0, environ={})
    assert "exec plugin" in raised.value.hint


def test_options_do_not_show_the_token() -> None:
    assert SECRET not in repr(Options(token=SECRET))
