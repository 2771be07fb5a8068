"""The fields of an invoice brought together, asked about, answered and learned."""

from pathlib import Path
from typing import Any

import pytest

from app.core.agreement import UNVERIFIED_AT_MOST
from app.core.asking import Asking, Question, checked_answer
from app.core.documents import FieldValue, LineItem, Reading
from app.core.errors import InvalidRequest
from app.core.reading import Task
from app.reading.field_check import check
from app.reading.page import Page
from app.reading.save import undo
from tests.pages import save_pages
from tests.readers import Heard, task_for
from tests.unit.test_evidence import page

MODEL = "ollama:llama3.1:8b"
SHEET = page("ACME Trading GmbH", "Bill 7 of 03.04.2026", "Sum 1.119,00 EUR", "Other 12,00")


def value(text: str, confidence: float, source: str = "layout", *, said: bool = True) -> FieldValue:
    return FieldValue(
        value=text,
        confidence=confidence,
        source=source,
        page=1 if said else None,
        bbox=[0.0, 24.0, 50.0, 34.0] if said else None,
        status="read" if said else "check",
    )


class Invoice:
    """A job whose fields are checked, run by run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.heard = Heard()
        self.layout: dict[str, FieldValue] = {}
        self.others: dict[str, dict[str, FieldValue]] = {}
        self.items: list[LineItem] = []
        self.answers: dict[str, Any] = {}
        self.defaults: list[str] = []
        self.options: dict[str, Any] = {"confidence_threshold": 0.8}
        self.on(SHEET)

    def on(self, *sheets: Page) -> None:
        save_pages(self.folder, iter(sheets))

    def check(self) -> dict[str, Any]:
        return check(self.task(), self.heard)

    def task(self) -> Task:
        (self.folder / "invoice.pdf").touch()
        task = task_for(self.folder / "invoice.pdf", "pdf")
        local = {name: found for name, found in self.others.items() if ":" not in name}
        models = {name: found for name, found in self.others.items() if ":" in name}
        readings = {"layout": Reading(fields=self.layout, line_items=self.items), **_all(local)}
        found = {
            "field_reading": {"readings": readings},
            "model_reading": {"readings": _all(models)},
        }
        task.update(found=found, answers=self.answers, options=self.options, defaults=self.defaults)
        return task

    def asked(self) -> dict[str, Question]:
        with pytest.raises(Asking) as asking:
            self.check()
        return {question.key: question for question in asking.value.questions}


def _all(fields: dict[str, dict[str, FieldValue]]) -> dict[str, Reading]:
    return {name: Reading(fields=found, line_items=[]) for name, found in fields.items()}


@pytest.fixture
def invoice(tmp_path: Path) -> Invoice:
    return Invoice(tmp_path)


def test_what_is_sure_is_taken_without_a_question(invoice: Invoice) -> None:
    invoice.layout = {"total_amount": value("1119.00", 0.9)}
    found = invoice.check()
    assert found["fields"]["total_amount"]["status"] == "read"
    assert found["fields"]["iban"]["status"] == "absent"
    assert (found["asked"], found["readers"]) == (0, ["layout"])


def test_an_important_field_that_is_unsure_is_asked_about_with_evidence(invoice: Invoice) -> None:
    invoice.layout = {"total_amount": value("1119.00", 0.7)}
    question = invoice.asked()["field:total_amount"]
    assert question.kind == "field"
    assert question.default == question.suggested == "1119.00"
    assert question.evidence["reason"] == "unsure"
    assert (question.evidence["page"], question.evidence["bbox"]) == (1, [0.0, 24.0, 50.0, 34.0])
    assert question.evidence["crop"]["picture"].endswith("/pages/1.png")
    assert [candidate["sources"] for candidate in question.evidence["candidates"]] == [["layout"]]


def test_readers_that_differ_are_asked_about_with_both_values_as_choices(
    invoice: Invoice,
) -> None:
    invoice.layout = {"total_amount": value("1119.00", 0.9)}
    invoice.others = {MODEL: {"total_amount": value("12.00", 0.7, MODEL)}}
    question = invoice.asked()["field:total_amount"]
    assert [choice.value for choice in question.choices] == ["1119.00", "12.00"]
    assert question.text == "What is the total: “1119.00” or “12.00”?"


def test_what_only_a_model_says_is_asked_about_as_such(invoice: Invoice) -> None:
    invoice.others = {MODEL: {"total_amount": value("9.00", 0.3, MODEL, said=False)}}
    question = invoice.asked()["field:total_amount"]
    assert question.evidence["reason"] == "unverified"
    assert question.evidence["crop"] is None
    assert question.suggested is None


def test_other_fields_are_not_asked_about_and_left_to_be_looked_at(invoice: Invoice) -> None:
    invoice.layout = {"iban": value("DE02120300000000202051", 0.4)}
    assert invoice.check()["fields"]["iban"]["status"] == "check"


def test_who_does_not_want_questions_gets_none(invoice: Invoice) -> None:
    invoice.layout = {"total_amount": value("1119.00", 0.5)}
    invoice.options["ask"] = False
    assert invoice.check()["fields"]["total_amount"]["status"] == "check"


def test_the_threshold_is_the_uploads(invoice: Invoice) -> None:
    invoice.layout = {"total_amount": value("1119.00", 0.7)}
    invoice.options["confidence_threshold"] = 0.6
    assert invoice.check()["asked"] == 0


def test_an_answer_is_the_value_with_its_place(invoice: Invoice) -> None:
    invoice.layout = {"total_amount": value("1119.00", 0.5)}
    invoice.answers = {"field:total_amount": "12.00"}
    found = invoice.check()["fields"]["total_amount"]
    assert (found["value"], found["source"], found["status"]) == ("12.00", "person", "edited")
    assert (found["page"], found["confidence"]) == (1, 1.0)
    assert found["bbox"] == [30.0, 36.0, 55.0, 46.0]


def test_an_answer_may_be_that_there_is_no_such_field(invoice: Invoice) -> None:
    invoice.layout = {"invoice_number": value("7", 0.5)}
    invoice.answers = {"field:invoice_number": None}
    found = invoice.check()["fields"]["invoice_number"]
    assert (found["value"], found["status"]) == (None, "edited")


def test_an_answer_that_nobody_gave_leaves_the_field_to_be_looked_at(invoice: Invoice) -> None:
    invoice.layout = {"total_amount": value("1119.00", 0.5)}
    invoice.answers = {"field:total_amount": "1119.00"}
    invoice.defaults = ["field:total_amount"]
    found = invoice.check()["fields"]["total_amount"]
    assert (found["source"], found["confidence"], found["status"]) == ("layout", 0.5, "check")


def test_only_what_is_not_answered_is_asked_again(invoice: Invoice) -> None:
    invoice.layout = {"total_amount": value("1119.00", 0.5), "currency": value("EUR", 0.5)}
    invoice.answers = {"field:total_amount": "12.00"}
    assert list(invoice.asked()) == ["field:currency"]


def test_an_answer_that_is_not_clear_is_asked_about_again(invoice: Invoice) -> None:
    invoice.layout = {"invoice_date": value("2026-04-03", 0.5)}
    invoice.answers = {"field:invoice_date": "03/04/2026"}
    question = invoice.asked()["field:invoice_date"]
    assert question.text.startswith("“03/04/2026” can not be the invoice date: ")
    assert question.default == "2026-04-03"


def test_answers_are_checked_when_they_are_given(invoice: Invoice) -> None:
    invoice.layout = {"invoice_date": value("2026-04-03", 0.5)}
    question = invoice.asked()["field:invoice_date"]
    assert checked_answer(question, " 4.3.2026") == "2026-03-04"
    assert checked_answer(question, "") is None
    with pytest.raises(InvalidRequest, match="day and month"):
        checked_answer(question, "03/04/2026")


def test_answers_are_learned_and_the_next_invoice_of_that_vendor_asks_less(
    invoice: Invoice,
) -> None:
    invoice.layout = {
        "vendor_name": value("ACME Trading GmbH", 0.9),
        "total_amount": value("12.00", 0.5),
    }
    invoice.answers = {"field:total_amount": "1119.00"}
    invoice.check()
    invoice.on(page("ACME Trading GmbH", "Bill 9 of 05.04.2026", "Sum 1.300,00 EUR", "Other 12,00"))
    invoice.answers = {}
    found = invoice.check()
    assert found["fields"]["total_amount"]["value"] == "1300.00"
    assert found["fields"]["total_amount"]["source"] == "template"
    assert (found["readers"], found["asked"]) == (["layout", "template"], 0)
    told = invoice.heard.events_told[-1]
    assert (told["type"], told["model_name"]) == ("model_result", "template")


def test_a_template_is_forgotten_with_the_last_invoice_that_taught_it(invoice: Invoice) -> None:
    invoice.layout = {
        "vendor_name": value("ACME Trading GmbH", 0.9),
        "total_amount": value("12.00", 0.5),
    }
    invoice.answers = {"field:total_amount": "1119.00"}
    first, second = invoice.task(), invoice.task()
    second["job_id"] = "another"
    for task in (first, second):
        check(task, invoice.heard)
    invoice.answers = {}
    undo(first, invoice.heard)
    assert invoice.check()["readers"] == ["layout", "template"]
    undo(second, invoice.heard)
    assert list(invoice.asked()) == ["field:total_amount"]


def test_what_nobody_said_is_not_learned(invoice: Invoice) -> None:
    invoice.layout = {
        "vendor_name": value("ACME Trading GmbH", 0.9),
        "total_amount": value("1119.00", 0.5),
    }
    invoice.answers = {"field:total_amount": "1119.00"}
    invoice.defaults = ["field:total_amount"]
    invoice.check()
    assert invoice.check()["readers"] == ["layout"]


def test_amounts_that_do_not_add_up_are_doubted_and_the_total_is_asked_about(
    invoice: Invoice,
) -> None:
    invoice.layout = {
        "net_amount": value("1000.00", 0.9),
        "tax_amount": value("19.00", 0.9),
        "total_amount": value("1119.00", 0.9),
    }
    question = invoice.asked()["field:total_amount"]
    assert question.evidence["reason"] == "contradicted"
    invoice.answers = {"field:total_amount": "1119.00"}
    found = invoice.check()
    assert [one["rule"] for one in found["findings"]] == ["sum"]
    assert found["fields"]["net_amount"]["status"] == "check"
    assert found["fields"]["total_amount"]["status"] == "edited"


def test_an_e_invoice_that_does_not_add_up_is_believed_and_the_finding_kept(
    invoice: Invoice,
) -> None:
    invoice.others = {
        "xml": {
            "net_amount": value("1000.00", 1.0, "xml"),
            "tax_amount": value("19.00", 1.0, "xml"),
            "total_amount": value("1119.00", 1.0, "xml"),
        }
    }
    found = invoice.check()
    assert [one["rule"] for one in found["findings"]] == ["sum"]
    assert found["fields"]["total_amount"]["status"] == "read"


def test_an_e_invoice_is_asked_about_nothing(invoice: Invoice) -> None:
    invoice.layout = {"total_amount": value("12.00", 0.9)}
    invoice.others = {"xml": {"total_amount": value("1119.00", 1.0, "xml")}}
    found = invoice.check()
    assert found["fields"]["total_amount"]["value"] == "1119.00"
    assert found["asked"] == 0


def test_without_pages_the_readers_count_alone(invoice: Invoice) -> None:
    (invoice.folder / "pages.ndjson").unlink()
    invoice.others = {"xml": {"total_amount": value("1119.00", 1.0, "xml", said=False)}}
    assert invoice.check()["fields"]["total_amount"]["value"] == "1119.00"


def test_unverified_values_stay_hardly_believed_when_nobody_is_asked(invoice: Invoice) -> None:
    invoice.others = {MODEL: {"iban": value("DE02", 0.9, MODEL, said=False)}}
    found = invoice.check()["fields"]["iban"]
    assert (found["status"], found["confidence"] <= UNVERIFIED_AT_MOST) == ("check", True)
