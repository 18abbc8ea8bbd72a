"""An installation of each overlay, for the tests that look at it one after another."""

import os
import signal

import pytest
from installation import MACHINES, Installation

# Whoever stops this has what it started stopped too.
signal.signal(signal.SIGTERM, signal.default_int_handler)
SUMMARY = []


@pytest.fixture(scope="session")
def programs():
    return os.environ["KUBERNETES_BIN"]


@pytest.fixture(scope="module", params=MACHINES)
def here(request, programs):
    with Installation(request.param, programs) as installation:
        yield installation.install()
        hard = installation.status("resourcequotas", "syncboard")["hard"]
        SUMMARY.append(
            f"{request.param}: at most {', '.join(f'{used} of {hard[what]} {what}' for what, used in installation.peak.items())}"
        )


def pytest_terminal_summary(terminalreporter):
    for line in SUMMARY:
        terminalreporter.write_line(line)
