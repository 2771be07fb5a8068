"""What a fingerprint of an export is made of."""

from dataclasses import dataclass

BANK, CARD, PROCESSOR = "bank_statement", "card_statement", "payment_processor_export"
PAYOUTS, SALES, INVOICES = "payout_list", "sales_export", "invoice_list"
EXPENSES, LEDGER = "expense_list", "ledger"


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
