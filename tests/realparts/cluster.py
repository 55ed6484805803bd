"""`make cluster`: one real control plane with every scenario, until ctrl-c. An argument is another release."""

import signal
import sys
import time
from collections.abc import Sequence

from tests.realparts import binaries, scenarios
from tests.realparts.controlplane import ControlPlane
from tests.realparts.releases import USUAL, Release, named
from tests.realparts.unavailable import PartsUnavailable


def main(argv: Sequence[str]) -> int:
    for ending in (signal.SIGTERM, signal.SIGINT):  # a background shell hands down an ignored SIGINT
        signal.signal(ending, signal.default_int_handler)
    try:
        _run(named(argv[0]) if argv else USUAL)
    except PartsUnavailable as failure:
        print(failure, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    return 0


def _run(release: Release) -> None:
    parts = binaries.ensure(_say, release.version)
    started = time.monotonic()
    with ControlPlane(parts, release) as plane:
        plane.start()
        _say(f"control plane: ready after {time.monotonic() - started:.1f} s")
        for name in scenarios.NAMES:
            scenarios.apply(plane, name)
            _say(f"scenario {name}: applied")
        _say(f"all there after {time.monotonic() - started:.1f} s; ctrl-c ends it\n")
        print(f"dratui --kubeconfig {plane.kubeconfig('viewer')}")
        print(f"KUBECONFIG={plane.kubeconfig('admin')} {parts['kubectl']} get pods -A", flush=True)
        while True:
            signal.pause()


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
