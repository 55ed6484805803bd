"""The command `dratui-agent`. The agent itself is not built yet; the command says so instead of pretending."""

import sys

from dratui_agent import __version__

NOT_YET = f"""\
dratui-agent {__version__}: not available yet.
It will read live GPU and MIG utilisation on a node, serve it to Prometheus and stream it to dratui.
  hint: the dashboard works without it: run `dratui`.
"""


def main() -> int:
    """Say what this command will be; exit status 2, so that no supervisor takes it for a running agent."""
    sys.stderr.write(NOT_YET)
    return 2


if __name__ == "__main__":
    sys.exit(main())
