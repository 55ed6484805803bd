"""The one exception of this layer."""

from dratui.failure import Failure


class KubeFailure(Failure):
    """Something between us and the API server went wrong.

    `status` is the HTTP status, or the code of a Status object in a watch; None if nothing came back at all.
    `said` is the reason alone, in the server's or the network's words, for places that name the rest themselves.
    `retry_after` is how long the server asks us to wait, in seconds. `silent` is True where a
    connection lived and brought nothing for too long. No text holds a credential.
    """

    def __init__(
        self,
        what: str,
        *,
        means: str = "",
        hint: str = "",
        status: int | None = None,
        said: str = "",
        retry_after: float | None = None,
        silent: bool = False,
    ) -> None:
        super().__init__(what, means=means, hint=hint)
        self.status = status
        self.said = said or what
        self.retry_after = retry_after
        self.silent = silent
