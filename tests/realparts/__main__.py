"""Run by `make test` before the tests, which share the machine's cores: builds all parts that are missing.

`python -m tests.realparts [VERSION…]`: control planes of other releases, too. It never fails: a test that lacks a part
says so.
"""

import sys
from collections.abc import Sequence

from tests.realparts import binaries, prometheus
from tests.realparts.releases import USUAL
from tests.realparts.unavailable import PartsUnavailable


def main(versions: Sequence[str]) -> None:
    def say(line: str) -> None:
        print(line, flush=True)

    try:
        for version in (USUAL.version, *versions):
            binaries.ensure(say, version)
        binaries.built([*binaries.NODE, binaries.HELM], say)
        prometheus.ensure(say)
    except PartsUnavailable as failure:
        say(str(failure))


if __name__ == "__main__":
    main(sys.argv[1:])
