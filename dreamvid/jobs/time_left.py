"""The count of the frames of a render, and the time that it still takes, told from the frames so far."""

from dataclasses import dataclass, field
from statistics import fmean
from typing import NoReturn, Protocol

from dreamvid.core.types import Pixels
from dreamvid.jobs.events import Event, Progress, Stop
from dreamvid.jobs.interrupt import Interrupted

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
        """Seconds of all frames that are left; None while there is no frame of a kind that is still to come."""
        kinds = ((self.firsts_left, self.first), (self.later_left, self.later))
        if any(left and not took for left, took in kinds):
            return None
        return sum(left * fmean(took[-RECENT:]) for left, took in kinds if left)


class OnFrame(Protocol):
    """Takes note of every frame that is finished, such as a Tally."""

    def __call__(self, seconds: float, *, first: bool, picture: Pixels | None = None) -> None:
        """Take note of a frame, and the seconds it took.

        `first`: whether it was dreamed in full; `picture`: H x W x 3.
        """


class Tally:
    """The count of the frames of a render: every finished one is told to it, and it tells `progress`."""

    def __init__(self, times: FrameTimes, progress: Progress, stop: Stop, at_once: int = 1) -> None:
        """Begin with what is finished; raise Interrupted where all is to stop before more is done.

        `at_once`: frames that are rendered at the same time.
        """
        self._times, self._progress, self._stop, self._at_once = times, progress, stop, max(1, at_once)
        self._done = len(times.first) + len(times.later)
        self._total = self._done + times.firsts_left + times.later_left
        progress(Event("render", self._done, self._total))
        if self._done < self._total and stop():
            self._interrupt()

    def __call__(self, seconds: float, *, first: bool, picture: Pixels | None = None) -> None:
        """Count a frame, see `OnFrame`; raise Interrupted where all is to stop."""
        self._times.add(seconds, first=first)
        self._done += 1
        left = self._times.seconds_left
        left = None if left is None else left / self._at_once
        self._progress(Event("render", self._done, self._total, seconds, picture, left, self._at_once))
        if self._done < self._total and self._stop():
            self._interrupt()

    def _interrupt(self) -> NoReturn:
        raise Interrupted(f"stopped after frame {self._done} of {self._total}; the same command resumes")
