"""What is wrong with a file: found while it is read, and told as the end of its job."""

from typing import Any

from app.core.errors import AppError, InternalError

NOTHING_STORED = "Nothing from it was stored, and your other files are not affected."


class EmptyFile(AppError):
    code = "empty_file"
    title = "{filename} is empty"
    kept = NOTHING_STORED
    hint = "Export it again, open it to see that there are rows in it, and upload that."


class NoRows(AppError):
    code = "no_rows"
    title = "{filename} has column names but no rows"
    kept = NOTHING_STORED
    hint = "Export it again for a period in which something happened."


class NoTransactions(AppError):
    code = "no_transactions"
    title = "{filename} is a bank statement without a single transaction"
    kept = NOTHING_STORED
    hint = "Download it again for a period in which something happened."


class BankRefused(AppError):
    """What a bank's server answered instead of a statement was saved as one."""

    code = "bank_refused"
    title = "{filename} is no statement but the bank's refusal: {said}"
    kept = NOTHING_STORED
    hint = "Sign in at the bank, download the statement again, and upload that."


class UnsupportedType(AppError):
    code = "unsupported_type"
    title = "{filename} is {found}, and I can not read that kind of file yet"
    kept = NOTHING_STORED
    hint = (
        "Upload the same data as a table (CSV or Excel), a bank statement file, a PDF, or a JPEG or"
        " PNG image."
    )


class DisguisedFile(AppError):
    code = "disguised_file"
    title = "{filename} is named like {claimed}, but inside it is {found}"
    kept = NOTHING_STORED
    hint = "Check where the file came from, and upload the real one."


class NotATable(AppError):
    code = "not_a_table"
    title = "I found no rows and columns in {filename}"
    kept = NOTHING_STORED
    hint = "Upload a table: one row a line, its values set apart by commas, semicolons or tabs."


class PasswordProtected(AppError):
    code = "password_protected"
    title = "{filename} is locked with a password"
    kept = NOTHING_STORED
    hint = "Open it with the password, save a copy without one, and upload the copy."


class DamagedFile(AppError):
    code = "damaged_file"
    title = "{filename} is damaged and can not be opened"
    kept = NOTHING_STORED
    hint = "Export it again, check that it opens on your computer, and upload that."


class ImageTooLarge(AppError):
    code = "image_too_large"
    title = "{filename} has {width} x {height} pixels; the limit is {limit} million"
    kept = NOTHING_STORED
    hint = "Save it smaller, or ask the operator to raise LIVETRAIL_MAX_IMAGE_PIXELS."


class LineTooLong(AppError):
    code = "line_too_long"
    title = "Line {line} of {filename} is longer than {limit}"
    kept = NOTHING_STORED
    hint = "Export it again as CSV, so that each row is a line of its own."


class TooManyColumns(AppError):
    code = "too_many_columns"
    title = "{filename} has {columns} columns; the limit is {limit}"
    kept = NOTHING_STORED
    hint = "Remove the columns you do not need, or ask the operator to raise LIVETRAIL_MAX_COLUMNS."


class TooManyRows(AppError):
    code = "too_many_rows"
    title = "{filename} has more than {limit} rows"
    kept = NOTHING_STORED
    hint = "Split it into smaller files, or ask the operator to raise LIVETRAIL_MAX_ROWS."


class MalwareFound(AppError):
    code = "malware_found"
    title = "The scan stopped {filename}, because it found {finding}"
    kept = "It was not opened, and nothing from it was stored."
    hint = "Delete it, and ask whoever sent it for a clean copy."


class ArchiveBomb(AppError):
    code = "archive_bomb"
    title = "{filename} would unpack to {measured}; the limit is {limit}"
    kept = "It was not unpacked, and nothing from it was stored."
    hint = "Save the data as CSV and upload that; ordinary spreadsheets never grow like this."


class Unanswered(AppError):
    code = "unanswered"
    title = "Nobody answered in time: {question}"
    kept = NOTHING_STORED
    hint = "Retry; the question is asked again."


def from_wire(code: str, facts: dict[str, Any]) -> AppError:
    """Rebuild an error that crossed a process border. Unknown codes become InternalError.

    Here because whoever calls it then knows all that can be wrong with a file, too.
    """
    return AppError.by_code.get(code, InternalError)(**facts)
