"""What kind of document a table is: by its source, the words in its header, its file's name."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from app.core.reading import Task, Tell
from app.reading.platforms import plain_header
from app.reading.signatures import BY_KEY

LABELS: Mapping[str, str] = {
    "bank_statement": "bank statement",
    "card_statement": "card statement",
    "payment_processor_export": "payment processor export",
    "payout_list": "list of payouts",
    "sales_export": "sales or orders export",
    "invoice_list": "list of invoices",
    "expense_list": "list of expenses",
    "ledger": "ledger",
    "contact_list": "list of contacts",
    "product_list": "list of products",
    "table": "other table",
}
"""The kinds, and what a person calls them."""

THRESHOLD = 3.0

# Header words by what they stand for, in English, German, French, Dutch, Spanish, Italian and some
# more, as `plain_header` writes them. A word of four letters or more also counts inside a compound.
WORDS: Mapping[str, str] = {
    "date": "date datum data fecha dato dag buchungstag buchung valuta wertstellung posted created"
    " completed dtposted dateop belegdatum rentedatum",
    "amount": "amount betrag montant bedrag importe importo valor value sum total umsatz gross "
    " brutto trnamt summe amt castka kwota belop price preis",
    "split": "debit credit soll haben withdrawal withdrawals deposit deposits inflow outflow debet"
    " entrate uscite cargo abono gutschrift belastung",
    "balance": "balance saldo solde guthaben kontostand bal",
    "bank": "iban bban bic blz kontonummer auftragskonto rekening tegenrekening verwendungszweck"
    " mandatsreferenz valutadatum sortcode bankleitzahl buchungstext",
    "text": "description details payee name verwendungszweck buchungstext omschrijving libelle"
    " label memo narrative concepto descrizione merchant empfaenger haendler vendor supplier"
    " counterparty",
    "card": "card karte kartennummer kreditkarte creditcard carte tarjeta kaart kredietkaart carta"
    " cardmember cardholder",
    "category": "category kategorie categorie categoria rubrik kostenart",
    "expense": "expense expenses spesen ausgaben auslagen reimbursement reimbursable receipt beleg"
    " employee mitarbeiter merchant vendor supplier costcenter kostenstelle project projekt"
    " depense depenses gasto gastos onkosten spese",
    "invoice": "invoice rechnung rechnungsnummer rechnungsdatum facture factuur factuurnummer"
    " factura fattura faktura",
    "due": "due faellig faelligkeit vervaldatum echeance vencimiento scadenza outstanding open"
    " offen",
    "tax": "vat tax mwst ust tva btw iva gst steuer umsatzsteuer mehrwertsteuer",
    "customer": "customer kunde kundennummer client klant cliente buyer kaeufer debitor billing",
    "order": "order orders bestellung bestellnummer commande pedido ordine bestelling lineitem"
    " fulfillment checkout",
    "quantity": "quantity qty menge anzahl quantite cantidad quantita aantal",
    "product": "sku product produkt artikel article producto prodotto item ean gtin barcode",
    "stock": "stock inventory bestand lager weight gewicht variant",
    "fee": "fee fees gebuehr gebuehren entgelt frais commission provision kosten",
    "gross": "gross brutto brut lordo",
    "net": "net netto netto",
    "payout": "payout payouts auszahlung auszahlungen settlement arrival",
    "ledger": "ledger journal gegenkonto sachkonto nominal glcode debitkonto trial hauptbuch"
    " buchungsschluessel belegfeld grootboek accountcode kontenbezeichnung split",
    "account": "account konto compte cuenta conto accountname accountnumber",
    "email": "email mail",
    "phone": "phone telefon telephone mobile mobil handy fax",
    "address": "address adresse street strasse city stadt ort zip plz postcode country",
    "person": "firstname vorname nachname lastname surname company firma organisation prenom nom",
}
_GROUPS = {kind: frozenset(words.split()) for kind, words in WORDS.items()}

# A kind's points for what the header speaks of; negative where it speaks against the kind.
POINTS: Mapping[str, Mapping[str, float]] = {
    "bank_statement": {
        "date": 1, "amount": 1, "split": 1, "text": 0.6, "balance": 1.5, "bank": 1.5,
        "card": -0.5, "invoice": -1.5, "due": -1, "quantity": -2, "product": -1, "ledger": -1,
        "order": -1, "fee": -0.3, "gross": -1, "expense": -0.3, "email": -1, "payout": -1.5,
        "person": -1, "address": -0.5,
    },
    "card_statement": {
        "date": 1, "amount": 1, "split": 0.6, "text": 0.5, "card": 2, "category": 0.4,
        "balance": -0.5, "bank": -0.5, "invoice": -1, "quantity": -2, "product": -1, "fee": -0.3,
        "gross": -1, "order": -1.5, "payout": -2, "email": -1,
    },
    "payment_processor_export": {
        "date": 0.7, "amount": 0.5, "fee": 1.3, "gross": 1, "net": 1, "card": 0.4, "customer": 0.4,
        "email": 0.4, "quantity": -1, "balance": -0.2, "bank": -0.5, "invoice": -0.3, "stock": -1,
    },
    "payout_list": {"date": 0.7, "amount": 0.8, "payout": 2.2, "fee": 0.3, "quantity": -1},
    "sales_export": {
        "date": 0.5, "amount": 0.5, "order": 1.6, "quantity": 1, "product": 0.8, "customer": 0.6,
        "email": 0.3, "tax": 0.3, "invoice": -0.6, "balance": -1, "bank": -1, "stock": -0.8,
    },
    "invoice_list": {
        "invoice": 2.2, "date": 0.4, "amount": 0.5, "due": 0.9, "tax": 0.6, "customer": 0.6,
        "net": 0.3, "gross": 0.3, "order": -0.5, "fee": -0.8, "bank": -0.8, "payout": -1,
    },
    "expense_list": {
        "date": 0.8, "amount": 0.8, "expense": 1.3, "category": 1, "tax": 0.2, "balance": -1.5,
        "bank": -1.5, "card": -0.6, "invoice": -0.5, "quantity": -1, "fee": -0.7, "order": -1,
    },
    "ledger": {
        "ledger": 1.6, "account": 1, "split": 1, "balance": 0.2, "text": 0.2, "undated": 0.6,
        "bank": -1, "card": -1, "email": -1, "quantity": -1,
    },
    "contact_list": {
        "email": 1.2, "phone": 1.2, "address": 1, "person": 1.2, "text": 0.3, "date": -0.7,
        "amount": -2, "split": -2, "order": -1,
    },
    "product_list": {
        "product": 1.6, "stock": 1.3, "amount": 0.6, "quantity": 0.3, "category": 0.3, "text": 0.3,
        "date": -1, "order": -1, "customer": -1, "balance": -1,
    },
}  # fmt: skip

# Without these no table is of the kind, whatever else its header says.
NEEDS: Mapping[str, tuple[frozenset[str], ...]] = {
    "bank_statement": (frozenset({"date"}), frozenset({"amount", "split"})),
    "card_statement": (frozenset({"date"}), frozenset({"amount", "split"}), frozenset({"card"})),
    "payment_processor_export": (frozenset({"fee"}), frozenset({"gross", "net", "amount"})),
    "payout_list": (frozenset({"payout"}), frozenset({"amount", "net"})),
    "sales_export": (frozenset({"order", "product"}), frozenset({"amount", "quantity"})),
    "invoice_list": (frozenset({"invoice"}), frozenset({"amount", "gross", "net", "split"})),
    "expense_list": (frozenset({"amount", "split"}), frozenset({"expense", "category"})),
    "ledger": (frozenset({"ledger", "account"}), frozenset({"split", "amount", "balance"})),
    "contact_list": (frozenset({"email", "phone"}), frozenset({"person", "text", "address"})),
    "product_list": (frozenset({"product"}), frozenset({"stock", "amount"})),
}

NAMES_OF_FILES = (
    (re.compile(r"card|visa|master|amex|kreditkarte|kartenumsaetze"), "card_statement", "card"),
    (re.compile(r"invoice|rechnung|factu|fattur"), "invoice_list", "invoice"),
    (re.compile(r"expense|spesen|ausgaben|depenses"), "expense_list", "expense"),
    (re.compile(r"payout|auszahlung"), "payout_list", "payout"),
    (re.compile(r"order|bestellung|sales"), "sales_export", "order"),
    (re.compile(r"ledger|journal|trial.?balance|susa|hauptbuch"), "ledger", "ledger"),
    (
        re.compile(r"statement|umsatz|umsaetze|konto|account|transact|movement"),
        "bank_statement",
        "",
    ),
)
NAME_POINTS = 0.8


def concepts_of(headers: Iterable[str], roles: Iterable[str] = ()) -> dict[str, str]:
    """Return what the header speaks of, each with the first column that says so."""
    found: dict[str, str] = {}
    for header in headers:
        plain = plain_header(header)
        words = plain.split()
        for word in (*words, "".join(words)):
            for kind, group in _GROUPS.items():
                if kind not in found and (word in group or _compound(word, group)):
                    found[kind] = header.strip()
    for role in roles:
        for kind in ROLE_SAYS.get(role, ()):
            found.setdefault(kind, role)
    return found


ROLE_SAYS: Mapping[str, tuple[str, ...]] = {
    "date": ("date",),
    "amount": ("amount",),
    "debit": ("split",),
    "credit": ("split",),
    "balance": ("balance",),
    "description": ("text",),
    "counterparty": ("text",),
    "payee": ("text",),
    "category": ("category",),
    "account": ("account",),
    "iban": ("bank",),
    "fee": ("fee",),
}


def _compound(word: str, group: frozenset[str]) -> bool:
    """Tell whether a long word begins or ends with one of the group: "buchungsdatum"."""
    return len(word) >= 8 and any(
        len(part) >= 4 and (word.startswith(part) or word.endswith(part)) for part in group
    )


def classify(
    headers: Iterable[str], roles: Iterable[str] = (), filename: str = "", has_amounts: bool = True
) -> tuple[str, list[str]]:
    """Return the kind of a table and why.

    headers, roles  the columns' names and, where known, what they mean
    filename        speaks a little too
    """
    found = concepts_of(headers, roles)
    if "date" not in found:  # a trial balance has no dates
        found["undated"] = ""
    scores: dict[str, float] = {}
    for kind, points in POINTS.items():
        if all(need & found.keys() for need in NEEDS[kind]):
            scores[kind] = sum(point for concept, point in points.items() if concept in found)
    named = plain_header(filename.rsplit(".", 1)[0])
    hint = next((hint for hint in NAMES_OF_FILES if hint[0].search(named)), None)
    if hint is not None and has_amounts:
        kind, needs = hint[1], NEEDS[hint[1]]
        extra = {hint[2]} if hint[2] else set()
        if all(need & (found.keys() | extra) for need in needs):
            base = sum(p for concept, p in POINTS[kind].items() if concept in found)
            scores[kind] = max(scores.get(kind, base), base) + NAME_POINTS
    if not has_amounts:
        scores = {k: s for k, s in scores.items() if k in ("contact_list", "product_list")}
    kind, score = max(scores.items(), key=lambda item: item[1], default=("table", 0.0))
    least = 2.5 if kind in ("contact_list", "product_list") else THRESHOLD - NAME_POINTS / 2
    if score < least:
        return "table", ["The columns do not add up to a document I know"]
    helped = [f"“{found[c]}”" for c, p in POINTS[kind].items() if p > 0 and found.get(c)]
    evidence = [f"It has the columns {_listed(_distinct(helped)[:5])}"]
    if hint is not None and hint[1] == kind:
        evidence.append(f"Its name says so: {filename}")
    return kind, evidence


def _distinct(names: list[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


STATEMENTS = {"ofx": "OFX", "qif": "QIF", "mt940": "MT940", "camt": "CAMT"}
CARDS = ("CREDITCARD", "CCard")  # as OFX and QIF call them


def _is_of_a_card(fields: Mapping[str, Any]) -> bool:
    names = [column.get("name") for column in fields.get("columns", [])]
    if "Account type" not in names:
        return False
    place = names.index("Account type")
    return any(row[place] in CARDS for row in fields.get("sample", [])[:1])


def classify_document(task: Task, tell: Tell) -> dict[str, Any]:
    """Step document_classification: the kind, what a person calls it, and why."""
    fields = task["found"].get("field_detection", {})
    platform = task["found"].get("platform_detection", {})
    signature = BY_KEY.get(platform.get("platform") or "")
    shape = fields.get("shape") or {}
    if (name := STATEMENTS.get(shape.get("kind", ""))) is not None:
        kind = "card_statement" if _is_of_a_card(fields) else "bank_statement"
        evidence = [f"That is what {name} files are for"]
    elif signature is not None:
        kind = signature.kind
        evidence = [f"That is what {signature.name} exports as “{signature.export}”"]
    else:
        columns = fields.get("columns", [])
        kind, evidence = classify(
            [str(column.get("name") or "") for column in columns],
            [str(column.get("role") or "") for column in columns],
            task["filename"],
            bool(fields.get("has_amounts", True)),
        )
    return {"document_type": kind, "label": LABELS[kind], "evidence": evidence}
