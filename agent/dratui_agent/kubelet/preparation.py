"""Prepare and unprepare: started, the devices, the CDI spec, completed; and back in reverse.

A call that was cut short, by whatever, leaves a claim that is `started`: it still holds its devices, and is undone when
kubelet asks again, or by `recovery`.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, Protocol

from dratui_agent.apiserver import NoAnswer
from dratui_agent.kubelet import allotted
from dratui_agent.kubelet.allotted import Refused
from dratui_agent.kubelet.belief import Steps
from dratui_agent.kubelet.calls import Busy, Calls
from dratui_agent.kubelet.cdi import CannotWrite, Folder
from dratui_agent.kubelet.checkpoint import CannotKeep, Checkpoint, Unreadable
from dratui_agent.kubelet.claims import Claims, Named
from dratui_agent.kubelet.hardware import CannotBring, GpuLost, Hardware, Instance
from dratui_agent.kubelet.lock import Taken, Turn
from dratui_agent.kubelet.offers import Offer
from dratui_agent.kubelet.prepared import PreparedClaim, PreparedDevice, Step, What
from dratui_agent.log import log

Devices = Sequence[PreparedDevice]
Operation = Literal["prepare", "unprepare"]

ERRORS: Final[Mapping[type[Exception], str]] = {
    NoAnswer: "api_server",
    Refused: "claim",
    CannotBring: "driver",
    GpuLost: "driver",
    CannotKeep: "checkpoint",
    Unreadable: "checkpoint",
    CannotWrite: "cdi",
    Taken: "busy",
    Busy: "busy",
}
"""What goes wrong, in a word for a label; all else is `other`."""
EXPECTED: Final[tuple[type[Exception], ...]] = (*ERRORS, OSError)
_EVENTS: Final[Mapping[Operation, str]] = {"prepare": "FailedPrepare", "unprepare": "FailedUnprepare"}


class Told(Protocol):
    """Who counts."""

    def failed(self, what: Operation, why: str) -> None:
        """`why` is of ERRORS."""


@dataclass(frozen=True, kw_only=True)
class Means:
    """What preparing needs. `at` is told each step's name as it is reached."""

    driver: str
    pool: str
    claims: Claims
    offers: Callable[[], Mapping[str, Offer]]  # raises CannotBring while nothing is known of the driver
    hardware: Hardware
    specs: Folder
    checkpoint: Checkpoint
    turn: Turn
    calls: Calls
    steps: Steps
    told: Told
    at: Callable[[str], None]
    now: Callable[[], float] = time.time

    def step(
        self, claim: PreparedClaim | Named, what: What, detail: str = "", took: float = 0.0, error: str = ""
    ) -> None:
        """Remember it. `took` is seconds until now."""
        self.steps.add(Step(self.now(), claim.uid, what, detail, took, error, claim.namespace, claim.name))


class Preparation:
    """What kubelet asks for claims of one driver on one node. For any thread."""

    def __init__(self, means: Means) -> None:
        self._means = means

    def prepare(self, asked: Sequence[Named]) -> Mapping[str, Devices | str]:
        """The devices of each claim by UID, or why there are none."""
        return self._each(asked, "prepare", self._prepare)

    def unprepare(self, asked: Sequence[Named]) -> Mapping[str, Devices | str]:
        """No devices for each claim by UID, or why it still has them. A claim that is not known has none."""
        return self._each(asked, "unprepare", self._unprepare)

    def _each(
        self, asked: Sequence[Named], what: Operation, do: Callable[[Named], Devices]
    ) -> Mapping[str, Devices | str]:
        calls = self._means.calls

        def work(claim: Named) -> Devices | str:
            began = time.monotonic()
            try:
                with calls.alone(claim.uid), self._means.turn(self._means.checkpoint.load):
                    devices = do(claim)
            except Exception as error:  # noqa: BLE001  kubelet is to hear of it, whatever it is
                return self._failed(claim, what, error, time.monotonic() - began)
            names = ", ".join(device.device for device in devices)
            self._means.step(claim, what, names, time.monotonic() - began)
            return devices

        def late(claim: Named, seconds: float) -> str:
            ends = ", and the agent ends" if calls.ended.is_set() else ""
            why = CannotBring(f"the driver has not answered for {seconds:.3g} s{ends}")
            return self._failed(claim, what, why, seconds)

        return calls.each(asked, work, late)

    def _failed(self, claim: Named, what: Operation, error: Exception, took: float) -> str:
        if isinstance(error, EXPECTED):
            text = in_words(error)
            log.warning("cannot %s claim %s/%s: %s", what, claim.namespace, claim.name, text)
        else:
            text = f"{type(error).__name__}: {error}"
            log.error("cannot %s claim %s/%s", what, claim.namespace, claim.name, exc_info=error)
        self._means.told.failed(what, ERRORS.get(type(error), "other"))
        self._means.step(claim, what, "", took, text)
        self._means.claims.event(_EVENTS[what], text, claim)
        return text

    # Forth

    def _prepare(self, claim: Named) -> Devices:
        means = self._means
        known = means.checkpoint.claims.get(claim.uid)
        if known is not None:
            if known.state == "completed" and (known := self._still(claim, known)) is not None:
                return self._again(known)
            self.undo(means.checkpoint.claims[claim.uid])
        means.at("prepare")
        offers = means.offers()
        found = means.claims.get(claim)
        wanted = allotted.allotted(found, claim.uid, means.driver, means.pool, offers)
        planned = tuple(self._planned(claim, each) for each in wanted)
        begun = PreparedClaim(claim.uid, claim.namespace, claim.name, "started", planned, means.now())
        means.checkpoint.put(begun, lambda known: allotted.overlapping(planned, known, offers, claim.uid))
        means.at("started")
        try:
            both = zip(planned, wanted, strict=True)
            devices = tuple(self._bring(claim, plan, each.offer) for plan, each in both)
            means.specs.write(claim.uid, devices)
            done = replace(begun, state="completed", devices=devices, completed=means.now())
            means.checkpoint.put(done)
        except Exception:
            self._undo_if_possible(begun)
            raise
        means.at("completed")
        means.claims.prepared(claim, devices)
        return devices

    def _planned(self, claim: Named, each: allotted.Allotted) -> PreparedDevice:
        offer = each.offer
        there = bool(offer.uuid) or any(
            _at(offer, each) for each in self._means.hardware.instances(offer.gpu)
        )
        return PreparedDevice(
            (each.request,),
            self._means.pool,
            each.device,
            offer.uuid,
            cdi=self._means.specs.name(claim.uid, each.device, each.share),
            share=each.share,
            admin=each.admin,
            gpu=offer.gpu,
            made=not there,
        )

    def _bring(self, claim: Named, plan: PreparedDevice, offer: Offer) -> PreparedDevice:
        began = time.monotonic()
        brought = self._means.hardware.bring(offer)
        self._means.at("brought")
        if brought.made:
            took = time.monotonic() - began
            self._means.step(claim, "mig_created", f"{plan.device} {brought.uuid}", took)
        return replace(
            plan, uuid=brought.uuid, gi=brought.gi, ci=brought.ci, made=brought.made, nodes=brought.nodes
        )

    def _still(self, claim: Named, known: PreparedClaim) -> PreparedClaim | None:
        """What a claim was given, if it is what it is to have: None after it was allocated anew. Raises NoAnswer."""
        means = self._means
        try:
            found = means.claims.get(claim)
        except NoAnswer:
            if not known.name:
                raise
            return known  # as far as is known here
        if not allotted.still(known, found, means.driver, means.pool, means.specs.name):
            return None
        if not known.name:
            known = allotted.completed(known, found, means.driver, means.pool, means.specs.name)
            means.checkpoint.put(known)
        return known

    def _again(self, known: PreparedClaim) -> Devices:
        """Kubelet asks for what was done: it is seen to be there."""
        if self._means.specs.restore(known.uid, known.devices):
            self._means.step(known, "restored", "CDI spec")
        return known.devices

    # And back

    def _unprepare(self, claim: Named) -> Devices:
        means = self._means
        means.at("unprepare")
        known = means.checkpoint.claims.get(claim.uid)
        if known is None:
            means.specs.remove(claim.uid)
            return ()
        if known.state == "completed" and any(device.made for device in known.devices):
            known = replace(known, state="started")
            means.checkpoint.put(known)  # what is half gone is not prepared any more
        try:
            self.undo(known)
        except GpuLost as error:  # no pod is to wait for its reset: what it leaves is undone by the sweep
            log.warning(
                "claim %s/%s is given back but for its MIG device: %s", claim.namespace, claim.name, error
            )
        means.claims.prepared(claim, ())
        return ()

    def undo(self, claim: PreparedClaim) -> None:
        """The spec first: no container is to get what is about to go. That it was there is forgotten last.

        Raises CannotBring, CannotKeep and CannotWrite; what is left is tried again. A GPU that is lost keeps nobody
        from giving back what others have.
        """
        means = self._means
        means.specs.remove(claim.uid)
        means.at("spec removed")
        lost: GpuLost | None = None
        for device in claim.devices:
            if device.made:
                try:
                    self._remove(claim, device)
                except GpuLost as error:
                    lost = error
                means.at("device removed")
        if lost is not None:
            raise lost
        means.checkpoint.drop(claim.uid)
        means.at("forgotten")

    def _undo_if_possible(self, claim: PreparedClaim) -> None:
        try:
            self.undo(claim)
        except (CannotBring, CannotKeep, CannotWrite) as error:  # it stays `started`
            log.warning("claim %s/%s is half prepared: %s", claim.namespace, claim.name, error)

    def _remove(self, claim: PreparedClaim, device: PreparedDevice) -> None:
        began = time.monotonic()
        gpu, gi, ci, uuid = device.gpu, device.gi, device.ci, device.uuid
        if gi is None:  # what is known of it was written before it was made, or comes from a CDI spec
            found = self._found(device)
            if found is None:
                return
            gpu, gi, ci, uuid = found.gpu, found.gi, found.ci, found.uuid
        self._means.hardware.remove(gpu, gi, ci)
        took = time.monotonic() - began
        self._means.step(claim, "mig_destroyed", f"{device.device} {uuid}", took)

    def _found(self, device: PreparedDevice) -> Instance | None:
        offer = self._means.offers().get(device.device)
        if offer is not None and offer.uuid:
            return None  # it was there before, and stays
        for each in self._means.hardware.instances(offer.gpu if offer else device.gpu):
            if each.uuid == device.uuid if device.uuid else offer is not None and _at(offer, each):
                return each
        return None


def in_words(error: Exception) -> str:
    """Of what is expected to go wrong."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)


def _at(offer: Offer, instance: Instance) -> bool:
    return instance.gpu == offer.gpu and instance.placement == offer.placement


def nowhere(step: str) -> None:
    """Nobody wants to know how far it has come: `Means.at` outside of tests."""
