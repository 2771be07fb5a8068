"""Dates as banks write them."""

import datetime as dt

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.reading.dates import DMY, MDY, YMD, DateCount, dates, has_times, parse_date


@pytest.mark.parametrize(
    ("text", "order", "day"),
    [
        ("2026-11-20", DMY, "2026-11-20"),
        ("20/11/2026", DMY, "2026-11-20"),
        ("11/20/2026", MDY, "2026-11-20"),
        ("20.11.26", DMY, "2026-11-20"),
        ("20-Nov-2026", DMY, "2026-11-20"),
        ("20 Nov 26", DMY, "2026-11-20"),
        ("Nov 20, 2026", DMY, "2026-11-20"),
        ("3. März 2024", DMY, "2024-03-03"),
        ("3 août 2024", DMY, "2024-08-03"),
        ("2019.04.19.", DMY, "2019-04-19"),
        ("20190311", DMY, "2019-03-11"),
        ("2018-02-25 12:34:56 +0000", DMY, "2018-02-25"),
        ("2025-06-29T00:32:53.036910+00:00", DMY, "2025-06-29"),
        ("04-17-2024 21:30:40", MDY, "2024-04-17"),
        ("1/2/2024, 3:45 PM", MDY, "2024-01-02"),
        ("31/12/99", DMY, "1999-12-31"),
        *(("Pending", DMY, None), ("", DMY, None), ("12.5", DMY, None), ("30/02/2024", DMY, None)),
        *(("2024-13-01", DMY, None), ("11/20/2026", DMY, None), ("09.03. 09:53", DMY, None)),
    ],
)
def test_dates_are_read_in_the_columns_order(text: str, order: str, day: str | None) -> None:
    assert parse_date(text, order) == day
    assert dates(pl.Series([text]), order).to_list() == [day]


@given(
    day=st.dates(dt.date(1970, 1, 1), dt.date(2069, 12, 31)),
    form=st.sampled_from(
        [
            ("%d/%m/%Y", DMY),
            ("%m/%d/%Y", MDY),
            ("%d.%m.%y", DMY),
            ("%Y-%m-%d", MDY),
            ("%Y%m%d", DMY),
        ]
    ),
    time=st.sampled_from(["", " 09:05", "T23:59:59Z"]),
)
def test_every_day_survives_being_written(day: dt.date, form: tuple[str, str], time: str) -> None:
    text = day.strftime(form[0]) + time

    assert parse_date(text, form[1]) == day.isoformat()
    assert dates(pl.Series([text, "?"]), form[1]).to_list() == [day.isoformat(), None]


@pytest.mark.parametrize(
    ("cells", "order"),
    [
        (["01/02/2026", "13/02/2026"], DMY),
        (["01/02/2026", "02/13/2026"], MDY),
        (["01/02/2026", "02/03/2026"], None),
        (["01.02.2026", "02.03.2026"], DMY),
        (["2026-01-02"], YMD),
        (["05/05/2026"], YMD),
        (["Pending", "31/12/2025"], DMY),
    ],
)
def test_a_column_tells_its_order_when_one_date_decides(
    cells: list[str], order: str | None
) -> None:
    count = DateCount()
    count.add(cells)

    assert count.order == order


@pytest.mark.parametrize(
    ("cells", "american", "order"),
    [
        # Day after day, or month after month: the rows run in time only one way.
        (["01/02/2026", "02/02/2026", "03/02/2026", "01/03/2026"], True, DMY),
        # Both run in time, but only as April they lie within days.
        (["04/09/2024", "04/03/2024", "04/02/2024"], False, MDY),
        (["03/04/2026"], False, DMY),
        (["03/04/2026"], True, MDY),
    ],
)
def test_without_a_deciding_date_the_likelier_order_is_taken(
    cells: list[str], american: bool, order: str
) -> None:
    count = DateCount()
    count.add(cells)

    assert count.order is None
    assert count.both == len(cells) or count.both == len(cells) - 1
    assert count.likelier(american=american) == order


def test_midnight_is_no_time_of_day() -> None:
    assert not has_times(["2026-11-20 00:00:00", "2026-11-20"])
    assert has_times(["2026-11-20 08:00"])
