"""Where nothing may skip, a skip is a failure: in CI everything that a test needs is there."""

import os
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.node import CLIENTS, install_packages


@pytest.fixture(scope="session")
def node_packages() -> Path:
    """The folder with the pinned packages of Node; skips with one line where they can not be."""
    if (missing := install_packages()) is not None:
        pytest.skip(missing)
    return CLIENTS / "node_modules"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and os.environ.get("LIVETRAIL_NOTHING_SKIPS"):
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may skip: {report.longrepr}"
    return report
