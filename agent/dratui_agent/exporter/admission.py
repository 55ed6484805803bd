"""Who may read: by certificate, password or token, as the agent was told to ask."""

from typing import Final

from aiohttp import web

from dratui_agent.exporter.bearer import Reviews
from dratui_agent.exporter.web_config import Web

FOR_ALL: Final = ("/-/healthy", "/-/ready")  # a probe of kubelet's has no password


class Admission:
    """`reviews`: of bearer tokens, None where none are taken. A password or a token suffices where both are."""

    def __init__(self, config: Web, reviews: Reviews | None) -> None:
        self._config = config
        self._reviews = reviews

    async def refusal(self, request: web.Request) -> web.Response | None:
        """What to tell somebody who may not read this page; None for who may."""
        self._config.refresh()
        if not self._config.knows(request.get_extra_info("peercert")):
            return web.Response(text="this certificate's names may not read\n", status=403)
        if request.path in FOR_ALL:
            return None
        login = request.headers.get("Authorization", "")
        kind, _, token = login.partition(" ")
        if self._reviews is not None and kind.lower() == "bearer":
            verdict = await self._reviews.judge(token.strip(), request.path)
            if verdict.status == 200:
                return None
            return self._refused(verdict.status, verdict.text)
        passwords = bool(self._config.config.users)
        if (passwords or self._reviews is None) and await self._config.admits(login):
            return None
        return self._refused(401, "log in")

    def _refused(self, status: int, text: str) -> web.Response:
        refused = web.Response(text=f"{text}\n", status=status)
        if status == 401:
            if self._reviews is not None:
                refused.headers.add("WWW-Authenticate", 'Bearer realm="dratui-agent"')
            if self._config.config.users:
                refused.headers.add("WWW-Authenticate", 'Basic realm="dratui-agent"')
        elif status == 503:
            refused.headers["Retry-After"] = "5"
        return refused
