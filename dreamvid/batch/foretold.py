"""Foretell the work of films that wait: by what the plans of others showed of the same source, by a flight's zoom."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import log2
from statistics import fmean

from dreamvid.batch.job import Job
from dreamvid.camera.canvas import SCALES
from dreamvid.config.settings import Settings
from dreamvid.pipeline.newness import work_of
from dreamvid.pipeline.plan import Plan


@dataclass(frozen=True)
class Work:
    """The work of the frames of a film: `first`, those that begin a shot; `carried`, others; `beyond`: see below.

    The last is the sum of the work of carried frames, as of `newness.works`.
    """

    first: float
    carried: float
    beyond: float


@dataclass
class Seen:
    """The share that is new in frames of a source, by index, and the frames after its cuts, as far as plans tell."""

    newness: dict[int, float] = field(default_factory=dict)
    cuts: set[int] = field(default_factory=set)

    def take(self, plan: Plan) -> bool:
        """Take in what a plan shows, and return whether it is more than was known."""
        before = len(self.newness), len(self.cuts)
        begins = {shot.start for shot in plan.shots}
        # What is new after a cut is no matter: all is dreamed there.
        self.newness |= {index: new for index, new in plan.newness if index not in begins}
        self.cuts |= begins - set(plan.frames[:1])
        return before != (len(self.newness), len(self.cuts))


@dataclass
class Sources:
    """The newness and cuts of sources, by their names, as far as plans tell."""

    seen: dict[str, Seen] = field(default_factory=lambda: defaultdict(Seen))

    def take(self, source: str, plans: Iterable[Plan]) -> bool:
        """Take in what the plans of a film of a source show, and return whether it is more than was known."""
        found = [self.seen[source].take(plan) for plan in plans]
        return any(found)

    def work(self, job: Job) -> Work | None:
        """Return the work of a job that waits; None where nothing is known of that part of its source."""
        how = job.settings.coherence
        if job.command != "video":  # there are no cuts, and what comes into view is not looked at
            return Work(1, job.frames - 1, 0.0)
        if job.stretches or job.source not in self.seen:
            return None
        seen, part = self.seen[job.source], job.source_frames
        works = [work_of(new, how) for index, new in seen.newness.items() if index in part]
        if not works:
            return None
        first = min(job.frames, 1 + sum(cut in part[1:] for cut in seen.cuts))
        return Work(first, job.frames - first, (job.frames - first) * fmean(works))


def pictures_of_canvas(settings: Settings) -> float:
    """Return how many pictures' steps painting a canvas takes, about: as many for each halving of the scale."""
    halvings = abs(log2(settings.camera.zoom)) * settings.input.seconds
    return SCALES * (1 + halvings)
