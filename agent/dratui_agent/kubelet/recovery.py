"""What is done without being asked: at the start all is put back as it was, and now and then what nobody needs goes."""

from dataclasses import replace

from dratui_agent.apiserver import NoAnswer
from dratui_agent.kubelet import allotted
from dratui_agent.kubelet.calls import Busy
from dratui_agent.kubelet.cdi import CannotWrite
from dratui_agent.kubelet.checkpoint import CannotKeep, Newer, Unreadable
from dratui_agent.kubelet.claims import Named
from dratui_agent.kubelet.lock import Taken
from dratui_agent.kubelet.preparation import EXPECTED, Means, Preparation, in_words
from dratui_agent.kubelet.prepared import PreparedClaim, Step
from dratui_agent.log import log


class Recovery:
    """Restores and sweeps, in turn with what kubelet asks."""

    def __init__(self, means: Means, preparation: Preparation) -> None:
        self._means = means
        self._preparation = preparation

    def restore(self) -> None:
        """At the start: the checkpoint is read, CDI specs are as it says. Raises OSError and Taken.

        Nothing here waits for the driver or the API server: `sweep` does what needs them.
        """
        with self._means.turn(self._load):
            known = self._means.checkpoint.claims
            self._means.specs.clean()
            self._sweep_specs()
            for claim in known.values():
                if claim.state == "completed":
                    self._restore(claim)

    def sweep(self) -> None:
        """Undo what was begun and left, and what is prepared for claims that are gone. May take long."""
        means = self._means
        try:
            with means.turn(self._load_again):
                self._sweep_specs()
        except (OSError, Taken, Unreadable) as error:
            log.warning("CDI specs cannot be looked after: %s", in_words(error))
        for claim in means.checkpoint.claims.values():
            try:
                with means.calls.alone(claim.uid, 0), means.turn(means.checkpoint.load):
                    self._sweep(claim.uid)
            except Busy:
                continue
            except EXPECTED as error:  # the next sweep tries it again
                log.warning("claim %s cannot be looked after: %s", claim.uid, in_words(error))

    # At the start

    def _load(self) -> None:
        try:
            self._means.checkpoint.load()
        except Unreadable as why:
            self._rebuild(why)

    def _load_again(self) -> None:
        """Another agent may have written it: one of a later version, which takes over from this one, knows better."""
        try:
            self._means.checkpoint.load()
        except Newer:
            raise
        except Unreadable as why:
            self._rebuild(why)

    def _rebuild(self, why: Unreadable) -> None:
        """From the CDI specs; what they do not tell is asked of the claims by `sweep`, or when kubelet asks again."""
        means = self._means
        rebuilt = {}
        for uid in means.specs.claims():
            if devices := means.specs.devices(uid, means.pool):
                made = tuple(replace(each, made=each.uuid.startswith("MIG-")) for each in devices)
                rebuilt[uid] = PreparedClaim(uid, "", "", "completed", made, means.now(), means.now())
        text = f"the checkpoint cannot be read: {why}; claims found by their CDI specs: {len(rebuilt)}"
        try:
            text += f"; what it was is {means.checkpoint.set_aside()} now"
            means.checkpoint.take(rebuilt)
        except (OSError, CannotKeep) as error:  # the next call writes it
            text += f"; {in_words(error)}"
        log.error("%s", text)
        means.steps.add(Step(means.now(), "", "restored", "checkpoint", error=text))
        means.claims.event("CheckpointUnreadable", text)

    def _restore(self, claim: PreparedClaim) -> None:
        try:
            if self._means.specs.restore(claim.uid, claim.devices):
                self._means.step(claim, "restored", "CDI spec")
        except CannotWrite as error:
            log.error("%s", error)
            self._means.step(claim, "restored", "CDI spec", error=str(error))

    def _sweep_specs(self) -> None:
        known = self._means.checkpoint.claims
        for uid in [each for each in self._means.specs.claims() if each not in known]:
            try:
                with self._means.calls.alone(uid, 0):
                    if uid in self._means.checkpoint.claims:
                        continue
                    self._means.specs.remove(uid)
            except (Busy, CannotWrite) as error:
                log.warning("the CDI spec of claim %s stays: %s", uid, error)
                continue
            log.info("removed the CDI spec of claim %s, which is not prepared", uid)
            self._means.steps.add(Step(self._means.now(), uid, "swept", "CDI spec"))

    # Now and then

    def _sweep(self, uid: str) -> None:
        known = self._means.checkpoint.claims.get(uid)
        if known is None:
            return
        why = "it was begun and not ended" if known.state == "started" else self._gone(known)
        if why:
            log.info(
                "claim %s is unprepared: %s", f"{known.namespace}/{known.name}" if known.name else uid, why
            )
            self._preparation.undo(known)
            self._means.step(known, "swept", why)

    def _gone(self, known: PreparedClaim) -> str:
        """Why a claim needs its devices no more; empty when it does."""
        means = self._means
        if not known.name:
            return self._named(known)
        try:
            found = means.claims.get(Named(known.namespace, known.name, known.uid))
        except NoAnswer as why:
            if why.status == 404:
                return "the claim is gone"
            raise
        if allotted.uid(found) != known.uid:
            return "the claim got replaced"
        still = allotted.still(known, found, means.driver, means.pool, means.specs.name)
        return "" if still else "its allocation is another one now"

    def _named(self, known: PreparedClaim) -> str:
        """A claim of which only the CDI spec was left gets its name, if it is still there."""
        means = self._means
        found = next((each for each in means.claims.all() if allotted.uid(each) == known.uid), None)
        if found is None:
            return "the claim is gone"
        means.checkpoint.put(allotted.completed(known, found, means.driver, means.pool, means.specs.name))
        return ""
