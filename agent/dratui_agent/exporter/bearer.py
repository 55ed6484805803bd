"""Bearer tokens: the API server says whose one is (TokenReview), and whether he may get a page (SubjectAccessReview).

He may who has the verb `get` on the page's path as a nonResourceURL, `/metrics` or `/v1/stream`, as with kubelet's and
the controllers' own metrics. Where the API server cannot be asked nobody is let in.
"""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from dratui_agent.apiserver import ApiServer, NoAnswer
from dratui_agent.log import log

ALLOWED_SECONDS: Final = 60.0  # for which an answer is believed
DENIED_SECONDS: Final = 10.0
REMEMBERED: Final = 1000  # answers; the one asked for longest ago goes first
AT_ONCE: Final = 16  # questions under way; more are told to come again
LONGEST: Final = 12 << 10  # characters of a token

_TOKENS: Final = "/apis/authentication.k8s.io/v1/tokenreviews"
_ACCESS: Final = "/apis/authorization.k8s.io/v1/subjectaccessreviews"


@dataclass(frozen=True, slots=True)
class Verdict:
    """An HTTP status, 200 for who may read, and for others why not."""

    status: int
    text: str = ""


_ALLOWED: Final = Verdict(200)
_UNKNOWN: Final = Verdict(401, "the API server does not know this token")


class Reviews:
    """Judges tokens, and remembers for a while. A token itself is not kept, only its hash."""

    def __init__(self, api: ApiServer, clock: Callable[[], float] = time.monotonic) -> None:
        self._api = api
        self._clock = clock
        self._known: OrderedDict[tuple[bytes, str], tuple[float, Verdict]] = OrderedDict()
        self._trouble = ""  # that was told last
        self._asking: dict[tuple[bytes, str], asyncio.Task[Verdict]] = {}

    async def judge(self, token: str, path: str) -> Verdict:
        """Whether who has this token may get this page."""
        if not token or len(token) > LONGEST:
            return _UNKNOWN
        key = hashlib.sha256(token.encode("utf-8", "replace")).digest(), path
        until, verdict = self._known.get(key, (0.0, _UNKNOWN))
        if self._clock() < until:
            self._known.move_to_end(key)
            return verdict
        task = self._asking.get(key)
        if task is None:
            if len(self._asking) >= AT_ONCE:
                return Verdict(503, "too many tokens to ask about at once")
            task = self._asking[key] = asyncio.create_task(self._ask(token, path))
            task.add_done_callback(lambda done: self._answered(key, done))
        try:
            verdict = await asyncio.shield(task)  # others may wait for the same answer
        except NoAnswer as why:
            if str(why) != self._trouble:  # for who runs the agent, not for who knocks
                self._trouble = str(why)
                log.warning("tokens cannot be judged: %s", why)
            return Verdict(503, "the API server cannot be asked who may read")
        self._trouble = ""
        lives = ALLOWED_SECONDS if verdict is _ALLOWED else DENIED_SECONDS
        self._known[key] = (self._clock() + lives, verdict)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return verdict

    def _answered(self, key: tuple[bytes, str], done: asyncio.Task[Verdict]) -> None:
        del self._asking[key]
        if not done.cancelled():
            done.exception()  # is told to who waits; nobody may, any more

    async def _ask(self, token: str, path: str) -> Verdict:
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}}
        told = _status(await self._api.ask(_TOKENS, review))
        user = told.get("user")
        if told.get("authenticated") is not True or not isinstance(user, Mapping):
            return _UNKNOWN
        spec = {
            "user": user.get("username", ""),
            "groups": user.get("groups", []),
            "uid": user.get("uid", ""),
            "extra": user.get("extra", {}),
            "nonResourceAttributes": {"path": path, "verb": "get"},
        }
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
        if _status(await self._api.ask(_ACCESS, review)).get("allowed") is True:
            return _ALLOWED
        return Verdict(
            403, f"{spec['user']} may not get {path}: a role with this nonResourceURL and verb is needed"
        )


def _status(answer: Any) -> Mapping[str, Any]:
    status = answer.get("status")
    return status if isinstance(status, Mapping) else {}
