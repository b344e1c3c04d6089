"""Render what a job still lacks: its canvas, and its shots, frame by frame. Stopped anywhere, nothing finished is lost.

The next frame is computed from what is stored of its shot and from nothing else. So a job that was killed and resumed
gives the same bytes, and so do its shots in any order and in any process, which needs the job folder alone. Only the
end of a loop, where the dream crossfades to the beginning, needs what is stored of that.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, partial
from itertools import islice
from pathlib import Path

from dreamvid.camera import paint
from dreamvid.camera.canvas import Canvas
from dreamvid.coherence.carry import Carry, CarryState, Past
from dreamvid.config import presets
from dreamvid.config.serialize import settings_at
from dreamvid.core.errors import JobError
from dreamvid.core.types import Frame, Image
from dreamvid.dream.build_objectives import START
from dreamvid.dream.deepdream import Dreamer
from dreamvid.dream.session import Session, open_session
from dreamvid.jobs import folder as job_folder
from dreamvid.jobs.canvas_file import load_canvas, save_canvas
from dreamvid.jobs.events import Event, Progress, Stop, ignore, never
from dreamvid.jobs.fingerprint import differences, fingerprint
from dreamvid.jobs.folder import JobFolder
from dreamvid.jobs.interrupt import Interrupted
from dreamvid.jobs.records import FrameRecord, journal_line
from dreamvid.jobs.time_left import FrameTimes
from dreamvid.pipeline.cadence import render_at_cadence
from dreamvid.pipeline.frame_params import params_by_frame
from dreamvid.pipeline.overlap import keeping_behind, reading_ahead
from dreamvid.pipeline.prepare import open_source, schedule_of
from dreamvid.pipeline.render import RenderContext, Rendered, gain, render_views
from dreamvid.pipeline.schedule import SHAPES_THE_DREAM, Schedule
from dreamvid.pipeline.sources import Source

logger = logging.getLogger(__name__)
SAVE_EVERY = 60.0  # seconds from one time to the next that a canvas is saved while it is painted
SCORED = 8  # every so many frames are scored, and the last: it costs a good part of a carried one


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
        """What rendering frames needs, the same for all shots."""
        session, plan, settings = self.session, self.source.plan, settings_at(self.schedule.settings, {})
        frame_params = params_by_frame(self.schedule, session, plan, self.when) if self.varies else None
        return RenderContext(plan, settings, self.source.move, session.dreamer, frame_params, self.stored_layer)

    def stored_layer(self, index: int) -> Image:
        """Return what dreaming has added to a source frame that is stored, H x W x 3 in [-1, 1]."""
        (frame,) = self.source.frames((index,))
        pixels = self.folder.frames.read(self.source.plan.frames.index(index))
        return Past(index, frame.image, pixels, frame.mask).layer

    def score(self, result: Rendered) -> float:
        """Return how much the dream of a frame raised the objective that the frame was dreamed with."""
        session, index = self.session, result.index
        at = session.at(self.schedule.at(index), self.when(index)) if self.varies else session
        return gain(at.scorer, result.source, result.dream)


def open_job(path: Path, *, trust: bool = False) -> Job:
    """Open a job from its folder alone; `trust`: whether a net that is code may be executed.

    Raises JobError where this process would give other pixels than the one that began it.
    """
    folder = JobFolder(path)
    planned = job_folder.read_plan(folder)
    settings = presets.resolve(str(folder.settings_file))
    schedule = schedule_of(planned, settings)
    source = open_source(planned, schedule)
    session = open_session(settings, trust=trust, rate=planned.info.rate)
    changed = differences(job_folder.read_fingerprint(folder), fingerprint(planned, schedule, session))
    if changed:
        raise JobError(f"{path} would be continued differently here: {'; '.join(changed)}")
    return Job(folder, source, schedule, session)


@dataclass(frozen=True)
class ShotRecords:
    """A shot of a job: its `number`, from 0; the `positions` of its frames in the plan; what is `finished` of them.

    `state`: what the next frame needs to know of the last finished one, None where there is none.
    """

    number: int
    positions: range
    finished: tuple[FrameRecord, ...]
    state: CarryState | None

    @property
    def missing(self) -> range:
        """The positions of the frames that are still to be rendered."""
        return self.positions[len(self.finished) :]

    def reads(self, memory: int) -> range:
        """Return the positions that are read to render what is missing, `memory` frames before it among them."""
        first = max(self.positions.start, self.missing.start - memory)
        return range(first if self.missing else self.positions.stop, self.positions.stop)


def find_shots(job: Job) -> list[ShotRecords]:
    """Return every shot of a job, with what is finished of it."""
    plan = job.source.plan
    found = (job_folder.finished(job.folder, plan, number) for number in range(len(plan.shots)))
    return [
        ShotRecords(number, plan.positions(number), tuple(records), state)
        for number, (records, state) in enumerate(found)
    ]


def render_missing(
    job: Job, shots: Sequence[ShotRecords], progress: Progress = ignore, stop: Stop = never
) -> list[FrameRecord]:
    """Render all that is missing of some shots, in their order, and return the records of that.

    `shots`: of `find_shots`. Raises DreamvidError, or Interrupted where `stop` asks for it.
    """
    memory, total = _memory(job), sum(len(shot.positions) for shot in shots)
    done = total - sum(len(shot.missing) for shot in shots)
    progress(Event("render", done, total))
    incomplete = [shot for shot in shots if shot.missing]
    if not incomplete:
        return []
    if stop():
        raise Interrupted(f"stopped after frame {done} of {total}; the same command resumes")
    tiles = [record.tile for shot in shots for record in shot.finished]
    if tiles:  # patches that an earlier run had to come down to: others would give other pixels
        job.session.dreamer.budget.limit = min(tiles)
    canvas = paint_missing(job, progress, stop)
    fresh: list[Future[FrameRecord]] = []
    times = _times(shots)
    read = [job.source.plan.frames[at] for shot in incomplete for at in shot.reads(memory)]
    # One reader for all: each decodes from the beginning.
    with keeping_behind() as keep, reading_ahead(job.context, job.source.frames(read)) as (frames, ctx):
        for shot in incomplete:
            shot_frames = islice(frames, len(shot.reads(memory)))
            rendered = render_shot(job, ctx, shot, shot_frames, keep, canvas)
            for position, (result, seconds, record) in zip(shot.missing, rendered, strict=True):
                fresh.append(record)
                times.add(seconds, first=position == shot.positions.start)
                done += 1
                progress(Event("render", done, total, seconds, result.dream, times.seconds_left))
                if stop() and done < total:
                    raise Interrupted(f"stopped after frame {done} of {total}; the same command resumes")
    return [record.result() for record in fresh]


def _times(shots: Sequence[ShotRecords]) -> FrameTimes:
    """Return what the frames of some shots took so far, and how many are missing."""
    begun = sum(bool(shot.missing) and not shot.finished for shot in shots)
    took = [[record.seconds for record in shot.finished] for shot in shots]
    return FrameTimes(
        begun,
        sum(len(shot.missing) for shot in shots) - begun,
        [seconds[0] for seconds in took if seconds],
        [each for seconds in took for each in seconds[1:]],
    )


def _memory(job: Job) -> int:
    """Return how many frames back a frame may be carried from."""
    how = job.schedule.settings.coherence
    return max(how.references) * how.cadence


def render_shot(
    job: Job,
    ctx: RenderContext,
    shot: ShotRecords,
    frames: Iterator[Frame],
    keep: Callable[[Callable[[], FrameRecord]], "Future[FrameRecord]"],
    canvas: Canvas | None = None,
) -> Iterator[tuple[Rendered, float, "Future[FrameRecord]"]]:
    """Render what is missing of a shot; yield each frame, the seconds it took, and its record once both are stored.

    `ctx`: of the job; `frames`: those of `shot.reads`; `keep`: runs what stores a frame, in the order of the frames;
    `canvas`: of a zoom that has one.
    """
    plan, store, how = job.source.plan, job.folder.frames, job.schedule.settings.coherence
    seen = zip(range(shot.reads(_memory(job)).start, shot.missing.start), frames, strict=False)
    past = tuple(
        Past(frame.index, frame.image, store.read(position), frame.mask)
        for position, frame in seen
        if plan.is_key(frame.index, how.cadence)
    )
    carry = Carry(past[::-1], shot.state) if shot.state is not None else None
    before, began = None, time.perf_counter()
    for position, result in zip(shot.missing, _rendered(job, ctx, frames, carry, canvas), strict=True):
        seconds = time.perf_counter() - began
        scored = position % SCORED == 0 or position + 1 == len(plan.frames)
        record = partial(
            FrameRecord,
            index=result.index,
            valid=result.valid,
            tile=job.session.dreamer.patch[0],
            seconds=seconds,
            score=job.score(result) if scored else None,
            values=dict(job.schedule.values_at(result.index)),
        )
        yield result, seconds, keep(partial(_store, job.folder, shot.number, position, result, record, before))
        before, began = result.state, time.perf_counter()


def _store(
    folder: JobFolder,
    shot: int,
    position: int,
    result: Rendered,
    record: Callable[..., FrameRecord],
    before: CarryState | None,
) -> FrameRecord:
    """Store a frame, then its record and the state after it; return the record. `before`: the state before it."""
    stored = record(sha256=folder.frames.write(position, result.dream))
    folder.journal(shot).append(journal_line(stored, result.state, before))
    return stored


def _rendered(
    job: Job, ctx: RenderContext, frames: Iterable[Frame], carry: Carry | None, canvas: Canvas | None
) -> Iterator[Rendered]:
    if job.source.view is not None:
        return render_views(job.source.view, canvas, frames)
    return render_at_cadence(ctx, frames, carry)


def paint_missing(job: Job, progress: Progress = ignore, stop: Stop = never) -> Canvas | None:
    """Return the canvas of a zoom, painted as far as it is not yet; None where there is none, or no step to take.

    Raises Interrupted where `stop` asks for it; what is painted is saved before.
    """
    source, session = job.source, job.session
    if source.view is None:
        return None
    size, flight = source.plan.framing.size, source.view.backdrop.flight
    steps = paint.paint_steps(flight, *size, session.dreamer)
    begun, total = load_canvas(job.folder.canvas_file, partial(paint.fits, flight, steps)), len(steps)
    if begun is not None and begun[0] == total:
        return paint.restored(flight, *size, begun[1])
    logger.info("painting a canvas in %d steps, then rendering its views", total)
    made, saved = None, time.monotonic()
    for made in paint.paint_canvas(source.view.backdrop, *size, session.dreamer, begun, _dreamer_of_step(job, total)):
        progress(Event("paint", made.done, total))
        if made.done == total or stop() or time.monotonic() - saved > SAVE_EVERY:
            save_canvas(job.folder.canvas_file, made)
            saved = time.monotonic()
        if stop() and made.done < total:
            raise Interrupted(f"stopped after step {made.done} of {total} of the canvas; the same command resumes")
    return made.canvas if made is not None else None


def _dreamer_of_step(job: Job, total: int) -> Callable[[int], Dreamer] | None:
    """Return what dreams each step of a canvas, of `total`, where settings are animated; None where none is."""
    source, schedule, plan = job.source, job.schedule, job.source.plan
    if source.view is None or not any(key.startswith(SHAPES_THE_DREAM) for key in schedule.settings.keyframes):
        return None
    start = 0 if plan.cycle_length is not None else plan.frames[plan.playback[0]] / plan.rate
    times = paint.view_times(source.view.backdrop.flight, total)
    step_settings = schedule.during([time - float(start) for time in times])
    return lambda step: job.session.at(step_settings[step]).dreamer
