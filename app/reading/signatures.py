"""Header fingerprints of exports people really have. Data only; `platforms` does the matching.

Each was taken from a real export or from public code that reads it. Names of columns are written as
the platform writes them; matching ignores case, accents and punctuation.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Signature:
    """One export of one platform.

    key       stable name of the export, such as "stripe_payments"
    name      the platform, as a person calls it
    export    which of its exports, in words
    kind      the document type it is, a key of `kinds.LABELS`
    core      columns that are always there, separated by semicolons
    extra     columns that may be there
    values    what cells look like: pairs of a core column and a pattern most of its cells fit
    """

    key: str
    name: str
    export: str
    kind: str
    core: str
    extra: str = ""
    values: tuple[tuple[str, str], ...] = ()


BANK, CARD, PROCESSOR = "bank_statement", "card_statement", "payment_processor_export"
PAYOUTS, SALES, INVOICES = "payout_list", "sales_export", "invoice_list"
EXPENSES, LEDGER = "expense_list", "ledger"

PROCESSORS = (
    Signature(
        "stripe_payments",
        "Stripe",
        "payments",
        PROCESSOR,
        "id;Description;Seller Message;Created (UTC);Amount;Amount Refunded;Currency;"
        "Converted Amount;Converted Amount Refunded;Fee;Converted Currency;Status",
        "Created date (UTC);Tax;Mode;Statement Descriptor;Customer ID;Customer Description;"
        "Customer Email;Captured;Card ID;Invoice ID;Transfer;Taxes On Fee;Card Last4;Card Brand;"
        "Card Name;Card Address Country;Payment Source Type;Destination;Disputed Amount;"
        "Dispute Date (UTC);Dispute Reason;Dispute Status",
        (("id", r"(ch|py|pi)_\w{8,}"),),
    ),
    Signature(
        "stripe_itemised_balance",
        "Stripe",
        "itemised balance",
        PROCESSOR,
        "balance_transaction_id;created_utc;available_on_utc;currency;gross;fee;net;"
        "reporting_category;description",
        "created;available_on;source_id;customer_facing_amount;customer_facing_currency;"
        "automatic_payout_id;automatic_payout_effective_at;charge_id;payment_intent_id;customer_id;"
        "customer_email;customer_name;invoice_id;payment_method_type;card_brand;card_country;"
        "connected_account_id;payout_id;trace_id",
        (("balance_transaction_id", r"txn_\w{8,}"),),
    ),
    Signature(
        "stripe_itemised_balance_local",
        "Stripe",
        "itemised balance",
        PROCESSOR,
        "balance_transaction_id;created;available_on;currency;gross;fee;net;"
        "reporting_category;description",
        "source_id;customer_facing_amount;customer_facing_currency;automatic_payout_id;"
        "automatic_payout_effective_at;charge_id;payment_intent_id;customer_id;customer_email",
        (("balance_transaction_id", r"txn_\w{8,}"),),
    ),
    Signature(
        "stripe_balance_history",
        "Stripe",
        "balance history",
        PROCESSOR,
        "id;Type;Source;Amount;Fee;Net;Currency;Created (UTC);Available On (UTC);Description;"
        "Transfer;Transfer Date (UTC);Transfer Group",
        "Destination Platform Fee;Destination Platform Fee Currency;Customer Facing Amount;"
        "Customer Facing Currency",
        (("id", r"txn_\w{8,}"),),
    ),
    Signature(
        "stripe_payouts",
        "Stripe",
        "payouts",
        PAYOUTS,
        "id;Amount;Created (UTC);Currency;Arrival Date (UTC);Source Type;Destination;Status;Type;"
        "Method;Description;Balance Transaction",
        "Livemode;Failure Balance Transaction;Failure Message;Failure Code;Statement Descriptor;"
        "Trace ID;Trace ID Status;Destination Name;Destination Country;Destination Last 4",
        (("id", r"po_\w+"),),
    ),
    Signature(
        "paypal_activity",
        "PayPal",
        "activity",
        PROCESSOR,
        "Date;Time;TimeZone;Name;Type;Status;Currency;Gross;Fee;Net;From Email Address;"
        "To Email Address;Transaction ID",
        "Shipping Address;Address Status;Item Title;Item ID;Reference Txn ID;Invoice Number;"
        "Custom Number;Quantity;Receipt ID;Balance;Balance Impact;Subject;Note;Country Code;"
        "Contact Phone Number;Amount",
        (("Transaction ID", r"[0-9A-Z]{17}"),),
    ),
    Signature(
        "paypal_statement",
        "PayPal",
        "statement report",
        PROCESSOR,
        "Date;Time;Time Zone;Description;Currency;Gross;Fee;Net;Balance;Transaction ID;"
        "From Email Address;Name;Reference Txn ID",
        "Bank Name;Bank Account;Shipping and Handling Amount;Sales Tax;Invoice ID",
        (("Transaction ID", r"[0-9A-Z]{17}"),),
    ),
    Signature(
        "paypal_activity_de",
        "PayPal",
        "activity (German)",
        PROCESSOR,
        "Datum;Uhrzeit;Zeitzone;Beschreibung;Währung;Brutto;Entgelt;Netto;Guthaben;"
        "Transaktionscode;Absender E-Mail-Adresse;Name",
        "Name der Bank;Bankkonto;Versand- und Bearbeitungsgebühr;Umsatzsteuer;Rechnungsnummer;"
        "Zugehöriger Transaktionscode;Typ;Status",
        (("Transaktionscode", r"[0-9A-Z]{17}"),),
    ),
    Signature(
        "square_items",
        "Square",
        "item sales",
        SALES,
        "Date;Time;Time Zone;Category;Item;Qty;Price Point Name;SKU;Modifiers Applied;"
        "Gross Sales;Discounts;Net Sales;Tax;Transaction ID",
        "Payment ID;Device Name;Notes;Details;Event Type;Location;Dining Option;Customer ID;"
        "Customer Name;Customer Reference ID;Unit;Count;Itemization Type;Commission;Employee",
    ),
    Signature(
        "square_transactions",
        "Square",
        "transactions",
        PROCESSOR,
        "Date;Time;Time Zone;Gross Sales;Discounts;Net Sales;Gift Card Sales;Tax;Tip;"
        "Partial Refunds;Total Collected;Source;Card;Cash;Other Tender;Fees;Net Total;"
        "Transaction ID;Payment ID",
        "Service Charges;Card Entry Methods;Square Gift Card;Other Tender Type;Other Tender Note;"
        "Card Brand;PAN Suffix;Device Name;Staff Name;Staff ID;Details;Description;Event Type;"
        "Location;Dining Option;Customer ID;Customer Name;Deposit ID;Deposit Date;Deposit Details",
    ),
    Signature(
        "shopify_orders",
        "Shopify",
        "orders",
        SALES,
        "Name;Email;Financial Status;Paid at;Fulfillment Status;Currency;Subtotal;Shipping;Taxes;"
        "Total;Discount Code;Discount Amount;Created at;Lineitem quantity;Lineitem name;"
        "Lineitem price",
        "Fulfilled at;Accepts Marketing;Shipping Method;Lineitem compare at price;Lineitem sku;"
        "Lineitem requires shipping;Lineitem taxable;Lineitem fulfillment status;Billing Name;"
        "Billing Street;Billing Address1;Billing Address2;Billing Company;Billing City;Billing Zip;"
        "Billing Province;Billing Country;Billing Phone;Shipping Name;Shipping Street;"
        "Shipping Address1;Shipping Address2;Shipping Company;Shipping City;Shipping Zip;"
        "Shipping Province;Shipping Country;Shipping Phone;Notes;Note Attributes;Cancelled at;"
        "Payment Method;Payment Reference;Refunded Amount;Vendor;Outstanding Balance;Employee;"
        "Location;Device ID;Id;Tags;Risk Level;Source;Lineitem discount;Tax 1 Name;Tax 1 Value;"
        "Phone;Receipt Number;Duties",
    ),
    Signature(
        "shopify_payouts",
        "Shopify",
        "payout transactions",
        PAYOUTS,
        "Transaction Date;Type;Order;Card Brand;Card Source;Payout Status;Payout Date;"
        "Available On;Amount;Fee;Net",
        "Payout ID;Checkout;Payment Method Name;Presentment Amount;Presentment Currency;Currency;"
        "VAT;Payment Method;Business Entity Name;Business Entity ID",
    ),
    Signature(
        "mollie_settlement",
        "Mollie",
        "settlements",
        PROCESSOR,
        "Date;Payment method;Currency;Amount;Status;ID;Description;Consumer name;"
        "Settlement currency;Settlement amount;Settlement reference;Amount refunded",
        "Consumer bank account;Consumer BIC;Amount charged back",
    ),
    Signature(
        "adyen_settlement",
        "Adyen",
        "settlement details",
        PROCESSOR,
        "Company Account;Merchant Account;Psp Reference;Merchant Reference;Payment Method;"
        "Creation Date;TimeZone;Type;Modification Reference;Gross Currency;Net Currency;"
        "Commission (NC);Markup (NC)",
        "Gross Debit (GC);Gross Credit (GC);Exchange Rate;Net Debit (NC);Net Credit (NC);"
        "Scheme Fees (NC);Interchange (NC);Payment Method Variant;Batch Number",
    ),
    Signature(
        "etsy_statement",
        "Etsy",
        "monthly statement",
        PROCESSOR,
        "Date;Type;Title;Info;Currency;Amount;Fees & Taxes;Net;Tax Details",
    ),
)

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

SIGNATURES: tuple[Signature, ...] = PROCESSORS + BANKS + GERMAN_BANKS + BOOKKEEPING
BY_KEY = {signature.key: signature for signature in SIGNATURES}
