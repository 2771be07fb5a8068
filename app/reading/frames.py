"""Blocks of a text table as columns, for the blocks in which nothing is odd: most of most files."""

import polars as pl

from app.reading.dialect import Dialect


def plain_frame(text: str, dialect: Dialect, width: int) -> pl.DataFrame | None:
    """Return the rows of a block as String columns c0, c1, …; None when it needs a careful look.

    text  whole lines, each with its \\n

    Plain is a block in which every line is one row of exactly `width` cells, and every quote
    begins or ends a cell.
    """
    if width < 2:
        return None
    delimiter, quote = dialect.delimiter, dialect.quote
    if dialect.escape and dialect.escape in text:
        return None
    outside = text
    if quote in text:
        if quote != '"' or dialect.skip_space or delimiter == " ":
            return None
        begins = text.count(f"{delimiter}{quote}") + text.count(f"\n{quote}") + (text[0] == quote)
        ends = text.count(f"{quote}{delimiter}") + text.count(f"{quote}\n")
        if begins != ends or begins + ends != text.count(quote):
            return None
        outside = "".join(text.split(quote)[::2])
    lines = text.count("\n")
    if outside.count(delimiter) != lines * (width - 1) or outside.count("\n") != lines:
        return None
    try:
        frame = pl.read_csv(
            text.encode(),
            has_header=False,
            separator=delimiter,
            quote_char='"' if quote == '"' else None,
            schema={f"c{i}": pl.String for i in range(width)},
            empty_string_is_null=False,
        )
    except (
        pl.exceptions.ComputeError,
        pl.exceptions.SchemaError,
    ):  # a row with more cells than the others
        return None
    return frame if frame.height == lines else None
