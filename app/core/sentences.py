"""Sentences whose facts are filled in later: those of failures and of warnings."""

from typing import Any


class Fact:
    """One fact in a sentence: {rows} gives "1,200", {rows:row/rows} gives "1 row" or "2 rows"."""

    def __init__(self, value: object) -> None:
        self._value = value

    def __format__(self, nouns: str) -> str:
        value = self._value
        is_number = isinstance(value, int) and not isinstance(value, bool)
        text = f"{value:,}" if is_number else str(value)
        if not nouns:
            return text
        one, _, many = nouns.partition("/")
        return f"{text} {one if value == 1 else many}"


class Facts(dict[str, Any]):
    """What a template's braces are filled from; survives a missing fact."""

    def __missing__(self, key: str) -> Fact:
        return Fact("?")

    def __getitem__(self, key: str) -> Fact:
        return Fact(super().__getitem__(key)) if key in self else self.__missing__(key)
