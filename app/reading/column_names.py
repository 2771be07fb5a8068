"""What columns are called: names of roles and words of flags, in a dozen languages."""

import re
import unicodedata

_NOT_WORD = re.compile(r"[^0-9a-z]+")
_LETTERS = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ß": "ss", "æ": "ae", "œ": "oe"})


def plain_name(name: str) -> str:
    """Return a name without case, accents and punctuation: "Währung (EUR)" is "wahrung eur"."""
    low = unicodedata.normalize("NFKD", name.casefold()).translate(_LETTERS)
    return _NOT_WORD.sub(" ", "".join(c for c in low if not unicodedata.combining(c))).strip()


# Names in the form that plain_name gives them, the better ones first. English, German, Dutch,
# French, Spanish, Italian, Swedish, Norwegian, Danish, Polish, Czech, Hungarian.
# Gross goes before net: what was sold is the amount, and what the service kept of it is a fee.
NAMES: dict[str, str] = {
    "date": """booking date;transaction date;posting date;posted date;date posted;date processed;
        completed date;date completed;date;date utc;post date;process date;buchungstag;
        buchungsdatum;
        buchung;datum;belegdatum;umsatzdatum;transaktionsdatum;boekdatum;boekingsdatum;
        datum verrichting;transactiedatum;date operation;date de l operation;date d operation;
        date comptable;date de comptabilisation;date de transaction;fecha operacion;
        fecha de operacion;fecha contable;fecha;f operacion;data operazione;data contabile;
        data registrazione;data;bokforingsdag;bokforingsdatum;bokfort;bokforingsdato;bokfort dato;
        bogforingsdato;bogfort;dato;dag;transaktionsdag;data transakcji;data operacji;
        data ksiegowania;datum zauctovani;datum zauctovani transakce;datum provedeni;datum operace;
        datum transakce;tranzakcio datuma;konyveles datuma;created utc;created;created at;
        created on;transaction created;started date;start date;timestamp;datetime;date time;
        payment date;paid date;order date;invoice date;trans date;tran date;value date;day;
        dtposted;available on utc;available on""",
    "value_date": """value date;valuta;valutadatum;wertstellung;wertstellungstag;wert;rentedatum;
        valuta datum;datum verrekening;date valeur;date de valeur;fecha valor;f valor;data valuta;
        valutadag;rantedag;rentedato;data waluty;datum valuty;datum splatnosti;ertekna;erteknap;
        execution date;effective date;settlement date;authorized date;interest date""",
    "amount": """amount;gross;gross amount;net;net amount;transaction amount;betrag;
        buchungsbetrag;umsatz;betrag eur;bedrag;bedrag in eur;transactiebedrag;montant;importe;
        importo;belopp;belob;belop;kwota;kwota transakcji;kwota operacji;castka;zauctovana castka;
        castka transakce;objem;suma;summe;osszeg;tranzakcio osszege;amount eur;
        amount usd;amount gbp;amount czk;amount in account currency;total;total amount;value;sum;
        paid amount;amount paid;amount net;beloep;quantite;valeur;valor;movimento;brutto;netto""",
    "debit": """debit;debits;debit amount;withdrawal;withdrawals;withdrawal amt;paid out;
        money out;outflow;amount debit;debit eur;soll;belastung;belastungen;lastschrift;ausgang;
        ausgabe;ausgaben;debet;debit montant;debit euros;cargo;cargos;debe;adeudo;gasto;gastos;
        dare;uscite;uscita;addebiti;addebito;ut;uttag;af;ud;ut fra konto;ut av konto;obciazenia;
        wydatki;wydatek;vydej;vydaje;na vrub;terheles;spent;spend amount;expense;charges;charge;
        payments;payment amount;af bedrag""",
    "credit": """credit;credits;credit amount;deposit;deposits;deposit amt;paid in;money in;
        inflow;amount credit;credit eur;haben;gutschrift;gutschriften;eingang;einnahme;einnahmen;
        kredit;credit euros;abono;abonos;haber;ingreso;ingresos;avere;entrate;entrata;accrediti;
        accredito;insattning;in;ind;inn;inn pa konto;uznania;wplywy;wplyw;prijem;prijmy;
        ve prospech;jovairas;received;income;bij bedrag""",
    "flag": """cd;dc;d c;c d;d k;dk;debit credit;credit debit;debit or credit;dr cr;cr dr;
        credit debit indicator;debit credit indicator;soll haben;s h;sh;soll haben kennzeichen;
        af bij;bij af;sens;sign;direction;bevetel kiadas;terheles jovairas;obciazenie uznanie;
        transaction type;type;balance impact""",
    "currency": """currency;currency code;iso currency code;account currency;wahrung;waehrung;
        buchungswahrung;whg;munt;muntsoort;devise;monnaie;divisa;moneda;valuta;valuutta;waluta;
        mena;mena uctu;devizanem;tranzakcio devizaneme;deviza;ccy;curr;cur;valutakod;
        transaction currency;payment currency;settlement currency""",
    "balance": """balance;running balance;account balance;saldo;saldo na trn;saldo na transactie;
        saldo na mutatie;kontostand;saldo nach buchung;solde;saldo contabile;saldo disponible;
        saldo po operacji;saldo po transakcji;zustatek;zustatek po transakci;zustatek na uctu;
        egyenleg;bokfort saldo;balance after transaction;available balance;closing balance;
        ledger balance;balance eur;new balance;guthaben""",
    "description": """description;transaction description;verwendungszweck;beschreibung;
        transaktionsbeschreibung;buchungstext;buchungsdetails;zahlungszweck;
        details;transaction details;narrative;narration;omschrijving;omschrijving 1;mededelingen;
        mededeling;vrije mededeling;libelle;libelle operation;description operation;concepto;
        descripcion;descrizione;descrizione operazione;causale;beskrivning;beskrivelse;
        transaktion;tekst;text;meddelande;melding;forklaring;opis;opis operacji;opis transakcji;
        tytul;tytul operacji;popis;popis transakce;zprava pro prijemce;zprava;kozlemeny;
        megjegyzes;memo;memo description;message;message for payee;particulars;purpose;remarks;
        remark;reason;item name;item;subject;note;notes;remittance information;desc;
        bank description;toelichting;comment;product;product name""",
    "counterparty": """payee;counterparty;counter party;counterparty name;merchant;merchant name;
        beneficiary;beneficiary name;recipient;recipient name;payee name;partner name;
        beguenstigter zahlungspflichtiger;begunstigter zahlungspflichtiger;
        name zahlungsbeteiligter;zahlungsempfanger;zahlungsempfaenger;zahlungspflichtiger;
        auftraggeber empfanger;auftraggeber empfaenger;auftraggeber beguenstigter;
        auftraggeber begunstigter;empfanger;empfaenger;zahlungsbeteiligter;handler;haendler;
        naam tegenpartij;naam;naam omschrijving;tegenpartij;beneficiaire;nom;contrepartie;tiers;
        beneficiario;ordenante;controparte;nominativo;mottagare;mottagare avsandare;modtager;
        mottaker;motpart;betalningsmottagare;navn;nadawca odbiorca;odbiorca;kontrahent;
        dane kontrahenta;nazev protiuctu;protistrana;nazev protistrany;counteraccount name;
        nazwa odbiorcy;partner neve;partner;handelaar;vendor;vendor name;supplier;
        supplier name;customer;customer name;name;title;from to;source name;target name;contact;
        contact name;beneficiary party;entity""",
    "reference": """transaction id;transaction reference;transaction reference number;
        reference number;reference;reference id;balance transaction id;txn id;id;payment id;
        payment reference;buchungsreferenz;kundenreferenz;referenz;mandatsreferenz;
        transactiereferentie;referentie;betalingskenmerk;reference operation;referencia;
        riferimento;referens;verifikationsnummer;arkivreferanse;numer referencyjny;
        id transakce;identifikace transakce;referencni cislo transakce;variabilni symbol;vs;
        variable symbol;variable symbol 1;megbizas azonosito;volgnr;check number;check no;
        cheque number;serial number;record id;order id;order;invoice number;receipt number;
        fitid;uuid;transaktionscode;end to end id;source id;number;num;no""",
    "account": """account;account number;account no;account id;account name;own account;
        auftragskonto;kontonummer;konto;iban;iban auftraggeberkonto;iban bban;iban kontoinhaber;
        auftraggeberkonto;bezeichnung auftragskonto;rekening;rekeningnummer;
        numero de compte;compte;cuenta;numero de cuenta;conto;numero conto;kontonr;
        kontonavn;rachunek;numer rachunku;nr rachunku;cislo uctu;ucet;szamlaszam;source account;
        card number;card no;card;kredietkaart;last four digits;umsatz getatigt von;
        bank account details;bank account""",
    "category": """category;categories;category name;kategorie;hauptkategorie;unterkategorie;
        categorie;categoria;kategori;kategoria;kategorie transakce;spending category;rubrik;
        personal finance category primary;subcategory""",
    "type": """type;transaction type;umsatzart;transaktionstyp;buchungsart;code;transactietype;
        soort;mutatiesoort;type operation;tipo;tipo operacion;typ transakce;typ;
        typ transakcji;rodzaj transakcji;rodzaj operacji;tranzakcio tipusa;transaction;
        transaction code;kind;reporting category;event type""",
    "status": """status;state;pending;transaction status;info;uitgavenstaat;stav;estado;stato;
        statut;storno;cancellation""",
    "fee": """fee;fees;gebuhr;gebuehr;entgelt;kosten;frais;commission;commissione;comision;poplatek;
        oplata;prowizja;avgift;gebyr;fee amount;kosten op verrichting""",
}

RANK: dict[str, dict[str, int]] = {
    role: {name.strip(): place for place, name in enumerate(names.replace("\n", " ").split(";"))}
    for role, names in ((role, re.sub(r"\s+", " ", names).strip()) for role, names in NAMES.items())
}

# Words inside longer names, tried in this order when the whole name is not known.
WITHIN: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (role, re.compile(pattern))
    for role, pattern in (
        ("other", r"(^|\b)(fremdw|foreign|original|oorspr|puvodni|local|exchange|kurs|rate|koers)"),
        ("other", r"\b(tegenrekening|gegenkonto|counterparty (iban|account)|protiuctu|bic|swift)"),
        ("fee", r"\b(fee|commission|gebuhr|gebuehr|frais)\b"),
        ("balance", r"\b(balance|saldo|kontostand|solde|zustatek)\b"),
        ("debit", r"\b(debit|withdrawals?|paid out|money out|outflow|ausgaben|soll|cargos?)\b"),
        ("credit", r"\b(credit|deposits?|paid in|money in|inflow|einnahmen|haben|abonos?)\b"),
        (
            "amount",
            r"\b(amount|betrag|bedrag|montant|importe|importo|belopp|kwota|castka|umsatz)\b",
        ),
        ("value_date", r"\b(value date|valuta|wertstellung|valeur|rentedatum)\b"),
        ("date", r"(\bdate\b|datum\b|\bfecha\b|\bdata\b|\bdato\b)"),
        ("description", r"(description|purpose|verwendungszweck|omschrijving|libelle|concepto)"),
        ("description", r"popis"),
        ("counterparty", r"((merchant|supplier|vendor) name|payee|counterparty|beneficiar)"),
        ("counterparty", r"(empfanger|empfaenger|tegenpartij)"),
        ("currency", r"\b(currency|wahrung|waehrung)\b"),
        ("category", r"\b(category|kategorie|categoria)\b"),
    )
)

DEBITS = """
    d dr dt debit debet soll s outflow out af o kiadas terheles - expense debito dare ausgang
    belastung withdrawal ud ut
"""
CREDITS = """
    c cr ct k credit kredit haben h inflow in bij i bevetel jovairas + income credito avere
    eingang gutschrift deposit ind inn
"""
DEBIT_WORDS = frozenset(DEBITS.split())
CREDIT_WORDS = frozenset(CREDITS.split())
PLACEHOLDERS = frozenset({"pending", "vorgemerkt", "n/a", "na", "-", "none", "null"})
