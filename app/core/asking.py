"""Questions to a person: what a reader asks when it can not know. Plain values, no IO.

A reader raises `Asking` with every question it has. The job then waits, and holds no worker; once
all of them are answered, or have expired, the step begins again with `task["answers"]`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, NoReturn, get_args

from app.core.documents import FIELDS
from app.core.errors import AppError, InvalidRequest
from app.core.field_values import normal_value
from app.core.quantities import count
from app.core.unreadable import Unanswered, from_wire

QuestionKind = Literal[
    "choice",  # one of `choices`
    "date_order",  # "dmy", "mdy" or "ymd", offered as choices
    "decimal_mark",  # "," or ".", offered as choices
    "header_row",  # a line number, from 1; 0 for none
    "password",  # text, kept until the job has ended and never told
    "text",
    "field",  # a value that was read out of a document: its right text, or null for absent
    "duplicate",  # "skip", "keep" or "merge", offered as choices
    "save",  # "save" or "discard": the decision on a preview
]
QUESTION_KINDS: tuple[QuestionKind, ...] = get_args(QuestionKind)
SECRET_KINDS: frozenset[str] = frozenset({"password"})
OWN_KINDS: frozenset[str] = frozenset({"text", "field"})
"""About one file alone: their answers are used for others only where `remember` is the same."""
DISCARD = "discard"
"""The answer to a question of kind `save` that ends the job, as if it was cancelled."""
LONGEST_ANSWER = 2000
OF_OTHERS = frozenset({"near", "seen_in"})
"""What in the evidence of a duplicate tells of other files."""
LIKENESS = ("score", "certain")
LAST_LINE = 1_000_000


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to answer. `hint` says what follows from it."""

    value: str
    label: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """One question of one step.

    key       names it within its job, for ever the same for the same doubt: "date_order:Datum"
    text      the question, one sentence
    default   the safe answer that is taken when nobody answers in time; None where there is none,
              then the job fails with the reader's own error
    suggested the likeliest answer, offered first; None without strong evidence
    evidence  what it rests on, as facts: counts, examples, page and bbox
    remember  under which the answer is kept for later files ("header:<fingerprint>"); "" never
    """

    key: str
    kind: QuestionKind
    text: str
    choices: tuple[Choice, ...] = ()
    default: Any = None
    suggested: Any = None
    evidence: dict[str, Any] = field(default_factory=dict)
    remember: str = ""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> "Question":
        """Rebuild a question that crossed a process border. Raises TypeError, KeyError."""
        choices = tuple(Choice(**choice) for choice in found["choices"])
        return cls(**{**found, "choices": choices})


DUPLICATE = "duplicate"
"""The key of the question what to do with what is stored already: once a job, whatever it is."""


class Asking(Exception):
    """A reader can not go on without answers.

    A question whose key was answered already, in this attempt, is put to people again: the reader
    says by it that the answer did not help (a wrong password), and says so in its text. What is
    asked for the first time may be answered at once, without anybody: by what was remembered, by
    what was said for the whole batch, or by its default where nobody is to be asked.

    unanswered  the AppError that the job ends with where a question without a default expires, as
                (code, facts); None: `unanswered`
    """

    def __init__(
        self, *questions: Question, unanswered: tuple[str, dict[str, Any]] | None = None
    ) -> None:
        super().__init__([question.key for question in questions])
        self.questions = questions
        self.unanswered = unanswered


def checked_answer(question: Question, answer: Any) -> Any:
    """Return `answer` as it is kept. Raises InvalidRequest that says what would be one."""
    match question.kind:
        case "header_row":
            return _line_number(question, answer)
        case "text":
            return _words(answer).strip() or _refuse("an empty text is no answer")
        case "password":
            return _words(answer) or _refuse("an empty password is no answer")
        case "field":
            return None if answer is None else _field_value(question, _words(answer))
        case _:
            if isinstance(answer, str) and any(one.value == answer for one in question.choices):
                return answer
            known = ", ".join(one.value for one in question.choices)
            return _refuse(f"an answer to this question is one of {known}")


def is_answer(question: Question, answer: Any) -> bool:
    """Tell whether `checked_answer` would take it."""
    try:
        checked_answer(question, answer)
    except InvalidRequest:
        return False
    return True


def _line_number(question: Question, answer: Any) -> int:
    if isinstance(answer, str) and answer.isascii() and answer.isdigit() and len(answer) < 8:
        answer = int(answer)  # a form sends nothing but text
    last = question.evidence.get("last_line", LAST_LINE)
    if isinstance(answer, bool) or not isinstance(answer, int) or not 0 <= answer <= last:
        _refuse(f"the answer is the number of a line, from 1 to {last}, or 0 for none")
    return int(answer)


def _words(answer: Any) -> str:
    if not isinstance(answer, str):
        _refuse("the answer to this question is a text")
    try:
        answer.encode()
    except UnicodeEncodeError:
        _refuse("the answer is no valid text")
    if len(answer) > LONGEST_ANSWER:
        _refuse(f"an answer has at most {LONGEST_ANSWER} characters")
    return str(answer)


def _field_value(question: Question, text: str) -> str | None:
    """Return the value as its field keeps it; an empty text is a form's way to say null."""
    if not text.strip():
        return None
    name = question.evidence.get("field")
    if name not in FIELDS:
        return text.strip()
    try:
        return normal_value(name, text)
    except ValueError as error:
        return _refuse(str(error))


def _refuse(why: str) -> NoReturn:
    raise InvalidRequest(what=f"answer: {why}")


def told_answer(question: Question, answer: Any) -> Any:
    """Return `answer` as events, answers of the API and logs tell it: secrets as None."""
    return None if question.kind in SECRET_KINDS else answer


def words_for(question: Question, answer: Any) -> str:
    """Return `answer` as a person reads it: the label of a choice, never a secret."""
    if question.kind in SECRET_KINDS:
        return "the password"
    if answer is None:
        return "it is not there"
    if question.kind == "header_row":
        return f"line {answer}" if answer else "no line"
    return next((one.label for one in question.choices if one.value == answer), str(answer))


def answers_others(question: Question, other: Question) -> bool:
    """Tell whether an answer to `question` may be used for `other`, of another file."""
    if question.kind != other.kind:
        return False
    if question.remember and question.remember == other.remember:
        return True
    return question.key == other.key and question.kind not in OWN_KINDS


def failure_without(question: str, unanswered: tuple[str, dict[str, Any]] | None) -> AppError:
    """Return what a job ends with whose question nobody answered, and that has no safe answer.

    question  its text
    """
    if unanswered is None:
        return Unanswered(question=question)
    return from_wire(*unanswered)


def evidence_for_all(question: Question) -> dict[str, Any]:
    """Return what a question rests on without what it tells of other files.

    For guests, who are shown one file or batch, and for events, which they may follow.
    """
    if question.kind != "duplicate":
        return question.evidence
    own = {key: value for key, value in question.evidence.items() if key not in OF_OTHERS}
    near = question.evidence.get("near")
    if near is None:
        return own
    return {**own, "near": [{key: one.get(key) for key in LIKENESS} for one in near]}


def reason_for(question: Question) -> str:
    """Return what a question rests on, as a sentence or two; "" where its text says all."""
    found = question.evidence
    match question.kind:
        case "date_order" | "decimal_mark":
            return _ambiguous(found)
        case "save":
            return _preview(found)
        case "duplicate":
            return _likeness(found.get("near") or [])
        case _:
            return ""


def _ambiguous(found: Mapping[str, Any]) -> str:
    rows, examples = found.get("rows"), list(dict.fromkeys(map(str, found.get("examples") or [])))
    if not rows:
        return ""
    fit = f"{count(rows, 'row')} can be read either way"
    return f"{fit}, for example {', '.join(examples)}." if examples else f"{fit}."


def _preview(found: Mapping[str, Any]) -> str:
    parts = [
        f"{found[key]:,} {words}"
        for key, words in (
            ("new_rows", "new"),
            ("existing_rows", "already here"),
            ("rejected_rows", "could not be read"),
        )
        if isinstance(found.get(key), int) and (found[key] or key == "new_rows")
    ]
    return f"{', '.join(parts)}." if parts else ""


def _likeness(near: Sequence[Mapping[str, Any]]) -> str:
    if not near:
        return ""
    first = near[0]
    labels = (
        ("filename", "called"),
        ("vendor", "from"),
        ("number", "number"),
        ("date", "of"),
        ("total", "total"),
    )
    facts = [f"{label} {first[key]}" for key, label in labels if first.get(key)]
    return f"The other one is {', '.join(facts)}." if facts else ""
