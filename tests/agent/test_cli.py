"""The agent's command, until there is an agent."""

import subprocess
import sys


def test_it_says_what_it_will_be_and_does_not_pass_for_an_agent() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "dratui_agent.cli"], capture_output=True, text=True, timeout=30, check=False
    )
    assert run.returncode == 2
    assert run.stdout == ""
    assert "not available yet" in run.stderr
    assert "Traceback" not in run.stderr
