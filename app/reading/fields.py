"""The step field_detection: what the columns of a table are, decided for each as a whole."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from app.core.asking import Asking, Question
from app.core.notices import AmbiguousDates, AmbiguousDecimals, NoAmounts, Notice
from app.core.reading import Task, Tell
from app.core.unreadable import NoRows, TooManyColumns
from app.reading.amounts import MarkCount
from app.reading.columns import Column, columns_with, find_columns
from app.reading.dates import WORDED, DateCount, has_times
from app.reading.doubts import ORDERS, date_order, decimal_mark, may_ask
from app.reading.tables import TableShape, detect_shape, read_rows
from app.reading.unlocked import path_of

SHOWN_ROWS = 50
SHOWN_LETTERS = 200  # of a cell; one may be as long as a line may
AMERICAN = frozenset({"USD"})
NO_CENTS = frozenset({"JPY", "KRW", "VND", "CLP", "ISK", "HUF", "IDR", "PYG", "UGX", "XAF", "XOF"})
DATE_ROLES = ("date", "value_date")
AMOUNT_ROLES = ("amount", "debit", "credit", "balance", "fee")


def detect_fields(task: Task, tell: Tell) -> dict[str, Any]:
    """Find the table's shape and what its columns mean.

    Returns shape, columns (see columns.Column), header_line, has_amounts and sample (up
    to 50 raw rows). Where the first rows leave open which part of a date is the day,
    or which mark the decimal one, the rest of the file is asked.

    Raises NotATable, NoRows, TooManyColumns, LineTooLong, EmptyFile, DamagedFile and
    PasswordProtected, and Asking where only a person knows. Warns AmbiguousDates,
    AmbiguousDecimals, NoAmounts, and what detect_shape warns.
    """
    later = _Later(tell)
    found = _detect_fields(task, later)
    later.tell_all()
    return found


class _Later:
    """A Tell that keeps warnings until all is known: a step that asks begins again."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._notices: list[Notice] = []

    def __call__(self, done: int, total: int | None = None, **context: Any) -> None:
        self._tell(done, total, **context)

    def warn(self, notice: Notice) -> None:
        self._notices.append(notice)

    def events(self, told: Sequence[Mapping[str, Any]]) -> None:
        self._tell.events(told)

    def tell_all(self) -> None:
        for notice in self._notices:
            self._tell.warn(notice)


def _detect_fields(task: Task, tell: Tell) -> dict[str, Any]:
    shape, sample = detect_shape(task, tell)
    limit = task["limits"]["max_columns"]
    if shape.width > limit:
        raise TooManyColumns(filename=task["filename"], columns=shape.width, limit=limit)
    if not sample:
        raise NoRows(filename=task["filename"])
    header = shape.header or ()
    width = max(shape.width, len(header))
    fitted = [row[:width] for row in sample]
    columns = columns_with(shape.roles, header) if shape.roles else find_columns(header, fitted)
    roles = {column.role for column in columns}
    has_amounts = "date" in roles and bool(roles & {"amount", "debit", "credit"})
    if has_amounts:
        _decide_by_all_rows(task, tell, shape, columns, fitted)
    else:
        for column in columns:  # a list of something else: nothing in it is read as money
            column.role = None
        tell.warn(NoAmounts())
    return {
        "shape": shape.to_json(),
        "columns": [column.to_json() for column in columns],
        "header_line": shape.header_line,
        "has_amounts": has_amounts,
        "sample": [[cell[:SHOWN_LETTERS] for cell in row] for row in sample[:SHOWN_ROWS]],
    }


def _decide_by_all_rows(
    task: Task,
    tell: Tell,
    shape: TableShape,
    columns: list[Column],
    sample: list[list[str]],
) -> None:
    """Fix the date order and the decimal mark of every column that needs one."""
    dates = {c.index: DateCount() for c in columns if c.role in DATE_ROLES}
    marks = {c.index: MarkCount() for c in columns if c.role in AMOUNT_ROLES}
    for index, dated in dates.items():
        dated.add(_cells(sample, index))
        columns[index].has_times = has_times(_cells(sample, index))
    for index, marked in marks.items():
        marked.add(_cells(sample, index))

    def open_columns() -> tuple[list[int], list[int]]:
        return (
            [i for i, count in dates.items() if count.order is None],
            [i for i, count in marks.items() if count.mark is None and count.both],
        )

    open_dates, open_marks = open_columns()
    if open_dates or open_marks:
        for rows, bytes_done in _rows_below(task, shape, len(sample)):
            for index in open_dates:
                dates[index].add(_cells(rows, index))
            for index in open_marks:
                marks[index].add(_cells(rows, index))
            open_dates, open_marks = open_columns()
            tell(min(bytes_done, task["size"]), task["size"])
            if not open_dates and not open_marks:
                break
    doubts = [
        *_settle_dates(task, tell, shape, columns, dates),
        *_settle_marks(task, tell, shape, columns, marks),
    ]
    if doubts:
        raise Asking(*doubts)


def _cells(rows: Sequence[Sequence[str]], index: int) -> list[str]:
    return [row[index] for row in rows if index < len(row)]


def _rows_below(task: Task, shape: TableShape, skip: int) -> Iterator[tuple[list[list[str]], int]]:
    """The rows after the first `skip` ones, in chunks, and how much of the file was read."""
    for chunk in read_rows(path_of(task), shape, task["limits"], task["filename"]):
        rows = chunk.rows[skip:]
        skip = max(0, skip - len(chunk.rows))
        if rows:
            yield rows, chunk.bytes_done


def _settle_dates(
    task: Task, tell: Tell, shape: TableShape, columns: list[Column], dates: dict[int, DateCount]
) -> Iterator[Question]:
    """One file writes its dates one way: a column that can not tell follows one that can.

    Yields what is left to ask.
    """
    orders = [count.order for count in dates.values() if count.order in ORDERS]
    american = any(column.currency in AMERICAN for column in columns)
    for index, count in sorted(dates.items(), key=lambda pair: columns[pair[0]].role != "date"):
        column = columns[index]
        order = count.order
        if order is None and orders:
            order = orders[0]
        elif order is None:
            order = count.likelier(american=american)
            doubt = date_order(column, count, order, shape.header)
            if doubt.key in task["answers"]:
                order = task["answers"][doubt.key].upper()
                orders.append(order)
            elif column.role == "date" and may_ask(task) and not count.runs_one_way():
                yield doubt
            elif column.role == "date":
                tell.warn(
                    AmbiguousDates(
                        column=column.name,
                        example=count.example,
                        rows=count.both,
                        chosen=WORDED[order],
                    )
                )
        column.date_format = order


def _settle_marks(
    task: Task, tell: Tell, shape: TableShape, columns: list[Column], marks: dict[int, MarkCount]
) -> Iterator[Question]:
    """The same for decimal marks; a file of nothing but 1,234 has no decimals, it has thousands."""
    told = [count.mark for count in marks.values() if count.mark]
    is_asked = False
    for index, count in marks.items():
        column = columns[index]
        mark = count.mark or (told[0] if told else None)
        if mark is None and count.both:
            mark = "," if "." in count.example else "."
            doubt = decimal_mark(column, count.example, count.both, mark, shape.header)
            if doubt.key in task["answers"]:
                mark = task["answers"][doubt.key]
                told.append(mark)
            elif may_ask(task) and column.currency not in NO_CENTS:
                if not is_asked:
                    yield doubt
                is_asked = True
            else:
                tell.warn(
                    AmbiguousDecimals(
                        column=column.name,
                        example=count.example,
                        chosen="a thousands separator",
                    )
                )
        column.decimal_mark = mark or ("," if shape.delimiter == ";" else ".")
