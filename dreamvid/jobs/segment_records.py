"""Find the finished frames of a job, segment by segment, and the anchors of its shots."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from dreamvid.coherence.carry import CarryState
from dreamvid.core.types import Shot
from dreamvid.jobs import folder as job_folder
from dreamvid.jobs.events import Progress, Stop
from dreamvid.jobs.job import Job
from dreamvid.jobs.records import FrameRecord
from dreamvid.jobs.time_left import CARRIED, FramesLeft, FrameTimes, Tally
from dreamvid.pipeline import newness
from dreamvid.pipeline.segments import anchors_of


@dataclass(frozen=True)
class SegmentRecords:
    """A segment of a job: its `number`, from 0; the `positions` of its frames in the plan; what is `finished` of them.

    `state`: what the next frame needs to know of the last finished one, None where there is none; `works`: of its
    frames, as of `newness.works`, None of the first, which is dreamed in full.
    """

    number: int
    positions: range
    finished: tuple[FrameRecord, ...]
    state: CarryState | None
    works: tuple[float | None, ...]

    @property
    def missing(self) -> range:
        """The positions of the frames that are still to be rendered."""
        return self.positions[len(self.finished) :]

    @property
    def works_left(self) -> tuple[float | None, ...]:
        """The works of the frames that are still to be rendered."""
        return self.works[len(self.finished) :]

    @property
    def work(self) -> float:
        """The work of all that is still to be rendered, about; that of a frame that begins a shot is 1."""
        return sum(1.0 if work is None else CARRIED + work for work in self.works_left)

    def reads(self, memory: int) -> range:
        """Return the positions that are read to render what is missing, `memory` frames before it among them."""
        first = max(self.positions.start, self.missing.start - memory)
        return range(first if self.missing else self.positions.stop, self.positions.stop)


def find_segments(job: Job, numbers: Iterable[int] | None = None) -> list[SegmentRecords]:
    """Return segments of a job, by default all, with what is finished of each."""
    plan, found = job.source.plan, []
    for number in range(len(plan.segments)) if numbers is None else numbers:
        records, state = job_folder.finished(job.folder, plan, number)
        positions = plan.positions(plan.segments[number])
        works = (None, *newness.works(plan, positions[1:], job.schedule.settings.coherence))
        found.append(SegmentRecords(number, positions, tuple(records), state, works))
    return found


def tally_of(
    segments: Sequence[SegmentRecords],
    progress: Progress,
    stop: Stop,
    at_once: int = 1,
    parts: Collection[FramesLeft] = (),
) -> Tally:
    """Return the tally of some segments, as far as they are finished; other arguments and errors as of `Tally`."""
    times = FrameTimes([work for segment in segments for work in segment.works])
    for segment in segments:
        for record, work in zip(segment.finished, segment.works, strict=False):
            times.add(record.seconds, work)
    return Tally(times, progress, stop, at_once, parts)


def anchored(job: Job, shot: Shot) -> dict[int, int]:
    """Return the anchors of a shot, and the numbers of the segments that they begin."""
    if job.schedule.settings.coherence.mode != "flow":
        return {}
    numbers = {segment.start: number for number, segment in enumerate(job.source.plan.segments)}
    return {anchor: numbers[anchor] for anchor in anchors_of(job.source.plan, shot)}
