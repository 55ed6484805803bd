"""The command `dratui`: parse, call, print. Each command is a module of its own, imported when it runs."""

import os
import sys
from collections.abc import Sequence

from dratui.failure import Failure, UsageFailure


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command. Returns the exit status: 0, 1 for an error, 2 for wrong usage, 130 after ctrl-c."""
    try:
        from dratui.cli.arguments import complete, parse  # argparse is not for those who import dratui.cli

        if "_ARGCOMPLETE" in os.environ:
            complete()
        command = parse(sys.argv[1:] if argv is None else argv)
        return command()
    except Failure as failure:
        complain(failure)
        return 2 if isinstance(failure, UsageFailure) else 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output has enough; nobody is left to tell, and Python must not try at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def complain(failure: Failure) -> None:
    """Print what went wrong."""
    from dratui.terminal import clean_lines

    print(clean_lines(str(failure)), file=sys.stderr)
