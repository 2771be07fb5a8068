"""A small learner for payees no rule knows: it compares the letters of names. Local, deterministic.

It learns from the phrases of the rules, in a fraction of a second, once in a process. It can only
see likeness ("STARBUCK COFFE" is like "starbucks coffee"); what an unknown company sells can not be
told from its name, so its confidence is low for most names, and says so.
"""

from functools import cache

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

from app.reading.category_match import all_phrases
from app.reading.payees import folded

STEEPNESS = 3.0  # turns margins into shares; chosen so that a share is how often it is right
HIGHEST = 0.85  # a guess by likeness is never surer than a rule
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

    def guess(self, texts: list[str]) -> list[tuple[str, float]]:
        """Return for each normalised payee the likeliest category and how sure that is, 0 to 1."""
        found: list[tuple[str, float]] = []
        for begin in range(0, len(texts), CHUNK):
            margins = self._model.decision_function(
                self._letters.transform(texts[begin : begin + CHUNK])
            )
            weights = np.exp(STEEPNESS * (margins - margins.max(axis=1, keepdims=True)))
            shares = weights / weights.sum(axis=1, keepdims=True)
            best = shares.argmax(axis=1)
            found += [
                (self._names[int(place)], min(float(share[place]), HIGHEST))
                for place, share in zip(best, shares, strict=True)
            ]
        return found


@cache
def trained() -> Classifier:
    """Return the process's classifier, trained at the first call."""
    return Classifier()
