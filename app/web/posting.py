"""One attempt to bring a message to a webhook, and what is told of it."""

import time
from collections.abc import Mapping

from app.core.errors import TargetRefused, TargetUnreachable
from app.core.webhooks import retry_after_s
from app.live.courier import Reply
from app.web.outbound import Outbound, read_at_most

TOTAL_S = 10.0  # of one attempt
ANSWER_BYTES = 1024  # of an answer that are read
BUSY = (429, 503)


async def post_to(outbound: Outbound, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
    """Send a message once. What arrived has arrived, however its answer ends."""
    status, text, wait_s = None, "", None
    try:
        async with outbound.request(
            "POST", url, headers=headers, body=body, total_s=TOTAL_S
        ) as answer:
            status = answer.status
            if status in BUSY:
                wait_s = retry_after_s(answer.headers.get("Retry-After", ""), time.time())
            text = _printable(await read_at_most(answer, ANSWER_BYTES))
    except (TargetRefused, TargetUnreachable) as error:
        if status is None:
            return Reply(None, "", str(error))
    return Reply(status, text, _why(status), wait_s)


def _why(status: int | None) -> str:
    if status is not None and 200 <= status < 300:
        return ""
    if status is not None and 300 <= status < 400:
        return f"it redirects (status {status}), which is not followed"
    return f"it answered with status {status}"


def _printable(body: bytes) -> str:
    text = body.decode(errors="replace")
    return "".join(one if one.isprintable() or one in "\n\t" else "�" for one in text)
