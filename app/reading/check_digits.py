"""Check digits of account numbers and VAT ids: whether what was read can be right."""

import re
from collections.abc import Callable

# Lengths by country. Source: SWIFT IBAN registry, release 99.
IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22,
    "BI": 27, "BR": 29, "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27,
    "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FK": 18, "FO": 18, "FR": 27,
    "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22,
    "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32,
    "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19,
    "MN": 20, "MR": 27, "MT": 31, "MU": 30, "NI": 28, "NL": 18, "NO": 15, "OM": 23, "PK": 24,
    "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24, "SC": 31,
    "SD": 18, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "SO": 23, "ST": 25, "SV": 28, "TL": 23,
    "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20,
}  # fmt: skip

# Shapes of VAT ids. Source: European Commission, VIES, structure of the numbers; and GB, CH, NO.
VAT_SHAPES = {
    "AT": r"U\d{8}", "BE": r"[01]\d{9}", "BG": r"\d{9,10}", "CHE": r"\d{9}(?:MWST|TVA|IVA)?",
    "CY": r"\d{8}[A-Z]", "CZ": r"\d{8,10}", "DE": r"\d{9}", "DK": r"\d{8}", "EE": r"\d{9}",
    "EL": r"\d{9}", "ES": r"[0-9A-Z]\d{7}[0-9A-Z]", "FI": r"\d{8}", "FR": r"[0-9A-HJ-NP-Z]{2}\d{9}",
    "GB": r"(?:\d{9}|\d{12}|GD\d{3}|HA\d{3})", "HR": r"\d{11}", "HU": r"\d{8}",
    "IE": r"(?:\d{7}[A-W][A-I]?|\d[A-Z+*]\d{5}[A-W])", "IT": r"\d{11}", "LT": r"(?:\d{9}|\d{12})",
    "LU": r"\d{8}", "LV": r"\d{11}", "MT": r"\d{8}", "NL": r"\d{9}B\d{2}", "NO": r"\d{9}(?:MVA)?",
    "PL": r"\d{10}", "PT": r"\d{9}", "RO": r"\d{2,10}", "SE": r"\d{12}", "SI": r"\d{8}",
    "SK": r"\d{10}", "XI": r"\d{9}",
}  # fmt: skip


def iban_is_valid(iban: str) -> bool:
    """Whether an IBAN without spaces has its country's length and passes mod 97 (ISO 13616)."""
    if not re.fullmatch(r"[A-Z]{2}\d\d[0-9A-Z]+", iban) or len(iban) != IBAN_LENGTHS.get(iban[:2]):
        return False
    return _mod97(iban[4:] + iban[:4]) == 1


def vat_country(vat_id: str) -> str | None:
    """Return the country whose shape a VAT id without spaces has, or None."""
    for country in (vat_id[:3], vat_id[:2]):
        shape = VAT_SHAPES.get(country)
        if shape and re.fullmatch(shape, vat_id[len(country) :]):
            return country
    return None


def vat_is_valid(vat_id: str) -> bool | None:
    """Whether a VAT id's check digits fit; None where no rule is known here for its country.

    False too for what has no country's shape.
    """
    country = vat_country(vat_id)
    if country is None:
        return False
    rule = _RULES.get(country)
    return rule(vat_id[len(country) :]) if rule else None


def _mod97(text: str) -> int:
    return int("".join(str(int(c, 36)) for c in text)) % 97


def _weighted(digits: str, weights: tuple[int, ...]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))


def _luhn(digits: str) -> bool:
    doubled = [int(d) * (2 - place % 2) for place, d in enumerate(digits[-2::-1])]
    total = sum(d - 9 if d > 9 else d for d in doubled)
    return (total + int(digits[-1])) % 10 == 0


def _iso_7064(digits: str) -> bool:
    """ISO 7064, MOD 11,10: Germany and Croatia."""
    product = 10
    for digit in digits[:-1]:
        total = (int(digit) + product) % 10 or 10
        product = total * 2 % 11
    return (11 - product) % 10 == int(digits[-1])


def _at(rest: str) -> bool:
    digits = rest[1:]
    doubled = [int(d) * (1 + place % 2) for place, d in enumerate(digits[:7])]
    total = sum(d // 10 + d % 10 for d in doubled)
    return (96 - total) % 10 == int(digits[7])


def _fr(rest: str) -> bool | None:
    if not rest.isdecimal():
        return None  # keys with letters follow a rule that is not published in full
    return int(rest[:2]) == (12 + 3 * (int(rest[2:]) % 97)) % 97


def _nl(rest: str) -> bool:
    digits = _weighted(rest, (9, 8, 7, 6, 5, 4, 3, 2)) % 11
    return digits == int(rest[8]) or _mod97("NL" + rest) == 1


def _gb(rest: str) -> bool | None:
    if not rest.isdecimal():
        return None
    total = _weighted(rest, (8, 7, 6, 5, 4, 3, 2)) + int(rest[7:9])
    return total % 97 == 0 or (total + 55) % 97 == 0


def _pl(rest: str) -> bool:
    return _weighted(rest, (6, 5, 7, 2, 3, 4, 5, 6, 7)) % 11 == int(rest[9])


def _pt(rest: str) -> bool:
    check = 11 - _weighted(rest, (9, 8, 7, 6, 5, 4, 3, 2)) % 11
    return (check if check < 10 else 0) == int(rest[8])


_RULES: dict[str, Callable[[str], bool | None]] = {
    "AT": _at,
    "BE": lambda rest: 97 - int(rest[:8]) % 97 == int(rest[8:]),
    "DE": _iso_7064,
    "DK": lambda rest: _weighted(rest, (2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0,
    "FR": _fr,
    "GB": _gb,
    "HR": _iso_7064,
    "IT": _luhn,
    "LU": lambda rest: int(rest[:6]) % 89 == int(rest[6:]),
    "NL": _nl,
    "PL": _pl,
    "PT": _pt,
    "SE": lambda rest: _luhn(rest[:10]),
}
