"""What goes wrong on the way to a server, or is refused by it."""

from collections.abc import Mapping
from typing import Any


class LivetrailError(Exception):
    """What all errors of this client are."""


class Unreachable(LivetrailError):
    """Nobody answers at the address, or the answer is not Livetrail's."""


class Refused(LivetrailError):
    """The server said no: `code` never changes its meaning, the texts are for people.

    status         of HTTP; None for what was said on a socket
    retry_after_s  when to ask again, where the server said so
    """

    def __init__(
        self,
        code: str,
        title: str,
        *,
        detail: str = "",
        hint: str = "",
        status: int | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(" ".join(f"{part.rstrip('.')}." for part in (title, hint) if part))
        self.code = code
        self.title = title
        self.detail = detail
        self.hint = hint
        self.status = status
        self.retry_after_s = retry_after_s

    @classmethod
    def of(
        cls, problem: Mapping[str, Any], status: int, retry_after_s: float | None = None
    ) -> "Refused":
        """Return the error of an RFC 9457 problem."""
        return cls(
            str(problem.get("code", "unknown")),
            str(problem.get("title", f"the server answered {status}")),
            detail=str(problem.get("detail", "")),
            hint=str(problem.get("hint", "")),
            status=status,
            retry_after_s=retry_after_s,
        )


class Incomplete(LivetrailError):
    """Events of a job are missing although the server said that there were no more."""
