"""The tests of this folder run inside a lab, in a pytest of their own; what it reports is reported here, one by one."""

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import IO, Any, Final

import pytest

from tests.agent.driver import compiler
from tests.lab import namespaces
from tests.lab.cluster import Lab
from tests.realparts import binaries, prometheus
from tests.realparts.unavailable import PartsUnavailable

HERE: Final = Path(__file__).parent
REPORTS: Final = "DRATUI_LAB_REPORTS"  # inside: the file descriptor that reports go to


class Inside:
    """A pytest in a lab: what it reports, and what it prints."""

    def __init__(self, config: pytest.Config, reports: IO[str], output: IO[str]) -> None:
        self._config = config
        self._reports = reports
        self._output = output

    def reports(self, test: str) -> Iterator[pytest.TestReport]:
        """What is told of a test, until that is all."""
        for line in self._reports:
            told = json.loads(line)
            if "finished" in told:
                if told["finished"] == test:
                    return
                continue
            report = self._config.hook.pytest_report_from_serializable(config=self._config, data=told)
            if report.skipped and isinstance(report.longrepr, list):
                report.longrepr = tuple(report.longrepr)  # JSON knows no tuples
            if report.nodeid == test:
                yield report
        self._output.seek(0)
        raise AssertionError(f"the pytest in the lab ended before this test did:\n{self._output.read()}")


@contextmanager
def running(config: pytest.Config, tests: list[str]) -> Iterator[Inside]:
    """These tests, inside, as long as the context lasts."""
    again = config.getoption("reruns", None) or 0
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--reruns={again}", *tests]
    reading, writing = os.pipe()
    with tempfile.TemporaryFile("w+") as output, open(reading, encoding="utf-8") as reports:
        argv = ["env", f"{REPORTS}={writing}", *command]
        with namespaces.entered(argv, output=output.fileno(), pass_fds=(writing,)):
            os.close(writing)  # else what is read would never end
            yield Inside(config, reports, output)


_inside = pytest.StashKey[Inside]()
_open = pytest.StashKey[ExitStack]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where there can be no lab the reason is told with every test."""
    wanting = [item for item in items if item.path.is_relative_to(HERE)]
    if wanting and not namespaces.inside() and (why := namespaces.impossible()):
        for item in wanting:
            item.add_marker(pytest.mark.skip(reason=why))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> bool | None:
    """Outside: have it run inside, and hand on what is reported."""
    if namespaces.inside() or not item.path.is_relative_to(HERE) or item.get_closest_marker("skip"):
        return None
    hook = item.ihook
    hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    outcome = pytest.CallInfo.from_call(lambda: _relay(item, hook), "call", reraise=(KeyboardInterrupt,))
    if outcome.excinfo is not None:
        hook.pytest_runtest_logreport(report=pytest.TestReport.from_item_and_call(item, outcome))
    hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def _relay(item: pytest.Item, hook: Any) -> None:
    stash = item.config.stash
    if _inside not in stash:
        if missing := _missing(item.config):
            assert os.environ.get("CI") != "true", missing
            pytest.skip(missing)
        tests = [each.nodeid for each in item.session.items if each.path.is_relative_to(HERE)]
        stash[_open] = ExitStack()
        stash[_inside] = stash[_open].enter_context(running(item.config, tests))
    for report in stash[_inside].reports(item.nodeid):
        hook.pytest_runtest_logreport(report=report)


@cache
def _missing(config: pytest.Config) -> str:
    """Why the parts of a lab cannot be had; empty if they are there. There is no network inside to build them with."""
    capture: Any = config.pluginmanager.getplugin("capturemanager")

    def say(line: str) -> None:
        print(f"\n{line}", end="", flush=True)

    with capture.global_and_fixture_disabled():
        try:
            binaries.ensure(say)
            binaries.built([*binaries.NODE, binaries.HELM], say)
            prometheus.ensure(say)
        except PartsUnavailable as failure:
            return f"no real node: {failure}"
    return ""


def pytest_unconfigure(config: pytest.Config) -> None:
    if (inside := config.stash.get(_open, None)) is not None:
        inside.close()


class Telling:
    """Inside: writes what is reported, as lines of JSON."""

    def __init__(self, config: pytest.Config, descriptor: int) -> None:
        self._config = config
        self._descriptor = descriptor

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._tell(self._config.hook.pytest_report_to_serializable(config=self._config, report=report))

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self._tell({"finished": nodeid})

    def _tell(self, what: dict[str, Any]) -> None:
        with open(self._descriptor, "w", encoding="utf-8", closefd=False) as reports:
            print(json.dumps(what), file=reports)


def pytest_configure(config: pytest.Config) -> None:
    if descriptor := os.environ.pop(REPORTS, ""):
        config.pluginmanager.register(Telling(config, int(descriptor)))


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """Inside: one for all tests of this folder."""
    if compiler() is None:
        pytest.skip("no C compiler: the driver's library cannot be built")
    with Lab() as made:
        yield made
