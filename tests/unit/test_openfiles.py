"""The system is asked for as many open files as the settings may need."""

import logging
import resource

import pytest

from app.openfiles import BESIDE, allow_open_files


@pytest.mark.parametrize(
    ("soft", "hard", "then"),
    [
        (1024, 1_000_000, 10_000 + BESIDE),
        (1024, resource.RLIM_INFINITY, 10_000 + BESIDE),
        (100_000, 1_000_000, 100_000),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, resource.RLIM_INFINITY),
        (1024, 4096, 4096),
    ],
)
def test_as_many_as_may_be_and_too_few_is_told(
    soft: int,
    hard: int,
    then: int,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    limits = [(soft, hard)]
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _, wanted: limits.append(wanted))
    with caplog.at_level(logging.WARNING):
        assert allow_open_files(10_000) == then
    assert limits[-1] == (then, hard)
    assert ("LimitNOFILE" in caplog.text) == (then == 4096)
