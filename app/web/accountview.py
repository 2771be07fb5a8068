"""What the account page shows: browsers, tokens and share links in words. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.core.errors import AppError
from app.core.permissions import SCOPES, Allowance, Role, Scope
from app.core.quantities import count
from app.core.times import iso_from_ms
from app.store.logins import Login
from app.store.shares import Share
from app.store.tokens import Token
from app.web.outgoingview import ChannelLine, HookLine, Sent
from app.web.views import Shell

SCOPE_WORDS: Mapping[Scope, str] = {
    "upload": "give me files",
    "listen": "follow what happens, live and from the history",
    "read": "look at files and their rows",
    "control": "cancel, retry, undo and share",
    "operate": "use your rights as an operator: everybody's files, and the server itself",
}
# By what a browser calls itself; several also name those they descend from, so the order counts.
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "an iPhone"),
    ("iPad", "an iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "a Mac"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
LONGEST_AGENT = 40


@dataclass(frozen=True, slots=True)
class LoginLine:
    """A browser that is signed in. `is_here`: the one that looks."""

    id: str
    client: str
    address: str
    since: str
    is_here: bool


@dataclass(frozen=True, slots=True)
class TokenLine:
    """An API token. `used` and `ends` are "" for never."""

    id: str
    label: str
    prefix: str
    scopes: str
    allowance: str
    used: str
    ends: str


@dataclass(frozen=True, slots=True)
class ShareLine:
    """A share link: `name` of the file or batch that it shows, at `url`."""

    id: str
    name: str
    kind: str
    url: str
    used: str
    ends: str


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token that was just made. Its secret is on this one page and nowhere else."""

    label: str
    secret: str


@dataclass(frozen=True, slots=True)
class AccountPage:
    """account.html.

    error   what was wrong with the form as it was sent, or None
    said    what was done, "" when there is nothing to say
    made    the token that was just made, or None
    wanted  scopes that are checked in the form, whose name is `label`; shown when `is_open`
    usual   what connections may without an allowance
    sent    what the form of a webhook or a service held that was refused
    """

    shell: Shell
    role: Role
    error: AppError | None
    said: str
    made: NewToken | None
    min_password_length: int
    logins: tuple[LoginLine, ...]
    tokens: tuple[TokenLine, ...]
    shares: tuple[ShareLine, ...]
    hooks: tuple[HookLine, ...]
    channels: tuple[ChannelLine, ...]
    sent: Sent
    scopes: tuple[tuple[Scope, str], ...]
    wanted: frozenset[str]
    label: str
    is_open: bool
    usual: Allowance


def scopes_for(role: Role) -> tuple[tuple[Scope, str], ...]:
    """Return the scopes that somebody with `role` may give, with what each means."""
    return tuple(
        (scope, SCOPE_WORDS[scope]) for scope in SCOPES if scope != "operate" or role == "operator"
    )


def login_line(login: Login, here: str) -> LoginLine:
    """Return what is said of a browser; `here` is the session of the one that looks."""
    since = iso_from_ms(login.created_ms)
    return LoginLine(login.id, browser_name(login.client), login.address, since, login.id == here)


def token_line(token: Token) -> TokenLine:
    """Return what is said of a token."""
    return TokenLine(
        id=token.id,
        label=token.label,
        prefix=token.prefix,
        scopes=", ".join(scope for scope in SCOPES if scope in token.scopes),
        allowance=allowance_text(token.allowance),
        used=_iso(token.last_used_ms),
        ends=_iso(token.expires_ms),
    )


def share_line(share: Share, name: str) -> ShareLine:
    """Return what is said of a link that shows the file or batch called `name`."""
    is_job = share.room.kind == "job"
    kind = "file" if is_job else "batch"
    return ShareLine(
        id=share.id,
        name=name,
        kind=f"{kind} · {share.label}" if share.label else kind,
        url=f"/{'jobs' if is_job else 'batches'}/{share.room.id}",
        used=_iso(share.last_used_ms),
        ends=iso_from_ms(share.expires_ms),
    )


def allowance_text(allowance: Allowance) -> str:
    """Return the limits that differ from everybody's; "" when none does."""
    parts: Sequence[tuple[int | None, str]] = (
        (allowance.connections, "connection"),
        (allowance.messages_per_second, "message"),
        (allowance.message_bytes, "byte"),
        (allowance.silence_s, "second"),
    )
    ends = ("", " a second", " a message", " of silence")
    return ", ".join(
        count(value, noun) + end
        for (value, noun), end in zip(parts, ends, strict=True)
        if value is not None
    )


def browser_name(agent: str) -> str:
    """Return a browser's name out of what it calls itself: "Firefox on Linux"."""
    browser = next((name for sign, name in BROWSERS if sign in agent), "")
    system = next((name for sign, name in SYSTEMS if sign in agent), "")
    if not browser:
        return agent[:LONGEST_AGENT] or "A browser"
    return f"{browser} on {system}" if system else browser


def _iso(at_ms: int | None) -> str:
    return "" if at_ms is None else iso_from_ms(at_ms)
