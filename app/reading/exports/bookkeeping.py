"""Header fingerprints of exports of bookkeeping programs, and of converted tables. Data only."""

from app.reading.exports.model import BANK, EXPENSES, INVOICES, LEDGER, Signature

BOOKKEEPING = (
    Signature(
        "quickbooks_transactions",
        "QuickBooks",
        "transaction list",
        LEDGER,
        "Date;Transaction Type;Num;Name;Memo/Description;Account;Split;Amount",
        "Posting;Balance;Debit;Credit;Class;Location",
    ),
    Signature(
        "xero_invoices",
        "Xero",
        "invoices",
        INVOICES,
        "ContactName;InvoiceNumber;Reference;InvoiceDate;DueDate;InventoryItemCode;Description;"
        "Quantity;UnitAmount;AccountCode;TaxType;TaxAmount",
        "EmailAddress;POAddressLine1;POAddressLine2;POAddressLine3;POAddressLine4;POCity;PORegion;"
        "POPostalCode;POCountry;SAAddressLine1;Total;TaxTotal;InvoiceAmountPaid;"
        "InvoiceAmountDue;PlannedDate;Discount;LineAmount;TrackingName1;TrackingOption1;"
        "TrackingName2;TrackingOption2;Currency;Type;Sent;Status;BrandingTheme",
    ),
    Signature(
        "xero_bank_statement",
        "Xero",
        "bank statement lines",
        BANK,
        "Date;Amount;Payee;Description;Reference;Check Number",
    ),
    Signature(
        "xero_account_transactions",
        "Xero",
        "account transactions",
        LEDGER,
        "Date;Source;Description;Reference;Debit;Credit;Running Balance;Gross",
        "GST;Tax;VAT;Net;Account Code;Account;Contact;Related account;Tax Rate;Tax Rate Name",
    ),
    Signature(
        "datev_postings",
        "DATEV",
        "posting batch",
        LEDGER,
        "Umsatz (ohne Soll/Haben-Kz);Soll/Haben-Kennzeichen;WKZ Umsatz;Konto;"
        "Gegenkonto (ohne BU-Schlüssel);BU-Schlüssel;Belegdatum;Belegfeld 1;Buchungstext",
        "Kurs;Basis-Umsatz;WKZ Basis-Umsatz;Belegfeld 2;Skonto;Postensperre;KOST1 - Kostenstelle;"
        "KOST2 - Kostenstelle;Festschreibung",
    ),
    Signature(
        "ynab_register",
        "YNAB",
        "register",
        EXPENSES,
        "Account;Flag;Date;Payee;Category Group/Category;Category Group;Category;Memo;Outflow;"
        "Inflow;Cleared",
    ),
    Signature(
        "mint_transactions",
        "Mint",
        "transactions",
        EXPENSES,
        "Date;Description;Original Description;Amount;Transaction Type;Category;Account Name;"
        "Labels;Notes",
    ),
    Signature(
        "beanhub_transactions",
        "BeanHub",
        "transactions",
        BANK,
        "transaction_id;date;post_date;timestamp;timezone;desc;bank_desc;amount;currency;category;"
        "subcategory;pending;status;type;source_account;dest_account;note;reference;payee;gl_code",
        "name_on_card;last_four_digits",
    ),
    Signature(
        "ofx_table",
        "OFX (converted)",
        "transactions",
        BANK,
        "TRNTYPE;DTPOSTED;TRNAMT;FITID;NAME",
        "MEMO;CHECKNUM;DTUSER;DTAVAIL;CURRENCY;BANKID;ACCTID;ACCTTYPE;REFNUM;CURDEF;BALAMT;PAYEEID",
    ),
    Signature(
        "qif_table",
        "QIF (converted)",
        "transactions",
        BANK,
        "Date;Num;Payee;Memo;Category;Amount;Cleared",
        "Account;Split;Address;Tag;Description;Clr;Class",
    ),
)
