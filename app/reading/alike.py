"""When two documents are alike: by their words, by their looks, and by what they say. Pure.

Documents that say different things are never alike, however much their words are: the telephone
bills of two months differ in a dozen words. What is empty or unreadable is like nothing.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from datasketch import MinHash
from PIL import Image, ImageOps

from app.reading.payees import folded

PLACES = 128  # of a text's signature; with them a likeness is known within 4 percent or so
SHINGLE = 3  # words
FEWEST_SHINGLES = 12  # texts with fewer are like nothing: they say too little
WORD = re.compile(r"\w+")
MOST_WORDS = 100_000

GRID = 16  # a picture is compared as so many times so many fields
STEP = 4  # of 255; neighbours that differ less are the same
FEWEST_EDGES = 16  # pictures with fewer show nothing

ALIKE_TEXT = 0.8
ALIKE_LOOKS = 0.6  # copies in other sizes and qualities had 0.8 and more, others below 0.3
WORDS_AGREE = 0.4  # below it what looks alike says something else
NEARLY_THE_SAME = 0.9  # from here one fact may be misread, where it was read by OCR


@dataclass(frozen=True, slots=True)
class Facts:
    """What tells one invoice from another; None where it was not found.

    vendor  normalised name
    """

    vendor: str | None = None
    number: str | None = None
    date: str | None = None
    total_micros: int | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Traits:
    """What of a document is compared.

    text   its signature, see text_signature; None where it says too little
    looks  see looks_of; None where it has none to compare
    file   the SHA-256 of its bytes; "" where that counts for nothing
    """

    facts: Facts
    text: bytes | None = None
    looks: bytes | None = None
    file: str = ""


@dataclass(frozen=True, slots=True)
class Match:
    """How alike two documents are, 0 to 1; None where it can not be said.

    certain  they are the same file, or the same invoice by what they say: vendor, number, and date
             or total
    """

    score: float
    text: float | None
    looks: float | None
    certain: bool


def text_signature(text: str) -> bytes | None:
    """Return what a text's likeness is estimated from; None for one that says too little."""
    words = WORD.findall(folded(text))[:MOST_WORDS]
    shingles = {" ".join(words[at : at + SHINGLE]) for at in range(len(words) - SHINGLE + 1)}
    if len(shingles) < FEWEST_SHINGLES:
        return None
    # Named, because signatures are stored: another scheme would make them mean something else.
    made = MinHash(num_perm=PLACES, seed=1, scheme="affine32")
    made.update_batch([shingle.encode() for shingle in shingles])
    return bytes(np.asarray(made.hashvalues, dtype="<u4").tobytes())


def looks_of(picture: Image.Image) -> bytes | None:
    """Return what a picture's likeness is measured by; None for one that shows nothing.

    It is where the picture becomes brighter or darker from left to right, coarsely.
    """
    grey = ImageOps.exif_transpose(picture).convert("L")
    small = np.asarray(grey.resize((GRID + 1, GRID), Image.Resampling.LANCZOS), dtype=np.int16)
    steps = np.diff(small, axis=1)
    edges = np.concatenate([(steps > STEP).ravel(), (steps < -STEP).ravel()])
    return np.packbits(edges).tobytes() if edges.sum() >= FEWEST_EDGES else None


def text_likeness(one: bytes, other: bytes) -> float:
    """Return which share of two texts' shingles they have in common, as estimated."""
    same = np.frombuffer(one, dtype="<u4") == np.frombuffer(other, dtype="<u4")
    return float(same.mean())


def looks_likeness(one: bytes, other: bytes) -> float:
    """Return which share of two pictures' edges they have in common."""
    a, b = (np.unpackbits(np.frombuffer(looks, dtype=np.uint8)) for looks in (one, other))
    either = int((a | b).sum())
    return int((a & b).sum()) / either if either else 0.0


def compare(mine: Traits, theirs: Traits) -> Match | None:
    """Return how alike two documents are; None when they are not."""
    text = text_likeness(mine.text, theirs.text) if mine.text and theirs.text else None
    looks = looks_likeness(mine.looks, theirs.looks) if mine.looks and theirs.looks else None
    differing = contradictions(mine.facts, theirs.facts)
    score = max(text or 0.0, looks or 0.0)
    if mine.file and mine.file == theirs.file:
        return Match(1.0, text, looks, certain=True)
    if _is_same_invoice(mine.facts, theirs.facts) and not differing:
        return Match(round(score, 2), text, looks, certain=True)
    was_misread = bool(mine.looks or theirs.looks) and score >= NEARLY_THE_SAME
    if len(differing) > (1 if was_misread else 0):
        return None
    if text is not None and text >= ALIKE_TEXT:
        return Match(round(score, 2), text, looks, certain=False)
    if looks is not None and looks >= ALIKE_LOOKS and (text is None or text >= WORDS_AGREE):
        return Match(round(looks, 2), text, looks, certain=False)
    return None


def contradictions(one: Facts, other: Facts) -> list[str]:
    """Return the names of the facts that both documents state, and differently."""
    found = []
    if _differ(_bare(one.number), _bare(other.number)):
        found.append("number")
    if _differ(one.date, other.date):
        found.append("date")
    if _differ(one.total_micros, other.total_micros) or (
        one.total_micros is not None
        and one.total_micros == other.total_micros
        and _differ(one.currency, other.currency)
    ):
        found.append("total")
    return found


def _is_same_invoice(one: Facts, other: Facts) -> bool:
    """A number alone may be any shop's "17": the vendor and the date or total have to agree too."""
    if not one.vendor or one.vendor != other.vendor:
        return False
    number = _bare(one.number)
    if not number or number != _bare(other.number):
        return False
    same_total = one.total_micros is not None and one.total_micros == other.total_micros
    return same_total or (one.date is not None and one.date == other.date)


def _bare(number: str | None) -> str | None:
    """Return a number without the spaces and marks in which readers differ."""
    return "".join(WORD.findall(folded(number))).replace("_", "") if number else None


def _differ(one: object, other: object) -> bool:
    return one is not None and other is not None and one != other


def nearest(
    mine: Traits, others: Iterable[tuple[str, Traits]], at_most: int
) -> list[tuple[str, Match]]:
    """Return those of `others`, (id, traits), that are alike, the likest first."""
    found = [
        (ident, match) for ident, traits in others if (match := compare(mine, traits)) is not None
    ]
    found.sort(key=lambda one: (not one[1].certain, -one[1].score))
    return found[:at_most]
