"""What a table leaves open, as questions to a person, with what speaks for each answer."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

from app.core.asking import Choice, Question
from app.reading.amounts import parse_amount
from app.reading.columns import Column
from app.reading.dates import WORDED, DateCount, iso_date
from app.store.records_schema import decimal_text

HEADER_ROW = "header_row"
ENCODING = "encoding"
SHOWN = 5  # examples
SHOWN_LINES = 8  # that may hold the names
SHOWN_LETTERS = 60
ORDERS = ("DMY", "MDY")


def may_ask(task: Mapping[str, Any]) -> bool:
    """Tell whether people may be asked about this file at all."""
    return bool(task["options"].get("ask", True))


def fingerprint_of(header: Sequence[str]) -> str:
    """Return what files with the same column names have in common; "" without names."""
    names = [name.strip().casefold() for name in header]
    if not any(names):
        return ""
    return blake2b("\x1f".join(names).encode(), digest_size=16).hexdigest()


def _remembered(header: Sequence[str], what: str) -> str:
    print_ = fingerprint_of(header)
    return f"header:{print_}:{what}" if print_ else ""


def date_order(column: Column, count: DateCount, likelier: str, header: Sequence[str]) -> Question:
    """Return the question which part of a column's dates is the day.

    likelier  DMY or MDY: what is taken when nobody answers
    """
    readings = {order: _read(count, order) for order in ORDERS}
    example = count.seen[0] if count.seen else None
    choices = tuple(
        Choice(
            order.lower(),
            WORDED[order],
            f"{count.example} is {iso_date(example, order)}" if example else "",
        )
        for order in ORDERS
    )
    return Question(
        key=f"date_order:{column.name}",
        kind="date_order",
        text=f"Which way round are the dates in “{column.name}”, for example {count.example}?",
        choices=choices,
        default=likelier.lower(),
        suggested=likelier.lower() if readings["DMY"]["runs"] != readings["MDY"]["runs"] else None,
        evidence={
            "column": column.name,
            "rows": count.both,
            "examples": [_as_written(parts) for parts in count.seen[:SHOWN]],
            "readings": {order.lower(): found for order, found in readings.items()},
        },
        remember=_remembered(header, "date_order"),
    )


def _as_written(parts: Any) -> str:
    return f"{parts.first:02}/{parts.second:02}/{parts.third}"


def _read(count: DateCount, order: str) -> dict[str, Any]:
    """Return the first and the last date as read in this order, and whether they run in time."""
    days = [day for parts in count.seen if (day := iso_date(parts, order))]
    runs = days == sorted(days) or days == sorted(days, reverse=True)
    return {
        "first": min(days, default=None),
        "last": max(days, default=None),
        "runs": runs and len(set(days)) > 1,
    }


def decimal_mark(
    column: Column, example: str, rows: int, default: str, header: Sequence[str]
) -> Question:
    """Return the question which mark of a column's amounts is the decimal one."""
    choices = []
    for mark, name in ((".", "The dot"), (",", "The comma")):
        amount = decimal_text(parse_amount(example, mark))
        choices.append(Choice(mark, name, f"{example} is {amount}" if amount else ""))
    return Question(
        key=f"decimal_mark:{column.name}",
        kind="decimal_mark",
        text=f"Which mark begins the cents in “{column.name}”, for example {example}?",
        choices=tuple(choices),
        default=default,
        evidence={"column": column.name, "rows": rows, "examples": [example]},
        remember=_remembered(header, "decimal_mark"),
    )


def encoding_of(pages: Sequence[tuple[str, str]]) -> Question:
    """Return the question in which encoding a text is written.

    pages  encodings, the likeliest first, and how some words read in each
    """
    return Question(
        key=ENCODING,
        kind="choice",
        text="In which of these do the letters look right?",
        choices=tuple(Choice(name, words[:SHOWN_LETTERS], name) for name, words in pages),
        default=pages[0][0],
        evidence={"readings": {name: words[:SHOWN_LETTERS] for name, words in pages}},
    )


def header_row(lines: Sequence[tuple[int, Sequence[str]]], default: int) -> Question:
    """Return the question in which line the names of the columns are.

    lines  source lines, from 1, and their cells
    """
    shown = [(number, row) for number, row in lines if _shortened(row)][:SHOWN_LINES]
    return Question(
        key=HEADER_ROW,
        kind="header_row",
        text="Which line holds the names of the columns?",
        choices=(
            *(Choice(str(number), f"Line {number}", _shortened(row)) for number, row in shown),
            Choice("0", "None of them", "I name the columns after what is in them."),
        ),
        default=default,
        evidence={
            "last_line": max((number for number, _ in lines), default=0),
            "lines": [
                {"line": number, "cells": [cell[:SHOWN_LETTERS] for cell in row[:SHOWN]]}
                for number, row in shown
            ],
        },
    )


def _shortened(row: Sequence[str]) -> str:
    text = ", ".join(cell.strip() for cell in row if cell.strip())
    return text if len(text) <= SHOWN_LETTERS else f"{text[: SHOWN_LETTERS - 1]}…"
