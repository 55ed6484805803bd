"""What the command line may say about whom to talk to. Light: `dratui.cli` imports this before anything else."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Options:
    """kubectl's flags of the same names. Empty means: what the kubeconfig says."""

    kubeconfig: str = ""
    context: str = ""
    cluster: str = ""
    user: str = ""
    namespace: str = ""
    as_user: str = ""
    as_groups: tuple[str, ...] = ()
    token: str = field(default="", repr=False)
    request_timeout: float | None = None
    """Seconds without a single byte after which a request is given up. Not a limit on a whole answer."""
