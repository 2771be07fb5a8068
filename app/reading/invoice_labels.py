"""The words that stand beside the values of an invoice, in six languages, and what each announces.

Patterns are matched against folded text (`fold` in printed.py). Where two fit at one place the
longer one counts, so "net total" is never a "total".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from app.reading.printed import Line

# "number", "date" as written behind a noun: invoice no., Rechnungs-Nr., facture n°, factura núm.
_NO = r"(?:number|numb|num\.?|no\.?|nr\.?|nbr|nummer|numero|n[°ºo]?\.?|nº|id|#|code)"
_BILL = r"(?:invoice|inv\.?|rechnungs?|rg\.?|re\.?|facture|factura|fattura|factuur|bill)"

_PATTERNS: Mapping[str, tuple[tuple[float, str], ...]] = {
    "invoice_number": (
        (1.0, rf"(?:tax |proforma )?{_BILL}[ \-]?{_NO}(?![a-z])(?: ?[:#])?"),
        (1.0, rf"{_NO} (?:de |della |di |der |of )?(?:la |the )?{_BILL}(?![a-z])"),
        (1.0, rf"\w*rechnung(?: ?\([^)]{{0,60}}\))* ?(?:{_NO}|#)(?![a-z])"),
        (
            1.0,
            rf"(?:gutschrift|credit (?:note|memo)|avoir|nota (?:de )?credito|creditnota|receipt"
            rf"|quittungs?|beleg|document|documento|ricevuta|recu|recibo|bon|kassenbon|statement)"
            rf"[ \-]?(?: ?\([^)]{{0,60}}\))*[ \-]?{_NO}(?![a-z])(?: ?[:#])?",
        ),
        (
            0.9,
            r"(?:tax )?(?:invoice|rechnung|facture|factura|fattura|factuur|credit note|gutschrift"
            r"|avoir|creditnota)(?![a-z]) ?[:#]?"
            r"(?! ?(?:date|datum|for|to|from|due|total|amount))",
        ),
    ),
    "invoice_date": (
        (
            1.0,
            r"(?:date (?:of |de |d')(?:l'|la )?(?:the )?)?(?:invoice|facture)[ \-]?date"
            r"|date (?:of |de |d')(?:l'|la )?(?:the )?(?:invoice|facture|emission|issue)"
            r"|issue(?:d)?(?: date| on| at)|date issued|bill(?:ing)? date|tax date"
            r"|rechnungs-? ?datum|datum der rechnung|beleg-?datum|ausstellungsdatum"
            r"|facture du|emise? le|fecha (?:de )?(?:la )?(?:factura|emision|expedicion)"
            r"|data (?:della )?(?:fattura|documento|emissione)|factuur-? ?datum|datum factuur"
            r"|date facture|fattura del|statement date|receipt date|transaction date",
        ),
        (0.8, r"(?:date|datum|fecha|data|dated|vom|du|von|del|dd\.?|le)(?![a-z]) ?:?"),
    ),
    "due_date": (
        (
            1.0,
            r"(?:invoice )?due (?:date|on|by)|date due|payment due(?: date)?|pay(?:able)? by"
            r"|please (?:pay|remit) (?:by|until|before)|due(?![a-z]) ?:"
            r"|fallig(?:keit)?(?: am| bis)?|faellig(?: am)?|falligkeitsdatum|zahlbar bis(?: zum)?"
            r"|zahlungsziel|zahlungsfrist|uberweisen sie bis(?: zum)?|zu zahlen bis|netto bis"
            r"|date (?:limite|d'echeance)(?: de (?:paiement|reglement))?(?: le)?|echeance"
            r"|a (?:regler|payer) avant(?: le)?|vencimiento|fecha (?:de )?(?:vencimiento|pago)"
            r"|scadenza|data (?:di )?scadenza|pagamento entro|verval ?datum|te betalen voor"
            r"|uiterste betaaldatum|betalen voor",
        ),
    ),
    "total": (
        (
            1.0,
            r"(?:gross |total )?(?:amount|total|price) (?:incl\w*|with)\.?(?: of)?"
            r" (?:vat|tax|gst|mwst\.?|ust\.?|tva|iva|btw)"
            r"|grand total|total amount|invoice total|total invoice"
            r"|total(?: sales?| amount)? ?\(?incl\w*\.?(?: of)?(?: \w+)?\)?"
            r"|total inc\.?|total \(?(?:eur|usd|gbp|chf|incl\.?[^)]*)\)?|total ?:? ?(?:€|eur)"
            r"|gesamt-?betrag(?: brutto)?|gesamt-?summe|brutto-?summe|brutto-?betrag"
            r"|rechnungs-?betrag|end-?betrag|rechnungssumme(?: brutto)?|gesamt brutto"
            r"|summe brutto|gesamtpreis|total ttc|montant ttc|montant (?:eur )?ttc"
            r"|total (?:de la )?(?:facture|factura)|importe total|total factura"
            r"|totale (?:fattura|documento|complessivo)|importo totale|totaal incl\w*\.?(?: btw)?"
            r"|totaal-?bedrag|factuur-? ?(?:totaal|bedrag)|total for this invoice|total charges?"
            r"|total sales?|total (?:rm|inr|sgd|aud|cad)|net total rm"
            r"|total gross|gross total|gross amount|total general|total with tax"
            r"|total rounded|rounded total|total \(?rounded\)?|round(?:ed|d)? total",
        ),
        (0.85, r"total|totaal|totale|gesamt|summe|sum|somme|totals"),
        (
            0.7,
            r"total due|amount due|due|balance due|total payable|amount payable|due payable"
            r"|(?:total )?amount to pay|zahl-?betrag|zu zahlen(?:der betrag)?|net a payer|rest"
            r"|(?:somme|montant|reste|total) a (?:payer|regler)|total a pagar|a pagar"
            r"|(?:totale )?da pagare|netto a pagare|te betalen|te voldoen|residual|amount paid"
            r"|total amount due(?: on)?|montant du prelevement|offener betrag|saldo",
        ),
    ),
    "net_amount": (
        (
            1.0,
            r"sub-? ?total|sub-? ?totaal|sub-? ?totale|sous-? ?total|zwischensumme|net total"
            r"|net (?:amount|value|price)|total net(?:to)?|netto-? ?betrag|netto-?summe"
            r"|summe netto|gesamt netto|netto gesamt|rechnungssumme ohne ust\.?|basisbetrag"
            r"|summe ohne mwst\.?|total (?:eur )?ht|montant (?:eur )?ht|total hors taxes?"
            r"|(?:total )?base imponible|(?:totale )?imponibile|totale netto"
            r"|total(?: sales?| amount)? ?\(?(?:excl?\w*\.?|before|without|w/?o)(?: of)?"
            r"(?: \w+)?\)?"
            r"|(?:totaal )?excl\w*\.? (?:btw|vat|tax)"
            r"|totaal excl\w*\.?|grondslag|taxable (?:amount|value)|tax basis(?: total)?"
            r"|nettopreis|base ht|amount excl\w*\.? (?:vat|tax)",
        ),
        (0.7, r"net|netto|ht|basis|base"),
    ),
    "tax_amount": (
        (
            1.0,
            r"(?:total )?inclu(?:ded|ding|sive) \d{0,2} ?%? ?(?:gst|vat|tax)(?: ?@)?"
            r"|(?:total )?(?:sales )?tax(?:es)?(?: total| amount)?|tax total|total (?:vat|tax|gst)"
            r"|vat(?: total| amount)?|(?:zzgl\.? |zuzuglich |plus )?\d{0,2} ?%? ?(?:mwst|ust)\.?"
            r"(?:[ \-.]*(?:betrag|gesamt|total))?|umsatzsteuer|mehrwertsteuer|steuer-?betrag"
            r"|(?:total |montant |dont )?tva(?: total| \w{3,6})?|(?:total |cuota )?iva"
            r"|(?:totale )?imposta|totale iva|btw(?:[ \-]?bedrag)?|totaal btw|omzetbelasting"
            r"|gst(?: amount| total| \d%)?|hst|pst|qst|igst|cgst|sgst|service tax|sales tax",
        ),
    ),
    "currency": ((1.0, r"currency|wahrung|waehrung|devise|monnaie|moneda|divisa|valuta|munt"),),
    "vendor_vat_id": (
        (
            1.0,
            r"(?:vat|tax|ust|umsatzsteuer|mwst|btw|tva|iva|gst)[. \-]*(?:reg\w*\.?)?[. \-]*"
            r"(?:id|ident\w*|identifi\w*|number|no|nr|nummer|numero|n[°º]|intracom\w*|code)"
            r"[.\-a-z ]{0,22}|uid(?:-nr)?|ustid\w*|partita iva|p\. ?iva|nif|cif|nif/cif"
            r"|n[°º]\.? (?:de )?tva(?: intra\w*)?|numero (?:de )?tva",
        ),
    ),
    "iban": ((1.0, r"iban"),),
    "purchase_order": (
        (
            1.0,
            rf"p\.? ?[o0]\.?(?: ?{_NO})(?![a-z])|purchase order(?: {_NO})?(?![a-z])"
            rf"|your (?:order|reference)(?: {_NO})?(?![a-z])|(?:ihre )?bestell-?(?:nummer|nr\.?)"
            rf"|(?:ihre )?bestellung(?: {_NO})?|(?:n[°º] de )?(?:bon de )?commande(?: {_NO})?"
            r"|votre (?:commande|reference)|(?:numero de )?(?:pedido|orden de compra)"
            rf"|(?:numero )?ordine(?: {_NO})?|customer (?:order|reference)(?: {_NO})?(?![a-z])"
            r"|ihr zeichen|uw referentie|su referencia|auftrags-?nr\.?|inkooporder|bestelnummer"
            rf"|order {_NO}(?![a-z])|ordernummer|p\.o\.",
        ),
    ),
    # What else stands beside values, so that they are not taken for the fields above.
    "other_number": (
        (
            1.0,
            rf"(?:customer|client|kunden?|klant|cliente|account|acct?|konto|artikel|item|steuer"
            rf"|delivery|lieferschein|project|projekt|contract|serie|serial|phone|tel\w*|fax"
            rf"|registration|company|kvk|siret|siren|ape|hrb|swift|bic|blz|bank|store|terminal"
            rf"|trans\w*|ref\w*|approval|auth|globale|member|cashier|table|guest|reg\w*|pos"
            rf"|page|seite|pagina)[ \-.]*{_NO}?(?![a-z])(?: ?[:#])?",
        ),
        (
            1.0,
            r"kundennummer|klantnummer|kundennr\.?|numero de ligne|id\.? ?client"
            r"|handelsregister\w*",
        ),
    ),
    "other_date": (
        (
            1.0,
            r"(?:order|delivery|shipping|ship|service|value|print|payment|pay|start|end|birth"
            r"|supply|performance|liefer-?|leistungs-?|bestell-?|auftrags-?|druck-?|buchungs-?"
            r"|zahlungs-?|order-?|lever-?|bestel-?|liefer- und leistungs-?)[ \-]?(?:date|datum)"
            r"|date of (?:delivery|service|supply|birth)|date de (?:livraison|commande|paiement)"
            r"|fecha de (?:entrega|pedido)|data (?:di )?(?:consegna|ordine)|period(?: ending)?"
            r"|service period|billing period|leistungszeitraum|abrechnungszeitraum|periode"
            r"|bestellung vom|gemass bestellung\w*(?: nr\.? \S+)? vom|skonto \w+ \d+ tagen bis"
            r"|prelevement a partir du|contract date|posting date|created|printed",
        ),
    ),
    "other_amount": (
        (
            1.0,
            r"previous (?:unpaid )?balance|opening balance|discount(?: total)?|rabatt|remise"
            r"|descuento|sconto|korting|deposit|prepaid|paid|anzahlung(?:en)?|cash"
            r"|change(?: due)?"
            r"|tend(?:er|ered)?|ruckgeld|gegeben|rendu|cambio|resto|tip|trinkgeld|pourboire"
            r"|propina|shipping(?: cost)?|versand(?:kosten)?|freight|credits?|pay(?:ment)?|rounding"
            r"(?: adj\w*)?|total (?:qty|quantity|items?|discount|savings?|saved|units)|item total"
            r"|gesamtbetrag der (?:zuschlage|abschlage)|positionssumme|zwischen-?total|visa"
            r"|mastercard|amex|card|unit price|stuckpreis|einzelpreis|prix unitaire|prijs"
            r"|precio(?: unitario)?|prezzo(?: unitario)?|vk-preis|preis|price"
            r"|erhaltene anzahlungen"
            r"|total items? sold|total number|round(?:ing|ed)?",
        ),
    ),
    # A weak word for a sum: what else it heads are the amounts of lines.
    "amount": (
        (0.6, r"charges?|amount|betrag|montant|importe|importo|bedrag|price|preis|prix|prijs"),
    ),
    "vendor_name": (
        (
            1.0,
            r"from|seller|vendor|supplier|sold by|issued by|verkaufer|rechnungssteller|lieferant"
            r"|aussteller|vendeur|fournisseur|emetteur|vendedor|proveedor|emisor|venditore"
            r"|fornitore|cedente|verkoper|leverancier|remit to|make (?:all )?(?:checks|cheques)"
            r" payable to|payable to|service provider|pay to",
        ),
    ),
    "buyer": (
        (
            1.0,
            r"bill(?:ed)? to(?: address)?|sold to|ship(?:ped)? to|deliver(?:y|ed)? (?:to|address)"
            r"|invoice (?:for|to)|to ?:|customer(?: name| vat(?: number)?)?|client|buyer|attn\.?"
            r"|(?:k[au]+fer|kunde|rechnungsempfanger|leistungsempfanger|lieferadresse)(?![a-z])"
            r"|kaufer/leistungsempfanger|rechnungsadresse|rechnung an|adresse de (?:facturation"
            r"|livraison|l'installation)|factur[ea] a|facturado a|cliente|spett(?:\.le|abile)"
            r"|destinatario|factuuradres|afleveradres|klant|debiteur|t\.a\.v\.|service address"
            r"|uw btw[ \-]?nummer|ihre ust\S*|abweichender warenempfanger|your vat\S*"
            r"|nom de l'abonne",
        ),
    ),
}


@dataclass(frozen=True, slots=True)
class Label:
    """A label on a line: what it announces, how surely, and where it stands."""

    field: str
    weight: float
    line: Line
    start: int
    end: int

    @property
    def text(self) -> str:
        return self.line.text[self.start : self.end]


def _compiled() -> list[tuple[str, float, re.Pattern[str]]]:
    ready = []
    for field, patterns in _PATTERNS.items():
        for weight, pattern in patterns:
            ready.append((field, weight, re.compile(rf"(?<![^\W_])(?:{pattern})(?![^\W\d_])")))
    return ready


_READY = _compiled()


def labels_of(line: Line) -> list[Label]:
    """Return the labels of a line from left to right; where two overlap, the longer one."""
    found = [
        Label(field, weight, line, match.start(), match.end())
        for field, weight, pattern in _READY
        for match in pattern.finditer(line.folded)
        if match.end() > match.start()
    ]
    found.sort(key=lambda label: (label.start - label.end, -label.weight))
    kept: list[Label] = []
    for label in found:
        if all(label.end <= other.start or label.start >= other.end for other in kept):
            kept.append(label)
    return sorted(kept, key=lambda label: label.start)
