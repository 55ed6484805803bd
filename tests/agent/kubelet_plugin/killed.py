"""Agents that end by SIGKILL at one step after the other, and what the next one makes of it.

As a program of its own, since it forks: `python -m tests.agent.kubelet_plugin.killed PLACE WHAT CLAIM OTHER`, all JSON
but WHAT, prints a line for each step at which an agent ended. What was done at a step is undone before the next.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

from dratui_agent.kubelet.nvidia import Nvidia

from tests.agent.kubelet_plugin.calling import Claim
from tests.agent.kubelet_plugin.inside import Inside, Place, inside


class Stepping(Nvidia):
    """Tells of each change of the driver's: a MIG device is made and destroyed in several."""

    def __init__(self, at: Callable[[str], None]) -> None:
        super().__init__()
        self._at_step = at

    def _patiently(self, uuid: str, call: Callable[[], Any]) -> Any:
        answer = super()._patiently(uuid, call)
        self._at_step("driver changed")
        return answer


def killed(what: str, place: Place, claim: Claim, other: Claim) -> list[dict[str, Any]]:
    """What follows each step. `what` is prepare or unprepare; `other` wants what `claim` has."""
    argv = [place.json, what, json.dumps(claim), json.dumps(other)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.agent.kubelet_plugin.killed", *argv], stdout=subprocess.PIPE, check=True
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def _each_step(place: Place, what: str, claim: Claim, other: Claim) -> Iterator[dict[str, Any]]:
    for number in range(1, 1000):
        if what == "unprepare":
            _in_child(place, lambda agent: {"prepared": agent.prepare(claim)})
        ended = _in_child(place, lambda agent: {"said": _do(agent, what, claim)}, kill_at=number)
        if "said" in ended:
            return
        yield ended | _in_child(place, lambda agent: _afterwards(agent, what, claim, other))


def _do(agent: Inside, what: str, claim: Claim) -> Any:
    return agent.prepare(claim) if what == "prepare" else agent.unprepare(claim)


def _afterwards(agent: Inside, what: str, claim: Claim, other: Claim) -> dict[str, Any]:
    """The next agent, which has restored what it found."""
    found: dict[str, Any] = {"restored": _state(agent)}
    found["other"] = agent.prepare(other)
    found["both"] = len({c.uid for c in agent.claims.values() if c.state == "completed"})
    agent.unprepare(other)
    agent.recovery.sweep()
    found["swept"] = _state(agent)
    found["again"] = _do(agent, what, claim)
    found["after"] = _state(agent)
    found["given back"] = agent.unprepare(claim)
    found["nothing"] = agent.nothing
    return found


def _state(agent: Inside) -> dict[str, Any]:
    made = [d.uuid for c in agent.claims.values() if c.state == "completed" for d in c.devices if d.made]
    return {
        "claims": {uid: claim.state for uid, claim in agent.claims.items()},
        "specs": agent.specs,
        "instances": sorted(each.uuid for each in agent.instances),
        "made": sorted(made),
    }


def _in_child(place: Place, do: Callable[[Inside], dict[str, Any]], kill_at: int = 0) -> dict[str, Any]:
    """What it says; or at which step it was killed. One thread forks: this process has no other."""
    hear, say = os.pipe()
    if os.fork() == 0:
        os.close(hear)
        steps = 0

        def at(step: str) -> None:
            nonlocal steps
            steps += 1
            if steps == kill_at:
                os.write(say, json.dumps({"killed": step}).encode())
                os.kill(os.getpid(), signal.SIGKILL)

        with inside(place, at=at, hardware=Stepping(at)) as agent:
            steps = 0  # restoring has steps, too
            os.write(say, json.dumps(do(agent)).encode())
        os._exit(0)
    os.close(say)
    with open(hear) as heard:
        text = heard.read()
    os.wait()
    found: dict[str, Any] = json.loads(text)
    return found


if __name__ == "__main__":
    told, what, claim, other = sys.argv[1:]
    for line in _each_step(Place.of(told), what, tuple(json.loads(claim)), tuple(json.loads(other))):
        print(json.dumps(line))
