"""The benchmark's own server and load generator, in miniature: that they work, not how fast."""

import sys
from pathlib import Path

import pytest

from benchmarks.listening import tools
from benchmarks.listening.contenders import EVENT, livetrail
from benchmarks.listening.load import Load
from benchmarks.listening.rounds import spoiled_in, storm

PEOPLE = 20
EVENTS = 40


@pytest.mark.skipif(sys.platform != "linux", reason="the load generator is for Linux")
def test_everybody_hears_each_event_once_also_after_a_storm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    try:
        tools.load_generator()
    except tools.Missing as missing:
        pytest.skip(str(missing))
    with livetrail(tmp_path / "data") as server, Load(server.speech) as load:
        load.ask("connect", count=PEOPLE)
        load.ask("expect", events=EVENTS)
        load.ask("publish", events=EVENTS, posts=1, rate=0)
        heard = load.ask("wait")
        came = storm(load, missed=EVENTS)
    assert (heard.events, spoiled_in(heard)) == (PEOPLE * EVENTS, 0)
    assert (came.events, spoiled_in(came)) == (PEOPLE * EVENTS, 0)
    # What peers are given to tell is as long as what Livetrail tells.
    assert heard.bytes / heard.events == pytest.approx(len(EVENT), rel=0.1)
