"""Finding the rule that speaks for a payee's text. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from app.core.taxonomy import (
    BENEFITS,
    BOTH_WAYS,
    CASH,
    CHILDREN,
    EDUCATION,
    FEES,
    GIVING,
    HOUSING,
    INCOME,
    INSURANCE,
    INTEREST,
    PHONE,
    SALARY,
    SAVINGS,
    SERVICES,
    SUBSCRIPTIONS,
    TAXES,
    TRANSFERS,
    UTILITIES,
    WAGES,
)
from app.reading.category_names import ALONE, NAMES
from app.reading.category_rules import STEMS, WORDS
from app.reading.category_sources import SAYS_NOTHING, SOURCE_NAMES
from app.reading.payees import CITIES, COUNTRIES, accented_words, folded

SURE, PLAIN, COMPOUND, MONEY_BACK = 0.95, 0.85, 0.8, 0.7
"""Confidence of a rule by name, by word, by part of a word, and when money comes back."""

TOLD_BY_PURPOSE = (
    SALARY, BENEFITS, HOUSING, UTILITIES, PHONE, INSURANCE, TAXES, INTEREST, GIVING, SUBSCRIPTIONS,
    SAVINGS, FEES, CASH, TRANSFERS, EDUCATION, CHILDREN, SERVICES,
)  # fmt: skip
"""What the name of whom one pays does not tell, but the purpose does."""

LONG_NAME = 7  # letters
SHORT = 3  # letters; so short a word is another one once its accents are gone: "Éáú" is no "eau"
PLACES = CITIES | COUNTRIES
_INITIALS = re.compile(r"\b([a-z]) ?& ?([a-z])\b")
_BETWEEN = re.compile(r"[^a-z0-9&]+")


@dataclass(frozen=True, slots=True)
class Decision:
    """What a text was found to be. `category` None: nobody knows. confidence is 0 to 1."""

    category: str | None
    reason: str
    confidence: float


@dataclass(frozen=True, slots=True)
class _Rule:
    words: tuple[str, ...]
    category: str
    shown: str
    is_name: bool
    alone: bool


@dataclass(frozen=True, slots=True)
class _Index:
    by_first: Mapping[str, tuple[_Rule, ...]]
    stems: re.Pattern[str]
    stem_category: Mapping[str, str]


def words_of(low: str) -> list[str]:
    """Return the words and numbers of a folded text."""
    low = low.replace("'", "").replace("’", "")
    if "&" in low:
        low = _INITIALS.sub(r"\1&\2", low)  # "B & Q" is one name
    return [word for word in _BETWEEN.split(low) if word and word != "&"]


def phrases(text: str) -> list[str]:
    """Return the comma-separated phrases of a rule's text."""
    return [part for part in (" ".join(piece.split()) for piece in text.split(",")) if part]


@cache
def _index() -> _Index:
    alone = {tuple(words_of(folded(phrase))) for phrase in phrases(ALONE)}
    by_first: dict[str, list[_Rule]] = {}
    for table, is_name in ((NAMES, True), (WORDS, False)):
        for category, text in table.items():
            for phrase in phrases(text):
                words = tuple(words_of(folded(phrase)))
                lonely = is_name and words in alone
                rule = _Rule(words, category, phrase, is_name, lonely)
                by_first.setdefault(words[0], []).append(rule)
    stem_category = {stem: category for category, text in STEMS.items() for stem in phrases(text)}
    longest_first = sorted(stem_category, key=lambda stem: (-len(stem), stem))
    return _Index(
        {
            first: tuple(sorted(rules, key=lambda r: (-len(r.words), not r.is_name)))
            for first, rules in by_first.items()
        },
        re.compile(_by_first_letter(longest_first)),
        stem_category,
    )


def _by_first_letter(stems: list[str]) -> str:
    """A pattern that finds any of `stems`, tried by first letter, which is quicker than one by one.

    Of two stems with the same first letter the one given first is found.
    """
    groups: dict[str, list[str]] = {}
    for stem in stems:
        groups.setdefault(stem[0], []).append(re.escape(stem[1:]))
    return "|".join(f"{first}(?:{'|'.join(rest)})" for first, rest in sorted(groups.items()))


def decide_by_rule(text: str, key: str, sign: int) -> Decision | None:
    """Return what the rules say about a payee; None when none speaks.

    text  as the bank prints it
    key   its normalised name, for names that count only as the whole payee
    sign  -1 money out, 1 money in, 0 unknown
    """
    low = folded(text)
    words = words_of(low)
    index = _index()
    whole = tuple(words_of(key))
    accented = accented_words(text)
    best: tuple[tuple[int, int, int, int], _Rule] | None = None
    for at, word in enumerate(words):
        other_word = len(word) <= SHORT and word in accented
        for rule in index.by_first.get(word, ()):
            size = len(rule.words)
            if other_word if size == 1 else tuple(words[at : at + size]) != rule.words:
                continue
            if rule.alone and not _is_whole(rule.words, whole, words[at + size : at + size + 1]):
                continue
            if not _way_fits(rule.category, sign):
                continue
            rank = (
                int(sign > 0 and (rule.category in INCOME or rule.category in BOTH_WAYS)),
                int(rule.is_name),
                size,
                -at,
            )
            if best is None or rank > best[0]:
                best = rank, rule
    if best is not None:
        rule = best[1]
        return _decision(rule.category, rule.shown, sign, SURE if rule.is_name else PLAIN)
    found = index.stems.search(low)
    if found is not None:
        category = index.stem_category[found.group()]
        if _way_fits(category, sign):
            return _decision(category, found.group(), sign, COMPOUND)
    return None


def _is_whole(name: tuple[str, ...], whole: tuple[str, ...], following: list[str]) -> bool:
    """Tell whether a payee is this name and nothing else but a place or the number of a branch."""
    if whole[: len(name)] != name:
        return False
    rest = whole[len(name) :]
    return all(word in PLACES for word in rest) or (
        bool(following) and len(following[0]) > 1 and following[0].isdigit()
    )


def _way_fits(category: str, sign: int) -> bool:
    return sign >= 0 or category not in INCOME or category == SALARY


def _decision(category: str, shown: str, sign: int, confidence: float) -> Decision:
    if category == SALARY and sign < 0:
        category = WAGES
    reason = f"Rule: '{shown}' is {category.lower()}"
    if sign > 0 and category not in INCOME and category not in BOTH_WAYS:
        return Decision(category, f"{reason}; the money came back", MONEY_BACK)
    return Decision(category, reason, confidence)


@cache
def _source_names() -> dict[str, str]:
    return {
        _plain(phrase): category
        for category, text in SOURCE_NAMES.items()
        for phrase in phrases(text)
    }


@cache
def _says_nothing() -> frozenset[str]:
    return frozenset(_plain(phrase) for phrase in phrases(SAYS_NOTHING)) | {""}


def _plain(text: str) -> str:
    return " ".join(words_of(folded(text)))


def decide_by_source(said: str | None) -> Decision | None:
    """Return the export's own category, in our words where we have some; None when it says nothing.

    said  the cell of the export's category column
    """
    if said is None or (plain := _plain(said)) in _says_nothing():
        return None
    own = " ".join(said.split())[:60]
    category = _source_names().get(plain)
    if category == TRANSFERS and plain == "payment":
        category = None
    return Decision(category or own, f"The export says: {own}", 1.0)


@cache
def single_names() -> Mapping[str, str]:
    """Names long enough that one wrong letter does not make another name: name -> category."""
    lonely = {" ".join(words_of(folded(phrase))) for phrase in phrases(ALONE)}
    found: dict[str, str] = {}
    for category, text in NAMES.items():
        for phrase in phrases(text):
            name = " ".join(words_of(folded(phrase)))
            if len(name) >= LONG_NAME and name not in lonely:
                found.setdefault(name, category)
    return found


@cache
def purpose_pattern() -> str:
    """A regular expression that finds, in small letters, a word that says what was paid for."""
    told = {
        phrase
        for category in TOLD_BY_PURPOSE
        for phrase in phrases(WORDS[category])
        if len(phrase) > 3
    }
    longest_first = sorted(told, key=lambda phrase: (-len(phrase), phrase))
    return rf"\b({'|'.join(longest_first)})\b"


def all_phrases() -> Iterable[tuple[str, str]]:
    """Yield every phrase of the rules with its category: what the classifier learns from."""
    for table in (NAMES, WORDS, STEMS):
        for category, text in table.items():
            for phrase in phrases(text):
                yield phrase, category
