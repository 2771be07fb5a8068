"""Transactions that a file writes over several rows, their text going on below."""

from collections.abc import Sequence

import polars as pl

from app.reading.columns import Column

OFTEN = 0.2  # share of rows without a date from which it is the file's way of writing


def only_text(row: Sequence[str], text: int) -> bool:
    """Say whether nothing but the cell `text` of a row is filled."""
    return (
        len(row) > text
        and bool(row[text].strip())
        and not any(cell.strip() for at, cell in enumerate(row) if at != text)
    )


def join_continued(frame: pl.DataFrame, columns: Sequence[Column]) -> pl.DataFrame:
    """Put rows with nothing but a description onto the end of the row above them.

    frame  `line` and the cells as String columns c0, c1, …

    A file in which there are few of them does not write its transactions this way: there they
    are footers, and stay rows of their own.
    """
    roles = {column.role: column for column in columns}
    date, text = roles.get("date"), roles.get("description")
    if date is None or text is None or frame.is_empty():
        return frame
    undated = frame[f"c{date.index}"].str.strip_chars() == ""
    if undated.sum() < OFTEN * frame.height:
        return frame
    words = f"c{text.index}"
    cells = [pl.col(f"c{column.index}").str.strip_chars() for column in columns]
    filled = pl.sum_horizontal((cell != "").cast(pl.Int32) for cell in cells)
    continued = frame.select(
        (filled == 1) & (pl.col(words).str.strip_chars() != "") & undated
    ).to_series()
    if continued.sum() < OFTEN * frame.height:
        return frame
    return (
        frame.with_columns((~continued).cum_sum().alias("owner"))
        .group_by("owner", maintain_order=True)
        .agg(pl.exclude(words, "owner").first(), pl.col(words).str.join(" "))
        .select(frame.columns)
    )
