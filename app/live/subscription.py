"""A room that one session follows: where it stands in the log, and what it was told instead."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.core.conversation import Follow
from app.core.rooms import Room
from app.core.state import JobState
from app.store.events import Recorded

SNAPSHOT_JOBS = 1000  # the newest of a room


@dataclass(slots=True)
class Subscription:
    """A room that is followed. Everything with since < seq <= cursor was written, or is pruned.

    announced  `live` was said since it last began to catch up from further back
    states     so many jobs' states are still to be told, those of jobs older than `told_job`
    folded     job -> the seq that its told state holds, where events up to it are in the log
    floor      everything of the room past it is in the log; None: not looked yet
    mended     jobs whose events were pruned past the cursor, but not past here, were told by their
               states
    truncated  the floor that was told
    left       subscriptions that were given up while they were ahead of this one
    """

    room: Room
    types: frozenset[str] | None
    since: int
    cursor: int
    ask_id: str | int | None = None
    announced: bool = False
    states: int = 0
    told_job: str | None = None
    folded: dict[str, int] = field(default_factory=dict)
    floor: int | None = None
    mended: int = 0
    truncated: int = 0
    left: list["Subscription"] = field(default_factory=list)

    @classmethod
    def of(cls, room: Room, ask: Follow, pruned_upto: int) -> "Subscription":
        """pruned_upto: nothing past it was pruned, of any room."""
        return cls(
            room,
            ask.types,
            since=ask.after,
            cursor=ask.after,
            ask_id=ask.id,
            states=SNAPSHOT_JOBS if ask.snapshot else 0,
            floor=0 if pruned_upto <= ask.after else None,
        )

    def wants(self, event: Recorded) -> bool:
        """Tell whether `event` is of this room and type, and not in the snapshot already."""
        if self.types is not None and event.type not in self.types:
            return False
        if event.job_id is not None and event.seq <= self.folded.get(event.job_id, 0):
            return False
        match self.room.kind:
            case "job":
                return event.job_id == self.room.id
            case "batch":
                return event.batch_id == self.room.id
            case "user":
                return event.user_id == self.room.id
            case "all":
                return True

    @property
    def folded_upto(self) -> int:
        return max(self.folded.values(), default=0)

    @property
    def written_upto(self) -> int:
        return max([self.cursor, *(other.written_upto for other in self.left)])

    def has_written(self, event: Recorded) -> bool:
        """Tell whether `event` was written for this room, be it for one that was left since."""
        if event.seq <= self.since or not self.wants(event):
            return False
        return event.seq <= self.cursor or any(other.has_written(event) for other in self.left)

    def outlive(self, other: "Subscription") -> None:
        """`other` is given up: what it has written is not written again for this one."""
        ahead = [*self.left, other]
        self.left = [one for one in ahead if one.written_upto > self.cursor]

    @property
    def is_whole(self) -> bool:
        """Tell whether its events can be told from the cursor on, nothing else being due first."""
        if self.states or self.floor is None:
            return False
        return self.floor <= self.cursor or self.floor <= min(self.mended, self.truncated)

    @property
    def mended_from(self) -> int:
        """Return past which place pruned jobs are still to be told."""
        return max(self.cursor, self.mended)

    def lose(self, seqs: Sequence[int]) -> None:
        """Events of its room are gone, those of a job or batch up to each of `seqs`, ascending.

        Before the floor was looked at there is nothing to do: it will be found higher.
        """
        lost = seqs[bisect_right(seqs, self.cursor) :]
        if lost and self.floor is not None:
            self.floor = max(self.floor, lost[-1])
            self.mended = min(self.mended, lost[0] - 1)

    def hold(self, state: JobState, upto: int) -> None:
        """The state of a job was told; its events up to `upto` are not in the log, or not due."""
        if state["last_seq"] > upto:
            self.folded[state["job_id"]] = state["last_seq"]
