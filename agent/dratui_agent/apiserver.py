"""The cluster's API server, asked with the service account of the agent's pod. Only for what options need of it."""

import asyncio
import json
import os
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import aiohttp

SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
PATIENCE_SECONDS: Final = 5.0
LARGEST_ANSWER: Final = 32 << 20


class NoAnswer(Exception):
    """It could not be asked, or did not do what it was asked. The text is for people.

    `status` is HTTP's; 0 where there was none.
    """

    def __init__(self, text: str, status: int = 0) -> None:
        super().__init__(text)
        self.status = status


class ApiServer:
    """One API server, over connections that are kept. `folder` has `token`, which is read anew, and `ca.crt`."""

    def __init__(self, address: str, folder: Path = SERVICE_ACCOUNT) -> None:
        """Raises NoAnswer where there is no service account."""
        self.address = address
        self.folder = folder
        self._token = folder / "token"
        self._session: aiohttp.ClientSession | None = None
        try:
            self._tls = ssl.create_default_context(cafile=str(folder / "ca.crt"))
            self._token.read_text()
        except OSError as error:
            raise NoAnswer(f"no service account in {folder}: {error.strerror or error}") from error

    @classmethod
    def of_this_pod(
        cls, folder: Path = SERVICE_ACCOUNT, environ: Mapping[str, str] = os.environ
    ) -> "ApiServer":
        """As the pod's environment says. Raises NoAnswer outside of a pod."""
        host, port = environ.get("KUBERNETES_SERVICE_HOST", ""), environ.get("KUBERNETES_SERVICE_PORT", "443")
        if not host:
            raise NoAnswer("KUBERNETES_SERVICE_HOST is not set: the agent does not run in a pod")
        return cls(f"https://{f'[{host}]' if ':' in host else host}:{port}", folder)

    async def ask(
        self,
        path: str,
        body: Mapping[str, Any] | None = None,
        method: str = "",
        kind: str = "application/json",
    ) -> Any:
        """GET, or POST of an object, unless `method` says otherwise; the object that it answers. Raises NoAnswer.

        `kind`: the media type of what is sent, which tells the patches apart.
        """
        if self._session is None:
            patience = aiohttp.ClientTimeout(total=PATIENCE_SECONDS)
            connector = aiohttp.TCPConnector(ssl=self._tls, limit=16)
            self._session = aiohttp.ClientSession(timeout=patience, connector=connector)
        try:
            headers = {
                "Authorization": f"Bearer {self._token.read_text().strip()}",
                "Accept": "application/json",
            }
            if body is not None:
                headers["Content-Type"] = kind
            async with self._session.request(
                method or ("GET" if body is None else "POST"),
                self.address + path,
                data=None if body is None else json.dumps(body),
                headers=headers,
                allow_redirects=False,
            ) as answer:
                data = await answer.content.read(LARGEST_ANSWER + 1)
                while len(data) <= LARGEST_ANSWER and (more := await answer.content.read(LARGEST_ANSWER)):
                    data += more
                if len(data) > LARGEST_ANSWER:
                    raise NoAnswer(f"the API server answers more than {LARGEST_ANSWER >> 20} MiB")
        except TimeoutError:
            raise NoAnswer(f"the API server took longer than {PATIENCE_SECONDS:g} s to answer") from None
        except (OSError, ValueError, aiohttp.ClientError) as error:
            said = str(error) or type(error).__name__
            raise NoAnswer(f"the API server cannot be asked: {said}") from error
        try:
            found = json.loads(data)
        except (ValueError, RecursionError):
            found = None
        if not 200 <= answer.status < 300:
            told = found.get("message") if isinstance(found, dict) else None
            raise NoAnswer(
                f"the API server refuses ({answer.status}): {told or answer.reason}", answer.status
            )
        if not isinstance(found, dict):
            raise NoAnswer("what the API server answers cannot be read", answer.status)
        return found

    async def close(self) -> None:
        """Let its connections go."""
        if self._session is not None:
            await self._session.close()
            await asyncio.sleep(0)  # for the transports
            self._session = None
