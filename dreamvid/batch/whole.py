"""The progress of a batch, and the time that it still takes, told from the frames so far by their kind and pixels."""

import threading
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from statistics import fmean
from typing import Literal

from dreamvid.batch.foretold import Sources, Work, pictures_of_canvas
from dreamvid.batch.job import Job
from dreamvid.jobs.events import Event
from dreamvid.jobs.time_left import RECENT, carried_and_work
from dreamvid.pipeline.plan import Plan
from dreamvid.pipeline.prepare import Command


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


# Of what is left: pixels, "beyond" times their work; "canvas": of the pictures whose steps it takes.
Part = Literal["canvas", "view", "first", "carried", "beyond", "unknown"]
ALL = ""  # jobs of every kind together


class Recent(defaultdict[str, deque[tuple[float, float]]]):
    """The latest seconds that a pixel took, with the work that was foretold of its frame, by kind."""

    def __init__(self) -> None:
        super().__init__(lambda: deque(maxlen=RECENT))

    def note(self, kind: str, seconds: float, work: float = 1.0) -> None:
        """Take note of what a pixel took, for its kind and for all."""
        for each in (kind, ALL):
            self[each].append((seconds, work))

    def of(self, kind: str) -> list[tuple[float, float]]:
        """Return those of a kind, or of all where there are none of it."""
        return list(self.get(kind) or self[ALL])


@dataclass
class Paces:
    """The seconds that pixels took, and what every job took beside its frames.

    `first`: of frames that are dreamed in full; `carried`: of others; `canvas`: of what is painted before its views, by
    the pixels of the pictures whose steps it takes; `view`: of these; `beside`: of jobs, beside all these, by command.
    """

    first: Recent = field(default_factory=Recent)
    carried: Recent = field(default_factory=Recent)
    canvas: Recent = field(default_factory=Recent)
    view: Recent = field(default_factory=Recent)
    beside: dict[Command, list[float]] = field(default_factory=lambda: defaultdict(list))
    _frames: int = 0  # beside those that begin a film; of these:
    _firsts: int = 0
    _work: float = 0.0

    def add(self, kind: str, pixels: int, event: Event) -> None:
        """Take note of a frame that was rendered."""
        self._frames += event.done > 1
        if event.work is None:
            self._firsts += event.done > 1
            self.first.note(kind, event.seconds / pixels)
        else:
            self._work += event.work
            self.carried.note(kind, event.seconds / pixels, event.work)

    def tells(self, kind: str) -> bool:
        """Return whether frames of a kind were rendered, or a canvas painted."""
        return any(kind in each for each in (self.first, self.carried, self.canvas))

    def seconds_for(self, kind: str, left: Mapping[Part, float]) -> float | None:
        """Return how long pixels take: as those of their kind did, else as all did; None where there were none.

        A canvas takes what pictures do, where none was painted yet; nothing for its views, where there were none.
        """
        canvases, views = ([seconds for seconds, _ in each.of(kind)] for each in (self.canvas, self.view))
        firsts, later = [seconds for seconds, _ in self.first.of(kind)], self.carried.of(kind)
        dreamed = max(left["first"], left["carried"], left["unknown"]) >= 0.5  # sums and differences of these
        if not firsts and not later and (dreamed or (left["canvas"] >= 0.5 and not canvases)):
            return None
        whole, beyond = carried_and_work(firsts, later) if firsts or later else (0.0, 0.0)
        first = fmean(firsts) if firsts else whole + beyond
        flights = left["canvas"] * (fmean(canvases) if canvases else first) + left["view"] * fmean(views or [0.0])
        share, work = self._firsts / max(1, self._frames), self._work / max(1, self._frames)
        unknown = share * first + (1 - share) * whole + work * beyond
        known = left["first"] * first + left["carried"] * whole + left["beyond"] * beyond
        return flights + known + left["unknown"] * unknown

    def beside_each(self, command: Command) -> float:
        """Return the seconds that a job takes beside its frames: as others of its command did, else as all films did.

        A still takes none until one was rendered: it is neither planned nor encoded as a film is.
        """
        films = [seconds for each, found in self.beside.items() if each != "image" for seconds in found]
        known = self.beside.get(command) or (films if command != "image" else [])
        return fmean(known) if known else 0.0


@dataclass
class Tally:
    """The jobs of a batch that are still to be rendered, and how far those are that are being rendered.

    `workers`: how many frames are rendered at once.
    """

    show: Show
    workers: int = 1
    jobs: dict[str, Job] = field(default_factory=dict)  # those that are rendered by this run, finished or not
    done: set[str] = field(default_factory=set)
    not_done: Counter[Command] = field(default_factory=Counter)  # by command
    paces: Paces = field(default_factory=Paces)
    _now: dict[str, Event] = field(default_factory=dict)
    _frames_of: dict[str, Event] = field(default_factory=dict)  # of those being rendered, the last event of its frames
    _kinds: dict[str, str] = field(default_factory=dict)
    _sources: Sources = field(default_factory=Sources)
    _left: dict[str, dict[Part, float]] = field(default_factory=dict)  # what waits, by kind
    _foretold: dict[str, Work | None] = field(default_factory=dict)  # of each job that waits
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
            for name, job in waiting.items():
                # Settings are shared by jobs: their kind is told once.
                own = id(job.stretches or job.settings)
                self._kinds[name] = known.setdefault(own, "") or kind_of(job)
                known[own] = self._kinds[name]
            self._count()
            self._frames = sum(job.frames for job in self.jobs.values())
            self._frames_done = sum(self.jobs[name].frames for name in self.done)

    def tell(self, job: Job, event: Event) -> None:
        """Take note of what the render of a job reports, and show the progress of all."""
        with self._lock:
            self._now[job.name] = event
            if event.phase == "paint":
                self._painted[job.name] = self._painted.get(job.name, 0.0) + event.seconds
                if event.done == event.total:
                    seconds = self._painted.pop(job.name) / _pixels_of_canvas(job)
                    self.paces.canvas.note(self._kinds[job.name], seconds)
            if event.phase == "render":
                waited = self._waits(job)
                self._frames_of[job.name] = event
                if waited and not self._waits(job):
                    self._wait_no_longer(job)
                if event.seconds and job.paints:
                    self.paces.view.note(self._kinds[job.name], event.seconds / job.pixels_each)
                elif event.seconds:
                    self.paces.add(self._kinds[job.name], job.pixels_each, event)
            self._show()

    def learn(self, source: str, plans: Iterable[Plan]) -> None:
        """Take note of the plans of a film, which tell of others of the same source as well."""
        with self._lock:
            if not self._sources.take(source, plans):
                return
            for job in (self.jobs[name] for name in [*self._foretold]):
                if job.source == source:
                    self._wait_no_longer(job)
                    self._wait(job)

    def stop(self, job: Job) -> None:
        """Take note that a job is no longer being rendered."""
        with self._lock:
            self._now.pop(job.name, None)
            self._painted.pop(job.name, None)
            waited = self._waits(job)
            self._frames_of.pop(job.name, None)
            if not waited:
                self._wait(job)

    def end(self, job: Job, beside: float | None) -> None:
        """Take note that a job is over; `beside`: the seconds that it took beside its frames, None: not measured."""
        with self._lock:
            self.stop(job)
            self._wait_no_longer(job)
            self.done.add(job.name)
            self._frames_done += job.frames
            self.not_done[job.command] -= 1
            if beside is not None:
                self.paces.beside[job.command].append(beside)
            self._show()

    def _show(self) -> None:
        frames = self._frames_done + sum(event.done for event in self._frames_of.values())
        left = self._seconds_left()
        self.show(Whole(dict(self._now), len(self.done), len(self.jobs), frames, self._frames, left))

    def _waits(self, job: Job) -> bool:
        """Return whether a job that is not done has not told yet how long its frames take."""
        event = self._frames_of.get(job.name)
        return event is None or event.seconds_left is None

    def _wait(self, job: Job) -> None:
        """Count a job among those that wait."""
        self._foretold[job.name] = self._sources.work(job)
        self._add(job, 1)

    def _wait_no_longer(self, job: Job) -> None:
        """Count a job no longer among those that wait, if it was: changed orders may have left it out."""
        if job.name in self._foretold:
            self._add(job, -1)
            del self._foretold[job.name]

    def _add(self, job: Job, sign: int) -> None:
        left, work = self._left[self._kinds[job.name]], self._foretold[job.name]
        parts: dict[Part, float] = {"first": 1, "unknown": job.frames - 1}
        if work is not None:
            parts = {"first": work.first, "carried": work.carried, "beyond": work.beyond}
        if job.paints:
            parts = {"canvas": pictures_of_canvas(job.settings), "view": job.frames}
        for part, frames in parts.items():
            left[part] += sign * frames * job.pixels_each

    def _count(self) -> None:
        """Count what waits anew."""
        self._left, self._foretold = {kind: defaultdict(float) for kind in self._kinds.values()}, {}
        self.not_done = Counter(job.command for name, job in self.jobs.items() if name not in self.done)
        for name, job in self.jobs.items():
            if name not in self.done and self._waits(job):
                self._wait(job)

    def _seconds_left(self) -> float | None:
        """Return the seconds to the end of all jobs; None where that cannot be told."""
        left, work, longest = defaultdict[str, dict[Part, float]](lambda: defaultdict(float)), 0.0, 0.0
        for kind, parts in self._left.items():
            for part, pixels in parts.items():
                left[kind if self.paces.tells(kind) else ALL][part] += pixels
        for name, event in self._now.items():
            if event.phase == "paint":
                work += event.seconds_left or 0.0
            if event.phase == "paint" and name in self._foretold:
                job, kind = self.jobs[name], self._kinds[name]
                left[kind if self.paces.tells(kind) else ALL]["canvas"] -= _pixels_of_canvas(job)
        for event in self._frames_of.values():
            if event.seconds_left is not None:
                work += event.seconds_left * event.at_once
                longest = max(longest, event.seconds_left)
        for kind, parts in left.items():
            seconds = self.paces.seconds_for(kind, parts)
            if seconds is None:
                return None
            work += seconds
        work += sum(jobs * self.paces.beside_each(command) for command, jobs in self.not_done.items())
        return max(longest, work / self.workers)


def _pixels_of_canvas(job: Job) -> float:
    """Return the pixels of the pictures whose steps the canvas of a job takes, about."""
    return pictures_of_canvas(job.settings) * job.pixels_each
