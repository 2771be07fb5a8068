"""A small learner for payees no rule knows: it compares the letters of names. Local, deterministic.

It learns from the phrases of the rules, in a fraction of a second, once in a process. It can only
see likeness ("STARBUCK COFFE" is like "starbucks coffee"); what an unknown company sells can not be
told from its name, so its confidence is low for most names, and says so.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

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


@dataclass(frozen=True, slots=True)
class Curve:
    """What a share is worth, as measured: how often guesses with that share were right.

    shares, right  points of the curve, both rising, 0 to 1; in between it is a line
    """

    shares: tuple[float, ...]
    right: tuple[float, ...]

    def __call__(self, share: float) -> float:
        return round(float(np.interp(share, self.shares, self.right)), 4)


OF_THE_RULES = Curve((0.0, 1.0), (0.0, UNSEEN))


class Classifier:
    """Guesses categories of names, from letters and what words made of them belong to.

    letters    turns texts into weights of groups of letters
    weights    a row for each of `names`, of the groups of letters
    familiar   the groups of letters that were learned from
    """

    def __init__(
        self,
        letters: TfidfVectorizer,
        weights: Any,
        offsets: Any,
        names: Sequence[str],
        familiar: Collection[str],
        worth: Curve = OF_THE_RULES,
    ) -> None:
        self.letters = letters
        self.weights = weights
        self.offsets = offsets
        self.names = list(names)
        self.worth = worth
        self._familiar = familiar

    @classmethod
    def fit(
        cls,
        pairs: Sequence[tuple[str, str]],
        importance: Sequence[float] | None = None,
        most_groups: int | None = None,
    ) -> "Classifier":
        """Learn from (text, category).

        importance   of each pair; None: all are the same
        most_groups  how many groups of letters are kept, the commonest; None: all
        """
        texts = [text for text, _ in pairs]
        letters = new_letters(max_features=most_groups)
        known = letters.fit_transform(texts)
        model = LinearSVC(C=1.0, random_state=0, class_weight="balanced")
        model.fit(known, [category for _, category in pairs], sample_weight=importance)
        names = [str(name) for name in model.classes_]
        familiar = frozenset(group for text in texts for group in groups_of(text))
        return cls(letters, model.coef_.astype(np.float32), model.intercept_, names, familiar)

    def shares(self, texts: Sequence[str]) -> list[tuple[str, float]]:
        """Return for each normalised name the likeliest category and its share, 0 to 1."""
        found: list[tuple[str, float]] = []
        for begin in range(0, len(texts), CHUNK):
            some = texts[begin : begin + CHUNK]
            margins = self.letters.transform(some) @ self.weights.T + self.offsets
            parts = np.exp(STEEPNESS * (margins - margins.max(axis=1, keepdims=True)))
            shares = parts / parts.sum(axis=1, keepdims=True)
            for text, place, share in zip(
                some, shares.argmax(axis=1), shares.max(axis=1), strict=True
            ):
                sure = float(share) * min(1.0, FAMILIAR * self._familiarity(text))
                found.append((self.names[int(place)], sure))
        return found

    def guess(self, texts: Sequence[str]) -> list[tuple[str, float]]:
        """Return for each normalised name the likeliest category and how sure that is, 0 to 1."""
        return [(name, self.worth(share)) for name, share in self.shares(texts)]

    def _familiarity(self, text: str) -> float:
        """The share of the text's letter groups that were learned from, 0 to 1."""
        groups = groups_of(text)
        return sum(group in self._familiar for group in groups) / len(groups) if groups else 0.0


def new_letters(**more: Any) -> TfidfVectorizer:
    """Return what turns texts into weights of groups of letters, not fitted yet."""
    return TfidfVectorizer(
        analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, dtype=np.float32, **more
    )


def groups_of(text: str) -> list[str]:
    """Return the groups of GROUP letters in a text; a space stands before and after a word."""
    found = []
    for word in text.split():
        padded = f" {word} "
        found += [padded[at : at + GROUP] for at in range(max(1, len(padded) - GROUP + 1))]
    return found


@cache
def trained() -> Classifier:
    """Return the process's classifier, trained at the first call."""
    return Classifier.fit(phrase_pairs())


@cache
def phrase_pairs() -> tuple[tuple[str, str], ...]:
    """Return the phrases of the rules, folded, with their categories."""
    return tuple(sorted({(folded(phrase), category) for phrase, category in all_phrases()}))


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
