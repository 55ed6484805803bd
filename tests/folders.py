"""How `make test` divides its tests between processes: folder by folder.

Who needs a control plane has it for a session, which is a process: so few are started, and those that share one never
run at once.
"""

from xdist.scheduler import LoadScopeScheduling


class ByFolder(LoadScopeScheduling):  # type: ignore[misc]  # xdist ships no types
    """`--dist loadscope`, with a folder of `tests` as the scope, in the order of their names."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.partition("::")[0].split("/")[1]
