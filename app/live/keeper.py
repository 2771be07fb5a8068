"""Signs of life: given to the quiet, asked of the silent; who gives none is ended."""

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Sequence

from app.core.protocol import Close, Hangup
from app.core.times import iso_from_ms
from app.live.formats import Format
from app.live.session import Session
from app.settings import Settings

logger = logging.getLogger(__name__)

SWEPT_A_TURN = 50  # some two milliseconds, when all of them get a ping and a heartbeat
CUT_S = 10.0  # an end that takes longer than its own bounds allow is cut short


class Keeper:
    """Looks after the sessions of a hub.

    sessions  all of them; read at every sweep
    pay       writes what live sessions are still owed
    head      place of the newest event that was told
    """

    def __init__(
        self,
        sessions: Collection[Session],
        settings: Settings,
        *,
        pay: Callable[[], None],
        head: Callable[[], int],
        clock: Callable[[], float],
    ) -> None:
        self._sessions = sessions
        self._pay = pay
        self._head = head
        self._clock = clock
        self._limit_s = settings.websocket_connection_timeout
        # Signs of life are given a little early, so that none is later than promised.
        self._quiet_s = 0.75 * min(settings.websocket_heartbeat_interval, self._limit_s)

    async def watch(self) -> None:
        """Sweep again and again, until cancelled."""
        pause_s = self._quiet_s / 3
        while True:
            due_s = self._clock() + pause_s
            await asyncio.sleep(pause_s)
            now_s = self._clock()
            # After a stall the answers are still unread: it was us who did not listen.
            judge = now_s < due_s + pause_s
            crowd = list(self._sessions)
            for start in range(0, len(crowd), SWEPT_A_TURN):
                some = crowd[start : start + SWEPT_A_TURN]
                self.sweep(now_s, time.time_ns() // 1_000_000, judge=judge, some=some)
                await asyncio.sleep(0)

    def sweep(
        self,
        now_s: float,
        now_ms: int,
        *,
        judge: bool = True,
        some: Sequence[Session] | None = None,
    ) -> None:
        """Give the quiet a sign of life, ask the silent for one, and end the unresponsive.

        judge  False: end nobody this time
        some   those who are looked at; None: all
        """
        self._pay()  # the head of the heartbeat has been told
        at = iso_from_ms(now_ms)
        head = self._head()
        beats: dict[Format, bytes] = {}
        for session in list(self._sessions) if some is None else some:
            if session.closing:
                if judge and now_s - session.ended_s > CUT_S:
                    session.transport.abort()
            elif not (judge and self._is_ended(session, now_s)):
                form = session.form
                if session.catching_up:
                    beat = form.quiet(session.told_upto, at)
                else:
                    beat = beats.get(form) or beats.setdefault(form, form.quiet(head, at))
                self._give_a_sign(session, now_s, beat)

    def _is_ended(self, session: Session, now_s: float) -> bool:
        """End the session when neither a message nor any reading was seen for too long."""
        left = session.transport.get_write_buffer_size()
        # Whom we can not ask lives as long as the system gets rid of what we write.
        if left < session.left_bytes or not (left or session.form.ping):
            session.moved_s = now_s
        session.left_bytes = left
        limit_s = session.viewer.allowance.silence_s or self._limit_s
        if now_s - max(session.heard_s, session.moved_s) < limit_s:
            return False
        logger.info("unresponsive client ended: client=%s", session.client_id)
        reason = f"nothing was heard for {limit_s:g} seconds"
        session.end(Hangup(Close.UNRESPONSIVE, reason))
        return True

    def _give_a_sign(self, session: Session, now_s: float, beat: bytes) -> None:
        if not session.line.writing_paused and not session.is_closing():
            if now_s - session.heard_s >= self._quiet_s and session.form.ping:
                session.write(session.form.ping)
            told_s = 0.0 if session.audience is None else session.audience.told_s
            if now_s - max(session.sent_s, told_s) >= self._quiet_s:
                session.put(beat)
