"""Which platform an export came from, by the names of its columns and how its cells look.

Never a guess: below the threshold, or when two platforms fit equally well, the answer is nobody.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from app.core.reading import Task, Tell
from app.reading.signatures import SIGNATURES, Signature

THRESHOLD = 0.80
MARGIN = 0.03  # a lead smaller than this over another platform is no lead
STRANGERS_COST = 0.5  # what columns unknown to the platform take off at most
DISTINCT = 1.8  # least rarity of the matched columns, in columns nobody else has
CELLS_FIT = 0.7  # share of filled cells that must look as the signature says

_NOT_WORD = re.compile(r"[^0-9a-z€$£#]+")
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})


@dataclass(frozen=True, slots=True)
class Match:
    """How well one signature fits: a score of 0 to 1 and the sentences that say why."""

    signature: Signature
    score: float
    evidence: tuple[str, ...]


def plain_header(name: str) -> str:
    """Return a column's name without case, accents, punctuation and doubled spaces.

    German umlauts become two letters, so that "Währung" and "Waehrung" are the same.
    """
    low = unicodedata.normalize("NFC", name).replace("\ufeff", "").casefold().translate(_UMLAUTS)
    bare = "".join(c for c in unicodedata.normalize("NFKD", low) if not unicodedata.combining(c))
    return _NOT_WORD.sub(" ", bare).strip()


@dataclass(frozen=True, slots=True)
class _Prepared:
    signature: Signature
    core: frozenset[str]
    known: frozenset[str]
    values: tuple[tuple[str, re.Pattern[str]], ...]


@cache
def _prepared() -> tuple[tuple[_Prepared, ...], dict[str, float]]:
    """The signatures ready to match, and for each core column how rare it is (0 to 1)."""
    ready = []
    owners: Counter[str] = Counter()
    seen: set[tuple[str, str]] = set()
    for signature in SIGNATURES:
        core = frozenset(plain_header(name) for name in signature.core.split(";"))
        extra = frozenset(plain_header(name) for name in signature.extra.split(";") if name)
        values = tuple((plain_header(name), re.compile(p)) for name, p in signature.values)
        ready.append(_Prepared(signature, core, core | extra, values))
        for name in core:
            if (signature.name, name) not in seen:
                seen.add((signature.name, name))
                owners[name] += 1
    return tuple(ready), {name: 1.0 / count for name, count in owners.items()}


def match_all(headers: Sequence[str], sample: Sequence[Sequence[str]]) -> list[Match]:
    """Return every signature that fits at all, best first.

    headers  the columns' names, as the file writes them, in order
    sample   some rows, each a list of cells in the columns' order; may be shorter or longer
    """
    places: dict[str, int] = {}
    for index, name in enumerate(headers):
        plain = plain_header(name)
        if plain:
            places.setdefault(plain, index)
    ready, rarity = _prepared()
    found = [match for one in ready if (match := _match(one, places, rarity, sample)) is not None]
    return sorted(found, key=lambda match: (-match.score, match.signature.key))


def _match(
    one: _Prepared,
    places: dict[str, int],
    rarity: dict[str, float],
    sample: Sequence[Sequence[str]],
) -> Match | None:
    present = one.core & places.keys()
    if len(present) < 3:
        return None
    # A column that many platforms have says little, but a missing one says something.
    weight = {name: 0.25 + 0.75 * rarity[name] for name in one.core}
    coverage = sum(weight[name] for name in present) / sum(weight.values())
    strangers = len(places.keys() - one.known) / len(places)
    score = coverage * (1.0 - STRANGERS_COST * strangers)
    evidence = [f"{len(present)} of the {len(one.core)} columns of {_export(one)} are there"]
    rare = [name for name in one.core if name in present and rarity[name] == 1.0]
    if rare:
        own = [name for name in _core_in_order(one.signature) if plain_header(name) in rare]
        evidence.append(f"only {one.signature.name} names a column “{own[0]}”")
    if strangers:
        unknown = len(places.keys() - one.known)
        evidence.append(f"{unknown} of {len(places)} columns are not usual there")
    fits = _cells_fit(one, places, sample)
    if fits is False:
        score *= 0.6
        evidence.append("but the cells do not look like it")
    elif fits:
        score = min(1.0, score + 0.1)
        evidence.append(f"the cells look like it, for example {fits}")
    distinct = sum(rarity[name] for name in present)
    all_there = strangers == 0 and present == one.core
    if distinct < DISTINCT and not (all_there and (fits or rare or not one.values)):
        score *= 0.7
        evidence.append("but these names are too common to be sure")
    return Match(one.signature, round(score, 3), tuple(evidence))


def _export(one: _Prepared) -> str:
    return f"the {one.signature.name} export “{one.signature.export}”"


def _core_in_order(signature: Signature) -> list[str]:
    return signature.core.split(";")


def _cells_fit(
    one: _Prepared, places: dict[str, int], sample: Sequence[Sequence[str]]
) -> str | bool | None:
    """Return an example when the cells fit, False when they do not, None when nobody can tell."""
    example: str | None = None
    for name, pattern in one.values:
        index = places.get(name)
        if index is None:
            continue
        cells = [row[index].strip() for row in sample if index < len(row) and row[index].strip()]
        if not cells:
            continue
        good = [cell for cell in cells if pattern.fullmatch(cell)]
        if len(good) < CELLS_FIT * len(cells):
            return False
        example = example or f"“{good[0][:40]}”"
    return example


def best_match(headers: Sequence[str], sample: Sequence[Sequence[str]]) -> Match | None:
    """Return the one export that fits well enough and better than any other platform's."""
    ranked = match_all(headers, sample)
    if not ranked or ranked[0].score < THRESHOLD:
        return None
    first = ranked[0]
    rival = next((m for m in ranked[1:] if m.signature.name != first.signature.name), None)
    if rival is not None and first.score - rival.score < MARGIN:
        return None
    return first


def detect_platform(task: Task, tell: Tell) -> dict[str, Any]:
    """Step platform_detection: name the platform, with a score of 0 to 1 and the evidence.

    `platform` and `name` are None when no export fits; `score` is then that of the closest.
    """
    fields = task["found"].get("field_detection", {})
    headers = [str(column.get("name") or "") for column in fields.get("columns", [])]
    sample = [[str(cell) for cell in row] for row in fields.get("sample", [])]
    named = fields.get("header_line") is not None
    best = best_match(headers, sample) if named else None
    if best is not None:
        return {
            "platform": best.signature.key,
            "name": best.signature.name,
            "export": best.signature.export,
            "score": best.score,
            "evidence": list(best.evidence),
        }
    ranked = match_all(headers, sample) if named else []
    if not named:
        evidence = ["The file has no line with column names to compare"]
    elif not ranked or ranked[0].score < 0.4:
        evidence = ["The columns are not those of any export I know"]
    else:
        close = ranked[0]
        evidence = [f"Closest is {close.signature.name}, but not close enough", *close.evidence]
    return {
        "platform": None,
        "name": None,
        "export": None,
        "score": ranked[0].score if ranked else 0.0,
        "evidence": evidence,
    }
