"""The API group resource.k8s.io, in the newest version that both the API server and this agent know."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from dratui_agent.apiserver import ApiServer, NoAnswer
from dratui_agent.parsed import items, mapping

GROUP: Final = "resource.k8s.io"
VERSIONS: Final = ("v1", "v1beta2", "v1beta1")
"""The newest first; what this agent reads and writes of them is the same but for `basic` of devices in v1beta1."""
PAGE: Final = 500
MOST_PAGES: Final = 200


class Resources:
    """Asks on the event loop. `version` is the one that was found; empty before."""

    def __init__(self, api: ApiServer) -> None:
        self.version = ""
        self._api = api

    async def ask(self, path: str, *arguments: Any) -> Any:
        """As `ApiServer.ask`, below the version. Raises NoAnswer; 404: what was asked for is missing."""
        version = await self.newest()
        try:
            return await self._api.ask(f"/apis/{GROUP}/{version}/{path}", *arguments)
        except NoAnswer as why:
            if why.status != 404 or await self._serves(version):
                raise
        self.version = ""  # it was upgraded
        return await self._api.ask(f"/apis/{GROUP}/{await self.newest()}/{path}", *arguments)

    async def all(self, kind: str, query: str = "") -> list[Mapping[str, Any]]:
        """All objects of a kind, such as `resourceclaims`, page by page. Raises NoAnswer."""
        found: list[Mapping[str, Any]] = []
        more = ""
        for _ in range(MOST_PAGES):
            page = await self.ask(f"{kind}?limit={PAGE}{query}{more}")
            found += map(mapping, items(page.get("items")))
            token = str(mapping(page.get("metadata")).get("continue") or "")
            if not token:
                return found
            more = f"&continue={quote(token, safe='')}"
        raise NoAnswer(f"there are more than {PAGE * MOST_PAGES} {kind}")

    async def newest(self) -> str:
        """The newest version that both know. Raises NoAnswer."""
        if not self.version:
            for version in VERSIONS:
                if await self._serves(version):
                    self.version = version
                    break
            else:
                raise NoAnswer(f"the API server does not serve {GROUP}")
        return self.version

    async def _serves(self, version: str) -> bool:
        try:
            await self._api.ask(f"/apis/{GROUP}/{version}")
        except NoAnswer as why:
            if why.status == 404:
                return False
            raise
        return True


def claim_path(namespace: str, name: str) -> str:
    """Of a ResourceClaim, below the version."""
    return f"namespaces/{quote(namespace, safe='')}/resourceclaims/{quote(name, safe='')}"
