"""The official client, as the agent's pod has it, and what the API server can do with slices."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Final

from kubernetes.client import ApiClient, ApiException, Configuration, ResourceApi, VersionApi

from dratui_agent.kubelet.slices import Server
from dratui_agent.resources import GROUP, VERSIONS

PATIENCE: Final = (5.0, 15.0)  # seconds for a connection, and for an answer


class NotServed(Exception):
    """The API server has no ResourceSlices that could be written; the text is for people."""


def client(address: str, folder: Path) -> ApiClient:
    """With the service account in a folder; its token is read anew for each request, which raises OSError."""

    def refresh(configuration: Configuration) -> None:
        configuration.api_key["authorization"] = f"Bearer {(folder / 'token').read_text().strip()}"

    made = Configuration(host=address)
    made.ssl_ca_cert = str(folder / "ca.crt")
    made.proxy = None
    made.refresh_api_key_hook = refresh  # type: ignore[assignment]  # the client declares it as None
    made.api_key["authorization"] = ""  # without one nobody asks the hook
    return ApiClient(made)


def ask(api: ApiClient, known: Server) -> Server:
    """What the server can do. What it was found to drop is forgotten with its release.

    Raises NotServed, and what the client raises.
    """
    try:
        group = ResourceApi(api).get_api_group(_request_timeout=PATIENCE)
    except ApiException as error:
        if error.status != 404:
            raise
        raise NotServed(f"the API server has no {GROUP}: Dynamic Resource Allocation is off") from error
    served = {each.version for each in group.versions}
    version = next((each for each in VERSIONS if each in served), None)
    if version is None:
        raise NotServed(f"the API server has no {GROUP} of {', '.join(VERSIONS)}: is it older than 1.32?")
    code = VersionApi(api).get_code(_request_timeout=PATIENCE)
    if code.git_version != known.release:
        newer = int("".join(filter(str.isdigit, code.minor)) or 0) >= 35  # than what slices were before
        known = Server(release=code.git_version, apart=newer, watching=newer)
    return replace(known, version=version)


def reason(error: Exception) -> str:
    """What went wrong, in a line."""
    if not isinstance(error, ApiException):
        return (str(error) or type(error).__name__).partition("\n")[0]
    try:
        said = json.loads(error.body or "")["message"]
    except (ValueError, TypeError, KeyError):
        said = error.reason
    return f"{error.status}: {said}"
