"""Header fingerprints of exports of banks and money services. Data only."""

from app.reading.exports.model import BANK, CARD, Signature

BANKS = (
    Signature(
        "wise_statement",
        "Wise",
        "account statement",
        BANK,
        "TransferWise ID;Date;Amount;Currency;Description;Payment Reference;Running Balance;"
        "Exchange From;Exchange To;Exchange Rate;Payer Name;Payee Name;Payee Account Number;"
        "Merchant;Total fees",
        "Card Last Four Digits;Card Holder Full Name;Attachment;Note;Exchange To Amount;Date Time;"
        "Transaction Type;Transaction Details Type;Buy - amount;Sell - amount",
    ),
    Signature(
        "wise_history",
        "Wise",
        "transaction history",
        BANK,
        "ID;Status;Direction;Created on;Finished on;Source fee amount;Source fee currency;"
        "Target fee amount;Target fee currency;Source name;Source amount (after fees);"
        "Source currency;Target name;Target amount (after fees);Target currency;Exchange rate",
        "Reference;Batch;Created by;Category;Note",
    ),
    Signature(
        "revolut_statement",
        "Revolut",
        "account statement",
        BANK,
        "Type;Product;Started Date;Completed Date;Description;Amount;Fee;Currency;State;Balance",
    ),
    Signature(
        "revolut_business",
        "Revolut",
        "business statement",
        BANK,
        "Date started (UTC);Date completed (UTC);ID;Type;Description;Reference;Payer;"
        "Orig currency;Orig amount;Payment currency;Amount;Fee;Balance;Account",
        "State;Card number;Card label;Card state;Total amount;Exchange rate;Fee currency;"
        "Beneficiary account number;Beneficiary sort code or routing number;Beneficiary IBAN;"
        "Beneficiary BIC;MCC;Related transaction id;Spend program",
    ),
    Signature(
        "n26_statement",
        "N26",
        "transactions",
        BANK,
        "Booking Date;Value Date;Partner Name;Partner Iban;Type;Payment Reference;Account Name;"
        "Amount (EUR);Original Amount;Original Currency;Exchange Rate",
    ),
    Signature(
        "n26_statement_2019",
        "N26",
        "transactions (older)",
        BANK,
        "Date;Payee;Account number;Transaction type;Payment reference;Amount (EUR);"
        "Amount (Foreign Currency);Type Foreign Currency;Exchange Rate",
        "Category",
    ),
    Signature(
        "n26_statement_de",
        "N26",
        "transactions (German)",
        BANK,
        "Datum;Empfänger;Kontonummer;Transaktionstyp;Verwendungszweck;Betrag (EUR);"
        "Betrag (Fremdwährung);Fremdwährung;Wechselkurs",
        "Kategorie",
    ),
    Signature(
        "monzo_statement",
        "Monzo",
        "transactions",
        BANK,
        "Transaction ID;Date;Time;Type;Name;Emoji;Category;Amount;Currency",
        "Local amount;Local currency;Notes and #tags;Address;Receipt;Description;Category split;"
        "Money Out;Money In;Balance;Balance currency",
        (("Transaction ID", r"m?tx_\w+"),),
    ),
    Signature(
        "monzo_statement_2018",
        "Monzo",
        "transactions (older)",
        BANK,
        "id;created;amount;currency;local_amount;local_currency;category;emoji;description;address;"
        "notes;receipt",
        "",
        (("id", r"tx_\w+"),),
    ),
    Signature(
        "starling_statement",
        "Starling Bank",
        "statement",
        BANK,
        "Date;Counter Party;Reference;Type;Amount (GBP);Balance (GBP)",
        "Spending Category;Notes",
    ),
    Signature(
        "lloyds_statement",
        "Lloyds or Halifax",
        "statement",
        BANK,
        "Transaction Date;Transaction Type;Sort Code;Account Number;Transaction Description;"
        "Debit Amount;Credit Amount;Balance",
    ),
    Signature(
        "barclays_statement",
        "Barclays",
        "statement",
        BANK,
        "Number;Date;Account;Amount;Subcategory;Memo",
    ),
    Signature(
        "natwest_statement",
        "NatWest",
        "statement",
        BANK,
        "Date;Type;Description;Value;Balance;Account Name;Account Number",
    ),
    Signature(
        "chase_checking",
        "Chase",
        "checking account",
        BANK,
        "Details;Posting Date;Description;Amount;Type;Balance;Check or Slip #",
        "",
        (("Details", r"DEBIT|CREDIT|CHECK|DSLIP"),),
    ),
    Signature(
        "chase_credit_card",
        "Chase",
        "credit card",
        CARD,
        "Transaction Date;Post Date;Description;Category;Type;Amount;Memo",
        "Card",
        (("Type", r"Sale|Payment|Return|Fee|Adjustment|Reversal|Interest"),),
    ),
    Signature(
        "mercury_statement",
        "Mercury",
        "transactions",
        BANK,
        "Date (UTC);Description;Amount;Status;Source Account;Bank Description;Reference;Note",
        "Last Four Digits;Name On Card;Category;GL Code;Timestamp;Original Currency;"
        "Mercury Category;Check Number;Tags;Tracking ID",
    ),
    Signature(
        "amex_statement",
        "American Express",
        "card statement",
        CARD,
        "Date;Description;Amount;Extended Details;Appears On Your Statement As;Address;City/State;"
        "Zip Code;Country;Reference;Category",
        "Card Member;Account #;Receipt",
    ),
    Signature(
        "capital_one_card",
        "Capital One",
        "card statement",
        CARD,
        "Transaction Date;Posted Date;Card No.;Description;Category;Debit;Credit",
    ),
    Signature(
        "discover_card",
        "Discover",
        "card statement",
        CARD,
        "Trans. Date;Post Date;Description;Amount;Category",
    ),
    Signature(
        "bank_of_america_checking",
        "Bank of America",
        "account statement",
        BANK,
        "Date;Description;Amount;Running Bal.",
    ),
    Signature(
        "plaid_transactions",
        "Plaid",
        "transactions",
        BANK,
        "date;name;amount;pending;account_id;category_id;check_number;merchant_name;transaction_id;"
        "authorized_date;payment_channel;transaction_code;transaction_type;iso_currency_code;"
        "unofficial_currency_code;pending_transaction_id",
        "website;datetime;logo_url;account_owner;merchant_entity_id;authorized_datetime;"
        "personal_finance_category_icon_url;category;location;payment_meta;"
        "personal_finance_category",
    ),
    Signature(
        "wealthsimple_statement",
        "Wealthsimple",
        "account statement",
        BANK,
        "date;transaction;description;amount;balance",
        "currency",
        (("transaction", r"[A-Z][A-Z0-9_]{2,}"),),
    ),
    Signature(
        "rabobank_statement",
        "Rabobank",
        "transactions",
        BANK,
        "IBAN/BBAN;Munt;BIC;Volgnr;Datum;Rentedatum;Bedrag;Saldo na trn;"
        "Tegenrekening IBAN/BBAN;Naam tegenpartij;Code;Omschrijving-1",
        "Naam uiteindelijke partij;Naam initierende partij;Naam initirende partij;"
        "Naam initiërende partij;BIC tegenpartij;Batch ID;Transactiereferentie;Machtigingskenmerk;"
        "Incassant ID;Betalingskenmerk;Omschrijving-2;Omschrijving-3;Reden retour;Oorspr bedrag;"
        "Oorspr munt;Koers",
    ),
    Signature(
        "ing_nl_statement",
        "ING (Netherlands)",
        "transactions",
        BANK,
        "Datum;Naam / Omschrijving;Rekening;Tegenrekening;Code;Af Bij;Bedrag (EUR);Mutatiesoort;"
        "Mededelingen",
        "Saldo na mutatie;Tag",
    ),
    Signature(
        "ing_nl_statement_en",
        "ING (Netherlands)",
        "transactions (English)",
        BANK,
        "Date;Name / Description;Account;Counterparty;Code;Debit/credit;Amount (EUR);"
        "Transaction type;Notifications",
        "Resulting balance;Tag",
    ),
    Signature(
        "bunq_statement_nl",
        "bunq",
        "statement (Dutch)",
        BANK,
        "Datum;Bedrag;Rekening;Tegenrekening;Naam;Omschrijving",
        "Rentedatum",
    ),
    Signature(
        "bunq_statement",
        "bunq",
        "statement",
        BANK,
        "Date;Amount;Account;Counterparty;Name;Description",
        "Interest Date",
        (("Account", r"[A-Z]{2}\d{2}BUNQ\d+"),),
    ),
    Signature(
        "kbc_statement",
        "KBC",
        "account statement",
        BANK,
        "Rekeningnummer;Rubrieknaam;Naam;Munt;Afschriftnummer;Datum;Omschrijving;Valuta;Bedrag;"
        "Saldo;credit;debet;rekeningnummer tegenpartij;BIC tegenpartij;Naam tegenpartij",
        "Adres tegenpartij;gestructureerde mededeling;Vrije mededeling",
    ),
    Signature(
        "kbc_card",
        "KBC",
        "card statement",
        CARD,
        "kredietkaart;kaarthouder;uitgavenstaat;datum verrichting;Datum verrekening;bedrag;credit;"
        "debet;munt;koers;bedrag in EUR;Kosten op verrichting;Handelaar",
        "locatie;land;toelichting",
    ),
    Signature(
        "boursorama_statement",
        "BoursoBank",
        "account statement",
        BANK,
        "dateOp;dateVal;label;category;categoryParent;amount;accountNum;accountLabel",
        "supplierFound;comment;accountbalance;account-balance",
    ),
    Signature(
        "raiffeisen_cz_statement",
        "Raiffeisenbank (Czechia)",
        "transactions",
        BANK,
        "Datum provedení;Datum zaúčtování;Číslo účtu;Název účtu;Kategorie transakce;"
        "Číslo protiúčtu;Název protiúčtu;Typ transakce;Zpráva;Poznámka;Zaúčtovaná částka;Měna účtu",
        "VS;KS;SS;Původní částka a měna;Poplatek;Id transakce",
    ),
    Signature(
        "erste_hu_statement",
        "Erste Bank (Hungary)",
        "transactions",
        BANK,
        "Tranzakció dátuma;Partner neve;Partner számlaszáma;Számla neve;Számlaszám;"
        "Tranzakció típusa;Tranzakció összege;Tranzakció devizaneme;Bevétel/Kiadás",
        "Kártyaszám;Értéknap;Közlemény;Megbízás azonosító;Részletek;Egyenleg;Devizanem",
    ),
)
