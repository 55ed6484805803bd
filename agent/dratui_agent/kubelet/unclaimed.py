"""MIG devices that no claim has, whoever made them: destroyed, where that was asked for.

What is offered as it is stays, and so does what a claim was given that kubelet has not asked us to prepare yet. That a
claim is given one meanwhile is looked at again when nothing else can be done to the GPU any more.
"""

import time

from dratui_agent.kubelet import allotted
from dratui_agent.kubelet.allotted import Refused
from dratui_agent.kubelet.hardware import CannotBring, Instance
from dratui_agent.kubelet.preparation import EXPECTED, Means
from dratui_agent.kubelet.prepared import Step
from dratui_agent.log import log


def destroy(means: Means) -> None:
    """Those that there are now. What cannot be destroyed, as a process uses it, is tried again the next time."""
    try:
        with means.turn(means.checkpoint.load):
            found = [each for each in means.hardware.instances() if not _held(means, each)]
            given = _given(means) if found else set()
            for each in found:
                if not any(_at(means, name, each) for name in given):
                    _destroy(means, each)
    except EXPECTED as error:
        log.warning("MIG devices that no claim has stay: %s", error)


def _destroy(means: Means, each: Instance) -> None:
    what = f"{each.uuid or f'GPU instance {each.gi}'} of {each.gpu}, which no claim had"
    began, error = time.monotonic(), ""
    try:
        if not means.hardware.remove(each.gpu, each.gi, each.ci, unless=lambda: _held(means, each)):
            return
        log.info("destroyed %s", what)
    except CannotBring as why:
        error = str(why)
        log.warning("cannot destroy %s: %s", what, error)
    took = time.monotonic() - began
    means.steps.add(Step(means.now() - took, "", "mig_destroyed", what, took, error))


def _held(means: Means, each: Instance) -> bool:
    """Whether it is a claim's, is about to become one's, or is offered as it is."""
    if each.uuid and any(each.uuid == offer.uuid for offer in means.offers().values()):
        return True
    return any(
        (device.gpu, device.gi) == (each.gpu, each.gi)
        or bool(device.uuid and device.uuid == each.uuid)
        or (device.gi is None and _at(means, device.device, each))
        for claim in means.checkpoint.claims.values()
        for device in claim.devices
    )


def _given(means: Means) -> set[str]:
    """Names of our devices in the allocations of all claims. Raises NoAnswer."""
    found: set[str] = set()
    for claim in means.claims.all():
        try:
            found |= {str(result["device"]) for result in allotted.results(claim, means.driver, means.pool)}
        except Refused:  # devices of other nodes
            continue
    return found


def _at(means: Means, name: str, each: Instance) -> bool:
    """Whether the device of that name lies exactly there."""
    offer = means.offers().get(name)
    return offer is not None and (offer.gpu, offer.placement) == (each.gpu, each.placement)
