"""A job that is open in a process: its folder, and what its frames are rendered with."""

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path

from dreamvid.coherence.carry import Past
from dreamvid.config.serialize import settings_at
from dreamvid.core.errors import JobError
from dreamvid.core.types import Frame, Image, Shot
from dreamvid.dream.build_objectives import START
from dreamvid.dream.session import Session, open_session
from dreamvid.jobs import folder as job_folder
from dreamvid.jobs.fingerprint import differences, fingerprint
from dreamvid.jobs.folder import JobFolder
from dreamvid.pipeline.crossfade import Ending
from dreamvid.pipeline.frame_params import params_by_frame
from dreamvid.pipeline.prepare import open_source, schedule_of
from dreamvid.pipeline.render import RenderContext, Rendered, gain
from dreamvid.pipeline.schedule import Schedule
from dreamvid.pipeline.segments import SegmentEnd, ending_frames
from dreamvid.pipeline.sources import Source


@dataclass(frozen=True)
class Job:
    """A job that is open in this process: its folder, and what its frames are rendered with."""

    folder: JobFolder
    source: Source
    schedule: Schedule
    session: Session

    @property
    def varies(self) -> bool:
        """Return whether frames have parameters of their own: settings are animated, or a guide is a film."""
        return bool(self.schedule.values) or self.session.terms.varies

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
        """Return the end of a segment, whose next anchor is stored; None where no segment follows in its shot."""
        frames = ending_frames(self.source.plan, segment)
        if not frames or self.schedule.settings.coherence.mode != "flow":
            return None
        return SegmentEnd(frames, segment.stop, self.stored, self.source.move)

    def score(self, result: Rendered) -> float:
        """Return how much the dream of a frame raised the objective that the frame was dreamed with."""
        session, index = self.session, result.index
        at = session.at(self.schedule.at(index), self.when(index)) if self.varies else session
        return gain(at.scorer, result.source, result.dream)


def open_job(path: Path, *, device: str | None = None, trust: bool = False, mixed: bool = False) -> Job:
    """Open a job from its folder alone.

    `device`: in place of the one in its settings; `trust`: whether a net that is code may be executed; `mixed`: whether
    this process may give other pixels than the one that began the job.

    Raises JobError where this process would give other pixels than the one that began it.
    """
    folder = JobFolder(path)
    planned = job_folder.read_plan(folder)
    settings = job_folder.read_settings(folder)
    if device is not None:
        settings = settings.model_copy(update={"compute": settings.compute.model_copy(update={"device": device})})
    schedule = schedule_of(planned, settings)
    source = open_source(planned, schedule)
    session = open_session(settings, trust=trust, rate=planned.info.rate)
    changed = differences(job_folder.read_fingerprint(folder), fingerprint(planned, schedule, session))
    if changed and not mixed:
        raise JobError(f"{path} would be continued differently here: {'; '.join(changed)}")
    return Job(folder, source, schedule, session)
