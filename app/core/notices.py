"""What a person should know about a file that was read all the same: warnings, each with a code."""

from typing import Any, ClassVar, TypedDict

from app.core.sentences import Facts


class NoticeBody(TypedDict):
    """The `warning` of a `processing_warning` event."""

    code: str
    title: str
    detail: str
    hint: str


class Notice:
    """Base of all warnings. `title` is told as the event's message."""

    code: ClassVar[str]
    title: ClassVar[str]  # what was seen
    detail: ClassVar[str]  # what I did about it
    hint: ClassVar[str]  # what a person can do
    by_code: ClassVar[dict[str, type["Notice"]]] = {}

    def __init__(self, **facts: Any) -> None:
        self.facts = facts

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if cls.code in Notice.by_code:
            raise TypeError(f"two notices share the code {cls.code}")
        Notice.by_code[cls.code] = cls

    def body(self) -> NoticeBody:
        """Return the warning as an event, the API and the page tell it."""
        facts = Facts(self.facts)
        return NoticeBody(
            code=self.code,
            title=self.title.format_map(facts),
            detail=self.detail.format_map(facts),
            hint=self.hint.format_map(facts),
        )

    @staticmethod
    def from_wire(code: str, facts: dict[str, Any]) -> "Notice":
        """Rebuild a notice that crossed a process border. Raises KeyError for an unknown code."""
        return Notice.by_code[code](**facts)


class ExtensionMismatch(Notice):
    code = "extension_mismatch"
    title = "The file is named like {claimed}, but inside it is {found}"
    detail = "I went by what is inside and read it as {found}."
    hint = "Nothing to do, unless you expected another file."


class AnsweredBefore(Notice):
    code = "answered_before"
    title = "{question}"
    detail = "I took “{answer}”, as was answered for {where}."
    hint = "If that is wrong, undo this file, forget the answer, and upload it again."


class DefaultTaken(Notice):
    code = "default_taken"
    title = "{question}"
    detail = "You said not to ask, so I took the safe answer: “{answer}”."
    hint = "If that is wrong, undo this file and upload it again with the option ask."


class AmbiguousDates(Notice):
    code = "ambiguous_dates"
    title = "Some dates in “{column}” can be read two ways, for example {example}"
    detail = "{rows:row fits/rows fit} both ways; I read every date as {chosen}."
    hint = "If that is wrong, undo this file and export it with dates like 2026-11-20."


class AmbiguousDecimals(Notice):
    code = "ambiguous_decimals"
    title = "Amounts in “{column}” can be read two ways, for example {example}"
    detail = "I read the mark as {chosen}."
    hint = "If that is wrong, undo this file and export it with two decimals everywhere."


class FormulaCells(Notice):
    code = "formula_cells"
    title = "{cells:cell begins/cells begin} like a spreadsheet formula, the first in line {line}"
    detail = "I keep them as plain text and never run them."
    hint = "Be careful when you open the original in a spreadsheet program."


class FormulasWithoutResult(Notice):
    code = "formulas_without_result"
    title = "{cells:formula has/formulas have} no stored result"
    detail = "I never run formulas; where no result is stored, I read an empty cell."
    hint = "Open the workbook in a spreadsheet program, save it there, and upload it again."


class EInvoiceUnreadable(Notice):
    code = "einvoice_unreadable"
    title = "The e-invoice within the file can not be read"
    detail = "{reason}. I read what the pages show instead."
    hint = "Compare the fields with the pages, or ask the sender for a sound file."


class ActiveContent(Notice):
    code = "active_content"
    title = "The file carries active content: {finding}"
    detail = "I read only its values; nothing in it was run."
    hint = "Be careful when you open the original."


class GuessedEncoding(Notice):
    code = "guessed_encoding"
    title = "The file does not say how its letters are written; I took {encoding}"
    detail = "It is the encoding that fits best."
    hint = "Check names with accents; if they look wrong, export the file as UTF-8."


class MixedEncodings(Notice):
    code = "mixed_encodings"
    title = (
        "{lines:line is/lines are} written in another encoding than the rest, from line {line} on"
    )
    detail = "I read what did not fit as {encoding}."
    hint = "Check names with accents from that line on."


class NulBytes(Notice):
    code = "nul_bytes"
    title = (
        "The file holds {count:NUL byte/NUL bytes}, which text never has, the first in line {line}"
    )
    detail = "I left them out and read the rest."
    hint = "Check the rows around that line."


class OpenQuotes(Notice):
    code = "open_quotes"
    title = "{count:quote is/quotes are} opened and never closed, the first in line {line}"
    detail = "I took each such line as a row of its own."
    hint = "Check the rows around that line."


class DuplicateHeaders(Notice):
    code = "duplicate_headers"
    title = "Several columns are named “{name}”"
    detail = "I told them apart by adding a number to the later ones."
    hint = "Nothing to do, unless the wrong one was taken."


class NoHeader(Notice):
    code = "no_header"
    title = "The file has no line with column names"
    detail = "I named the columns after what is in them."
    hint = "Check the rows; if a column is mistaken, add a line with names and upload it again."


class RejectedRows(Notice):
    code = "rejected_rows"
    title = "{rejected} of {rows} rows could not be read; the rest is fine"
    detail = "They are kept aside with the reason for each."
    hint = "Download them, correct them, and upload the corrected rows."


class OtherSheets(Notice):
    code = "other_sheets"
    title = "The workbook has {sheets} sheets; I read “{sheet}”"
    detail = "It is what looks most like a table of transactions."
    hint = "Save the other sheets as files of their own if you need them too."


class NoAmounts(Notice):
    code = "no_amounts"
    title = "I found no columns with dates and amounts in this table"
    detail = "I stored its rows as they are, without amounts."
    hint = "Nothing to do if this is a list of something other than payments."


class UnreadablePages(Notice):
    code = "unreadable_pages"
    title = "{read} of {pages} pages were read; not {which}"
    detail = "What is on them is damaged: {reason}."
    hint = "If they matter, export the document again and upload that."


class PagesLeftOut(Notice):
    code = "pages_left_out"
    title = "The document has {pages} pages; I read the first {limit}"
    detail = "More than that I do not read of one document."
    hint = "Split it, or ask the operator to raise LIVETRAIL_MAX_PAGES."


class DamagedImage(Notice):
    code = "damaged_image"
    title = "The image is cut short or damaged; I read what is there"
    detail = "Where its data ends, the picture is empty."
    hint = "If something is missing, take or export the picture again and upload that."


class WarningsLeftOut(Notice):
    code = "warnings_left_out"
    title = "There is more to warn of than is told"
    detail = "The first {told:warning/warnings} of this step were told, and no more."
    hint = "Look at what they have in common."


class PluginSays(Notice):
    code = "plugin_says"
    title = "{says}"
    detail = "That is what the plugin {plugin} noticed; I read the file all the same."
    hint = "Whoever looks after this server knows what the plugin looks for."


class PluginFailedHere(Notice):
    """A part of a plugin that the job can do without failed."""

    code = "plugin_failed"
    title = "The plugin {plugin} failed in “{part}”: {reason}"
    detail = "I went on without it."
    hint = "Tell whoever looks after this server, and retry the file if the plugin matters to you."


class PluginGoneHere(Notice):
    """The job was begun with a plugin's step; the server has been started without it since."""

    code = "plugin_gone"
    title = "“{part}” of the plugin {plugin} is not here any more"
    detail = "This file was begun with it; I went on without it."
    hint = "Once the plugin is back, retry the file from an earlier step if it matters to you."
