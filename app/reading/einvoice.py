"""E-invoices in XML: Factur-X, ZUGFeRD 1 and 2, XRechnung, UBL. Their fields are exact.

Both families are read by the names of their elements, whatever namespace (and so version) they are
written in: CII (root CrossIndustryInvoice, in ZUGFeRD 1 CrossIndustryDocument) and UBL (roots
Invoice and CreditNote). Sources: EN 16931-3-2 and -3-3.
"""

import datetime as dt
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from lxml import etree

from app.core.documents import FIELDS, FieldValue, LineItem, Reading, absent

LARGEST_XML_BYTES = 20 * 1024 * 1024
CREDIT_TYPES = frozenset(
    ["81", "83", "261", "262", "296", "308", "381", "396", "420", "458", "532"]
)
"""Codes of UNTDID 1001 for documents that give money back."""

_IBAN = re.compile(r"[A-Z]{2}\d\d[0-9A-Z]{11,30}")
_ENTITY = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.I)


class NotAnEInvoice(ValueError):
    """The XML is damaged, or none of the families; the text says why."""


@dataclass(frozen=True, slots=True)
class EInvoice:
    """What the XML says.

    profile        which family, as a person knows it: "Factur-X/ZUGFeRD", "ZUGFeRD 1", "UBL"
    document_type  invoice or credit_note
    payable        what is left to pay, a decimal text; None when it is not said
    """

    profile: str
    document_type: str
    reading: Reading
    payable: str | None


def read_einvoice(xml: bytes) -> EInvoice:
    """Return what an e-invoice says. Raises NotAnEInvoice."""
    if len(xml) > LARGEST_XML_BYTES:
        raise NotAnEInvoice("its XML is larger than 20 MB")
    if _ENTITY.search(xml, 0, 4096):
        raise NotAnEInvoice("its XML brings a document type of its own")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True
    )
    try:
        root = etree.fromstring(xml, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:
        raise NotAnEInvoice(f"its XML is damaged: {error}") from error
    match _name(root):
        case "CrossIndustryInvoice":
            return _read_cii(root, "Factur-X/ZUGFeRD")
        case "CrossIndustryDocument":
            return _read_cii(root, "ZUGFeRD 1")
        case "Invoice" | "CreditNote" if _all(root, "AccountingSupplierParty"):
            return _read_ubl(root)
        case other:
            raise NotAnEInvoice(f"its XML is no invoice but “{other}”")


def _read_cii(root: etree._Element, profile: str) -> EInvoice:
    document = ("ExchangedDocument|HeaderExchangedDocument",)
    trade = "SupplyChainTradeTransaction|SpecifiedSupplyChainTradeTransaction"
    agreement = (trade, "ApplicableHeaderTradeAgreement|ApplicableSupplyChainTradeAgreement")
    settlement = (trade, "ApplicableHeaderTradeSettlement|ApplicableSupplyChainTradeSettlement")
    sums = (
        *settlement,
        "SpecifiedTradeSettlementHeaderMonetarySummation|SpecifiedTradeSettlementMonetarySummation",
    )
    seller = (*agreement, "SellerTradeParty")
    currency = _text(root, *settlement, "InvoiceCurrencyCode")
    taxes = _all(root, *sums, "TaxTotalAmount")
    own = [tax for tax in taxes if tax.get("currencyID") in (currency, None)]
    net = _amount(_text(root, *sums, "TaxBasisTotalAmount"))
    gross = _amount(_text(root, *sums, "GrandTotalAmount"))
    tax = _amount(_content(own[0])) if own else None
    vat_ids = [
        _content(one)
        for one in _all(root, *seller, "SpecifiedTaxRegistration", "ID")
        if one.get("schemeID") in ("VA", "VAT")
    ]
    found = {
        "vendor_name": _text(root, *seller, "Name")
        or _text(root, *seller, "SpecifiedLegalOrganization", "TradingBusinessName"),
        "invoice_number": _text(root, *document, "ID"),
        "invoice_date": _date(_text(root, *document, "IssueDateTime", "DateTimeString")),
        "due_date": _date(
            _text(
                root, *settlement, "SpecifiedTradePaymentTerms", "DueDateDateTime", "DateTimeString"
            )
        ),
        "net_amount": net,
        "tax_amount": tax if tax is not None else _difference(gross, net),
        "total_amount": gross,
        "currency": currency,
        "vendor_vat_id": vat_ids[0] if vat_ids else None,
        "iban": _text(
            root,
            *settlement,
            "SpecifiedTradeSettlementPaymentMeans",
            "PayeePartyCreditorFinancialAccount",
            "IBANID",
        ),
        "purchase_order": _text(
            root, *agreement, "BuyerOrderReferencedDocument", "IssuerAssignedID|ID"
        ),
    }
    items = []
    for line in _all(root, trade, "IncludedSupplyChainTradeLineItem"):
        goods = "SpecifiedLineTradeSettlement|SpecifiedSupplyChainTradeSettlement"
        agreed = "SpecifiedLineTradeAgreement|SpecifiedSupplyChainTradeAgreement"
        moved = "SpecifiedLineTradeDelivery|SpecifiedSupplyChainTradeDelivery"
        total = "SpecifiedTradeSettlementLineMonetarySummation"
        total += "|SpecifiedTradeSettlementMonetarySummation"
        rate = "RateApplicablePercent|ApplicablePercent"
        items.append(
            _item(
                description=_text(line, "SpecifiedTradeProduct", "Name"),
                quantity=_number(_text(line, moved, "BilledQuantity")),
                unit_price=_amount(
                    _text(line, agreed, "NetPriceProductTradePrice", "ChargeAmount")
                ),
                tax_rate=_number(_text(line, goods, "ApplicableTradeTax", rate)),
                amount=_amount(_text(line, goods, total, "LineTotalAmount")),
            )
        )
    return EInvoice(
        profile=profile,
        document_type=_document_type(_text(root, *document, "TypeCode")),
        reading=_reading(found, [item for item in items if item]),
        payable=_amount(_text(root, *sums, "DuePayableAmount")),
    )


def _read_ubl(root: etree._Element) -> EInvoice:
    party = ("AccountingSupplierParty", "Party")
    currency = _text(root, "DocumentCurrencyCode")
    totals = "LegalMonetaryTotal"
    net = _amount(_text(root, totals, "TaxExclusiveAmount"))
    gross = _amount(_text(root, totals, "TaxInclusiveAmount"))
    taxes = [
        _amount(_content(one))
        for one in _all(root, "TaxTotal", "TaxAmount")
        if one.get("currencyID") in (currency, None)
    ]
    vat_ids = [
        _text(scheme, "CompanyID")
        for scheme in _all(root, *party, "PartyTaxScheme")
        if _text(scheme, "TaxScheme", "ID") in ("VAT", "VA")
    ]
    accounts = [
        (_text(means, "PayeeFinancialAccount", "ID") or "").replace(" ", "").upper()
        for means in _all(root, "PaymentMeans")
    ]
    credit = _name(root) == "CreditNote"
    found = {
        "vendor_name": _text(root, *party, "PartyLegalEntity", "RegistrationName")
        or _text(root, *party, "PartyName", "Name"),
        "invoice_number": _text(root, "ID"),
        "invoice_date": _date(_text(root, "IssueDate")),
        "due_date": _date(_text(root, "DueDate") or _text(root, "PaymentMeans", "PaymentDueDate")),
        "net_amount": net,
        "tax_amount": taxes[0] if taxes else _difference(gross, net),
        "total_amount": gross or _amount(_text(root, totals, "PayableAmount")),
        "currency": currency,
        "vendor_vat_id": next((one for one in vat_ids if one), None),
        # UBL names an account of any kind; what is no IBAN is not called one.
        "iban": next((one for one in accounts if _IBAN.fullmatch(one)), None),
        "purchase_order": _text(root, "OrderReference", "ID"),
    }
    items = []
    for line in _all(root, "CreditNoteLine" if credit else "InvoiceLine"):
        rate = ("Item", "ClassifiedTaxCategory", "Percent")
        items.append(
            _item(
                description=_text(line, "Item", "Name") or _text(line, "Item", "Description"),
                quantity=_number(_text(line, "CreditedQuantity|InvoicedQuantity")),
                unit_price=_amount(_text(line, "Price", "PriceAmount")),
                tax_rate=_number(_text(line, *rate)),
                amount=_amount(_text(line, "LineExtensionAmount")),
            )
        )
    kind = "credit_note" if credit else _document_type(_text(root, "InvoiceTypeCode"))
    return EInvoice(
        profile="UBL",
        document_type=kind,
        reading=_reading(found, [item for item in items if item]),
        payable=_amount(_text(root, totals, "PayableAmount")),
    )


def _reading(found: dict[str, str | None], items: list[LineItem]) -> Reading:
    fields: dict[str, FieldValue] = {}
    for name, kind in FIELDS.items():
        value = " ".join((found[name] or "").split())
        if kind in ("iban", "vat_id"):
            value = value.replace(" ", "").upper()
        fields[name] = absent()
        if value:
            fields[name] = FieldValue(
                value=value, confidence=1.0, source="xml", page=None, bbox=None, status="read"
            )
    return Reading(fields=fields, line_items=items)


def _item(
    *,
    description: str | None,
    quantity: str | None,
    unit_price: str | None,
    tax_rate: str | None,
    amount: str | None,
) -> LineItem:
    item = LineItem()
    if description:
        item["description"] = " ".join(description.split())
    if quantity is not None:
        item["quantity"] = quantity
    if unit_price is not None:
        item["unit_price"] = unit_price
    if tax_rate is not None:
        item["tax_rate"] = tax_rate
    if amount is not None:
        item["amount"] = amount
    return item


def _document_type(code: str | None) -> str:
    return "credit_note" if code in CREDIT_TYPES else "invoice"


def _amount(text: str | None) -> str | None:
    """Return a number as a decimal text with at least the two places of money."""
    try:
        value = Decimal(text or "")
    except InvalidOperation:
        return None
    if not value.is_finite() or abs(value) >= Decimal(10) ** 15:
        return None
    whole = value.normalize()
    places = -int(whole.as_tuple().exponent)
    return f"{whole:.{min(max(places, 2), 6)}f}"


def _number(text: str | None) -> str | None:
    """Return a quantity or a rate as a decimal text without needless zeros: "19", "0.5"."""
    amount = _amount(text)
    return None if amount is None else amount.rstrip("0").rstrip(".")


def _difference(gross: str | None, net: str | None) -> str | None:
    if gross is None or net is None:
        return None
    return _amount(str(Decimal(gross) - Decimal(net)))


def _date(text: str | None) -> str | None:
    """Return 20260131 (format 102) or 2026-01-31 as an ISO date; None when it is none."""
    digits = (text or "")[:10].replace("-", "")
    if len(digits) != 8 or not digits.isdecimal():
        return None
    try:
        return dt.date(int(digits[:4]), int(digits[4:6]), int(digits[6:])).isoformat()
    except ValueError:
        return None


def _all(root: etree._Element, *path: str) -> list[etree._Element]:
    """Return every element at `path`; each part is a name, or several with bars between."""
    here = [root]
    for part in path:
        names = part.split("|")
        here = [child for one in here for child in one if _name(child) in names]
    return here


def _text(root: etree._Element, *path: str) -> str | None:
    """Return the first text at `path` that is not empty."""
    return next((text for one in _all(root, *path) if (text := _content(one))), None)


def _content(one: etree._Element) -> str:
    # ZUGFeRD 1 writes a date as <DateTimeString>, Factur-X may wrap one more element around it.
    return "".join(str(part) for part in one.itertext()).strip()


def _name(one: etree._Element) -> str:
    return etree.QName(one).localname if isinstance(one.tag, str) else ""
