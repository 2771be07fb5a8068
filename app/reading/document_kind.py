"""Step: what kind of document it is, by the words on its first pages or an e-invoice within it.

Invoices, credit notes and receipts go on with the plan of invoices. So do images and short PDFs
without text: what they are shows only once they are read, and a receipt is the likeliest.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pypdfium2 as pdfium

from app.core.notices import EInvoiceUnreadable
from app.core.plans import DOCUMENT, INVOICE
from app.core.reading import Task, Tell
from app.reading.attachments import einvoice_of, embedded_einvoice
from app.reading.einvoice import EInvoice, NotAnEInvoice
from app.reading.pdf import open_pdf
from app.reading.plain import plain

FIRST_PAGES = 3
SHORT_PAGES = 4  # a scan of more pages is rather a contract than an invoice
THRESHOLD = 4.0
HEAD_LINES = 25
MOST_SIGNS = 5
TITLED, PAID = 4.0, 4.0  # points for a title; for two words that are said at a till
LONG_WORDS = 1200  # on the first pages; an invoice has fewer, a report more

LABELS: Mapping[str, str] = {
    "invoice": "invoice",
    "credit_note": "credit note",
    "receipt": "receipt",
    "reminder": "payment reminder",
    "quote": "quote",
    "order": "order",
    "delivery_note": "delivery note",
    "bank_statement": "bank statement",
    "payslip": "payslip",
    "contract": "contract",
    "tax_notice": "tax notice",
    "insurance": "insurance policy",
    "image": "image",
    "document": "document",
}
"""The kinds, and what a person calls them."""

WITH_FIELDS = frozenset({"invoice", "credit_note", "receipt"})

# Of each kind: what its title says, and what else such documents speak of; in English, German,
# French, Spanish, Italian and Dutch, as `plain` writes them.
TITLES: Mapping[str, str] = {
    "invoice": r"invoice|tax invoice|\w*rechnung|facture|factura|fattura|factuur",
    "credit_note": r"credit (?:note|memo|invoice)|rechnungskorrektur|stornorechnung|gutschrift"
    r"|(?:facture d )?avoir|nota (?:de )?credito|factura rectificativa|creditnota|creditfactuur",
    "receipt": r"receipt|sales receipt|customer copy|kassenbon|bon|quittung|kassenbeleg|beleg"
    r"|ticket(?: de caisse)?|recu|recibo|scontrino|ricevuta|kassabon|kvitto",
    "reminder": r"(?:payment )?reminder|mahnung|zahlungserinnerung|rappel|recordatorio de pago"
    r"|sollecito(?: di pagamento)?|(?:betalings)?herinnering|aanmaning",
    "quote": r"quote|quotation|estimate|angebot|kostenvoranschlag|devis|presupuesto|preventivo"
    r"|offerte",
    "order": r"purchase order|order confirmation|bestellung|auftragsbestatigung|bon de commande"
    r"|confirmation de commande|orden de compra|pedido|ordine(?: di acquisto)?|bestelling"
    r"|orderbevestiging|auftragsbestaetigung",
    "delivery_note": r"delivery note|packing (?:slip|list)|lieferschein|bon de livraison|albaran"
    r"|documento di trasporto|pakbon|leveringsbon",
    "bank_statement": r"(?:bank|account) statement|statement of account|kontoauszug"
    r"|releve de compte|extracto (?:bancario|de cuenta)|estratto conto|rekeningafschrift",
    "payslip": r"payslip|pay (?:slip|stub)|earnings statement|\w*abrechnung der (?:brutto )?bezuge"
    r"|gehaltsabrechnung|lohnabrechnung|entgeltabrechnung|bulletin de (?:paie|salaire)|nomina"
    r"|busta paga|loonstrook|salarisspecificatie",
    "contract": r"(?:\w+ )?(?:contract|agreement)|\w*vertrag|contrat|contrato|contratto"
    r"|\w*overeenkomst",
    "tax_notice": r"tax (?:notice|assessment|return)|steuerbescheid|\w*steuererklarung"
    r"|avis d imposition|declaracion de la renta|cartella esattoriale|belastingaanslag",
    "insurance": r"insurance (?:policy|certificate)|versicherungsschein|police d assurance"
    r"|poliza(?: de seguro)?|polizza|verzekeringspolis",
}
SIGNS: Mapping[str, str] = {
    "invoice": r"(?:invoice|rechnungs?|facture|factura|fattura|factuur) ?(?:number|num|no|nr|n"
    r"|nummer|numero|date|datum|#)|amount due|due date|zahlbar|zahlungsziel|fallig|faellig"
    r"|echeance|\bttc\b|vencimiento|scadenza|imponibile|base imponible|vervaldatum|bill to"
    r"|purchase order|ust ?id"
    r"|rechnungsdatum|factuurdatum|factuurnummer|rechnungsnummer|mwst|umsatzsteuer|\btva\b|\bbtw\b"
    r"|\biva\b|\bvat\b|sales tax|unit price|einzelpreis|prix unitaire|precio unitario",
    "receipt": r"change due|cash|tend(?:er)?(?:ed)?|cashier|kasse\b|ruckgeld|rueckgeld|bar\b"
    r"|rendu|especes|efectivo|cambio|contanti|resto|wisselgeld|approval|terminal|visa|mastercard"
    r"|debit card|items sold|thank you|sub ?total|auth(?:orization)? code|server|tip\b|gst",
    "reminder": r"overdue|uberfallig|ueberfaellig|verzug|retard|vencida|scaduta",
    "bank_statement": r"opening balance|closing balance|anfangssaldo|endsaldo|alter saldo"
    r"|neuer saldo|ancien solde|nouveau solde|saldo (?:anterior|iniziale|finale)|buchungstag"
    r"|beginsaldo|eindsaldo",
    "payslip": r"gross pay|net pay|year to date|federal income tax|deductions|pay date"
    r"|lohnsteuer|sozialversicherung|salaire (?:brut|net)|retenciones|irpf|loonheffing",
}
AT_THE_TILL = re.compile(
    r"\b(?:cash|change(?: due)?|tend(?:er)?(?:ed)?|cashier|till|kassierer|bediener|ruckgeld|gegeben"
    r"|rueckgeld|especes|rendu|caissier|efectivo|cambio|cajero|contanti|resto|cassiere|contant"
    r"|wisselgeld|kassa)\b"
)
AMOUNT = re.compile(r"\d[.,]\d\d(?!\d)")
TOTAL = re.compile(
    r"\b(?:grand |sub ?)?(?:total\w*|totaal|summe|gesamt\w*|betrag|bruttosumme|importe)\b"
)


@dataclass(frozen=True, slots=True)
class Kind:
    """What a text most likely is: a score of 0 to 1, and the sentences that say why."""

    document_type: str
    score: float
    evidence: tuple[str, ...]


def find_kind(task: Task, tell: Tell) -> dict[str, Any]:
    """Return {"plan", "document_type", "label", "score", "evidence", "einvoice"}.

    plan      document or invoice: the plan to go on with
    einvoice  the profile of the e-invoice within the file, or None

    Raises DamagedFile, and Asking for the password of a PDF. Warns EInvoiceUnreadable.
    """
    kind, profile = Kind("document", 0.0, ("nothing on its first pages says more",)), None
    match task["found"]["initializing_streaming"].get("kind"):
        case "image":
            kind = Kind("image", 0.5, ("an image, and images are mostly receipts",))
        case "pdf":
            kind, profile = _of_pdf(task, tell)
        case "einvoice":
            found = einvoice_of(task)
            kind = Kind(found.document_type, 1.0, (f"is an e-invoice ({found.profile})",))
            profile = found.profile
    tell(task["size"], task["size"])
    fields = kind.document_type in WITH_FIELDS or kind.document_type == "image"
    return {
        "plan": (INVOICE if fields else DOCUMENT).name,
        "document_type": kind.document_type,
        "label": LABELS[kind.document_type],
        "score": round(kind.score, 2),
        "evidence": list(kind.evidence),
        "einvoice": profile,
    }


def _of_pdf(task: Task, tell: Tell) -> tuple[Kind, str | None]:
    with open_pdf(task) as pdf:
        document = pdf.document
        found = _einvoice(document, tell)
        if found is not None:
            evidence = f"carries an e-invoice ({found.profile})"
            return Kind(found.document_type, 1.0, (evidence,)), found.profile
        texts = [_page_text(document, n) for n in range(min(len(document), FIRST_PAGES))]
        if not "".join(texts).strip() and len(document) <= SHORT_PAGES:
            return Kind("image", 0.5, ("a few pages without text, as a scan has",)), None
        return kind_of_text("\n".join(texts)), None


def _einvoice(document: pdfium.PdfDocument, tell: Tell) -> EInvoice | None:
    try:
        return embedded_einvoice(document)
    except NotAnEInvoice as error:
        tell.warn(EInvoiceUnreadable(reason=str(error)))
        return None


def _page_text(document: pdfium.PdfDocument, number: int) -> str:
    """Return a page's text; "" of one that is damaged."""
    try:
        return str(document[number].get_textpage().get_text_bounded())
    except pdfium.PdfiumError:
        return ""


def kind_of_text(text: str) -> Kind:
    """Return what the text of the first pages most likely is; "document" when nothing says so."""
    lines = [line for raw in text.splitlines() if (line := plain(raw))]
    body = "\n".join(lines)
    words = len(body.split())
    money = len(AMOUNT.findall(text))
    scores: dict[str, tuple[float, list[str]]] = {}
    for kind, title in TITLES.items():
        points, evidence = _title_points(kind, title, lines)
        signs = set(re.findall(rf"\b(?:{SIGNS[kind]})", body)) if kind in SIGNS else set()
        if signs:
            points += min(len(signs), MOST_SIGNS) * 0.75
            evidence.append(f"speaks of “{min(signs, key=len)}”")
        paid = set(AT_THE_TILL.findall(body)) if kind == "receipt" else set()
        if len(paid) >= 2:  # whatever its title says
            points += PAID
            evidence.append(f"was paid at a till: “{min(paid)}”, “{max(paid)}”")
        if kind in WITH_FIELDS:
            if money and TOTAL.search(body):
                points += 1.5
                evidence.append("has amounts and a total")
            elif not money:
                points -= 2.0
            points -= min(words / LONG_WORDS, 3.0) if words > LONG_WORDS else 0.0
        scores[kind] = points, evidence
    best = max(scores, key=lambda kind: scores[kind][0])
    points, evidence = scores[best]
    if points < THRESHOLD:
        return Kind("document", 0.5, ("no kind of document is clear from its words",))
    return Kind(best, min(1.0, points / 8.0), tuple(evidence))


def _title_points(kind: str, title: str, lines: list[str]) -> tuple[float, list[str]]:
    """A title stands alone or first in a line near the top; elsewhere the word says less."""
    whole = re.compile(rf"(?:\w+ )?(?:{title})(?: \w+)?")
    first = re.compile(rf"\b(?:{title})\b")
    for line in lines[:HEAD_LINES]:
        if whole.fullmatch(line):
            return TITLED, [f"is headed “{line}”"]
    for line in lines[:HEAD_LINES]:
        if (found := first.search(line)) and len(line.split()) <= 12:
            return 2.5, [f"says “{found[0]}” near its top"]
    if any(first.search(line) and len(line.split()) <= 8 for line in lines):
        return 1.0, [f"says it is a {LABELS[kind]}"]
    return 0.0, []
