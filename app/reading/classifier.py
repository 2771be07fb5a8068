"""A small learner for payees no rule knows: it compares the letters of names. Local, deterministic.

It learns from the phrases of the rules, in a fraction of a second, once in a process. It can only
see likeness ("STARBUCK COFFE" is like "starbucks coffee"); what an unknown company sells can not be
told from its name, so its confidence is low for most names, and says so.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
from rapidfuzz import fuzz, process
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

from app.reading.category_match import all_phrases, single_names
from app.reading.payees import folded

# Chosen on phrases held back in turn: with these a share of 0.6 and above was right in 87 of 100
# cases, and 0 of 2,000 invented words reached it. Real suppliers that no rule knows (577 of a
# council's card statement) are harder: 8 of 15. So a guess by likeness alone never passes for
# sure: its confidence stays below the one from which nobody has to look.
STEEPNESS = 4.0  # turns margins into shares that add up to one
FAMILIAR = 1.3  # a text is taken as wholly familiar when 1 / FAMILIAR of its letter groups are
GROUP = 4  # letters

UNSEEN = 0.6  # what a share is worth for a name that was not learned
MISSPELT = 92  # percent; likeness of letters from which a name is the known one
COMPARED = 3_000  # names at most that are compared with all known ones
CHUNK = 2_000


class Classifier:
    """Guesses categories of texts; made by `trained`."""

    def __init__(self) -> None:
        pairs = sorted({(folded(phrase), category) for phrase, category in all_phrases()})
        texts = [text for text, _ in pairs]
        self._letters = TfidfVectorizer(
            analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, dtype=np.float32
        )
        known = self._letters.fit_transform(texts)
        self._model = LinearSVC(C=1.0, random_state=0, class_weight="balanced")
        self._model.fit(known, [category for _, category in pairs])
        self._names = [str(name) for name in self._model.classes_]
        self._familiar = frozenset(group for text in texts for group in _groups(text))

    def guess(self, texts: list[str]) -> list[tuple[str, float]]:
        """Return for each normalised payee the likeliest category and how sure that is, 0 to 1."""
        found: list[tuple[str, float]] = []
        for begin in range(0, len(texts), CHUNK):
            some = texts[begin : begin + CHUNK]
            margins = self._model.decision_function(self._letters.transform(some))
            weights = np.exp(STEEPNESS * (margins - margins.max(axis=1, keepdims=True)))
            shares = weights / weights.sum(axis=1, keepdims=True)
            for text, place, share in zip(
                some, shares.argmax(axis=1), shares.max(axis=1), strict=True
            ):
                sure = float(share) * min(1.0, FAMILIAR * self._familiarity(text))
                found.append((self._names[int(place)], round(sure * UNSEEN, 4)))
        return found

    def _familiarity(self, text: str) -> float:
        """The share of the text's letter groups that were learned from, 0 to 1."""
        groups = _groups(text)
        return sum(group in self._familiar for group in groups) / len(groups) if groups else 0.0


def _groups(text: str) -> list[str]:
    found = []
    for word in text.split():
        padded = f" {word} "
        found += [padded[at : at + GROUP] for at in range(max(1, len(padded) - GROUP + 1))]
    return found


@cache
def trained() -> Classifier:
    """Return the process's classifier, trained at the first call."""
    return Classifier()


def misspelt(texts: Sequence[str]) -> dict[str, str]:
    """Return those payees that are spelled almost like a known name, with that name.

    texts  normalised payees; the first COMPARED are looked at. Either all of a payee or its first
           word has to be like the name.
    """
    names = list(single_names())
    found: dict[str, str] = {}
    some = list(texts[:COMPARED])
    for shape in (some, [text.split(" ", 1)[0] for text in some]):
        scores = process.cdist(
            shape, names, scorer=fuzz.ratio, score_cutoff=MISSPELT, dtype=np.uint8
        )
        for place in map(int, np.flatnonzero(scores.any(axis=1))):
            near = np.flatnonzero(scores[place])
            # A first letter is rarely the wrong one: "top shop" is not "stop shop".
            same = [int(at) for at in near if names[int(at)][0] == shape[place][0]]
            if same:
                best = max(same, key=lambda at: int(scores[place, at]))
                found.setdefault(some[place], names[best])
    return found
