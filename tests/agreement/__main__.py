"""`make agree N=… SEED=… RELEASE=…`: so many pods on a real control plane of their own.

Disagreements are printed as one file of cases that `python -m tests.conformance.allocator` runs.
"""

import argparse
import json
import random
import sys
import time

from tests.agreement.compare import Tally, compare
from tests.agreement.real import furnish
from tests.realparts import binaries
from tests.realparts.controlplane import ControlPlane
from tests.realparts.releases import USUAL, named


def main() -> int:
    """1, if there is a disagreement."""
    parser = argparse.ArgumentParser(prog="python -m tests.agreement", description=__doc__)
    parser.add_argument("pods", type=int, nargs="?", default=1000)
    parser.add_argument("seed", type=int, nargs="?", default=random.SystemRandom().randrange(100_000))
    parser.add_argument("--release", default=USUAL.version)
    arguments = parser.parse_args()
    release = named(arguments.release)
    print(f"seed {arguments.seed}", file=sys.stderr)
    tally = Tally()
    cases = []
    parts = binaries.ensure(lambda line: print(line, file=sys.stderr), release.version)
    with ControlPlane(parts, release) as plane:
        plane.start()
        furnish(plane)
        began = time.monotonic()
        for case in compare(plane.server, arguments.seed, arguments.pods, tally, release.version):
            cases.append(case)
            print(f"disagreement: {case['id']}", file=sys.stderr)
    if cases:
        print(json.dumps({"version": release.version, "seed": arguments.seed, "cases": cases}))
    print(f"{tally} in {time.monotonic() - began:.0f} s; {len(cases)} disagree", file=sys.stderr)
    return 1 if cases else 0


if __name__ == "__main__":
    sys.exit(main())
