"""What an agent finds when it starts, and what it clears up."""

import json
import os
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from dratui_agent.kubelet import checkpoint
from dratui_agent.kubelet.claims import Named
from dratui_agent.kubelet.lock import Taken, Turn

from tests.agent.kubelet_plugin.calling import Claim
from tests.agent.kubelet_plugin.cluster import DRIVER
from tests.agent.kubelet_plugin.inside import Inside, inside
from tests.agent.kubelet_plugin.node import PluginNode

MIG = "gpu-0-mig-1g10gb-19-3"


def prepared(node: PluginNode, device: str = "gpu-0", *, partitionable: bool = False) -> Claim:
    claim = node.cluster.claim("train", {"main": device})
    with inside(node.place(partitionable=partitionable)) as agent:
        assert agent.prepare(claim) == [[device]]
    return claim


def spec(node: PluginNode, uid: str) -> Path:
    return node.cdi / f"k8s.{DRIVER}-claim_{uid}.json"


def errors(agent: Inside) -> str:
    return "; ".join(error for _, _, error in agent.steps if error)


def test_what_was_prepared_is_still_so_without_the_driver_or_the_api_server(node: PluginNode) -> None:
    claim = prepared(node)
    before = spec(node, claim[2]).read_text()
    spec(node, claim[2]).write_text("{}")
    with inside(node.place(), offers=dict, claims=None) as agent:
        assert [*agent.claims] == [claim[2]]
        assert agent.steps == [("restored", "CDI spec", "")]
        assert spec(node, claim[2]).read_text() == before


def test_after_a_reboot_nothing_is_prepared(node: PluginNode) -> None:
    claim = prepared(node)
    with inside(node.place(boot="two")) as agent:
        assert agent.nothing
        assert agent.prepare(claim) == [["gpu-0"]]
    with inside(node.place(boot="two")) as agent:
        assert [*agent.claims] == [claim[2]]


def newer(data: dict[str, Any]) -> bytes:
    return json.dumps(data | {"version": checkpoint.VERSION + 1}).encode()


def damaged(data: dict[str, Any]) -> bytes:
    data["claims"][0]["devices"][0]["device"] = "gpu-1"
    return json.dumps(data).encode()


def truncated(data: dict[str, Any]) -> bytes:
    return json.dumps(data).encode()[:-40]


def of_another_kind(data: dict[str, Any]) -> bytes:
    return b"[" * 5000


def empty(data: dict[str, Any]) -> bytes:
    return b""


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (newer, "a newer version of the agent wrote it (format 2)"),
        (damaged, "its checksum is wrong"),
        (truncated, "it is no checkpoint"),
        (of_another_kind, "it is no checkpoint"),
        (empty, "it is no checkpoint"),
    ],
)
@pytest.mark.parametrize("device", ["gpu-0", MIG])
def test_a_checkpoint_that_cannot_be_read_is_set_aside_and_made_again_from_what_is_there(
    node: PluginNode, device: str, harm: Any, said: str
) -> None:
    part = device == MIG
    claim = prepared(node, device, partitionable=part)
    file = node.plugin / "checkpoint.json"
    (before,) = node.checkpoint.values()
    harmed = harm(json.loads(file.read_text()))
    file.write_bytes(harmed)
    other = node.cluster.claim("other", {"gpu": "gpu-0"})
    with inside(node.place(partitionable=part)) as agent:
        assert said in errors(agent)
        (aside,) = node.plugin.glob("checkpoint.json.unreadable-*")
        assert aside.read_bytes() == harmed
        assert "is in use" in str(agent.prepare(other)[0]), "who has it keeps it"
        agent.recovery.sweep()
        (after,) = agent.claims.values()
        assert (after.namespace, after.name) == (before.namespace, before.name)
        (had,), (has,) = before.devices, after.devices
        assert replace(has, gi=had.gi, ci=had.ci, gpu=had.gpu) == had
        assert agent.prepare(claim) == [[device]]
        assert agent.unprepare(claim) == [""]
        assert agent.nothing
    reasons = [(kind, reason) for kind, reason, _ in node.cluster.node_events()]
    assert ("Node", "CheckpointUnreadable") in reasons


def test_kubelet_may_ask_for_what_was_found_again_before_anything_is_known_of_it(node: PluginNode) -> None:
    claim = prepared(node)
    (node.plugin / "checkpoint.json").write_text("?")
    with inside(node.place()) as agent:
        answers = agent.preparation.prepare([Named(*claim)])
        devices = answers[claim[2]]
        assert not isinstance(devices, str), devices
        assert [device.requests for device in devices] == [("main",)]


def test_what_was_found_again_of_a_claim_that_is_gone_goes(node: PluginNode) -> None:
    prepared(node, MIG, partitionable=True)
    (node.plugin / "checkpoint.json").write_text("?")
    node.cluster.delete("train")
    with inside(node.place(partitionable=True)) as agent:
        agent.recovery.sweep()
        assert agent.nothing


def test_an_older_checkpoint_that_lacks_fields_is_read(node: PluginNode) -> None:
    claim = prepared(node)
    file = node.plugin / "checkpoint.json"
    data = json.loads(file.read_text())
    del data["claims"][0]["devices"][0]["share"]
    body = msgspec.json.encode(data["claims"])
    file.write_bytes(
        msgspec.json.encode(data | {"claims": msgspec.Raw(body), "checksum": checkpoint._checksum(body)})
    )
    with inside(node.place()) as agent:
        assert agent.steps == []
        assert [each.device for each in agent.claims[claim[2]].devices] == ["gpu-0"]


def test_only_the_last_unreadable_checkpoints_are_kept(node: PluginNode) -> None:
    for _ in range(checkpoint.SET_ASIDE + 2):
        node.plugin.mkdir(parents=True, exist_ok=True)
        (node.plugin / "checkpoint.json").write_text("?")
        with inside(node.place()):
            pass
    assert len([*node.plugin.glob("*.unreadable-*")]) == checkpoint.SET_ASIDE


def test_specs_of_claims_that_are_not_prepared_go_and_others_files_stay(node: PluginNode) -> None:
    claim = prepared(node)
    mine, unfinished = spec(node, str(uuid.uuid4())), node.cdi / f".k8s.{DRIVER}-claim_{claim[2]}.new"
    others = (
        node.cdi / f"k8s.gpu.nvidia.com-claim_{uuid.uuid4()}.json",
        node.cdi / f"k8s.{DRIVER}-claim_mine.json",
        node.cdi / f"k8s.{DRIVER}-claim_{uuid.uuid4()}.json.bak",
    )
    for path in (mine, unfinished, *others):
        path.write_text("{}")
    with inside(node.place()) as agent:
        assert agent.steps == [("swept", "CDI spec", "")]
        assert {path.name for path in node.cdi.iterdir()} == {
            path.name for path in (spec(node, claim[2]), *others)
        }


@pytest.mark.parametrize("device", ["gpu-0", MIG])
def test_what_is_prepared_for_a_claim_that_is_gone_is_given_back(node: PluginNode, device: str) -> None:
    part = device == MIG
    prepared(node, device, partitionable=part)
    with inside(node.place(partitionable=part)) as agent:
        agent.recovery.sweep()
        assert len(agent.claims) == 1
        node.cluster.delete("train")
        agent.recovery.sweep()
        assert agent.nothing
        assert ("swept", "the claim is gone", "") in agent.steps


def test_another_claim_of_the_same_name_is_another(node: PluginNode) -> None:
    prepared(node)
    node.cluster.delete("train")
    node.cluster.claim("train", {"main": "gpu-0"})
    with inside(node.place()) as agent:
        agent.recovery.sweep()
        assert agent.nothing


def test_who_cannot_ask_gives_nothing_back(node: PluginNode) -> None:
    prepared(node)
    with inside(replace(node.place(), server="https://127.0.0.1:1")) as agent:
        agent.recovery.sweep()
        assert len(agent.claims) == 1


def test_an_agent_that_takes_over_sees_what_the_other_one_does(node: PluginNode) -> None:
    first, second = (node.cluster.claim(name, {"gpu": "gpu-0"}) for name in ("first", "second"))
    with inside(node.place()) as old, inside(node.place()) as new:
        assert old.prepare(first) == [["gpu-0"]]
        assert "is in use" in str(new.prepare(second)[0])
        assert new.unprepare(first) == [""]
        assert new.prepare(second) == [["gpu-0"]]
        assert "is in use" in str(old.prepare(first)[0])
        assert old.unprepare(second) == [""]
        assert (node.checkpoint, node.specs) == ({}, {})


def test_one_agent_waits_for_the_other_but_not_for_ever(tmp_path: Path) -> None:
    ours, theirs = Turn(tmp_path / "lock", 0.1), Turn(tmp_path / "lock", 0.1)
    held = pytest.raises(Taken, match=f"process {os.getpid()}")
    with ours(lambda: None), ours(lambda: None), held, theirs(lambda: None):
        pass
    with theirs(lambda: None):
        pass


def test_a_version_of_the_api_that_is_not_served_any_more_is_no_claim_that_is_gone(node: PluginNode) -> None:
    claim = prepared(node)
    with inside(node.place()) as agent:
        agent.means.claims._resources.version = "v1alpha9"
        agent.recovery.sweep()
        assert [*agent.claims] == [claim[2]]
        assert agent.means.claims._resources.version == "v1"
