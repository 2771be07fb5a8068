"""Notifications: what of all that happens is worth one, and what it says. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args
from urllib.parse import unquote_plus, urlsplit

from app.core.names import one_line
from app.core.quantities import count

Kind = Literal["ended", "failed", "question"]
"""What somebody may want to be told of.

ended     an upload is done, or a job that belongs to none
failed    the same, where something in it failed
question  a job waits for an answer
"""
KINDS: tuple[Kind, ...] = get_args(Kind)
TYPES = (
    "batch_completed",
    "processing_completed",
    "processing_failed",
    "clarification_requested",
)
"""Events out of which notifications are made."""

LINES_AT_MOST = 10  # of one notification
LONGEST_NAME = 60
LONGEST_ADDRESS = 1000

# Services that are reached over the network. What works on this machine, or runs something, is not
# among them, nor what no person reads.
_SERVICES = (
    "apprise apprises bark barks discord flock form forms gchat gotify gotifys guilded hassio"
    " hassios ifttt json jsons mailto mailtos matrix matrixs mmost mmosts ncloud nclouds nctalk"
    " nctalks ntfy ntfys pbul pover prowl psafer psafers revolt rocket rockets ryver signal signals"
    " simplepush slack synology synologys tgram threema twilio workflow workflows wxteams xml xmls"
    " zulip"
)
SCHEMES = frozenset(_SERVICES.split())
# Those of which one runs one's own: the host says which. Of all others it may be a secret.
_HOSTED = (
    "apprise bark form gotify hassio json mailto matrix mmost ncloud nctalk rocket signal synology"
    " xml"
)
HOSTED = frozenset(name + end for name in _HOSTED.split() for end in ("", "s"))
# What names files of this machine, or keeps keys on it.
REFUSED_OPTIONS = frozenset(
    {"attach", "e2ee", "format", "pgp", "pgpprv", "pgppub", "store", "template", "wkd"}
)


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody is told."""

    title: str
    body: str


@dataclass(slots=True)
class Gathered:
    """What happened to one upload, or to one job that belongs to none."""

    counts: Mapping[str, int] | None = None
    questions: list[str] = field(default_factory=list)


def check_target(address: str) -> str:
    """Return the scheme of an address of a service. Raises ValueError that says what is wrong.

    Never repeats more of it than the scheme: the rest is a secret.
    """
    scheme, separator, _ = address.partition("://")
    scheme = scheme.strip().lower()
    if not separator or not scheme.isalnum():
        raise ValueError("it begins with the name of a service, as in ntfys://")
    if len(address) > LONGEST_ADDRESS or not address.isprintable():
        raise ValueError(f"it is one line of at most {LONGEST_ADDRESS} characters")
    if scheme not in SCHEMES:
        known = ", ".join(sorted(SCHEMES))
        raise ValueError(f"{scheme[:20]}:// is not a service that is offered; there are {known}")
    try:
        urlsplit(address)
    except ValueError:
        raise ValueError("it is not an address") from None
    # Not by urlsplit: services take a # for part of a name, and what follows it too.
    for part in re.split("[?&;]", unquote_plus(address))[1:]:
        key = unquote_plus(part.partition("=")[0]).strip().lower()
        if key in REFUSED_OPTIONS:
            raise ValueError(f"the option {key} is not offered")
    return scheme


def masked(address: str) -> str:
    """Return what may be shown of an address that was checked: the service, and maybe its host.

    The rest, a topic of ntfy too, lets whoever knows it in.
    """
    scheme = check_target(address)
    parts = urlsplit(address)
    is_hosted = scheme in HOSTED or (scheme in ("ntfy", "ntfys") and parts.path.strip("/"))
    # A password with a mark in it would make another part of it look like the host.
    is_plain = "@" not in parts.path + parts.query.partition("=")[0] + parts.fragment
    return f"{scheme}://{(parts.hostname or '') if is_hosted and is_plain else ''}…"


def gather(events: Iterable[Mapping[str, Any]]) -> dict[str, Gathered]:
    """Return what happened, by the id of the batch or of the job that belongs to none."""
    found: dict[str, Gathered] = {}
    for event in events:
        batch_id, kind = event["batch_id"], event["type"]
        if batch_id is not None and kind in ("processing_completed", "processing_failed"):
            continue  # told of with its batch
        one = found.setdefault(batch_id or event["job_id"] or "", Gathered())
        match kind:
            case "batch_completed":
                one.counts = event["counts"]
            case "processing_completed":
                one.counts = {"completed": 1}
            case "processing_failed":
                one.counts = {"error": 1}
            case "clarification_requested":
                one.questions.append(event["question"])
    return found


def message_of(
    found: Mapping[str, Gathered], kinds: Sequence[Kind], names: Mapping[str, str]
) -> Message | None:
    """Return one notification about all of `found`; None when nothing is worth it.

    names  of batches and jobs, by their ids
    """
    lines = [
        line
        for ident, one in found.items()
        for line in _lines(one, kinds, one_line(names.get(ident, ""))[:LONGEST_NAME])
    ]
    if not lines:
        return None
    if len(lines) == 1:
        return Message("Livetrail", lines[0])
    body = "\n".join(lines[:LINES_AT_MOST])
    if len(lines) > LINES_AT_MOST:
        body += f"\n… and {len(lines) - LINES_AT_MOST} more"
    return Message(f"Livetrail: {len(lines)} things happened", body)


def _lines(one: Gathered, kinds: Sequence[Kind], name: str) -> list[str]:
    about = f"{name}: " if name else ""
    lines = []
    if one.counts is not None:
        failed = one.counts.get("error", 0)
        if "ended" in kinds or (failed and "failed" in kinds):
            lines.append(about + _ended(one.counts))
    elif one.questions and "question" in kinds:
        asked = count(len(one.questions), "question waits", "questions wait")
        lines.append(f"{about}{asked} for you: {one_line(one.questions[0])[:200]}")
    return lines


def _ended(counts: Mapping[str, int]) -> str:
    words = (
        ("completed", "file is done", "files are done"),
        ("error", "failed", "failed"),
        ("cancelled", "was cancelled", "were cancelled"),
    )
    told = [count(counts[key], one, many) for key, one, many in words if counts.get(key)]
    return ", ".join(told) or "it has ended"
