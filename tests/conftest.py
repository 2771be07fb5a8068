"""What holds for all tests: what may skip, and which examples are tried.

Where nothing may skip, a skip is a failure: in CI everything that a test needs is there.

Examples are the same in every run, however slow the machine is: what was green stays green until
something changes. `--hypothesis-profile=search` looks for new ones.
"""

import os
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.node import CLIENTS, install_packages

for profile, is_same in (("same", True), ("search", False)):
    settings.register_profile(
        profile,
        derandomize=is_same,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
settings.load_profile("same")


MISSING = pytest.StashKey[str | None]()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Install what tests need of Node before any begins: none of them is to wait for a network."""
    needed = any("node_packages" in getattr(item, "fixturenames", ()) for item in session.items)
    if needed and not session.config.option.collectonly:
        session.config.stash[MISSING] = install_packages()


@pytest.fixture(scope="session")
def node_packages(pytestconfig: pytest.Config) -> Path:
    """The folder with the pinned packages of Node; skips with one line where they can not be."""
    if (missing := pytestconfig.stash[MISSING]) is not None:
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
