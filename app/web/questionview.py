"""A question of a job as a card. Pure; static/js/ui/questions.js makes the same card.

A form without scripts sends `answer` (a choice) or `free` (what was typed).
"""

from dataclasses import dataclass

from app.core.asking import SECRET_KINDS, Question, reason_for, words_for
from app.core.times import iso_from_ms

FREE_TOO = ("field", "header_row")
INPUTS = {"password": "password", "header_row": "number"}
LABELS = {
    "password": "Password",
    "header_row": "Line number",
    "field": "As it should be; empty if it is not there",
}


@dataclass(frozen=True, slots=True)
class OptionLine:
    """One way to answer."""

    value: str
    label: str
    hint: str
    checked: bool


@dataclass(frozen=True, slots=True)
class QuestionCard:
    """One open question.

    free      the label of the field to type into; "" where one of the options has to be taken
    box       what it is about on the page `page`: four numbers in points, or ""
    then      what happens at `until` without an answer
    shareable the answer may be used for the batch's other files
    """

    id: str
    job_id: str
    kind: str
    text: str
    why: str
    options: tuple[OptionLine, ...]
    free: str
    input_type: str
    typed: str
    last: int | None
    page: int | None
    box: str
    until: str
    then: str
    shareable: bool

    @property
    def url(self) -> str:
        return f"/clarifications/{self.id}/answer"


def question_card(
    ident: str, job_id: str, batch_id: str | None, question: Question, expires_ms: int
) -> QuestionCard:
    """Return the card of an open question."""
    evidence, kind = question.evidence, question.kind
    options = [
        OptionLine(one.value, one.label, one.hint, one.value == question.suggested)
        for one in question.choices
    ]
    is_free = not options or kind in FREE_TOO
    if options and is_free:
        options.append(OptionLine("free", "Something else", "", False))
    fails = question.default is None and kind != "field"
    taken = words_for(question, question.default)
    return QuestionCard(
        id=ident,
        job_id=job_id,
        kind=kind,
        text=question.text,
        why=reason_for(question),
        options=tuple(options),
        free=LABELS.get(kind, "Your answer") if is_free else "",
        input_type=INPUTS.get(kind, "text"),
        typed="" if options or kind in SECRET_KINDS else str(question.suggested or ""),
        last=evidence.get("last_line"),
        page=evidence.get("page"),
        box=" ".join(f"{float(edge):g}" for edge in evidence.get("bbox") or ()),
        until=iso_from_ms(expires_ms),
        then="without an answer the file is set aside" if fails else f"then I take “{taken}”",
        shareable=batch_id is not None and kind != "field",
    )
