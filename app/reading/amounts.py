"""Amounts as banks write them: which mark is the decimal one, and exact whole micros."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

import polars as pl

MICROS = 1_000_000
LONGEST_WHOLE = 40  # digits; Python refuses to read thousands, and slowly reads hundreds
LARGEST = 9_000_000_000_000 * MICROS  # beyond it a 64-bit integer could not hold the micros

SPACES = "\u0020\u00a0\u202f\u2009\u2007\t"
APOSTROPHES = "'’´`"
MINUS = r"\-\u2010-\u2015\u2212\ufe63\uff0d"  # hyphen, the dashes, minus, small, fullwidth
CURRENCY_SYMBOLS = {"£": "GBP", "€": "EUR", "₽": "RUB", "₹": "INR", "₺": "TRY", "₴": "UAH"}
"""Signs that belong to one currency. $, ¥ and kr do not say which."""

SIGNS = "£€$¥₽₹₺₴₩₪₫₦₱₿¢"

# A currency may stand before or after: EUR, kr, Kč, zł, R$, US$.
WORD = r"(?:[A-Za-zÀ-ž]{1,3}\.?[" + SIGNS + r"]?|[" + SIGNS + r"])"
AMOUNT = re.compile(
    rf"(?P<open>\()?(?P<sign>[+{MINUS}])?(?:{WORD})?(?P<sign2>[+{MINUS}])?"
    rf"(?P<number>\d(?:[\d.,{APOSTROPHES}]*\d)?|[.,]\d+)"
    rf"(?P<dash>[.,][-–—]+)?"
    rf"(?P<sign3>[+{MINUS}])?(?:(?!(?i:CR|DR)\b){WORD})?(?P<sign4>[+{MINUS}])?(?P<close>\))?"
    r"(?P<flag>(?i:CR|DR))?"
)
SCIENTIFIC = re.compile(r"[+-]?\d(?:[.,]\d+)?[eE][+-]\d{1,2}")  # as spreadsheets show large ones
NO_SPACES = str.maketrans("", "", SPACES)
NO_APOSTROPHES = str.maketrans("", "", APOSTROPHES)
CODE = re.compile(r"(?<![A-Za-z])[A-Z]{3}(?![A-Za-z])")


@dataclass(slots=True)
class MarkCount:
    """How many amounts of a column can only be read with one decimal mark, and how many with both.

    example  an amount that fits both
    """

    amounts: int = 0
    dot: int = 0
    comma: int = 0
    both: int = 0
    example: str = ""

    def add(self, texts: Iterable[str]) -> None:
        """Count cells. Empty ones, and ones that are no amounts, count for nothing."""
        for text in texts:
            found = AMOUNT.fullmatch(text.translate(NO_SPACES))
            if found is None:
                continue
            self.amounts += 1
            number = found["number"].translate(NO_APOSTROPHES)
            if found["dash"]:
                number += found["dash"][0] + "00"
            mark = _only_mark(number)
            if mark == ".":
                self.dot += 1
            elif mark == ",":
                self.comma += 1
            elif mark == "?":
                self.both += 1
                self.example = self.example or text.strip()

    @property
    def mark(self) -> str | None:
        """The decimal mark, or None when no amount decides."""
        if self.dot == self.comma == 0:
            return None
        return "." if self.dot >= self.comma else ","


def _only_mark(number: str) -> str:
    """Return the one decimal mark that fits: "." or ",", "" when there is none, "?" for both."""
    dots, commas = number.count("."), number.count(",")
    if dots and commas:
        return "." if number.rfind(".") > number.rfind(",") else ","
    if not dots and not commas:
        return ""
    here, other = (".", ",") if dots else (",", ".")
    if dots + commas > 1:
        return other
    whole, _, decimals = number.partition(here)
    if len(decimals) != 3 or whole in ("", "0") or len(whole) > 3:
        return here
    return "?"


def parse_amount(text: str, mark: str = ".") -> int | None:
    """Return the amount in micros, or None when `text` is not one with this decimal mark.

    A minus may stand before or after, be one of Unicode's, or be brackets or DR. Decimals beyond
    the sixth are rounded, half up.
    """
    text = text.translate(NO_SPACES)
    if SCIENTIFIC.fullmatch(text):
        text = f"{Decimal(text.replace(',', '.')):f}".replace(".", mark)
    found = AMOUNT.fullmatch(text)
    if found is None or bool(found["open"]) != bool(found["close"]):
        return None
    signs = [sign for sign in found.group("sign", "sign2", "sign3", "sign4") if sign]
    if len(signs) > 1:
        return None
    number = found["number"].translate(NO_APOSTROPHES)
    if found["dash"] and found["dash"][0] != mark:
        return None
    whole, _, decimals = number.rpartition(mark) if mark in number else (number, "", "")
    grouping = "," if mark == "." else "."
    if mark in whole or grouping in decimals:
        return None
    if grouping in whole:
        groups = whole.split(grouping)
        inner_fit = all(len(group) in (2, 3) for group in groups[1:-1])
        if not 1 <= len(groups[0]) <= 3 or len(groups[-1]) != 3 or not inner_fit:
            return None
        whole = "".join(groups)
    if len(whole) > LONGEST_WHOLE:
        return None
    micros = int(whole or "0") * MICROS + int(decimals[:6].ljust(6, "0"))
    micros += decimals[6:7] >= "5"
    if micros > LARGEST:
        return None
    negative = bool(found["open"]) or (found["flag"] or "").upper() == "DR"
    negative = negative != (bool(signs) and signs[0] != "+")
    return -micros if negative else micros


def currency_in(text: str) -> str | None:
    """Return the currency that an amount or a column's name says: "Betrag (EUR)", "12,50 €"."""
    for sign, code in CURRENCY_SYMBOLS.items():
        if sign in text:
            return code
    return next((code for code in CODE.findall(text) if code in CURRENCIES), None)


def _simple(grouping: str, mark: str) -> str:
    """At most nine digits before the mark and six after: exact in a float's 53 bits as micros."""
    return rf"^[+-]?(?:\d{{1,9}}|\d{{1,3}}(?:{grouping}\d{{3}}){{1,2}})(?:{mark}\d{{1,6}})?$"


SIMPLE = {".": _simple(",", r"\."), ",": _simple(r"\.", ",")}


def amounts(cells: pl.Series, mark: str) -> pl.Series:
    """Return the cells as Int64 micros; null where a cell is empty or no amount.

    Plain numbers are read all at once; every other distinct text once.
    """
    bare = cells.str.strip_chars()
    simple = bare.str.contains(SIMPLE[mark]).fill_null(value=False)
    plain = bare.set(~simple, None)
    if mark == ",":
        plain = plain.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
    else:
        plain = plain.str.replace_all(",", "", literal=True)
    values = (plain.cast(pl.Float64, strict=False) * MICROS).round().cast(pl.Int64)
    odd = ~simple & (bare != "").fill_null(value=False)
    if not odd.any():
        return values
    read = {text: parse_amount(text, mark) for text in bare.filter(odd).unique().to_list()}
    mapped = bare.replace_strict(
        list(read), list(read.values()), default=None, return_dtype=pl.Int64
    )
    return values.fill_null(mapped)


CODES = """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP
    BYN BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP
    GEL GHS GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS
    KHR KMF KRW KWD KYD KZT LAK LBP LKR LRD LSL LTL LVL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR
    MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB
    RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD
    TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWL BTC ETH USDC
    USDT
"""
CURRENCIES = frozenset(CODES.split())
