"""What a language model has to answer, and its answer as a reading like any other."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from app.core.documents import FIELDS, FieldValue, LineItem, Reading, absent
from app.core.field_values import LONGEST_TEXT, normal_value

# Below the usual threshold: what one model says alone is asked about, what a local reader says too
# becomes surer. Nobody can measure models that are not there: it is set, not measured.
CONFIDENCE = 0.7
MOST_ITEMS = 200
ABSENT_WORDS = frozenset({"", "null", "none", "n/a", "unknown", "-"})


def _text(value: object) -> object:
    """Take numbers for texts: models write amounts either way."""
    return str(value) if isinstance(value, int | float) else value


Text = Annotated[str | None, BeforeValidator(_text)]


class Item(BaseModel):
    """One line of the document."""

    model_config = ConfigDict(extra="ignore")
    description: Text = None
    quantity: Text = None
    unit_price: Text = None
    tax_rate: Text = Field(default=None, description="percent")
    amount: Text = Field(default=None, description="of the whole line")


class Answer(BaseModel):
    """The fields of one invoice or receipt. What the document does not say is null."""

    model_config = ConfigDict(extra="ignore")
    vendor_name: Text = Field(default=None, description="who issued it")
    invoice_number: Text = None
    invoice_date: Text = Field(default=None, description="YYYY-MM-DD")
    due_date: Text = Field(default=None, description="YYYY-MM-DD")
    net_amount: Text = Field(default=None, description="without tax")
    tax_amount: Text = None
    total_amount: Text = Field(default=None, description="to be paid, with tax")
    currency: Text = Field(default=None, description="like EUR")
    vendor_vat_id: Text = None
    iban: Text = Field(default=None, description="of the vendor")
    purchase_order: Text = None
    line_items: list[Item] = Field(default_factory=list, max_length=MOST_ITEMS)


def reading_of(answer: Answer, source: str) -> Reading:
    """Return the answer as a reading. A value that is not one of its field is left out.

    source  the model's name
    """
    texts: Mapping[str, str | None] = answer.model_dump(include=set(FIELDS))
    fields = {name: _value(name, texts[name], source) for name in FIELDS}
    items = [item for found in answer.line_items if (item := _item(found))]
    return Reading(fields=fields, line_items=items)


def _value(name: str, text: str | None, source: str) -> FieldValue:
    kept = _kept(name, text)
    if kept is None:
        return absent()
    return FieldValue(
        value=kept, confidence=CONFIDENCE, source=source, page=None, bbox=None, status="read"
    )


def _kept(name: str, text: str | None) -> str | None:
    if text is None or text.strip().casefold() in ABSENT_WORDS:
        return None
    try:
        return normal_value(name, text)
    except ValueError:
        return None


def _item(found: Item) -> LineItem:
    item = LineItem()
    if found.description and found.description.strip():
        item["description"] = " ".join(found.description.split())[:LONGEST_TEXT]
    for key in ("quantity", "unit_price", "tax_rate", "amount"):
        kept = _kept("total_amount", getattr(found, key))
        if kept is not None:
            item[key] = kept
    return item
