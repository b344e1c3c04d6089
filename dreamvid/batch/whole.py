"""The progress of a batch, and the time that it still takes, told from the frames so far by their kind and pixels."""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from dreamvid.batch.job import Job
from dreamvid.jobs.events import Event


@dataclass(frozen=True)
class Whole:
    """The progress of a batch: jobs and frames; `seconds_left`: None where that cannot be told.

    `now`: the last event of every film that is being rendered, by the names of their jobs.
    """

    now: Mapping[str, Event]
    jobs_done: int
    jobs: int
    frames_done: int
    frames: int
    seconds_left: float | None


Show = Callable[[Whole], None]  # called with the progress of the whole


def show_nothing(whole: Whole) -> None:
    """Do nothing with a progress."""


def kind_of(job: Job) -> str:
    """Return what tells jobs whose pixels take as long as one another's: net, objective, steps, coherence."""
    looks = [(look.net, look.objective, look.dream, look.coherence, look.compute) for look in job.looks]
    return repr((job.command, *looks))


Part = Literal["canvas", "first frame", "frames"]
Counts = dict[tuple[str, Part], float]


def _counts() -> Counts:
    return defaultdict(float)


@dataclass
class Paces:
    """The seconds that pixels took, by kind and by the part of a film they are of, and what every job took beside them.

    The first frame of a film is dreamed in full, the others mostly carried: of a still, that is all there is. Before
    views of a canvas, that is painted, the more of it the more frames there are.
    """

    pixels: Counts = field(default_factory=_counts)
    seconds: Counts = field(default_factory=_counts)
    beside: list[float] = field(default_factory=list)

    def add(self, kind: str, part: Part, pixels: float, seconds: float) -> None:
        """Take note of pixels that were dreamed."""
        self.pixels[kind, part] += pixels
        self.seconds[kind, part] += seconds

    def seconds_for(self, kind: str, part: Part, pixels: float) -> float | None:
        """Return how long pixels take: as those of their kind did, else as all did; None where there were none.

        Nothing for a canvas, where none was painted yet: frames do not tell it.
        """
        if pixels < 0.5:  # sums and differences of these
            return 0.0
        alike = [each for each in self.pixels if each[1] == part]
        if part == "canvas" and not alike:
            return 0.0
        frames = [each for each in self.pixels if each[1] != "canvas"]
        of = [(kind, part)] if self.pixels.get((kind, part)) else alike or frames
        known = sum(self.pixels[each] for each in of)
        return pixels * sum(self.seconds[each] for each in of) / known if known else None

    @property
    def beside_each(self) -> float:
        """The seconds that a job takes beside its frames, in the mean."""
        return sum(self.beside) / len(self.beside) if self.beside else 0.0


@dataclass
class Tally:
    """The jobs of a batch that are still to be rendered, and how far those are that are being rendered.

    `workers`: how many frames are rendered at once.
    """

    show: Show
    workers: int = 1
    jobs: dict[str, Job] = field(default_factory=dict)  # those that are rendered by this run, finished or not
    done: set[str] = field(default_factory=set)
    paces: Paces = field(default_factory=Paces)
    _now: dict[str, Event] = field(default_factory=dict)
    _frames_of: dict[str, Event] = field(default_factory=dict)  # of those being rendered, the last event of its frames
    _kinds: dict[str, str] = field(default_factory=dict)
    _left: Counts = field(default_factory=_counts)  # pixels that wait
    _painted: dict[str, float] = field(default_factory=dict)  # seconds of the canvases that are being painted
    _frames: int = 0
    _frames_done: int = 0  # of the jobs that are over
    _lock: threading.RLock = field(default_factory=threading.RLock)  # films may be rendered at once

    def take_up(self, jobs: Iterable[Job]) -> None:
        """Take up the jobs that are to be rendered, or are being rendered, beside those that are done."""
        with self._lock:
            waiting = {job.name: job for job in jobs}
            self.jobs = {name: job for name, job in self.jobs.items() if name in self.done} | waiting
            self.done -= waiting.keys()
            known: dict[int, str] = {}
            self._left.clear()
            for name, job in waiting.items():
                # Settings are shared by jobs: their kind is told once.
                own = id(job.stretches or job.settings)
                self._kinds[name] = known.setdefault(own, "") or kind_of(job)
                known[own] = self._kinds[name]
                if name not in self._frames_of:
                    self._wait(job, 1)
            self._frames = sum(job.frames for job in self.jobs.values())
            self._frames_done = sum(self.jobs[name].frames for name in self.done)

    def tell(self, job: Job, event: Event) -> None:
        """Take note of what the render of a job reports, and show the progress of all."""
        with self._lock:
            self._now[job.name] = event
            if event.phase == "paint":
                self._painted[job.name] = self._painted.get(job.name, 0.0) + event.seconds
                if event.done == event.total:
                    of_all = job.frames * job.pixels_each
                    self.paces.add(self._kinds[job.name], "canvas", of_all, self._painted.pop(job.name))
            if event.phase == "render":
                if job.name not in self._frames_of:
                    self._wait(job, -1)
                self._frames_of[job.name] = event
                if event.seconds:
                    part: Part = "first frame" if event.done == 1 else "frames"
                    self.paces.add(self._kinds[job.name], part, job.pixels_each, event.seconds)
            self._show()

    def stop(self, job: Job) -> None:
        """Take note that a job is no longer being rendered."""
        with self._lock:
            self._now.pop(job.name, None)
            self._painted.pop(job.name, None)
            if self._frames_of.pop(job.name, None) is not None:
                self._wait(job, 1)

    def end(self, job: Job, beside: float | None) -> None:
        """Take note that a job is over; `beside`: the seconds that it took beside its frames, None: not measured."""
        with self._lock:
            self.stop(job)
            self._wait(job, -1)
            self.done.add(job.name)
            self._frames_done += job.frames
            if beside is not None:
                self.paces.beside.append(beside)
            self._show()

    def _show(self) -> None:
        frames = self._frames_done + sum(event.done for event in self._frames_of.values())
        left = self._seconds_left()
        self.show(Whole(dict(self._now), len(self.done), len(self.jobs), frames, self._frames, left))

    def _wait(self, job: Job, sign: int) -> None:
        """Count a job among those that wait, or no longer."""
        kind, first = self._kinds[job.name], min(1, job.frames)
        self._left[kind, "first frame"] += sign * first * job.pixels_each
        self._left[kind, "frames"] += sign * (job.frames - first) * job.pixels_each
        if job.paints:
            self._left[kind, "canvas"] += sign * job.frames * job.pixels_each

    def _seconds_left(self) -> float | None:
        """Return the seconds to the end of all jobs; None where that cannot be told."""
        left, work, longest = dict(self._left), 0.0, 0.0
        for name, event in self._frames_of.items():
            if event.seconds_left is None:
                others = (event.total - event.done) * self.jobs[name].pixels_each
                left[self._kinds[name], "frames"] = left.get((self._kinds[name], "frames"), 0.0) + others
                if (painting := self._now[name]).phase == "paint":
                    work += painting.seconds_left or 0.0
            else:
                work += event.seconds_left * event.at_once
                longest = max(longest, event.seconds_left)
        for (kind, part), pixels in left.items():
            seconds = self.paces.seconds_for(kind, part, max(0.0, pixels))
            if seconds is None:
                return None
            work += seconds
        work += (len(self.jobs) - len(self.done)) * self.paces.beside_each
        return max(longest, work / self.workers)
