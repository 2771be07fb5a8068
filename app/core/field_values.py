"""The values of invoice fields: how each is written, and when two of them say the same. Pure."""

import datetime as dt
import re
import unicodedata
from decimal import Decimal, InvalidOperation

from app.core.documents import FIELDS, FieldKind

LABELS = {
    "vendor_name": "vendor",
    "invoice_number": "invoice number",
    "invoice_date": "invoice date",
    "due_date": "due date",
    "net_amount": "net amount",
    "tax_amount": "tax",
    "total_amount": "total",
    "currency": "currency",
    "vendor_vat_id": "vendor's VAT id",
    "iban": "IBAN",
    "purchase_order": "purchase order",
}
"""What a field is called within a sentence."""
TITLES = {name: label[0].upper() + label[1:] for name, label in LABELS.items()}
"""What it is called where it stands alone."""

LONGEST_TEXT = 200
MOST_DIGITS = 18
CURRENCY_SIGNS = {"€": "EUR", "£": "GBP", "₹": "INR", "₺": "TRY", "₴": "UAH", "zł": "PLN"}
"""Signs that belong to one currency."""

NUMBER = re.compile(r"[+-]?\d[\d.,'’\s]*")
DATE_PARTS = re.compile(r"(\d{1,4})([./-])(\d{1,2})\2(\d{1,4})")
LEGAL_FORMS = frozenset(
    (
        "ab", "ag", "aps", "as", "asbl", "bv", "bvba", "co", "corp", "corporation", "eg", "ek",
        "ev", "gmbh", "inc", "incorporated", "kg", "kgaa", "limited", "llc", "llp", "ltd", "mbh",
        "nv", "ohg", "oy", "plc", "pty", "sa", "sarl", "sas", "se", "sl", "spa", "sprl",
        "srl", "ug",
    )
)  # fmt: skip


def normal_value(name: str, text: str) -> str:
    """Return `text` as the field `name` keeps it: dates ISO, amounts decimal texts ("-12.50").

    Raises ValueError, whose text tells a person what to write instead, and KeyError for a field
    that there is not.
    """
    kind = FIELDS[name]
    plain = " ".join(unicodedata.normalize("NFKC", text).split())
    if not plain:
        raise ValueError("it is empty; null says that it is not there")
    if len(plain) > LONGEST_TEXT:
        raise ValueError(f"it is longer than {LONGEST_TEXT} characters")
    match kind:
        case "date":
            return _date(plain)
        case "amount":
            return _amount(plain)
        case "currency":
            return _currency(plain)
        case "iban" | "vat_id":
            return _letters_and_digits(plain)
        case "text":
            return plain


def same(name: str, one: str, other: str) -> bool:
    """Tell whether two normal values of a field say the same, however they are written."""
    return canonical(name, one) == canonical(name, other)


def canonical(name: str, value: str) -> str:
    """Return what all values have in common that say the same as `value`.

    Letters count without case, accents and marks; a vendor's legal form does not count.
    """
    kind: FieldKind = FIELDS[name]
    if kind == "amount":
        try:
            return format(Decimal(value).normalize(), "f")
        except InvalidOperation:
            return value
    if kind != "text":
        return value.upper()
    if name == "vendor_name":
        words = [compact(word) for word in value.replace(".", "").split()]
        named = [word for word in words if word and word not in LEGAL_FORMS]
        return "".join(named or words)
    return compact(value)


def compact(text: str) -> str:
    """Return the letters and digits of `text` alone, without case and accents."""
    spread = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in spread if char.isalnum())


def _amount(text: str) -> str:
    found = NUMBER.search(text.replace("−", "-"))
    if found is None or sum(char.isdigit() for char in text) > MOST_DIGITS:
        raise ValueError("it is no amount; write it like 1234.50")
    number = re.sub(r"['’\s]", "", found[0]).rstrip(".,")
    mark = max(number.rfind("."), number.rfind(","))
    decimals = len(number) - mark - 1 if mark >= 0 else 0
    both = "." in number and "," in number
    many = number.count(number[mark]) > 1 if mark >= 0 else False
    if decimals == 3 and not both and not many:
        raise ValueError("it can be read two ways; write it with two decimals, like 1234.50")
    if mark >= 0 and not many:
        number = re.sub(r"[.,]", "", number[:mark]) + "." + number[mark + 1 :]
    else:
        number = re.sub(r"[.,]", "", number)
    is_negative = re.match(r"[^\d]*[(−-]|.*\d[−-]$", text) is not None
    value = abs(Decimal(number))
    plain = format(value, "f")
    whole, _, part = plain.partition(".")
    return f"{'-' if is_negative and value else ''}{whole}.{part.rstrip('0').ljust(2, '0')}"


def _date(text: str) -> str:
    found = DATE_PARTS.fullmatch(text)
    if found is None:
        raise ValueError("it is no date; write it like 2026-11-20")
    first, middle, last = found[1], found[3], found[4]
    if len(first) == 4:
        return _iso(first, middle, last)
    if len(last) != 4:
        raise ValueError("its year is not clear; write it like 2026-11-20")
    if int(first) <= 12 and int(middle) <= 12 and first != middle and found[2] != ".":
        raise ValueError("its day and month are not clear; write it like 2026-11-20")
    if int(middle) > 12:
        first, middle = middle, first
    return _iso(last, middle, first)


def _iso(year: str, month: str, day: str) -> str:
    try:
        return dt.date(int(year), int(month), int(day)).isoformat()
    except ValueError as error:
        raise ValueError("there is no such day; write it like 2026-11-20") from error


def _currency(text: str) -> str:
    code = CURRENCY_SIGNS.get(text, text).upper()
    if re.fullmatch("[A-Z]{3}", code) is None:
        raise ValueError("a currency is three letters, like EUR")
    return code


def _letters_and_digits(text: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9]", "", text).upper()
    if not plain:
        raise ValueError("it has no letters or digits")
    return plain
