"""Who we are: the headers of every request, and the client certificate; renewed before they run out."""

import asyncio
import base64
from collections.abc import Callable, Mapping
from pathlib import Path

from dratui.kube import execplugin
from dratui.kube.failure import KubeFailure
from dratui.kube.kubeconfig import Access, Exec
from dratui.kube.options import Options

_REREAD = 60.0  # seconds; client-go re-reads token files as often
_EARLY = 30.0  # seconds before its expiry at which a plugin's credential is renewed
_PAUSE = 10.0  # seconds between two runs of a plugin, whatever it answers

Headers = tuple[tuple[str, str], ...]


class Credentials:
    """The life of one user's credentials.

    Ask for `headers` before every request. After a 401 call `renew` with the `generation` that was refused: of
    many requests that were refused together only the first one runs the plugin or reads the file again.
    """

    def __init__(
        self, access: Access, options: Options, *, now: Callable[[], float], environ: Mapping[str, str]
    ) -> None:
        user = access.user
        if user.auth_provider is not None and not (options.token or user.token):
            name = user.auth_provider.name
            raise KubeFailure(
                f"user {access.user_name!r} logs in with `auth-provider: {name}`, which is not supported",
                hint="use an exec plugin (for OIDC: kubelogin), or pass --token",
            )
        self._access = access
        self._now = now
        self._environ = environ
        self._static = options.token or user.token
        self._file = (
            access.user_dir / Path(user.token_file).expanduser()
            if user.token_file and not options.token
            else None
        )
        self._plugin = user.exec if not (self._static or self._file or user.username) else None
        self._impersonation = _impersonation(access, options)
        self._lock = asyncio.Lock()
        self._token = ""
        self._checked = float("-inf")  # when the file was read or the plugin run last
        self._failed: tuple[float, KubeFailure] | None = None  # when it failed last, and how
        self._credential = execplugin.Credential()
        self.generation = 0

    async def headers(self) -> Headers:
        """The headers that say who we are; raises KubeFailure if that cannot be found out."""
        if self._due():
            await self._fetch(lambda: not self._due())
        return (*self._authorization(), *self._impersonation)

    async def renew(self, refused: int) -> bool:
        """The server said 401 to what we had at generation `refused`. True if there is something newer to try."""
        if self._file is not None or self._plugin is not None:
            await self._fetch(lambda: self.generation != refused or self._now() - self._checked < _PAUSE)
        return self.generation != refused

    @property
    def acting_as(self) -> str:
        """The user that we impersonate; empty if none."""
        return next((value for name, value in self._impersonation if name == "Impersonate-User"), "")

    @property
    def certificate(self) -> tuple[str, str]:
        """The plugin's client certificate and key as PEM; empty if it gave none."""
        return self._credential.certificate, self._credential.key

    def _due(self) -> bool:
        age = self._now() - self._checked
        if self._file is not None:
            return not 0 <= age < _REREAD  # a clock that was set back counts as long ago
        if self._plugin is None:
            return False
        if self._checked == float("-inf"):
            return True
        expires = self._credential.expires
        return expires is not None and self._now() > expires - _EARLY and not 0 <= age < _PAUSE

    async def _fetch(self, enough: Callable[[], bool]) -> None:
        async with self._lock:
            if enough():  # somebody else did it while we waited
                return
            if self._file is not None:
                self._read_file(self._file)
            elif self._plugin is not None:
                await self._run(self._plugin)
            self._checked = self._now()

    async def _run(self, plugin: Exec) -> None:
        if self._failed is not None and 0 <= self._now() - self._failed[0] < _PAUSE:
            failure = self._failed[1]  # all streams ask at once; a plugin that fails is not run for each
            raise KubeFailure(failure.what, hint=failure.hint)
        try:
            credential = await execplugin.run(plugin, self._access, self._environ)
            _check(credential.token, f"the credential plugin {plugin.command}")
        except KubeFailure as failure:
            self._failed = (self._now(), failure)
            expires = self._credential.expires
            if expires is not None and self._now() < expires:
                return  # what we have is still good
            raise
        if credential != self._credential:
            self._credential = credential
            self.generation += 1

    def _read_file(self, path: Path) -> None:
        try:
            token = path.read_text().strip()
        except (OSError, ValueError) as error:
            if self._token:
                return  # as client-go does: it is being replaced; what we have is good until the server says no
            reason = error.strerror if isinstance(error, OSError) else "it is no text"
            raise KubeFailure(f"cannot read the token file {path}: {reason}") from error
        _check(token, f"the token file {path}")
        if token != self._token:
            self._token = token
            self.generation += 1

    def _authorization(self) -> Headers:
        token = self._token or self._static or self._credential.token
        if token:
            return (("Authorization", f"Bearer {token}"),)
        user = self._access.user
        if user.username:
            pair = base64.b64encode(f"{user.username}:{user.password}".encode()).decode()
            return (("Authorization", f"Basic {pair}"),)
        return ()


def _impersonation(access: Access, options: Options) -> Headers:
    user = access.user
    name = options.as_user or user.as_user
    groups = options.as_groups or tuple(user.as_groups)
    if not name:
        if groups:
            raise KubeFailure("cannot impersonate a group without a user", hint="add --as USER to --as-group")
        return ()
    headers = [("Impersonate-User", name), *(("Impersonate-Group", group) for group in groups)]
    if not options.as_user:
        if user.as_uid:
            headers.append(("Impersonate-Uid", user.as_uid))
        for key, values in user.as_user_extra.items():
            headers.extend((f"Impersonate-Extra-{key}", value) for value in values)
    for _, value in headers:
        _check(value, "the name to impersonate")
    return tuple(headers)


def _check(value: str, whose: str) -> None:
    """A header cannot hold control characters; say so without saying the value."""
    if any(ord(char) < 0x20 or ord(char) == 0x7F for char in value):
        raise KubeFailure(f"{whose} holds a line break or another control character")
