"""Documents that are stored already: found, left out, kept, merged, asked about, taken back."""

import random
from pathlib import Path
from typing import Any

import pytest

from app.core.asking import DUPLICATE, Asking
from app.core.documents import FIELDS, FieldValue, absent
from app.core.messages import friendly_message
from app.core.reading import Task
from app.pipeline.steps.likeness import ended_alike
from app.reading.likeness import compare_documents
from app.reading.page import Page, Word
from app.reading.save import store, undo
from app.reading.saving import save_document
from app.reading.vendors import merge_vendors, suggest_vendors
from app.store.records_memory import remember
from app.store.records_schema import reading_records, writing_records
from tests.desk import Desk
from tests.pages import save_pages

MARCH = {
    "vendor_name": "ACME GmbH",
    "invoice_number": "2026-117",
    "invoice_date": "2026-03-01",
    "total_amount": "119.00",
    "currency": "EUR",
}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def words(seed: int, count: int = 200) -> list[str]:
    chance = random.Random(seed)
    return [f"wort{chance.randrange(5000)}" for _ in range(count)]


def fields(values: dict[str, str]) -> dict[str, FieldValue]:
    return {
        name: FieldValue(
            value=values[name], confidence=0.9, source="layout", page=1, bbox=None, status="read"
        )
        if name in values
        else absent()
        for name in FIELDS
    }


def document(
    desk: Desk,
    job: str,
    text: list[str],
    values: dict[str, str] | None = None,
    user: str = "anna",
    sha: str = "",
    **options: Any,
) -> Task:
    """Return the task of a document that has been read up to likeness."""
    task = desk.task(desk.file(b"%PDF", f"{job}.pdf"), job=job, user=user, options=options)
    task["sha256"] = sha or job
    line = [Word(0, 0, 1, 1, word) for word in text]
    save_pages(task["work_dir"], iter([Page(1, 595, 842, "text", [line])]))
    task["found"] = {
        "initializing_streaming": {"kind": "pdf"},
        "document_kind": {"document_type": "invoice", "label": "invoice"},
        "page_reading": {"pages": 1},
        "field_check": {"fields": fields(values or {}), "line_items": []},
    }
    return task


def bring(desk: Desk, *args: Any, **kwargs: Any) -> dict[str, Any]:
    """Compare a document, and store it where that was decided; return what likeness found."""
    task = document(desk, *args, **kwargs)
    found = task["found"]["likeness"] = compare_documents(task, desk.heard)
    if found["decision"] == "store":
        save_document(task, desk.heard)
    return found


def value(desk: Desk, job: str, name: str) -> str | None:
    with reading_records(desk.records) as connection:
        ((found,),) = connection.execute(
            "SELECT f.value FROM field f JOIN import i ON i.id = f.import"
            " WHERE i.job_id = ? AND f.name = ?",
            (job, name),
        )
    return None if found is None else str(found)


def test_a_new_document_is_like_nothing(desk: Desk) -> None:
    bring(desk, "a", words(1), MARCH)
    found = bring(desk, "b", words(2))
    assert (found["near"], found["decision"]) == ([], "store")


def test_the_same_invoice_is_left_out_with_the_facts_side_by_side(desk: Desk) -> None:
    bring(desk, "a", words(1), MARCH)
    found = bring(desk, "b", words(1), MARCH)
    assert (found["decision"], found["duplicate_of"]) == ("skip", "a")
    (near,) = found["near"]
    assert (near["job_id"], near["score"], near["certain"]) == ("a", 1.0, True)
    assert (near["number"], near["date"], near["total"]) == ("2026-117", "2026-03-01", "119.00")
    assert near["vendor"] == "ACME GmbH"


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        ({"decision": "skip"}, "I have this document already, so I left this copy of it out"),
        ({"decision": "merge", "filled": ["iban"]}, "The one I have got 1 field that it lacked"),
    ],
)
def test_a_document_that_is_not_stored_again_ends_with_what_became_of_it(
    found: dict[str, Any], sentence: str
) -> None:
    said = ended_alike(found)
    assert friendly_message(said.step, said.context) == sentence


def test_what_is_only_alike_is_told_and_stored(desk: Desk) -> None:
    bring(desk, "a", words(1))
    found = bring(desk, "b", [*words(1), "draft"])
    assert (found["decision"], found["near"][0]["certain"]) == ("store", False)
    assert found["near"][0]["score"] > 0.9


def test_next_months_bill_is_no_duplicate(desk: Desk) -> None:
    bring(desk, "a", words(1), MARCH)
    april = {**MARCH, "invoice_number": "2026-118", "invoice_date": "2026-04-01"}
    assert bring(desk, "b", words(1), april)["near"] == []


def test_documents_without_words_are_like_nothing(desk: Desk) -> None:
    bring(desk, "a", [])
    assert bring(desk, "b", [])["near"] == []


def test_another_persons_document_never_counts(desk: Desk) -> None:
    bring(desk, "a", words(1), MARCH)
    assert bring(desk, "b", words(1), MARCH, user="bert")["near"] == []


def test_keep_stores_the_same_invoice_once_more(desk: Desk) -> None:
    bring(desk, "a", words(1), MARCH)
    found = bring(desk, "b", words(1), MARCH, on_duplicate="keep")
    assert (found["decision"], len(found["near"])) == ("store", 1)


def test_asked_about_it_the_safe_answer_depends_on_how_certain_it_is(desk: Desk) -> None:
    bring(desk, "a", words(1), MARCH)
    with pytest.raises(Asking) as asked:
        bring(desk, "b", words(1), MARCH, on_duplicate="ask")
    (question,) = asked.value.questions
    assert (question.key, question.kind, question.default) == (DUPLICATE, "duplicate", "skip")
    assert question.evidence["this"]["vendor"] == "ACME GmbH"
    assert question.evidence["near"][0]["job_id"] == "a"
    with pytest.raises(Asking) as asked:
        bring(desk, "c", words(1), on_duplicate="ask")
    assert asked.value.questions[0].default == "keep"


@pytest.mark.parametrize(
    ("answer", "decision"), [("skip", "skip"), ("keep", "store"), ("merge", "merge")]
)
def test_the_answer_is_done_also_for_what_is_only_alike(
    desk: Desk, answer: str, decision: str
) -> None:
    bring(desk, "a", words(1))
    task = document(desk, "b", words(1), on_duplicate="ask")
    task["answers"][DUPLICATE] = answer
    assert compare_documents(task, desk.heard)["decision"] == decision


def test_merge_fills_what_is_missing_and_its_undo_takes_that_back(desk: Desk) -> None:
    bring(desk, "a", words(1), MARCH)
    more = {**MARCH, "iban": "DE02120300000000202051", "due_date": "2026-03-31"}
    found = bring(desk, "b", words(1), more, on_duplicate="merge")
    assert found["filled"] == ["due_date", "iban"]
    assert value(desk, "a", "iban") == more["iban"]
    again = compare_documents(document(desk, "b", words(1), more, on_duplicate="merge"), desk.heard)
    assert again["filled"] == ["due_date", "iban"]

    undo(document(desk, "b", words(1)), desk.heard)

    assert value(desk, "a", "iban") is None
    assert value(desk, "a", "invoice_number") == "2026-117"


def test_merge_overwrites_nothing(desk: Desk) -> None:
    bring(desk, "a", words(1), MARCH)
    bring(desk, "b", words(1), {**MARCH, "vendor_name": "Acme"}, on_duplicate="merge")
    assert value(desk, "a", "vendor_name") == "ACME GmbH"


def test_what_was_merged_goes_with_the_document_it_was_merged_into(desk: Desk) -> None:
    bring(desk, "a", words(1), MARCH)
    bring(desk, "b", words(1), {**MARCH, "iban": "DE02120300000000202051"}, on_duplicate="merge")
    undo(document(desk, "a", words(1)), desk.heard)
    undo(document(desk, "b", words(1)), desk.heard)
    assert bring(desk, "c", words(1), MARCH)["near"] == []


def test_a_document_that_was_taken_back_is_like_nothing_any_more(desk: Desk) -> None:
    bring(desk, "a", words(1), MARCH)
    undo(document(desk, "a", words(1)), desk.heard)
    assert bring(desk, "b", words(1), MARCH)["decision"] == "store"


@pytest.mark.parametrize("mark", ["vendor_vat_id", "iban"])
def test_whoever_has_the_same_vat_id_or_iban_is_the_same_vendor(desk: Desk, mark: str) -> None:
    bring(desk, "a", words(1), {"vendor_name": "ACME GmbH", mark: "X123"})
    assert bring(desk, "b", words(2), {"vendor_name": "Shop", mark: "X123"})["vendor_key"] == "acme"
    assert bring(desk, "c", words(3), {"vendor_name": "Shop", mark: "Y"})["vendor_key"] == "shop"


def test_a_vendor_is_called_what_a_person_said(desk: Desk) -> None:
    bring(desk, "a", words(1))
    with writing_records(desk.records) as connection:
        remember(connection, "anna", "vendor", "akme", {"name": "ACME"}, 1)
    assert bring(desk, "b", words(2), {"vendor_name": "Akme AG"})["vendor_key"] == "acme"


def suggested(desk: Desk) -> list[tuple[str, str]]:
    found = desk.errand(suggest_vendors)["suggestions"]
    return [(one["vendor"], one["into"]) for one in found]


def test_vendors_of_documents_are_suggested_and_merged_too(desk: Desk) -> None:
    for job, name in (("a", "Stadtwerke Muster"), ("b", "Stadtwerke Musters"), ("c", "ACME")):
        bring(desk, job, words(ord(job)), {"vendor_name": name})
    bring(desk, "d", words(4), {"vendor_name": "STADTWERKE MUSTER GmbH"})  # equal, not alike
    (pair,) = {frozenset(pair) for pair in suggested(desk)} & {
        frozenset(("Stadtwerke Muster", "Stadtwerke Musters"))
    }
    desk.errand(merge_vendors, vendor="Stadtwerke Musters", into="Stadtwerke Muster")
    assert pair not in {frozenset(pair) for pair in suggested(desk)}
    later = bring(desk, "e", words(5), {"vendor_name": "Stadtwerke Musters"})
    assert later["vendor_key"] == "stadtwerke muster"


CSV = "Date,Description,Amount\n2025-01-03,Coffee,-3.40\n"


def test_known_rows_are_asked_about_with_their_counts(desk: Desk) -> None:
    desk.bring(desk.file(CSV, "old.csv"), job="old")
    path = desk.file(CSV + "2025-01-04,Tea,-2.00\n", "new.csv")
    with pytest.raises(Asking) as asked:
        desk.read(desk.task(path, job="new", options={"on_duplicate": "ask"}))
    (question,) = asked.value.questions
    assert question.evidence == {
        "new_rows": 1,
        "existing_rows": 1,
        "seen_in": [{"job_id": "old", "rows": 1}],
    }
    assert [choice.value for choice in question.choices] == ["skip", "keep"]


@pytest.mark.parametrize(
    ("answer", "stored"), [("skip", (1, 1)), ("keep", (2, 0)), ("merge", (1, 1))]
)
def test_known_rows_are_stored_as_was_answered(
    desk: Desk, answer: str, stored: tuple[int, int]
) -> None:
    desk.bring(desk.file(CSV, "old.csv"), job="old")
    path = desk.file(CSV + "2025-01-04,Tea,-2.00\n", "new.csv")
    task = desk.task(path, job="new", options={"on_duplicate": "ask"})
    task["answers"][DUPLICATE] = answer
    found = store(desk.read(task), desk.heard)
    assert (found["stored"], found["known"]) == stored


def test_a_file_without_known_rows_asks_nothing(desk: Desk) -> None:
    found = desk.bring(desk.file(CSV), options={"on_duplicate": "ask"})
    assert found["stored"] == 1
