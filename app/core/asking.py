"""Questions to a person: what a reader asks when it can not know. Plain values, no IO.

A reader raises `Asking` with every question it has. The job then waits, and holds no worker; once
all of them are answered, or have expired, the step begins again with `task["answers"]`.
"""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

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
LONGEST_ANSWER = 2000


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


class Asking(Exception):
    """A reader can not go on without answers. Each question's key is asked at most once an attempt.

    unanswered  the AppError that the job ends with where a question without a default expires, as
                (code, facts)
    """

    def __init__(
        self, *questions: Question, unanswered: tuple[str, dict[str, Any]] | None = None
    ) -> None:
        super().__init__([question.key for question in questions])
        self.questions = questions
        self.unanswered = unanswered
