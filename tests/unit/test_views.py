"""What the pages show: the same words from server and script, and every state in its place."""

import dataclasses
import gzip
import json
from random import Random
from typing import Any

import aiohttp_jinja2
import jinja2
import pytest
from aiohttp import web

from app.core.asking import Choice, Question
from app.core.errors import NotFound, WrongPassword
from app.core.state import JobState
from app.core.times import ms_from_iso
from app.keys import PLUGINS
from app.pipeline.plugins.catalogue import Plugins
from app.reading.doubts import header_row
from app.store.clarifications import Clarification
from app.store.exports import ExportRow
from app.web import feedview, rowview, views
from app.web.clarifications import answer_of
from app.web.documentview import sureness
from app.web.exportview import export_words
from app.web.jobview import file_row
from app.web.pages import BLANK, setup_pages
from app.web.questionview import question_card
from app.web.rendering import policy
from app.web.words import amount_text, kind_of
from tests.unit.test_javascript import NODE, any_story, ask

JOB = "01936d2e-0000-7000-8000-000000000001"
NEEDS_NODE = pytest.mark.skipif(NODE is None, reason="node is not installed")


def job(**facts: Any) -> JobState:
    """A job as it stands, with `facts` in place of what is usual."""
    stages = [
        {
            "key": key,
            "label": label,
            "start": start,
            "end": start + 20.0,
            "state": "waiting",
            "started_at": None,
            "ended_at": None,
            "summary": "",
        }
        for key, label, start in (
            ("validation", "Validation", 0.0),
            ("scanning", "Scanning", 20.0),
            ("parsing", "Reading", 40.0),
            ("database", "Storing", 60.0),
            ("categorization", "Categorizing", 80.0),
        )
    ]
    usual = {
        **BLANK,
        "job_id": JOB,
        "filename": "expenses.csv",
        "size": 1_900_000,
        "stages": stages,
        "created_at": "2026-11-20T08:10:11.123Z",
        "updated_at": "2026-11-20T08:10:12.123Z",
        "last_seq": 7,
        "n": 3,
    }
    return JobState(**{**usual, **facts})  # type: ignore[typeddict-item]


def done(**result: Any) -> JobState:
    return job(
        status="completed",
        progress=100.0,
        started_at="2026-11-20T08:10:11.123Z",
        completed_at="2026-11-20T08:10:23.523Z",
        duration_ms=12_400,
        result=result,
    )


def failed(*, retryable: bool) -> JobState:
    error = {
        "code": "step_timeout",
        "title": "This step took too long",
        "detail": "Nothing is half stored.",
        "hint": "Retry.",
        "step": "extracting",
        "retryable": retryable,
    }
    return job(status="error", stage="parsing", progress=45.0, error=error)


# Rows of the list


def test_what_needs_a_person_comes_first_and_newest_leads_its_group() -> None:
    states = [
        job(job_id="1", status="completed"),
        job(job_id="2", status="error"),
        job(job_id="3", status="processing"),
        job(job_id="4", status="waiting"),
        job(job_id="5", status="pending"),
        job(job_id="6", status="cancelled"),
    ]
    groups = views.grouped(views.newest_first(states, 0), at_most=100)
    assert [(g.key, [row.job_id for row in g.rows]) for g in groups] == [
        ("needs", ["4", "2"]),
        ("progress", ["5", "3"]),
        ("done", ["6", "1"]),
    ]


def test_a_long_list_is_cut_but_counted_whole() -> None:
    rows = views.newest_first([job(job_id=f"{n:03}", status="completed") for n in range(150)], 0)
    groups = views.grouped(rows, at_most=100)
    assert [(g.count, len(g.rows)) for g in groups] == [(0, 0), (0, 0), (150, 100)]


@pytest.mark.parametrize(
    ("seconds", "between", "words"),
    [
        (38, [20, 46], "20 to 45 s left"),
        (9, [2, 16], "up to 15 s left"),
        (4, [2, 6], "a few seconds left"),
        (40, [38, 41], "40 s left"),
        (90, [54, 150], "1 to 3 min left"),
        (4000, [2800, 6400], "about 1 hour left"),
        (300, [2, 16], "about 5 min left"),  # a range of an earlier attempt
        (38, None, "40 s left"),
    ],
)
def test_what_is_not_sure_yet_is_a_range(
    seconds: int, between: list[int] | None, words: str
) -> None:
    facts = {"estimated_time_remaining": seconds, "details": {"eta_range": between}}
    assert file_row(job(status="processing", **facts)).when == words


def test_of_work_elsewhere_it_is_said_for_how_long_nothing_was_heard() -> None:
    facts = {"status": "processing", "estimated_time_remaining": 40}
    heard_ms = ms_from_iso(job()["updated_at"])
    outside, own = job(reported=True, **facts), job(**facts)
    assert file_row(outside, heard_ms + 20_000).when == "40 s left"
    silent = file_row(outside, heard_ms + 125_000)
    assert silent.when == "Nothing heard for 2 min 5 s"
    assert silent.spoken.endswith(", Nothing heard for 2 min 5 s")
    assert file_row(own, heard_ms + 125_000).when == "40 s left"
    assert file_row(job(reported=True, status="paused"), heard_ms + 125_000).when == "paused"


def test_what_was_asked_for_is_said_until_it_is_done() -> None:
    asked = {"op": "cancel", "by": "ann"}
    row = file_row(job(status="processing", message="Reading...", steering=asked))
    assert (row.message, row.can_pause, row.can_cancel) == ("Stopping...", False, True)
    row = file_row(job(status="processing", message="Reading...", steering={"op": "pause"}))
    assert row.message == "Pausing..."


def test_a_running_row_says_how_far_it_is() -> None:
    row = file_row(
        job(
            status="processing",
            stage="parsing",
            step="extracting",
            progress=55.0,
            estimated_time_remaining=38,
            details={"rows_done": 8412, "rows_total": 12_960},
        )
    )
    assert (row.stage, row.count, row.when) == ("Reading", "8,412 of 12,960 rows", "40 s left")
    assert row.spoken == "55 percent, reading, 40 s left"
    assert not row.slim
    assert row.can_cancel


def test_bytes_of_the_scan_are_not_taken_for_rows_of_the_reading() -> None:
    scanned = {"processed": 16_543, "total": 16_543}
    row = file_row(job(status="processing", stage="parsing", step="extracting", details=scanned))
    assert row.count == ""


def test_the_rail_fills_the_running_stage_by_its_own_share() -> None:
    state = job(status="processing", progress=45.0)
    for stage, told in zip(state["stages"], ("done", "done", "running"), strict=False):
        stage["state"] = told
    assert [segment.fill for segment in file_row(state).segments] == [100, 100, 25, 0, 0]


def test_a_stage_that_only_began_is_still_seen() -> None:
    state = job(status="error", progress=40.0)
    state["stages"][2]["state"] = "failed"
    assert file_row(state).segments[2].fill > 0


@pytest.mark.parametrize(
    ("result", "summary", "tags"),
    [
        ({"new_rows": 1204}, "1,204 rows stored", ()),
        ({"new_rows": 1}, "1 row stored", ()),
        (
            {"new_rows": 42, "existing_rows": 156},
            "42 new rows, 156 known",
            (("dup", "Overlaps"),),
        ),
        ({"existing_rows": 5}, "Nothing new to store", (("dup", "Overlaps"),)),
        ({"duplicate_of": "x"}, "Nothing new to store", (("dup", "Exact match"),)),
        (
            {"duplicate_of": "x", "near": [{"job_id": "x"}]},
            "Nothing new to store",
            (("dup", "Same document"),),
        ),
        ({"new_rows": 3, "rejected": 2}, "3 rows stored", (("warn", "2 not read"),)),
    ],
)
def test_a_finished_row_says_what_became_of_it(
    result: dict[str, Any], summary: str, tags: tuple[tuple[str, str], ...]
) -> None:
    row = file_row(done(**result))
    assert (row.summary, row.tags) == (summary, tags)
    assert (row.when, row.at) == ("12 s · ", "2026-11-20T08:10:23.523Z")


def test_only_what_can_be_retried_offers_it_and_names_its_stage() -> None:
    offered, refused = file_row(failed(retryable=True)), file_row(failed(retryable=False))
    assert offered.failure is not None
    assert refused.failure is not None
    assert (offered.failure.retry, refused.failure.retry) == ("Retry from reading", "")


def test_an_undone_file_stores_nothing_and_offers_no_undo() -> None:
    state = done(new_rows=3)
    assert views.undo_text(state).startswith("This takes back 3 rows that expenses.csv stored")
    state["undone"] = True
    assert views.undo_text(state) == ""
    assert file_row(state).summary == "Taken back; nothing of it is stored"


def test_documents_and_merged_ones_can_be_taken_back_too() -> None:
    assert "1 page of expenses.csv" in views.undo_text(done(pages=1))
    assert "2 fields that expenses.csv added" in views.undo_text(done(filled=["iban", "currency"]))
    assert views.undo_text(done(duplicate_of="x")) == ""


def test_the_tally_counts_files_in_words() -> None:
    states = [done(), job(status="processing", progress=50.0), failed(retryable=True)]
    assert views.tally([file_row(state) for state in states]) == (
        65,
        "1 of 3 files is done.",
        "1 is on the way; 1 file needs you.",
    )
    assert views.tally([file_row(done())]) == (100, "The file is done.", "")
    assert views.tally([]) == (0, "", "")


def test_badges_show_endings_that_are_some() -> None:
    names = ("a.csv", "b.XLSX", "noending", "odd.a-b", ".csv", "many.dots.tsv", "long.numbers")
    kinds = ["CSV", "XLSX", "FILE", "FILE", "CSV", "TSV", "FILE"]
    assert [kind_of(name) for name in names] == kinds


def test_amounts_are_grouped_and_never_rounded() -> None:
    amounts = ("-1234.50", "0.00", "1000000", "-0.05", "12.345678", None)
    texts = ["-1,234.50", "0.00", "1,000,000", "-0.05", "12.345678", ""]
    assert [amount_text(amount) for amount in amounts] == texts


# Messages


def event(step: str, message: str, kind: str = "processing_progress", **facts: Any) -> Any:
    return {
        "type": kind,
        "step": step,
        "stage": facts.pop("stage", "parsing"),
        "message": message,
        "timestamp": "2026-11-20T08:10:11.123Z",
        "details": facts,
    }


def test_a_step_that_tells_more_rewrites_its_own_line() -> None:
    events = [
        event("extracting", "Reading...", "step_started"),
        event("extracting", "Reading: 5 of 9"),
        event("extracting", "Some dates are unclear", "processing_warning"),
        event("extracting", "Reading: 9 of 9"),
    ]
    lines = [(line.text, line.kind) for line in feedview.told(events, {})]
    assert lines == [
        ("Reading: 9 of 9", ""),
        ("Some dates are unclear", "warn"),
        ("Reading: 5 of 9", ""),
    ]


def test_each_stage_has_its_heading_above_its_own_messages() -> None:
    events = [
        event("malware_scan", "Checking", stage="scanning"),
        event("scan_clean", "Nothing harmful", stage="scanning"),
        event("extracting", "Reading"),
    ]
    lines = feedview.told(events, {"scanning": "Scanning", "parsing": "Reading stage"})
    assert [line.heading or line.text for line in lines] == [
        "Reading stage",
        "Reading",
        "Scanning",
        "Nothing harmful",
        "Checking",
    ]


def test_what_found_nothing_known_is_not_marked_as_a_duplicate() -> None:
    none = event("delta_analysis_complete", "5 new rows", existing_rows=0)
    some = event("delta_analysis_complete", "5 new rows, 2 known", existing_rows=2)
    assert [feedview.kind_of_event(one) for one in (none, some)] == ["", "dup"]


# Templates


@pytest.fixture(scope="module")
def templates() -> jinja2.Environment:
    app = web.Application()
    app[PLUGINS] = Plugins()
    setup_pages(app)
    return aiohttp_jinja2.get_env(app)


SHELL = views.Shell(
    "dark", "Mara", False, "log", "/static/v/app.css", ("/static/v/js/pages/files.js",)
)


def files_page(states: list[JobState], **facts: Any) -> views.FilesPage:
    rows = views.newest_first(states, 0)
    percent, headline, aside = views.tally(rows)
    usual: dict[str, Any] = {
        "shell": SHELL,
        "guest": None,
        "room": "user:u",
        "batch_id": "",
        "title": "All files",
        "where": "Everything",
        "started_at": "",
        "groups": views.grouped(rows, 100),
        "count": len(rows),
        "percent": percent,
        "headline": headline,
        "aside": aside,
        "cells": tuple(rows),
        "bars": (),
        "chips": views.chips(rows),
        "feed": feedview.latest_messages(states),
        "other_view": None,
        "older": "",
        "search": "",
        "found": (),
        "max_upload_bytes": 2**31,
        "max_files": 1000,
        "limit_text": "2.1 GB",
    }
    return views.FilesPage(**{**usual, **facts})


def job_page(state: JobState, rows: list[dict[str, Any]]) -> views.JobPage:
    counts = {"all": len(rows), "new": len(rows), "known": 0, "review": 0}
    return views.JobPage(
        shell=SHELL,
        guest=None,
        row=file_row(state),
        batch_url="/",
        batch_name="",
        percent=100,
        elapsed="took 12 s",
        started_at="",
        stages=views.stage_items(state, ms_from_iso(state["updated_at"])),
        total="12 s",
        rows=views.Rows(
            rowview.filters(counts),
            "",
            tuple(rowview.table_row(row, {}) for row in rows),
            len(rows),
            1,
            1,
        ),
        earlier=(),
        same_as=None,
        new_rows=len(rows),
        known_rows=0,
        kept_rows=0,
        feed=(),
        events=(),
        count=3,
        seq=3,
        warnings=tuple(state["warnings"]),
        facts=rowview.facts(state),
        rejected=0,
        undo_text=views.undo_text(state),
        no_rows="No rows",
        size=views.size_of(state),
        plan=state["plan"],
        questions=(),
        document=None,
        show_pictures=False,
        near=(),
        can_export=True,
        exports=(),
    )


def stored_row(**facts: Any) -> dict[str, Any]:
    usual = {
        "row": 1,
        "line": 2,
        "state": "new",
        "date": "2026-11-20",
        "description": "LIDL 4411",
        "counterparty": None,
        "amount": "-12.50",
        "currency": "EUR",
        "balance": None,
        "reference": None,
        "account": None,
        "vendor": "Lidl",
        "category": "Groceries",
        "category_reason": "Rule: 'lidl' is groceries",
        "confidence": 0.95,
        "seen_in": None,
        "extra": {},
    }
    return {**usual, **facts}


def test_names_and_cells_from_strangers_stay_text(templates: jinja2.Environment) -> None:
    evil = "<script>alert(1)</script>\"'.csv"
    state = job(filename=evil, message=evil, status="processing")
    files = templates.get_template("files.html").render(page=files_page([state]))
    page = job_page({**done(new_rows=1), "filename": evil}, [stored_row(description=evil)])
    one = templates.get_template("job.html").render(page=page)
    assert "<script>alert" not in files + one


def test_a_page_of_fifty_rows_keeps_its_budget(templates: jinja2.Environment) -> None:
    mix = ["error"] + ["processing"] * 2 + ["pending"] * 2 + ["completed"] * 5
    states = [
        job(
            job_id=f"01936d2e-0000-7000-8000-{n:012}",
            filename=f"bank-statement-2026-{n:02}.csv",
            status=mix[n % 10],
            message=f"Reading through your data: {n} of 12,960 rows...",
            progress=float(n),
            error=failed(retryable=True)["error"] if mix[n % 10] == "error" else None,
        )
        for n in range(50)
    ]
    html = templates.get_template("files.html").render(page=files_page(states)).encode()
    assert len(html) <= 90 * 1024
    assert len(gzip.compress(html)) <= 14 * 1024


def test_every_gate_and_the_error_page_render(templates: jinja2.Environment) -> None:
    shell = dataclasses.replace(SHELL, user_name="")
    for error in (None, WrongPassword()):
        page = views.GatePage(shell, error, "/jobs/1", 8)
        for name in ("login", "setup", "signin", "share"):
            text = templates.get_template(f"{name}.html").render(page=page)
            assert ("The name or the password is wrong" in text) == (error is not None)
    told = views.error_page(shell, NotFound(what="file"), 404, ("/login", "Sign in"))
    text = templates.get_template("error.html").render(page=told)
    assert "There is no such file" in text
    assert "Sign in" in text


def test_a_policy_lets_only_our_own_files_run() -> None:
    allowed = policy("files.example:8080")
    assert "script-src 'self'" in allowed
    assert "unsafe" not in allowed
    assert "ws://files.example:8080" in allowed
    assert policy("evil; script-src *").count("script-src") == 1


# Server and script


def known_row(chance: Random) -> dict[str, Any]:
    seen = {"job_id": chance.choice(["a", "b"]), "row": chance.randint(1, 20_000)}
    return stored_row(
        row=chance.randint(1, 2_000_000),
        state=chance.choice(["new", "known"]),
        seen_in=chance.choice([None, seen]),
        description=chance.choice([None, "", "LIDL 4411", "Größe <b>"]),
        vendor=chance.choice([None, "Lidl"]),
        counterparty=chance.choice([None, "ACME"]),
        reference=chance.choice([None, "RF-1"]),
        amount=chance.choice([None, "-1234567.50", "0.05", "12"]),
        confidence=chance.choice([None, 0.3, 0.6, 1.0]),
        category_reason=chance.choice([None, "Looks like it"]),
        extra=chance.choice([{}, {"Colour": "red", "Note": "", "Größe": "5"}]),
    )


def any_job(chance: Random) -> JobState:
    _, state = any_story(chance)
    state["filename"] = chance.choice(["a.csv", "Übersicht.xlsx", "none", "x.tar.gz", "q.ä1"])
    state["size"] = int(10 ** chance.uniform(0, 10))
    state["details"] = chance.choice(
        [
            {},
            {"processed": 5, "total": 9},
            {"rows_done": 5, "rows_total": 9, "processed": 9, "total": None},
            {"rows_done": 9, "rows_total": 4, "rows": 12_960},
            {"eta_range": None},
            {"eta_range": sorted(chance.choices([0, 2, 7, 18, 33, 59, 60, 95, 600, 9000], k=2))},
        ]
    )
    state["steering"] = chance.choice(
        [None, None, {"op": chance.choice(["pause", "cancel"]), "by": ""}]
    )
    if state["result"] is not None:
        state["result"] = {
            key: value
            for key, value in {
                "rows": 12_960,
                "new_rows": chance.choice([0, 1, 4_120]),
                "existing_rows": chance.choice([0, 156]),
                "rejected": chance.choice([0, 12]),
                "pages": chance.choice([0, 1, 30]),
                "filled": chance.choice([[], ["iban"], ["iban", "currency"]]),
                "review": 3,
                "duplicate_of": chance.choice([None, "x"]),
                "document_type": "bank statement",
                "platform": chance.choice([None, "Wise"]),
                "first_date": "2026-01-01",
                "last_date": chance.choice([None, "2026-01-01", "2026-11-20"]),
                "by_currency": [{"currency": "EUR", "income": "1234.50", "spending": "-99.00"}],
            }.items()
            if chance.random() < 0.8
        }
    if chance.random() < 0.3:
        state["reported"] = True
        state["size"] = chance.choice([0, 1024])
        if state["result"] is not None:
            told = {"summary": chance.choice(["12 shards", 3]), "rows": 12_960, "is_new": True}
            state["result"] |= {**told, "share_done": 0.25, "": "?", "parts": [1], "mean": 2.0}
    return state


@NEEDS_NODE
@pytest.mark.parametrize("seed", range(3))
def test_the_script_shows_a_job_in_the_servers_own_words(seed: int) -> None:
    chance = Random(seed)
    names = {"a": "march.csv"}
    questions = []
    for _ in range(200):
        state = any_job(chance)
        now = ms_from_iso(state["updated_at"]) + chance.randint(0, 90_000)
        jobs = [any_job(chance) for _ in range(chance.randint(0, 4))]
        row = known_row(chance)
        questions.append({"job": state, "now": now, "row": row, "names": names, "jobs": jobs})
    for question, shown in zip(questions, ask("view-jobs.js", questions), strict=True):
        state, now = question["job"], question["now"]
        wanted = {
            "view": dataclasses.asdict(file_row(state)),
            "stages": [dataclasses.asdict(item) for item in views.stage_items(state, now)],
            "facts": rowview.facts(state),
            "undo": views.undo_text(state),
            "none": [views.no_rows(state, known) for known in (0, 3)],
            "elapsed": views.elapsed(state, now),
            "row": dataclasses.asdict(rowview.table_row(question["row"], names)),
            "tally": views.tally([file_row(one) for one in question["jobs"]]),
        }
        assert shown == json.loads(json.dumps(wanted))


CHOICES = (Choice("dmy", "day-month-year", "01/02 is 1 February"), Choice("mdy", "the other"))
QUESTIONS = [
    Question("date_order:Date", "date_order", "Which way round?", CHOICES, "dmy", "mdy"),
    Question("text", "text", "What is it?", suggested="tea"),
    Question("text", "text", "What is it?", default="milk"),
    Question("password", "password", "The password?"),
    Question("field:iban", "field", "Which one?", CHOICES, suggested="dmy"),
    Question("field:total", "field", "How much?", default="1.00", suggested="1.00"),
    header_row([(1, ["Tea", "2.10"]), (3, ["Milk", "1.30"])], default=0),
    header_row([(1, ["Tea", "2.10"])], default=1),
]


@NEEDS_NODE
def test_the_script_asks_in_the_servers_own_words() -> None:
    asked, wanted = [], []
    for number, question in enumerate(QUESTIONS):
        batch = JOB if number % 2 else None
        state, error = [
            ("failed", {"title": "The disk is full"}),
            ("failed", None),
            ("running", None),
            ("pending", None),
            ("completed", None),
        ][number % 5]
        exported = ExportRow(
            id=JOB, user_id=JOB, batch_id=None, job_id=JOB, wish={}, format="csv",
            state=state, filename="rows.csv", size_bytes=2_345, rows=number, sha256=None,
            error=error, created_ms=0, ended_ms=None,
        )  # fmt: skip
        status = ("absent", "edited", "check", "read")[number % 4]
        confidence = (0.005, 0.715, 0.985)[number % 3]
        one = Clarification(
            id=JOB, job_id=JOB, batch_id=batch, user_id=JOB, filename="tea.csv", attempt=1,
            step="parsing", question=question, unanswered=None, state="open", has_answer=False,
            answer=None, source="", answered_by="", for_batch=False, asked_ms=0, expires_ms=9,
            answered_ms=None,
        )  # fmt: skip
        asked.append(
            {
                "question": answer_of(one).model_dump(mode="json"),
                "exported": {
                    "state": state,
                    "rows": exported.rows,
                    "size": exported.size_bytes,
                    "error": error,
                },
                "field": {"status": status, "confidence": confidence},
            }
        )
        card = dataclasses.asdict(question_card(JOB, JOB, batch, question, 9))
        facts = ("options", "free", "input_type", "typed", "then", "shareable")
        wanted.append(
            {
                "card": {name: card[name] for name in facts},
                "exported": export_words(exported),
                "field": sureness(status, confidence),
            }
        )
    assert ask("view-cards.js", asked) == json.loads(json.dumps(wanted))


def test_a_line_is_offered_once_and_none_of_them_too() -> None:
    question = header_row([(1, ["Tea", "2.10"]), (3, ["Milk", "1.30"])], default=0)
    card = question_card(JOB, JOB, None, question, 9)
    labels = [option.label for option in card.options]
    assert labels == ["Line 1", "Line 3", "None of them", "Something else"]
