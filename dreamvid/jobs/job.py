"""A job that is open in a process: its folder, and what its frames are rendered with."""

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path

from dreamvid.coherence.carry import Carry, Past
from dreamvid.config.serialize import settings_at
from dreamvid.core.errors import JobError
from dreamvid.core.types import Frame, Image, Shot
from dreamvid.dream.build_objectives import START
from dreamvid.dream.session import Session, SharedNets, open_session
from dreamvid.jobs import folder as job_folder
from dreamvid.jobs.fingerprint import Facts, differences, fingerprint
from dreamvid.jobs.folder import JobFolder
from dreamvid.jobs.stretch_folders import before as stretch_before
from dreamvid.pipeline.crossfade import Ending
from dreamvid.pipeline.frame_params import params_by_frame
from dreamvid.pipeline.prepare import open_source, schedule_of
from dreamvid.pipeline.render import RenderContext, Rendered, gain
from dreamvid.pipeline.schedule import Schedule
from dreamvid.pipeline.segments import SegmentEnd, ending_frames
from dreamvid.pipeline.sources import Source

NETS = 2  # that a process keeps from job to job


@dataclass(frozen=True)
class StretchBefore:
    """The stretch whose dream a job goes on with, once that is finished; `cadence`: of its dreamed frames."""

    folder: JobFolder
    source: Source
    cadence: int

    def last(self, count: int) -> Carry:
        """Return its last dreams, at most so many; raise JobError where one is missing."""
        plan, number = self.source.plan, len(self.source.plan.segments) - 1
        records, state = job_folder.finished(self.folder, plan, number)
        positions = plan.positions(plan.segments[number])
        if state is None or len(records) < len(positions):
            raise JobError(f"{self.folder.path} lacks frames: run the same command again to render them again")
        keys = [position for position in positions if plan.is_key(plan.frames[position], self.cadence)][-count:]
        pictures = zip(keys, self.source.frames([plan.frames[position] for position in keys]), strict=True)
        past = [Past(at.index, at.image, self.folder.frames.read(position), at.mask) for position, at in pictures]
        return Carry(tuple(past[::-1]), state)


@dataclass(frozen=True)
class Job:
    """A job that is open in this process: its folder, and what its frames are rendered with.

    `before`: the stretch of the film whose dream its first frame goes on with.
    """

    folder: JobFolder
    source: Source
    schedule: Schedule
    session: Session
    before: StretchBefore | None = None

    @property
    def varies(self) -> bool:
        """Return whether frames have parameters of their own: settings are animated, guides are films, a look grows."""
        return bool(self.schedule.values) or self.session.terms.varies or self.before is not None

    @cached_property
    def carried_on(self) -> Carry | None:
        """The dreams that its first frame goes on with, stored by then; None where that begins afresh."""
        return None if self.before is None else self.before.last(max(self.schedule.settings.coherence.references))

    def when(self, frame: int) -> Fraction:
        """Return the time of a source frame, in seconds, where a guide is a film; else that of the first frame."""
        # A loop continues behind the end of its source; a guide of a loop is a still.
        return self.source.info.times[frame] if self.session.terms.varies else START

    @cached_property
    def context(self) -> RenderContext:
        """What rendering frames needs, the same for all segments."""
        session, plan, settings = self.session, self.source.plan, settings_at(self.schedule.settings, {})
        frame_params = params_by_frame(self.schedule, session, plan, self.when) if self.varies else None
        loop = plan.crossfade
        ending = Ending(loop, lambda at: (self.layer_at(at - loop.cycle_length), None)) if loop else None
        return RenderContext(plan, settings, self.source.move, session.dreamer, frame_params, ending)

    def stored(self, frame: Frame) -> Past:
        """Return a source frame that is stored, with its dream."""
        pixels = self.folder.frames.read(self.source.plan.frames.index(frame.index))
        return Past(frame.index, frame.image, pixels, frame.mask)

    def layer_at(self, index: int) -> Image:
        """Return what dreaming has added to a source frame that is stored, H x W x 3 in [-1, 1]."""
        (frame,) = self.source.frames((index,))
        return self.stored(frame).layer

    def end_of(self, segment: Shot) -> SegmentEnd | None:
        """Return the end of a segment; None where no segment follows in its shot."""
        plan = self.source.plan
        frames = ending_frames(plan, segment)
        if not frames or self.schedule.settings.coherence.mode != "flow":
            return None
        following = [part.start for part in plan.segments].index(segment.stop)

        def dream_of(anchor: Frame) -> Past | None:
            return self.stored(anchor) if self.has_begun(following) else None

        return SegmentEnd(frames, segment.stop, dream_of, self.source.move)

    def has_begun(self, segment: int) -> bool:
        """Return whether the frame that begins a segment is stored."""
        return bool(job_folder.finished(self.folder, self.source.plan, segment, most=1)[0])

    def score(self, result: Rendered) -> float:
        """Return how much the dream of a frame raised the objective that the frame was dreamed with."""
        session, index = self.session, result.index
        at = session.at(self.schedule.at(index), self.when(index)) if self.varies else session
        return gain(at.scorer, result.source, result.dream)


def open_job(
    path: Path, *, device: str | None = None, trust: bool = False, mixed: bool = False, shared: SharedNets | None = None
) -> Job:
    """Open a job from its folder alone.

    `device`: in place of the one in its settings; `trust`: whether a net that is code may be executed; `mixed`: whether
    this process may give other pixels than the one that began the job; `shared`: nets of several jobs, which decide
    themselves about `trust`.

    Raises JobError where this process would give other pixels than the one that began it.
    """
    folder = JobFolder(path)
    planned = job_folder.read_plan(folder)
    settings = job_folder.read_settings(folder)
    if device is not None:
        settings = settings.model_copy(update={"compute": settings.compute.model_copy(update={"device": device})})
    schedule = schedule_of(planned, settings)
    source = open_source(planned, schedule)
    session = open_session(settings, trust=trust, rate=planned.info.rate, shared=shared)
    before, facts = None, None
    if (earlier := stretch_before(folder, planned.plan)) is not None:
        before, facts = _stretch(earlier), job_folder.read_fingerprint(earlier)
    changed = differences(job_folder.read_fingerprint(folder), fingerprint(planned, schedule, session, facts))
    if changed and not mixed:
        raise JobError(f"{path} would be continued differently here: {'; '.join(changed)}")
    return Job(folder, source, schedule, session, before)


class HeldJob:
    """The job that a process has open; it is opened anew for another folder, or where that one was begun otherwise."""

    def __init__(self, device: str | None = None, *, trust: bool = False, mixed: bool = False) -> None:
        """Take what jobs are opened with, see `open_job`."""
        self._device, self._mixed, self._nets = device, mixed, SharedNets(trust, NETS)
        self._job: Job | None = None
        self._facts: Facts | None = None

    def of(self, path: Path) -> Job:
        """Return the job of a folder; raises as `open_job`."""
        facts = job_folder.read_fingerprint(JobFolder(path)) if JobFolder(path).fingerprint_file.exists() else None
        if self._job is None or self._job.folder.path != path or self._facts != facts:
            self._job = open_job(path, device=self._device, mixed=self._mixed, shared=self._nets)
            self._facts = facts
        return self._job


def _stretch(folder: JobFolder) -> StretchBefore:
    """Open a stretch for reading what is finished of it."""
    planned, settings = job_folder.read_plan(folder), job_folder.read_settings(folder)
    return StretchBefore(folder, open_source(planned, schedule_of(planned, settings)), settings.coherence.cadence)
