"""What is typed behind `/`: an expression, labels, a rough name."""

import pytest

from dratui.api.model import Claim, ObjectKey
from dratui.cluster.store import Store
from dratui.events import Page
from dratui.views.filter import key_filter, line_filter
from dratui.views.query import BadFilter

LABELS = {"one": {"app": "train", "tier": "gold"}, "two": {"app": "eval"}, "none": {}}


def found(text: str) -> str:
    store = Store()
    claims = [Claim(namespace="ml", name=n, labels=tuple(labels.items())) for n, labels in LABELS.items()]
    store.apply([Page("resourceclaims", claims, first=True, last=True)])
    allows = key_filter(text, "claims")
    return " ".join(name for name in LABELS if allows is None or allows(store, ObjectKey("ml", name)))


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("-l", "one two none"),
        ("-l ", "one two none"),
        ("-l app=train", "one"),
        ("-l app==train", "one"),
        ("-l app!=train", "two none"),
        ("-l app", "one two"),
        ("-l !app", "none"),
        ("-l app,tier!=gold", "two"),
        ("-l app,", "one two"),
        ("-l app = train , tier = gold", "one"),
        ("-l app in (train, eval)", "one two"),
        ("-l app notin (train),app", "two"),
        ("-l app.kubernetes.io/name=x", ""),
        ("-l app=", ""),
        ("!-l app=train", "two none"),
    ],
)
def test_labels_mean_what_they_mean_to_kubectl(selector: str, names: str) -> None:
    assert found(selector) == names


@pytest.mark.parametrize(
    ("selector", "column"),
    [
        ("-l =x", 3),
        ("-l a=b,=c", 7),
        ("-l a=b c", 7),
        ("-l a=b, c==d!", 12),
        ("!-l a)", 5),
        ("-l a in (b", 8),
    ],
)
def test_a_bad_selector_is_marked_where_it_goes_wrong(selector: str, column: int) -> None:
    with pytest.raises(BadFilter) as caught:
        found(selector)
    assert caught.value.column == column


@pytest.mark.parametrize(
    ("text", "names"),
    [("-f", "one two none"), ("-f oe", "one none"), ("-f ML/T", "two"), ("-f m t", "two"), ("!-f ne", "two")],
)
def test_a_rough_name_is_its_characters_in_order(text: str, names: str) -> None:
    assert found(text) == names


@pytest.mark.parametrize("kind", ["devices", "pools"])
def test_what_is_no_object_has_no_labels(kind: str) -> None:
    with pytest.raises(BadFilter, match=f"{kind} are parts of slices and have no labels"):
        key_filter("-l a", kind)


def test_a_blank_is_looked_for_like_any_character() -> None:
    matches = line_filter("gpu pend")
    assert matches is not None
    assert matches("ml train-gpu pending")
    assert not matches("ml train-gpu-pending")


@pytest.mark.parametrize("text", ["-lapp", "-", "-6", "x -l y"])
def test_a_dash_alone_is_part_of_an_expression(text: str) -> None:
    assert found(text) == "one two none"
    matches = line_filter(text)
    assert matches is not None
    assert matches(f"a {text} b")
