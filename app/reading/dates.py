"""Dates as banks write them: which part is the day, and ISO dates out of whole columns."""

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import polars as pl

YMD, DMY, MDY = "YMD", "DMY", "MDY"

WORDED = {YMD: "year-month-day", DMY: "day-month-year", MDY: "month-day-year"}

MONTHS: dict[str, int] = {}
for _number, _names in enumerate(
    (
        "jan january januar januari janvier enero ene gennaio gen styczen stycznia sty leden ledna"
        " led januári",
        "feb february februar februari fevrier fév février fev febrero febbraio luty lutego lut"
        " unor unora",
        "mar march märz maerz mrz mär maart mrt mars marzo marzec marca břez brezen",
        "apr april avril avr abril abr aprile kwiecien kwietnia kwi duben dubna dub",
        "may mai mei maj mayo maggio mag maja kveten kvetna",
        "jun june juni juin junio giugno giu czerwiec czerwca cze cerven",
        "jul july juli juillet juil julio luglio lug lipiec lipca lip cervenec",
        "aug august augustus août aout agosto ago augusti sierpien sierpnia sie srpen srpna",
        "sep sept september septembre septiembre settembre set wrzesien wrzesnia wrz zari",
        "oct october okt oktober octobre octubre ottobre ott pazdziernik pazdziernika paz rijen",
        "nov november novembre noviembre novembro listopad listopada lis",
        "dec december dez dezember décembre decembre déc diciembre dic dicembre des desember"
        " grudzien grudnia gru prosinec",
    ),
    start=1,
):
    for _name in _names.split():
        MONTHS.setdefault(_name, _number)

CLOCK = r"\d{1,2}[:.]\d{2}(?:[:.]\d{2}(?:[.,]\d+)?)?(?:\s*[AaPp]\.?[Mm]\.?)?"
ZONE = r"(?:Z|UTC|GMT|[A-Z]{2,4}|[+-]\d{2}:?\d{2})"
TIME = rf"(?:[T ,]+{CLOCK}\s*{ZONE}?)?"
WEEKDAY = r"(?:[^\W\d]{2,10}\.?,? )?"
NAME = r"([^\W\d_]{3,12})"
NUMBERS = re.compile(rf"(\d{{1,4}})([-/. ])\s?(\d{{1,2}})\2\s?(\d{{1,4}})\.?{TIME}")
COMPACT = re.compile(rf"((?:19|20)\d\d)(\d\d)(\d\d){TIME}")
DAY_NAME_YEAR = re.compile(
    rf"{WEEKDAY}(\d{{1,2}})(?:st|nd|rd|th|\.)?[-/. ]*{NAME}\.?,?[-/. ]*(\d{{4}}|\d{{2}}){TIME}"
)
NAME_DAY_YEAR = re.compile(rf"{WEEKDAY}{NAME}\.? (\d{{1,2}})(?:st|nd|rd|th)?,? (\d{{4}}){TIME}")
HAS_TIME = re.compile(r"\d[T ,]+\d{1,2}[:.]\d{2}")
MIDNIGHT = re.compile(r"\d[T ,]+0{1,2}[:.]00(?:[:.]00(?:\.0+)?)?(?:Z|\+00:?00)?$")

DOTTED = re.compile(r"\s*\d{1,2}\.")

ENOUGH_DATES = 6  # fewer of them run in time by chance, once in some hundred files
OLDEST, NEWEST = 1000, 2199  # years; some samples are anonymised to 1111-11-11


class Parts(NamedTuple):
    """The numbers of a date as written. order: "" when only the column can tell day from month."""

    first: int
    second: int
    third: int
    order: str


@lru_cache(maxsize=8192)
def split_date(text: str) -> Parts | None:
    """Return the parts of a date with or without a time, or None when `text` is not one."""
    text = text.strip()
    if found := NUMBERS.fullmatch(text):
        one, _, two, three = found.groups()
        if len(one) in (3, 4):
            return Parts(int(one), int(two), int(three), YMD) if len(one) == 4 else None
        if len(three) not in (2, 4):
            return None
        if int(one) > 31:
            return Parts(2000 + int(one), int(two), int(three), YMD)
        year = int(three)
        return Parts(int(one), int(two), _full_year(year) if len(three) == 2 else year, "")
    if found := COMPACT.fullmatch(text):
        return Parts(int(found[1]), int(found[2]), int(found[3]), YMD)
    if found := DAY_NAME_YEAR.fullmatch(text):
        day, name, year_text = found.groups()
        if month := MONTHS.get(name.casefold()):
            return Parts(int(day), month, _full_year(int(year_text)), DMY)
    if found := NAME_DAY_YEAR.fullmatch(text):
        name, day, year_text = found.groups()
        if month := MONTHS.get(name.casefold()):
            return Parts(month, int(day), int(year_text), MDY)
    return None


def _full_year(year: int) -> int:
    if year > 99:
        return year
    return 2000 + year if year < 70 else 1900 + year


def iso_date(parts: Parts, order: str) -> str | None:
    """Return parts as 2026-11-20, or None when there is no such day.

    order  DMY or MDY, for parts that do not say it themselves
    """
    match parts.order or order:
        case "YMD":
            year, month, day = parts[:3]
        case "MDY":
            month, day, year = parts[:3]
        case _:
            day, month, year = parts[:3]
    if not OLDEST <= year <= NEWEST:
        return None
    try:
        return dt.date(year, month, day).isoformat()
    except ValueError:
        return None


def parse_date(text: str, order: str) -> str | None:
    """Return a cell as an ISO date, or None when it is not one in this order."""
    parts = split_date(text)
    return iso_date(parts, order) if parts else None


@dataclass(slots=True)
class DateCount:
    """What the cells of a column say about the order of their dates.

    own      dates that say it themselves (year first, or the month as a word)
    day_first, month_first   dates that fit only one order, because the other part is over 12
    dotted   dates that fit both and are written with dots, as only day-first countries do
    both     other dates that fit both; `example` is one, and `seen` some of them in file order
    """

    own: int = 0
    day_first: int = 0
    month_first: int = 0
    dotted: int = 0
    both: int = 0
    example: str = ""
    seen: list[Parts] = field(default_factory=list)

    @property
    def dates(self) -> int:
        return self.own + self.day_first + self.month_first + self.dotted + self.both

    @property
    def order(self) -> str | None:
        """DMY or MDY when a date decides, YMD when none has to be decided, else None."""
        if self.day_first or self.month_first:
            return DMY if self.day_first >= self.month_first else MDY
        if self.dotted and not self.both:
            return DMY
        return None if self.both else YMD

    def add(self, texts: Iterable[str]) -> None:
        """Count cells; what is not a date counts for nothing."""
        for text in texts:
            parts = split_date(text)
            if parts is None:
                continue
            if parts.order:
                self.own += iso_date(parts, parts.order) is not None
                continue
            day_fits = iso_date(parts, DMY) is not None
            month_fits = iso_date(parts, MDY) is not None
            if day_fits and month_fits:
                if DOTTED.match(text):
                    self.dotted += 1
                elif parts.first != parts.second:
                    self.both += 1
                    self.example = self.example or text.strip()
                    if len(self.seen) < 1000:
                        self.seen.append(parts)
                else:
                    self.own += 1  # 05/05 is the same day either way
            else:
                self.day_first += day_fits
                self.month_first += month_fits

    def runs_one_way(self) -> bool:
        """Say whether many dates run in time in one order and not in the other: no chance."""
        runs = [_runs(self.seen, order) for order in (DMY, MDY)]
        return runs[0] != runs[1] and len(set(self.seen)) >= ENOUGH_DATES

    def likelier(self, *, american: bool) -> str:
        """Choose an order when no date decides: the one in which the rows run in time, or else lie
        close together.

        american  what else the file says, for when they run in both or in neither
        """
        runs = {order: _runs(self.seen, order) for order in (DMY, MDY)}
        if runs[DMY] != runs[MDY]:
            return max(runs, key=lambda order: runs[order])
        days = {order: _span(self.seen, order) for order in (DMY, MDY)}
        if min(days.values()) * 3 < max(days.values()):
            return min(days, key=lambda order: days[order])
        return MDY if american else DMY


def _days(seen: list[Parts], order: str) -> list[dt.date]:
    return [dt.date.fromisoformat(day) for parts in seen if (day := iso_date(parts, order))]


def _runs(seen: list[Parts], order: str) -> bool:
    """Say whether at least three different dates never step back, or never forth."""
    days = _days(seen, order)
    if len(set(days)) < 3:
        return False
    return days == sorted(days) or days == sorted(days, reverse=True)


def _span(seen: list[Parts], order: str) -> int:
    """Return the days from the first date to the last: the wrong order scatters them."""
    days = _days(seen, order)
    return (max(days) - min(days)).days if days else 0


def dates(cells: pl.Series, order: str) -> pl.Series:
    """Return the cells as ISO dates (String); null where a cell is empty or no date.

    Each distinct date is read once. A time after it is left out.
    """
    bare = cells.str.strip_chars()
    day = bare.str.extract(r"^(\d{4}-\d{2}-\d{2})(?:[T ].*)?$", 1)
    if day.null_count():
        day = day.fill_null(bare)
    texts = day.unique().to_list()
    read = {text: parse_date(text, order) for text in texts if text}
    return day.replace_strict(list(read), list(read.values()), default=None, return_dtype=pl.String)


def has_times(cells: Iterable[str]) -> bool:
    """Say whether some cells carry a time of day other than midnight."""
    return any(HAS_TIME.search(cell) and not MIDNIGHT.search(cell.strip()) for cell in cells)
