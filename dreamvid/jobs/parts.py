"""The parts of a film: what a worker does in one go, which of them are missing, and which can be rendered now."""

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

from dreamvid.jobs import folder as job_folder
from dreamvid.jobs.job import Job
from dreamvid.jobs.segment_records import SegmentRecords, anchored, find_segments
from dreamvid.jobs.time_left import FramesLeft

PARTS = 4  # of a job for each worker, where it has as many segments: fewer would leave workers idle at the end


@dataclass(frozen=True)
class Part:
    """The work that a worker does in one go: some segments of a job, or the anchors of one of its shots."""

    folder: Path
    segments: tuple[int, ...] = ()
    shot: int | None = None

    def __str__(self) -> str:
        names = f"the anchors of shot {self.shot}" if self.shot is not None else f"segment {self.segments[0]}"
        stretch, film = "", self.folder
        if film.parent.name == job_folder.STRETCHES:
            stretch, film = f"[[job.segment]] {int(film.name) + 1} of ", film.parents[1]
        return f"{names} of {stretch}{film.name.removesuffix('.dreamvid')}"


@dataclass
class Remaining:
    """The missing parts of a job: `waiting`, with the segments whose anchors each needs; `open`: submitted.

    `left`: the frames that each part still lacks.
    """

    job: Job
    waiting: dict[Part, frozenset[int]]
    left: dict[Part, FramesLeft]
    open: "dict[Future[None], Part]" = field(default_factory=dict)
    stored: set[int] = field(default_factory=set)  # segments whose anchors are known to be there

    @classmethod
    def of(cls, job: Job, segments: Sequence[SegmentRecords], count: int) -> "Remaining":
        """Return all that is missing of a job; `count`: of the workers."""
        waiting = _parts(job, segments, count)
        return cls(job, waiting, {part: _frames_left(job, part, segments, waiting[part]) for part in waiting})

    @property
    def is_over(self) -> bool:
        """Return whether all is rendered."""
        return not self.waiting and not self.open

    def take(self, most: int) -> list[Part]:
        """Return the first parts that can be rendered now, so many at most, which wait no longer."""
        if not most:
            return []
        needed = {at for anchors in self.waiting.values() for at in anchors - self.stored}
        self.stored |= {at for at in needed if self.job.has_begun(at)}
        found = [part for part, anchors in self.waiting.items() if anchors <= self.stored][:most]
        for part in found:
            del self.waiting[part]
        return found

    def close(self, future: "Future[None]") -> None:
        """Note the end of an open part; what it had to leave waits for the anchors that end its segments."""
        part = self.open.pop(future, None)
        if part is None:
            return
        if left := [segment.number for segment in find_segments(self.job, part.segments) if segment.missing]:
            self.waiting[part] = frozenset(number + 1 for number in left)


def most_at_once(remaining: Sequence[Remaining]) -> int:
    """Return how many parts can be rendered at once, however many workers there are."""
    chains = list[int]()  # of jobs that wait for one another
    for each in remaining:
        before = chains.pop() if each.job.before is not None and chains else 0
        chains.append(max(before, len(each.waiting)))
    return sum(chains)


def _parts(job: Job, segments: Sequence[SegmentRecords], count: int) -> dict[Part, frozenset[int]]:
    """Return the parts that are missing of a job, and the segments whose anchors each needs.

    First come those that dream anchors, then the longest: begun last, it alone would be waited for. A segment begins
    with its own anchor, and leaves its crossfade for later where the next one is not stored by then. A canvas and the
    end of a loop need what all of their film has: these are one part. `count`: of the workers.
    """
    plan, path = job.source.plan, job.folder.path
    missing = tuple(segment.number for segment in segments if segment.missing)
    if missing and (job.source.view is not None or plan.crossfade is not None):
        return {Part(path, missing): frozenset()}
    numbers = [sorted(anchored(job, shot).values()) for shot in plan.shots]
    lacking = [shot for shot, its in enumerate(numbers) if not all(job.has_begun(at) for at in its)]
    anchors = frozenset[int]().union(*numbers)
    # Neighbours go together: each part decodes its source from the beginning. The first of a shot can begin at once.
    size = max(1, -(-len(missing) // (PARTS * count)))
    alone = {numbers[shot][0] for shot in lacking}
    others = [number for number in missing if number not in alone]
    together = [tuple(others[start : start + size]) for start in range(0, len(others), size)]
    together += [(number,) for number in missing if number in alone]
    together.sort(key=lambda part: -sum(segment.work for segment in segments if segment.number in part))
    needed = {Part(path, part): anchors.intersection(part) for part in together}
    return {Part(path, shot=number): frozenset() for number in lacking} | needed


def _frames_left(job: Job, part: Part, segments: Sequence[SegmentRecords], needed: frozenset[int]) -> FramesLeft:
    """Return the frames that a part lacks; `needed`: of its segments, those whose anchors are another part's."""
    if part.shot is not None:
        its = anchored(job, job.source.plan.shots[part.shot]).values()
        return FramesLeft(firsts=sum(not job.has_begun(number) for number in its))
    left = FramesLeft.of(work for segment in segments if segment.number in part.segments for work in segment.works_left)
    left.firsts -= sum(segment.number in needed and not segment.finished for segment in segments)
    return left
