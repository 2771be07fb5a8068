"""Whose turn it is: users in turn, each user's files oldest first. Pure."""

from collections.abc import Mapping


class Turns:
    """Remembers who was served when, so that one person's thousand files delay nobody else."""

    def __init__(self) -> None:
        self._served: dict[str, int] = {}
        self._count = 0

    def next(self, waiting: Mapping[str, str]) -> str | None:
        """Return the job to take now, and count its owner as served; None when nobody waits.

        waiting  for each user their first waiting job, in the order in which these came
        """
        if not waiting:
            return None
        # Those never served come first; among equals, whoever waits longest.
        user = min(waiting, key=lambda who: self._served.get(who, 0))
        self._count += 1
        self._served[user] = self._count
        return waiting[user]
