"""From what a benchmark measured to its table."""

import json

import pytest

from benchmarks.figures import Beside, Figure, as_json, as_table
from benchmarks.listening.alone import Held, Stall, Steady, Storm
from benchmarks.listening.load import Told, parse_told
from benchmarks.listening.processes import Failed
from benchmarks.listening.rows import compared
from benchmarks.listening.rows_alone import idle_rows, million_rows, stall_rows, storm_rows
from benchmarks.quality.scores import Score

ANSWER = dict.fromkeys(Told.__slots__, 0) | {
    "order": "wait",
    "timed_out": False,
    "trouble": "",
    "latency_ms": {"n": 2, "p50": 1.5, "p90": 2.0, "p99": 2.5, "max": 3.0},
    "connect_ms": {"n": 0, "p50": 0.0, "p90": 0.0, "p99": 0.0, "max": 0.0},
}


def steady(*, p99_ms: float, took_s: float) -> Steady:
    return Steady(p50_ms=1, p99_ms=p99_ms, cpu=1, took_s=took_s, wanted_s=10, spoiled=0)


def test_what_the_load_generator_answers_is_read_with_its_times() -> None:
    told = parse_told(json.dumps(ANSWER | {"events": 7}))
    assert (told.events, told.latency_ms.p99) == (7, 2.5)


def test_a_load_generator_that_can_not_go_on_fails_with_its_words() -> None:
    with pytest.raises(Failed, match=r"connect \(Connection refused\)"):
        parse_told('{"error": "connect", "detail": "Connection refused"}')


def test_every_peer_stands_beside_the_value_with_a_ratio_of_its_own() -> None:
    figure = Figure("b", "thing", 2.0, "s", (Beside(4.0, "one"), Beside(8.0, "other")))
    assert "| thing | 2 s | 4 (one), 8 (other) | 0.50 / 0.25 |" in as_table([figure])
    assert json.loads(as_json([figure]))["figures"][0]["ratios"] == [0.5, 0.25]


def test_an_aim_is_met_only_if_it_is_against_every_peer() -> None:
    values = {"Livetrail": 3.0, "nchan": 6.0, "socket.io": 8.0}
    assert compared("x", "s", values, {"nchan": 0.6, "socket.io": 0.4}).met
    assert compared("x", "s", values, {"nchan": 0.6, "socket.io": 0.3}).met is False


def test_a_peer_that_is_not_here_is_said_so_and_judges_nothing() -> None:
    row = compared("x", "s", {"Livetrail": 3.0}, {"nchan": 0.6})
    assert row.met is None
    assert "nchan (not here)" in row.aim


def test_a_low_delay_counts_only_at_the_full_rate() -> None:
    assert million_rows([steady(p99_ms=9, took_s=10.05)])[0].met
    assert million_rows([steady(p99_ms=9, took_s=12)])[0].met is False


def test_one_event_lost_after_a_kill_spoils_it() -> None:
    fine, spoiled = Storm(0.3, spoiled=0), Storm(0.3, spoiled=1)
    assert storm_rows([fine], [fine], [fine])[-1].met
    assert storm_rows([fine], [fine], [spoiled])[-1].met is False


def test_what_is_held_for_a_clogged_client_is_what_memory_grew_more_with_it() -> None:
    without, clogged = Stall(100, 2_000_000, 0), Stall(97, 2_400_000, 0)
    rate, held = stall_rows([without], [clogged])
    assert (rate.met, held.met) == (True, True)
    assert held.value == pytest.approx(0.4)


def test_a_crowd_is_held_only_if_everybody_had_a_sign_of_life() -> None:
    held = idle_rows({"Livetrail": 9000.0}, Held(kept=10_000, beaten=9_999, core_share=0.1))
    assert held[-1].met is False


def test_a_share_names_its_misses_and_is_held_against_its_aim() -> None:
    score = Score("totals", aim=0.75)
    for name, right in {"a": True, "b": False, "c": True}.items():
        score.count(right, name)
    figure = score.figure()
    assert (figure.value, figure.met, score.misses) == (66.7, False, ["b"])


def test_a_share_of_nothing_reaches_no_aim() -> None:
    assert Score("totals", aim=0.5).figure().met is False
