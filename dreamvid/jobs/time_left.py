"""The count of the frames of a render, and the time that it still takes, told from the frames so far."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import NoReturn, Protocol

import numpy as np

from dreamvid.core.types import Pixels
from dreamvid.jobs.events import Event, Progress, Stop
from dreamvid.jobs.interrupt import Interrupted

NOISE, DOUBT = 0.25, 0.5  # deviations: of a frame's seconds from what its work tells; of those of a work of 1
CARRIED = 0.08  # share of the seconds of a first frame that one takes which is carried whole, where none was yet
LEAST = 0.2  # share of the mean seconds of carried frames that one takes which is carried whole, at least
RECENT = 48  # frames whose mean tells the seconds of the next; in as many every share of the work comes round


@dataclass
class FramesLeft:
    """Frames that are to be rendered: `firsts` begin a shot; of the `later` ones, `work` is the sum of the works."""

    firsts: int = 0
    later: int = 0
    work: float = 0.0

    @classmethod
    def of(cls, works: Iterable[float | None]) -> "FramesLeft":
        """Return frames by the work that is foretold of each, see `OnFrame`."""
        left = cls()
        for work in works:
            left.add(work, 1)
        return left

    def add(self, work: float | None, count: int) -> None:
        """Add so many frames alike."""
        if work is None:
            self.firsts += count
        else:
            self.later += count
            self.work += count * work


class FrameTimes:
    """The seconds of frames, apart for those that begin a shot, which are dreamed in full, and the others."""

    def __init__(self, works: Sequence[float | None]) -> None:
        """Take the frames that are to be rendered, by the work that is foretold of each, see `OnFrame`."""
        self.total, self._left = len(works), FramesLeft.of(works)
        self._first, self._later = list[float](), list[tuple[float, float]]()  # seconds; seconds and work

    def add(self, seconds: float, work: float | None) -> None:
        """Take note of a frame that is rendered now; arguments as of `OnFrame`."""
        self._left.add(work, -1)
        if work is None:
            self._first.append(seconds)
        else:
            self._later.append((seconds, work))

    @property
    def done(self) -> int:
        """The number of frames that are rendered."""
        return len(self._first) + len(self._later)

    @property
    def seconds_left(self) -> float | None:
        """Seconds of all frames that are left; None before the first that begins a shot, unless none is to come."""
        return self.seconds_for(self._left)

    def seconds_for(self, frames: FramesLeft) -> float | None:
        """Return the seconds that some of the frames take; None as for all."""
        if not self._first and (frames.firsts or not self._later):
            return None if frames.firsts or frames.later else 0.0
        seconds = frames.firsts * fmean(self._first[-RECENT:]) if frames.firsts else 0.0
        if frames.later:
            carried, work = carried_and_work(self._first, self._later)
            seconds += frames.later * carried + frames.work * work
        return seconds


def carried_and_work(first: Sequence[float], later: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return the seconds of a frame that is carried whole, and those of a work of 1 beyond it.

    `first`: seconds of frames that begin a shot, whose work is 1; `later`: seconds and work of others. What these say
    of the second weighs more the more their works differ: ridge regression towards the first (Hoerl and Kennard 1970).
    One of both holds a frame at least.
    """
    if not later:
        return CARRIED * fmean(first), fmean(first)
    seconds, works = map(np.array, zip(*later[-RECENT:], strict=True))
    mean, expected = float(seconds.mean()), fmean(first[-RECENT:]) if first else 0.0
    spread = works - works.mean()
    trust = (NOISE * mean / (DOUBT * expected)) ** 2 if mean and expected else 1.0
    work = float((spread @ seconds + trust * expected) / (spread @ spread + trust))
    if float(works.mean()) > 0:
        work = min(max(0.0, work), (1 - LEAST) * mean / float(works.mean()))
    return mean - work * float(works.mean()), work


class OnFrame(Protocol):
    """Takes note of every frame that is finished, such as a Tally."""

    def __call__(self, seconds: float, work: float | None, picture: Pixels | None = None) -> None:
        """Take note of a frame, and the seconds it took.

        `work`: what was foretold of it, as of `newness.works`; None: it was dreamed in full; `picture`: H x W x 3.
        """


class Tally:
    """The count of the frames of a render: every finished one is told to it, and it tells `progress`."""

    def __init__(
        self, times: FrameTimes, progress: Progress, stop: Stop, at_once: int = 1, parts: Collection[FramesLeft] = ()
    ) -> None:
        """Begin with what is finished; raise Interrupted where all is to stop before more is done.

        `at_once`: frames that are rendered at the same time, at most; `parts`: whose frames are rendered one after
        another; what is left of each is kept up to date by the caller.
        """
        self._times, self._progress, self._stop, self._at_once = times, progress, stop, max(1, at_once)
        self._parts = parts
        progress(Event("render", times.done, times.total, seconds_left=self._seconds_left))
        if times.done < times.total and stop():
            self._interrupt()

    def __call__(self, seconds: float, work: float | None, picture: Pixels | None = None) -> None:
        """Count a frame, see `OnFrame`; raise Interrupted where all is to stop."""
        self._times.add(seconds, work)
        done, total, left = self._times.done, self._times.total, self._seconds_left
        at_once = (self._times.seconds_left or 0.0) / left if left else float(self._at_once)
        self._progress(Event("render", done, total, seconds, picture, left, at_once, work))
        if done < total and self._stop():
            self._interrupt()

    @property
    def _seconds_left(self) -> float | None:
        left = self._times.seconds_left
        if left is None:
            return None
        longest = max((self._times.seconds_for(part) or 0.0 for part in self._parts), default=0.0)
        return max(left / self._at_once, longest)

    def _interrupt(self) -> NoReturn:
        raise Interrupted(f"stopped after frame {self._times.done} of {self._times.total}; the same command resumes")
