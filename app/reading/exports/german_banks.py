"""Header fingerprints of exports of German banks. Data only."""

from app.reading.exports.model import BANK, CARD, Signature

GERMAN_BANKS = (
    Signature(
        "sparkasse_camt",
        "Sparkasse",
        "CSV-CAMT",
        BANK,
        "Auftragskonto;Buchungstag;Valutadatum;Buchungstext;Verwendungszweck;Glaeubiger ID;"
        "Mandatsreferenz;Kundenreferenz (End-to-End);Sammlerreferenz;Lastschrift Ursprungsbetrag;"
        "Auslagenersatz Ruecklastschrift;Beguenstigter/Zahlungspflichtiger;Kontonummer/IBAN;"
        "BIC (SWIFT-Code);Betrag;Waehrung;Info",
        "Kategorie",
    ),
    Signature(
        "sparkasse_mt940",
        "Sparkasse",
        "CSV-MT940",
        BANK,
        "Auftragskonto;Buchungstag;Valutadatum;Buchungstext;Verwendungszweck;"
        "Beguenstigter/Zahlungspflichtiger;Kontonummer;BLZ;Betrag;Waehrung;Info",
    ),
    Signature(
        "sparkasse_card",
        "Sparkasse",
        "credit card",
        CARD,
        "Umsatz getätigt von;Belegdatum;Buchungsdatum;Originalbetrag;Originalwährung;"
        "Umrechnungskurs;Buchungsbetrag;Buchungswährung;Transaktionsbeschreibung;"
        "Transaktionsbeschreibung Zusatz;Buchungsreferenz",
        "Gebührenschlüssel;Länderkennzeichen;BAR-Entgelt+Buchungsreferenz;"
        "AEE+Buchungsreferenz;Abrechnungskennzeichen",
    ),
    Signature(
        "dkb_statement",
        "DKB",
        "account statement",
        BANK,
        "Buchungsdatum;Wertstellung;Status;Zahlungspflichtige*r;Zahlungsempfänger*in;"
        "Verwendungszweck;Umsatztyp;IBAN;Betrag (€);Gläubiger-ID;Mandatsreferenz;Kundenreferenz",
    ),
    Signature(
        "dkb_statement_2022",
        "DKB",
        "account statement (older)",
        BANK,
        "Buchungstag;Wertstellung;Buchungstext;Auftraggeber / Begünstigter;Verwendungszweck;"
        "Kontonummer;BLZ;Betrag (EUR);Gläubiger-ID;Mandatsreferenz;Kundenreferenz",
    ),
    Signature(
        "ing_de_statement",
        "ING (Germany)",
        "account statement",
        BANK,
        "Buchung;Wertstellungsdatum;Auftraggeber/Empfänger;Buchungstext;Verwendungszweck;Betrag;"
        "Währung",
        "Saldo;Währung 2;Notiz;Kategorie",
    ),
    Signature(
        "ing_de_statement_2023",
        "ING (Germany)",
        "account statement (older)",
        BANK,
        "Buchung;Valuta;Auftraggeber/Empfänger;Buchungstext;Verwendungszweck;Betrag;Währung",
        "Saldo;Währung 2;Notiz;Kategorie",
    ),
    Signature(
        "comdirect_statement",
        "comdirect",
        "account statement",
        BANK,
        "Buchungstag;Wertstellung (Valuta);Vorgang;Buchungstext;Umsatz in EUR",
        "Referenz",
    ),
    Signature(
        "commerzbank_statement",
        "Commerzbank",
        "account statement",
        BANK,
        "Buchungstag;Wertstellung;Umsatzart;Buchungstext;Betrag;Währung;IBAN Auftraggeberkonto",
        "Auftraggeberkonto;Bankleitzahl Auftraggeberkonto;Kategorie;IBAN Kontoinhaber",
    ),
    Signature(
        "volksbank_statement",
        "Volksbank / Raiffeisenbank",
        "account statement",
        BANK,
        "Bezeichnung Auftragskonto;IBAN Auftragskonto;BIC Auftragskonto;Bankname Auftragskonto;"
        "Buchungstag;Valutadatum;Name Zahlungsbeteiligter;IBAN Zahlungsbeteiligter;"
        "BIC (SWIFT-Code) Zahlungsbeteiligter;Buchungstext;Verwendungszweck;Betrag;Waehrung;"
        "Saldo nach Buchung",
        "Bemerkung;Kategorie;Gekennzeichneter Umsatz;Steuerrelevant;Glaeubiger ID;Mandatsreferenz",
    ),
    Signature(
        "deutsche_bank_statement",
        "Deutsche Bank or Postbank",
        "account statement",
        BANK,
        "Buchungstag;Wert;Umsatzart;Begünstigter / Auftraggeber;Verwendungszweck;BIC;"
        "Kundenreferenz;Mandatsreferenz;Gläubiger ID;Fremde Gebühren;Betrag;"
        "Abweichender Empfänger;Soll;Haben;Währung",
        "IBAN;IBAN / Kontonummer;Abweichender Auftraggeber;Anzahl der Aufträge;Anzahl der Schecks",
    ),
    Signature(
        "postbank_statement",
        "Postbank",
        "account statement (older)",
        BANK,
        "Buchungsdatum;Wertstellung;Umsatzart;Buchungsdetails;Auftraggeber;Empfänger;Betrag (€);"
        "Saldo (€)",
    ),
    Signature(
        "consorsbank_statement",
        "Consorsbank",
        "account statement",
        BANK,
        "Buchung;Valuta;Sender / Empfänger;IBAN / Konto-Nr.;BIC / BLZ;Buchungstext;"
        "Verwendungszweck;Betrag in EUR",
        "Kategorie;Stichwörter;Umsatz geteilt",
    ),
)
