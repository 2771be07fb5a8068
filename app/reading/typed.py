"""Rows of text as columns of dates, amounts and words, and the rows that can not be read."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import orjson
import polars as pl

from app.reading.amounts import amounts
from app.reading.column_names import CREDIT_WORDS, DEBIT_WORDS
from app.reading.columns import Column
from app.reading.continued import join_continued, only_text
from app.reading.dates import dates

TEXT_ROLES = ("currency", "description", "counterparty", "reference", "account")
CORE_ROLES = frozenset({"date", "amount", "debit", "credit", "flag"})

SCHEMA = {
    "line": pl.Int64,
    "date": pl.String,
    "amount_micros": pl.Int64,
    "currency": pl.String,
    "balance_micros": pl.Int64,
    "description": pl.String,
    "counterparty": pl.String,
    "reference": pl.String,
    "account": pl.String,
    "extra": pl.String,
    "source_category": pl.String,
}

PENDING = re.compile(r"pending|vorgemerkt|en attente|pendiente|in behandeling|in sospeso", re.I)
NOT_BOOKED = frozenset(
    (
        "pending",
        "declined",
        "failed",
        "denied",
        "reverted",
        "canceled",
        "cancelled",
        "expired",
        "rejected",
        "vorgemerkt",
        "abgelehnt",
        "storniert",
    )
)
# A row that says only this is no transaction, even with a date and an amount.
BALANCE = (
    r"(?i)^\W*(?:(?:opening|closing|starting|ending|initial|final) balance|turnover|"
    r"(?:anfangs|end|schluss)saldo|alter saldo|neuer saldo|alter kontostand|neuer kontostand|"
    r"saldo (?:inicial|final|iniziale|finale|initial)|(?:begin|eind)saldo)\b[\s:]*$"
)
# And this is none without a date: with one, it may be a filling station.
TOTAL = re.compile(
    r"\W*(?:grand |sub)?(?:totals?|summe|gesamt(?:summe)?|totaal|totale|suma|celkem|saldo|"
    r"kontostand)\b[\s:]*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that can not be read: where it is, why, and its cells as they stand."""

    line: int
    code: str
    reason: str
    cells: list[str]


def type_rows(
    frame: pl.DataFrame, columns: Sequence[Column], *, has_amounts: bool
) -> tuple[pl.DataFrame, list[Rejected]]:
    """Read rows by what their columns are.

    frame  the source line of each row as `line`, its cells as String columns c0, c1, …

    Returns the readable rows as a frame of SCHEMA in file order, and the others. A transaction
    over several rows becomes one.
    """
    rejected: list[Rejected] = []
    if has_amounts:
        frame = join_continued(frame, columns)
    money = _money(frame, columns) if has_amounts else {}
    says = "kind" if _column(columns, "kind") else "category"
    typed = frame.select(
        "line",
        *(column.alias(name) for name, column in money.items()),
        *(
            _text(frame, columns, role).alias(name)
            for role, name in (*zip(TEXT_ROLES, TEXT_ROLES, strict=True), (says, "source_category"))
        ),
        _extra(frame, columns, has_amounts=has_amounts),
    )
    if has_amounts:
        typed = _sift(frame, typed, columns, rejected)
    else:
        typed = typed.filter(pl.col("extra").is_not_null())
    missing = [
        pl.lit(None, dtype=dtype).alias(name)
        for name, dtype in SCHEMA.items()
        if name not in typed.columns
    ]
    return typed.with_columns(missing).select(list(SCHEMA)), rejected


def fit_rows(
    lines: Sequence[int],
    rows: Sequence[list[str]],
    columns: Sequence[Column],
    *,
    has_amounts: bool,
    usual_width: int = 0,
) -> tuple[pl.DataFrame, list[Rejected]]:
    """Return rows of any width as a frame for type_rows, and those that do not fit into it.

    usual_width  cells that most rows have; a header may have more names

    Rows without a filled cell are left out, here and there: they say nothing.
    A row is padded or cut where nothing is lost by it: what is cut is empty, and what is missing
    comes after all that makes it a transaction, or is missing in most rows.
    """
    width = len(columns)
    rejected: list[Rejected] = []
    if set(map(len, rows)) != {width}:
        core = [c.index for c in columns if c.role in CORE_ROLES]
        needed = max(core) + 1 if has_amounts and core else min(width, usual_width or width)
        text = next((c.index for c in columns if c.role == "description"), width)
        kept_lines: list[int] = []
        kept: list[list[str]] = []
        for line, row in zip(lines, rows, strict=True):
            if not any(cell.strip() for cell in row):
                continue
            if len(row) > width and any(cell.strip() for cell in row[width:]):
                rejected.append(_too_long(line, row, width))
            elif len(row) < needed and not (has_amounts and only_text(row, text)):
                rejected.append(_too_short(line, row, width))
            else:
                kept_lines.append(line)
                kept.append(row[:width] + [""] * (width - len(row)))
        lines, rows = kept_lines, kept
    cells = list(zip(*rows, strict=True)) or [()] * width
    series = [pl.Series(f"c{i}", column, dtype=pl.String) for i, column in enumerate(cells)]
    return pl.DataFrame([pl.Series("line", lines, dtype=pl.Int64), *series]), rejected


def _too_long(line: int, row: list[str], width: int) -> Rejected:
    reason = f"It has {len(row)} cells where the table has {width} columns."
    return Rejected(line, "too_many_cells", reason, row)


def _too_short(line: int, row: list[str], width: int) -> Rejected:
    first = next((cell.strip() for cell in row if cell.strip()), "")
    if TOTAL.fullmatch(first) or re.match(BALANCE, first):
        return Rejected(line, "total_line", "It is a total or a balance, not a transaction.", row)
    cells = "1 cell" if len(row) == 1 else f"{len(row)} cells"
    return Rejected(
        line, "too_few_cells", f"It has {cells} where the table has {width} columns.", row
    )


def _column(columns: Sequence[Column], role: str) -> Column | None:
    return next((column for column in columns if column.role == role), None)


def _amounts_of(frame: pl.DataFrame, column: Column | None) -> pl.Series | None:
    if column is None:
        return None
    return amounts(frame[f"c{column.index}"], column.decimal_mark or ".")


def _money(frame: pl.DataFrame, columns: Sequence[Column]) -> dict[str, pl.Series]:
    """Dates, signed amounts and balances; null where a cell does not say one."""
    date = _column(columns, "date")
    found: dict[str, pl.Series] = {}
    if date is not None:
        found["date"] = dates(frame[f"c{date.index}"], date.date_format or "DMY")
    amount = _amounts_of(frame, _column(columns, "amount"))
    debit = _amounts_of(frame, _column(columns, "debit"))
    credit = _amounts_of(frame, _column(columns, "credit"))
    flag = _column(columns, "flag")
    if amount is not None and flag is not None:
        amount = _by_flag(amount, frame[f"c{flag.index}"], empty_is_debit=flag.inverse)
    if debit is not None and (column := _column(columns, "debit")) and column.inverse:
        debit = -debit
    if debit is not None or credit is not None:
        two = _from_two(frame.height, debit, credit)
        amount = two if amount is None else amount.fill_null(two)
    if amount is not None:
        found["amount_micros"] = amount
    balance = _amounts_of(frame, _column(columns, "balance"))
    if balance is not None:
        found["balance_micros"] = balance
    return found


def _by_flag(amount: pl.Series, flag: pl.Series, *, empty_is_debit: bool) -> pl.Series:
    """Give amounts the sign that a debit or credit flag beside them says; null where it is odd."""
    word = flag.str.strip_chars().str.to_lowercase()
    debit = word.is_in(DEBIT_WORDS) | ((word == "") & empty_is_debit)
    return pl.select(
        pl.when(debit)
        .then(-amount.abs())
        .when(word.is_in(CREDIT_WORDS))
        .then(amount.abs())
        .when(word == "")
        .then(amount)
    ).to_series()


def _from_two(height: int, debit: pl.Series | None, credit: pl.Series | None) -> pl.Series:
    """One amount out of a debit column, in which money out is negative, and a credit column."""
    if debit is None or credit is None:
        one = debit if credit is None else credit
        return pl.Series([None] * height, dtype=pl.Int64) if one is None else one
    neither = debit.is_null() & credit.is_null()
    total = debit.fill_null(0) + credit.fill_null(0)
    return total.set(neither, None)


def _text(frame: pl.DataFrame, columns: Sequence[Column], role: str) -> pl.Series:
    """A column's words without doubled spaces; null where there are none."""
    column = _column(columns, role)
    if column is None:
        said = None
        if role == "currency":
            money = [c for c in columns if c.role in ("amount", "debit", "credit")]
            said = next((c.currency for c in money if c.currency), None)
        return pl.Series([said], dtype=pl.String).new_from_index(0, frame.height)
    words = frame[f"c{column.index}"].str.strip_chars()
    if role == "currency":
        words = words.str.to_uppercase()
    elif words.str.contains("  ", literal=True).any():
        words = words.str.replace_all(r"\s{2,}", " ")
    return words.set((words == "").fill_null(value=True), None)


def _extra(frame: pl.DataFrame, columns: Sequence[Column], *, has_amounts: bool) -> pl.Series:
    """What has no place of its own, as a JSON object by column name; null where there is none."""
    shown = {"date", "amount", "debit", "credit", "flag", "balance", *TEXT_ROLES, "category"}
    if not has_amounts:
        shown = set()
    kept = [c for c in columns if c.role not in shown or (c.role == "date" and c.has_times)]
    kept = [c for c in kept if (frame[f"c{c.index}"].str.strip_chars() != "").any()]
    if not kept:
        return pl.Series("extra", [None], dtype=pl.String).new_from_index(0, frame.height)
    parts = []
    for column in kept:
        name = orjson.dumps(column.name).decode()
        cells = frame[f"c{column.index}"].str.strip_chars()
        if cells.str.contains(r'["\\\x00-\x1f]').any():
            cells = _json_escaped(cells)
        parts.append(
            pl.when(cells != "").then(pl.concat_str(pl.lit(f'{name}:"'), cells, pl.lit('"')))
        )
    joined = pl.select(pl.concat_str(parts, separator=",", ignore_nulls=True)).to_series()
    return pl.select(
        pl.when(joined != "").then(pl.concat_str(pl.lit("{"), joined, pl.lit("}"))).alias("extra")
    ).to_series()


def _json_escaped(cells: pl.Series) -> pl.Series:
    escaped = (
        cells.str.replace_all("\\", "\\\\", literal=True)
        .str.replace_all('"', '\\"', literal=True)
        .str.replace_all("\n", "\\n", literal=True)
        .str.replace_all("\t", "\\t", literal=True)
        .str.replace_all("\r", "\\r", literal=True)
    )
    return escaped.str.replace_all(r"[\x00-\x1f]", " ")


def _sift(
    frame: pl.DataFrame, typed: pl.DataFrame, columns: Sequence[Column], rejected: list[Rejected]
) -> pl.DataFrame:
    """Take out rows without a readable date and amount, each with its reason."""
    bad = typed["date"].is_null() | typed["amount_micros"].is_null()
    status = _column(columns, "status")
    if status is not None:
        bad = bad | frame[f"c{status.index}"].str.strip_chars().str.to_lowercase().is_in(NOT_BOOKED)
    label = typed["description"].fill_null("") if "description" in typed.columns else None
    if label is not None:
        bad = bad | label.str.contains(BALANCE)
    if not bad.any():
        return typed
    names = [f"c{column.index}" for column in columns]
    broken = frame.select("line", *names).filter(bad)
    for (line, *cells), (date, amount) in zip(
        broken.iter_rows(),
        typed.select("date", "amount_micros").filter(bad).iter_rows(),
        strict=True,
    ):
        if any(cell.strip() for cell in cells):
            code, reason = _why(cells, columns, date, amount)
            rejected.append(Rejected(line, code, reason, cells))
    return typed.filter(~bad)


def _why(
    cells: list[str], columns: Sequence[Column], date: str | None, amount: int | None
) -> tuple[str, str]:
    """Return the code and the sentence for a row that can not be read."""
    by_role = {c.role: cells[c.index].strip() for c in columns if c.role}
    money = [by_role.get(role, "") for role in ("amount", "debit", "credit")]
    filled = [cell.strip() for cell in cells if cell.strip()]
    if filled == [c.name for c in columns if c.name in filled] and len(filled) > 1:
        return "header_again", "It repeats the names of the columns."
    said = (*filled[:1], by_role.get("description", ""))
    if any(re.match(BALANCE, text) for text in said) or (
        date is None and any(TOTAL.fullmatch(text) for text in said)
    ):
        return "total_line", "It is a total or a balance, not a transaction."
    status = by_role.get("status", "")
    if status.lower() in NOT_BOOKED:
        return "not_booked", f"Its status is “{_short(status)}”: no money has moved."
    day = by_role.get("date", "")
    if date is None and PENDING.search(day):
        return "pending", "It is still pending and has no date yet; upload it once it is booked."
    if date is None and not day and amount is None and not any(money):
        return "no_values", "It has neither a date nor an amount; it may belong to the row above."
    if date is None:
        return (
            ("bad_date", f"“{_short(day)}” is not a date.")
            if day
            else (
                "no_date",
                "It has no date.",
            )
        )
    flag = by_role.get("flag", "")
    if flag and flag.lower() not in DEBIT_WORDS | CREDIT_WORDS:
        return "bad_flag", f"“{_short(flag)}” does not say whether money came or went."
    wrong = next((cell for cell in money if cell), "")
    if wrong:
        return "bad_amount", f"“{_short(wrong)}” is not an amount."
    return "no_amount", "It has no amount."


def _short(cell: str) -> str:
    return cell if len(cell) <= 40 else f"{cell[:39]}…"
