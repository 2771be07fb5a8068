"""CAMT.052, .053 and .054: ISO 20022's bank statements, read entry by entry in flat memory.

Nothing outside the file is looked at, and no entity is expanded.
"""

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from lxml import etree

from app.core.unreadable import DamagedFile
from app.reading.statements.record import BOOKING, Format, Record, Source, exact, spaced

BOOKED = {"BOOK": "booked", "PDNG": "pending", "INFO": "pending", "FUTR": "pending"}

COLUMNS: tuple[tuple[str, str | None], ...] = (
    *BOOKING,
    ("Status", "status"),
    ("Type", "type"),
    ("Counter account", None),
    ("End-to-end reference", None),
)


def read(source: Source) -> Iterator[Record]:
    """Yield the entries of all statements; one that bundles payments becomes a row for each.

    Raises DamagedFile.
    """
    account = ""
    with source.path.open("rb") as stream:
        parser = etree.iterparse(
            stream,
            events=("end",),
            tag=("{*}Ntry", "{*}Acct", "{*}Stmt", "{*}Rpt", "{*}Ntfctn"),
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        )
        try:
            for _, element in parser:
                name = etree.QName(element).localname
                if name == "Acct":
                    if _parent(element) in ("Stmt", "Rpt", "Ntfctn"):
                        account = _text(element, "Id/IBAN") or _text(element, "Id/Othr/Id")
                    continue
                if name == "Ntry":
                    for cells in _rows(element, account):
                        yield Record(element.sourceline or 0, cells, stream.tell())
                _forget(element)
        except etree.XMLSyntaxError as error:
            raise DamagedFile(filename=source.filename) from error


def _forget(element: Any) -> None:
    """Let go of what was read, and of its elder siblings, which the tree would keep."""
    element.clear()
    while element.getprevious() is not None:
        del element.getparent()[0]


def _parent(element: Any) -> str:
    parent = element.getparent()
    return "" if parent is None else etree.QName(parent).localname


def _one(element: Any, path: str) -> Any:
    return element.find("/".join(f"{{*}}{part}" for part in path.split("/")))


def _all(element: Any, path: str) -> list[Any]:
    return list(element.findall("/".join(f"{{*}}{part}" for part in path.split("/"))))


def _text(element: Any, *paths: str) -> str:
    """Return the first of the paths that holds text."""
    for path in paths:
        found = _one(element, path)
        if found is not None and found.text and found.text.strip():
            return spaced(found.text)
    return ""


def _rows(entry: Any, account: str) -> Iterator[list[str]]:
    details = _all(entry, "NtryDtls/TxDtls")
    whole = _amount(entry, "Amt")
    parts = [_amount(one, "Amt", "AmtDtls/TxAmt/Amt") for one in details]
    if len(parts) > 1 and _adds_up(whole, parts):
        for one, part in zip(details, parts, strict=True):
            yield _row(entry, one, part, account)
    else:
        yield _row(entry, details[0] if len(details) == 1 else None, whole, account)


def _amount(element: Any, *paths: str) -> tuple[str, str]:
    """Return (amount, currency) of an entry, or of one payment that it bundles."""
    for path in paths:
        found = _one(element, path)
        if found is not None and found.text:
            return spaced(found.text), found.get("Ccy", "")
    return "", ""


def _adds_up(whole: tuple[str, str], parts: list[tuple[str, str]]) -> bool:
    """Say whether the payments are all of the entry, in its currency."""
    try:
        total = sum((Decimal(amount) for amount, _ in parts), Decimal(0))
        return total == Decimal(whole[0]) and {code for _, code in parts} == {whole[1]}
    except InvalidOperation:
        return False


def _row(entry: Any, details: Any, amount: tuple[str, str], account: str) -> list[str]:
    direction = _text(entry, "CdtDbtInd")
    if details is not None:
        direction = _text(details, "CdtDbtInd") or direction
    other = "Cdtr" if direction == "DBIT" else "Dbtr"
    payee = counter = purpose = end_to_end = reference = ""
    if details is not None:
        parties = "RltdPties"
        payee = _text(
            details,
            f"{parties}/{other}/Nm", f"{parties}/{other}/Pty/Nm",
            f"{parties}/Ultmt{other}/Nm", f"{parties}/Ultmt{other}/Pty/Nm",
        )  # fmt: skip
        counter = _text(details, f"{parties}/{other}Acct/Id/IBAN",
                        f"{parties}/{other}Acct/Id/Othr/Id")  # fmt: skip
        lines = [spaced(one.text or "") for one in _all(details, "RmtInf/Ustrd")]
        purpose = spaced(" ".join(lines)) or _text(
            details, "RmtInf/Strd/CdtrRefInf/Ref", "AddtlTxInf"
        )
        end_to_end = _text(details, "Refs/EndToEndId")
        reference = _text(details, "Refs/AcctSvcrRef", "Refs/TxId")
    number = exact(amount[0])
    return [
        _day(_text(entry, "BookgDt/Dt", "BookgDt/DtTm", "ValDt/Dt", "ValDt/DtTm")),
        _day(_text(entry, "ValDt/Dt", "ValDt/DtTm")),
        f"-{number}" if direction == "DBIT" and number else number,
        amount[1].upper(),
        payee,
        purpose or _text(entry, "AddtlNtryInf"),
        reference or _text(entry, "AcctSvcrRef", "NtryRef"),
        account,
        BOOKED.get(_text(entry, "Sts/Cd", "Sts"), ""),
        _text(entry, "AddtlNtryInf", "BkTxCd/Prtry/Cd", "BkTxCd/Domn/Fmly/SubFmlyCd"),
        counter,
        "" if end_to_end == "NOTPROVIDED" else end_to_end,
    ]


def _day(text: str) -> str:
    return text[:10]


CAMT = Format(COLUMNS, read)
