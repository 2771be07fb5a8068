"""A share of things that came out right, and those that did not by name."""

from dataclasses import dataclass, field

from benchmarks.figures import Figure


@dataclass(slots=True)
class Score:
    """Counts of one question. aim: the least share, 0 to 1; None where none is set."""

    what: str
    aim: float | None = None
    right: int = 0
    of: int = 0
    misses: list[str] = field(default_factory=list)

    def count(self, right: bool, miss: str) -> None:
        """Count one answer; `miss` names it when it was not right."""
        self.of += 1
        self.right += right
        if not right:
            self.misses.append(miss)

    def figure(self) -> Figure:
        """Return the share in percent, with how many it rests on."""
        share = self.right / self.of if self.of else 0.0
        return Figure(
            bench="quality",
            what=f"{self.what} ({self.right} of {self.of})",
            value=round(100 * share, 1),
            unit="%",
            aim="" if self.aim is None else f"at least {self.aim:.0%}",
            met=None if self.aim is None else share >= self.aim,
        )
