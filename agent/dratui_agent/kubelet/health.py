"""How the devices are, for kubelet: it shows that in the pods' status. As the taints of what is offered say.

Kubelet forgets what it was told after 30 s, so it is told again well before; when nothing was heard of the driver for
too long, or a device is not there any more, that is what is told.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import IntEnum
from typing import Any, Final

import grpc

from dratui_agent.kubelet.messages import HEALTH
from dratui_agent.kubelet.offers import Offer

SERVICES: Final = ("v1.DRAResourceHealth", "v1alpha1.DRAResourceHealth")
"""The newest first; they are the same but for their names. Kubelet takes v1 since 1.37, and v1alpha1 until 1.39."""
AGAIN_SECONDS: Final = 10.0
TIMEOUT_SECONDS: Final = 30  # kubelet's own default
LONGEST: Final = 1024  # characters of a message
MOST_STREAMS: Final = 8  # each holds a thread; kubelet has one


class How(IntEnum):
    """On the wire."""

    UNKNOWN = 0
    HEALTHY = 1
    UNHEALTHY = 2


Told = Mapping[str, tuple[How, str]]
"""By the device's name: how it is, and why."""


def judged(offers: Mapping[str, Offer], held: Sequence[str], trouble: str) -> Told:
    """How each device is. `held`: names of those that are prepared, offered or not; `trouble`: of the driver."""
    if trouble:
        return dict.fromkeys({*offers, *held}, (How.UNKNOWN, trouble[:LONGEST]))
    found = {name: _of(offer) for name, offer in offers.items()}
    return dict.fromkeys(held, (How.UNHEALTHY, "the device is not there any more")) | found


def _of(offer: Offer) -> tuple[How, str]:
    said = "; ".join(
        f"{taint.key.rpartition('/')[2]}{f' {taint.value}' if taint.value else ''}" for taint in offer.taints
    )
    bad = any(taint.effect != "None" for taint in offer.taints)
    return (How.UNHEALTHY if bad else How.HEALTHY), said[:LONGEST]


class Health:
    """The stream. `take` is called with what is known, by one thread; streams are served by others."""

    def __init__(
        self, pool: str, *, clock: Callable[[], float] = time.monotonic, now: Callable[[], float] = time.time
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._now = now
        self._changed = threading.Condition()
        self._told: Told | None = None  # nothing is known yet
        self._at = 0.0  # when that was known
        self._ended = False
        self._streams = threading.Semaphore(MOST_STREAMS)

    def take(self, told: Told) -> None:
        """How they are now."""
        with self._changed:
            self._at = self._now()
            if told != self._told:
                self._told = told
                self._changed.notify_all()

    def end(self) -> None:
        """Streams end, so that the server can."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def handlers(self) -> Sequence[grpc.GenericRpcHandler]:
        """Both versions of the service."""
        method: grpc.RpcMethodHandler[Any, Any] = grpc.unary_stream_rpc_method_handler(
            self._watch,
            HEALTH["NodeWatchResourcesRequest"].FromString,
            lambda message: message.SerializeToString(),
        )
        return [
            grpc.method_handlers_generic_handler(service, {"NodeWatchResources": method})
            for service in SERVICES
        ]

    def _watch(self, _: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        if not self._streams.acquire(blocking=False):
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, f"{MOST_STREAMS} streams are served already")
        try:
            context.add_callback(self._wake)  # who has gone is not waited for
            told: Told | None = None
            while context.is_active():
                with self._changed:
                    self._wait_for_other_than(told, context)
                    if self._ended:
                        return
                    told, at = self._told, self._at
                if told is not None:
                    yield self._message(told, at)
        finally:
            self._streams.release()

    def _wait_for_other_than(self, told: Told | None, context: grpc.ServicerContext) -> None:
        end = self._clock() + AGAIN_SECONDS
        while self._told == told and not self._ended and context.is_active():
            if (left := end - self._clock()) <= 0:
                return
            self._changed.wait(left)

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _message(self, told: Told, at: float) -> Any:
        message = HEALTH["NodeWatchResourcesResponse"]()
        for name, (how, why) in told.items():
            message.devices.add(
                device={"pool_name": self._pool, "device_name": name},
                health=how,
                last_updated_time=int(at),
                health_check_timeout_seconds=TIMEOUT_SECONDS,
                message=why,
            )
        return message
