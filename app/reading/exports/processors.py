"""Header fingerprints of exports of payment services and shops. Data only."""

from app.reading.exports.model import PAYOUTS, PROCESSOR, SALES, Signature

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
        "paypal_activity_de_gebuehr",
        "PayPal",
        "activity (German)",
        PROCESSOR,
        "Datum;Uhrzeit;Zeitzone;Name;Typ;Status;Währung;Brutto;Gebühr;Netto;"
        "Absender E-Mail-Adresse;Empfänger E-Mail-Adresse;Transaktionscode",
        "Lieferadresse;Adress-Status;Adressstatus;Artikelbezeichnung;Artikelnummer;"
        "Versand- und Bearbeitungsgebühr;Versicherungsbetrag;Umsatzsteuer;Option 1 Name;"
        "Option 1 Wert;Option 2 Name;Option 2 Wert;Zugehöriger Transaktionscode;"
        "Rechnungsnummer;Zollnummer;Benutzerdefinierte Nummer;Anzahl;Empfangsnummer;Guthaben;"
        "Adresszeile 1;Adresszusatz;Ort;Bundesland;PLZ;Land;Telefon;Betreff;Hinweis;"
        "Ländervorwahl;Auswirkung auf Guthaben;"
        "Telefonnummer der Kontaktperson",
        (("Transaktionscode", r"[0-9A-Z]{17}"),),
    ),
    Signature(
        "paypal_activity_us",
        "PayPal",
        "activity (United States, older)",
        PROCESSOR,
        "Date;Time;Name;Type;Status;Currency;Fees;Total;Exchange Rate;Receipt ID;Balance;"
        "Transaction ID;Item Title",
        "Time Zone;TimeZone;Amount;Gross",
        (("Transaction ID", r"[0-9A-Z]{17}"),),
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
