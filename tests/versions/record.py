"""`make version-recordings`: records what old releases say, in every version of the API, and the usual one beside it.

Nothing in the files is made by hand: they are what `dratui record` wrote of the scenarios at rest.
"""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from dratui.api.streams import STREAMS
from dratui.recording.format import RecordingFailure
from dratui.recording.reader import Reader
from tests.realparts import binaries, scenarios
from tests.realparts.controlplane import ControlPlane
from tests.realparts.releases import OLDER, USUAL, Release
from tests.realparts.unavailable import PartsUnavailable
from tests.versions import rows

FOLDER = Path(__file__).with_name("recordings")
OLD = next(release for release in OLDER if release.version.startswith("v1.33."))
NEW = replace(USUAL, without=OLD.without)
"""The usual release with what the old one has."""
RECORDED = {OLD: OLD.served, NEW: NEW.served[:1]}
"""Releases, and the versions of resource.k8s.io in which they are recorded."""
PATIENCE = 30.0  # seconds for the lists of a small cluster


def name(release: Release, version: str) -> str:
    """Of the recording of a release as a version of resource.k8s.io tells it."""
    return f"{release.version}-{version}.rec"


@contextmanager
def at_rest(release: Release, say: binaries.Say) -> Iterator[ControlPlane]:
    """A control plane of the release with every scenario that it can have."""
    with ControlPlane(binaries.ensure(say, release.version), release) as plane:
        plane.start()
        scenarios.apply(plane)
        scenarios.settled(plane)
        yield plane


def record(plane: ControlPlane, version: str, target: Path) -> None:
    """Let dratui record what the cluster says in one version. Raises RecordingFailure."""
    with plane.apiserver_with_only(version, "v1alpha3") as kubeconfig:
        argv = [sys.executable, "-m", "dratui", "record", str(target), "--kubeconfig", str(kubeconfig)]
        with subprocess.Popen(argv) as recorder:
            try:
                plane.wait(lambda: _complete(target), PATIENCE, "the recording to be complete")
            finally:
                recorder.send_signal(signal.SIGINT)
    if recorder.returncode:
        raise RecordingFailure(f"dratui record ended with status {recorder.returncode}")


def _complete(target: Path) -> bool:
    try:
        with Reader(target) as reader:
            return {line.stream for line in reader.lines() if line.last} >= STREAMS.keys()
    except RecordingFailure:
        return False


def main() -> int:
    FOLDER.mkdir(exist_ok=True)
    try:
        # Beside the target, so that the old ones are replaced at once and only by good ones.
        with tempfile.TemporaryDirectory(dir=FOLDER.parent) as folder:
            for release, versions in RECORDED.items():
                _record_all(release, versions, Path(folder))
            for made in Path(folder).iterdir():
                os.replace(made, FOLDER / made.name)
    except (PartsUnavailable, RecordingFailure, TimeoutError, AssertionError) as failure:
        _say(str(failure))
        return 1
    return 0


def _record_all(release: Release, versions: Sequence[str], folder: Path) -> None:
    targets = [folder / name(release, version) for version in versions]
    with at_rest(release, _say) as plane:
        for version, target in zip(versions, targets, strict=True):
            record(plane, version, target)
            _say(f"recorded {target.name}")
    first, *others = map(rows.recorded, targets)
    for other in others:
        rows.assert_same(first, other)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
