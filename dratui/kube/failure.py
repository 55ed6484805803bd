"""The one exception of this layer."""

from dratui.failure import Failure


class KubeFailure(Failure):
    """Something between us and the API server went wrong.

    `status` is the HTTP status, or the code of a Status object in a watch; None if nothing came back at all.
    `status_reason` is the reason of the Status (`Forbidden`); empty where no Kubernetes API server has answered.
    `said` is the reason alone, in the server's or the network's words, for places that name the rest themselves.
    `retry_after` is how long the server asks us to wait, in seconds. `silent` is True where a
    connection lived and brought nothing for too long; `unheard` is for how many seconds nothing at all had come from
    the server, where that is known. No text holds a credential.
    """

    def __init__(
        self,
        what: str,
        *,
        means: str = "",
        hint: str = "",
        status: int | None = None,
        status_reason: str = "",
        said: str = "",
        retry_after: float | None = None,
        silent: bool = False,
        unheard: float | None = None,
    ) -> None:
        super().__init__(what, means=means, hint=hint)
        self.status = status
        self.status_reason = status_reason
        self.said = said or what
        self.retry_after = retry_after
        self.silent = silent
        self.unheard = unheard


class TooLarge(KubeFailure):
    """An answer is larger than we hold; `head` is how it begins."""

    def __init__(self, what: str, head: bytes, *, hint: str = "") -> None:
        super().__init__(what, hint=hint, status=422)
        self.head = head
