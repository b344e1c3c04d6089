"""The time that a render still takes, told from the frames so far."""

from dataclasses import dataclass, field
from statistics import fmean

RECENT = 48  # frames whose mean tells the seconds of the next; in as many every share of the work comes round


@dataclass
class FrameTimes:
    """What frames took, apart for those that begin a shot and the others: the first is dreamed in full.

    `first`, `later`: seconds of the frames so far; `firsts_left`, `later_left`: how many are still to be rendered.
    """

    firsts_left: int
    later_left: int
    first: list[float] = field(default_factory=list)
    later: list[float] = field(default_factory=list)

    def add(self, seconds: float, *, first: bool) -> None:
        """Take note of a frame that is rendered now."""
        (self.first if first else self.later).append(seconds)
        if first:
            self.firsts_left -= 1
        else:
            self.later_left -= 1

    @property
    def seconds_left(self) -> float | None:
        """Seconds to the last frame; None while there is no frame of a kind that is still to come."""
        kinds = ((self.firsts_left, self.first), (self.later_left, self.later))
        if any(left and not took for left, took in kinds):
            return None
        return sum(left * fmean(took[-RECENT:]) for left, took in kinds if left)
