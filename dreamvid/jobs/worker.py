"""Render what a job still lacks: its canvas, and its segments, frame by frame. Stopped anywhere, nothing done is lost.

The next frame is computed from what is stored of its segment and from nothing else. So a job that was killed and
resumed gives the same bytes, and so do its segments in any order and in any process, which needs the job folder alone.
Only the end of a segment, where the dream crossfades to the next anchor, needs that; the end of a loop, its beginning.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial

from dreamvid.camera import paint
from dreamvid.camera.canvas import Canvas
from dreamvid.coherence.carry import Carry, CarryState, Past
from dreamvid.core.types import Frame, Shot
from dreamvid.core.words import counted
from dreamvid.dream.deepdream import Dreamer
from dreamvid.jobs import folder as job_folder
from dreamvid.jobs.canvas_file import load_canvas, save_canvas
from dreamvid.jobs.events import Event, Progress, Stop, ignore, never
from dreamvid.jobs.folder import JobFolder
from dreamvid.jobs.interrupt import Interrupted
from dreamvid.jobs.job import Job
from dreamvid.jobs.records import FrameRecord, journal_line
from dreamvid.jobs.segment_records import SegmentRecords, anchored, find_segments, tally_of
from dreamvid.jobs.time_left import OnFrame, Tally
from dreamvid.pipeline.cadence import render_at_cadence
from dreamvid.pipeline.overlap import keeping_behind, reading_ahead
from dreamvid.pipeline.render import RenderContext, Rendered, render_views
from dreamvid.pipeline.schedule import SHAPES_THE_DREAM
from dreamvid.pipeline.segments import SegmentEnd, render_anchors

logger = logging.getLogger(__name__)
SAVE_EVERY = 60.0  # seconds from one time to the next that a canvas is saved while it is painted
SCORED = 8  # every so many frames are scored, and the last: it costs a good part of a carried one


def render_missing(
    job: Job,
    segments: Sequence[SegmentRecords],
    progress: Progress = ignore,
    stop: Stop = never,
    tally: Tally | None = None,
) -> list[FrameRecord]:
    """Render all that is missing of some segments, in their order, and return the records of that.

    `segments`: of `find_segments`; `tally`: of the whole film, where that is of other jobs, too. Raises DreamvidError,
    or Interrupted where `stop` asks for it.
    """
    tally = tally or tally_of(segments, progress, stop)
    if not any(segment.missing for segment in segments):
        return []
    canvas = paint_missing(job, progress, stop)
    anchors = [record for shot in job.source.plan.shots for record in render_shot_anchors(job, shot, tally)]
    if anchors:
        segments = find_segments(job, [segment.number for segment in segments])
    return anchors + render_segments(job, segments, tally, canvas)


def render_shot_anchors(job: Job, shot: Shot, tally: OnFrame) -> list[FrameRecord]:
    """Dream the anchors that a shot lacks, and return their records; none where it is one segment."""
    plan, folder = job.source.plan, job.folder
    numbers = anchored(job, shot)
    known = {anchor: job_folder.finished(folder, plan, number, most=1) for anchor, number in numbers.items()}
    missing = [anchor for anchor, (records, _) in known.items() if not records]
    if not missing:
        return []
    before = max((anchor for anchor in known if anchor < missing[0]), default=None)
    carry = None
    if before is not None and (state := known[before][1]) is not None:
        (frame,) = job.source.frames((before,))
        carry = Carry((job.stored(frame),), state)
    first = missing[0] if before is None else before
    read = [index for index in plan.frames if first <= index <= missing[-1]]
    fresh, began = list[Future[FrameRecord]](), time.perf_counter()
    with keeping_behind() as keep, reading_ahead(job.context, job.source.frames(read)) as (frames, ctx):
        for result in render_anchors(ctx, frames, numbers, carry):
            if result.index not in missing:  # one that lies between two that are
                continue
            seconds, number = time.perf_counter() - began, numbers[result.index]
            position = plan.positions(plan.segments[number]).start
            record = _record(job, position, result, seconds)
            fresh.append(keep(partial(_store, folder, number, position, result, record, None)))
            tally(seconds, None, result.dream)
            began = time.perf_counter()
    return [record.result() for record in fresh]


def render_segments(
    job: Job, segments: Sequence[SegmentRecords], tally: OnFrame, canvas: Canvas | None = None
) -> list[FrameRecord]:
    """Render all that is missing of some segments, whose anchors are stored, and return the records of that.

    A segment whose next anchor is not stored by then is left at its crossfade. `canvas`: of a zoom that has one.
    """
    memory = _memory(job)
    incomplete = [segment for segment in segments if segment.missing]
    tiles = [record.tile for segment in segments for record in segment.finished]
    if tiles:  # patches that an earlier run had to come down to: others would give other pixels
        job.session.dreamer.budget.limit = min(tiles)
    fresh: list[Future[FrameRecord]] = []
    plan, work = job.source.plan, list[tuple[SegmentRecords, SegmentEnd | None, Sequence[int]]]()
    for segment in incomplete:
        end, reads = job.end_of(plan.segments[segment.number]), segment.reads(memory)
        work.append((segment, end, plan.frames[reads.start : reads.stop + (end is not None)]))  # and the next anchor
    read = tuple(dict.fromkeys(frame for *_, frames in work for frame in frames))
    # One reader for all: each decodes from the beginning.
    with keeping_behind() as keep, reading_ahead(job.context, job.source.frames(read)) as (frames, ctx):
        feed = _Feed(frames)
        for segment, end, frames_read in work:
            rendered = render_segment(job, ctx, segment, feed.take(frames_read), keep, canvas, end)
            for foretold, (result, seconds, record) in zip(segment.works_left, rendered, strict=end is None):
                fresh.append(record)
                tally(seconds, foretold, result.dream)
    return [record.result() for record in fresh]


class _Feed:
    """The frames of a reader in their order, the last of which may be taken again: an anchor, for two segments."""

    def __init__(self, frames: Iterator[Frame]) -> None:
        self._frames = frames
        self._last: Frame | None = None

    def take(self, indices: Iterable[int]) -> Iterator[Frame]:
        """Yield the next frames."""
        for index in indices:
            if self._last is None or self._last.index != index:
                self._last = next(self._frames)
            yield self._last


def _memory(job: Job) -> int:
    """Return how many frames back a frame may be carried from."""
    how = job.schedule.settings.coherence
    return max(how.references) * how.cadence


def render_segment(
    job: Job,
    ctx: RenderContext,
    segment: SegmentRecords,
    frames: Iterator[Frame],
    keep: Callable[[Callable[[], FrameRecord]], "Future[FrameRecord]"],
    canvas: Canvas | None = None,
    end: SegmentEnd | None = None,
) -> Iterator[tuple[Rendered, float, "Future[FrameRecord]"]]:
    """Render what is missing of a segment; yield each frame, the seconds it took, and its record once both are stored.

    `ctx`: of the job; `frames`: those of `segment.reads`, and the next anchor where the segment has an `end`; `keep`:
    runs what stores a frame, in the order of the frames; `canvas`: of a zoom that has one.
    """
    if end is not None:
        ctx, frames = replace(ctx, ending=end.ending), end.through(frames)
    plan, store, how = job.source.plan, job.folder.frames, job.schedule.settings.coherence
    seen = zip(range(segment.reads(_memory(job)).start, segment.missing.start), frames, strict=False)
    past = tuple(
        Past(frame.index, frame.image, store.read(position), frame.mask)
        for position, frame in seen
        if plan.is_key(frame.index, how.cadence)
    )
    carry = Carry(past[::-1], segment.state) if segment.state is not None else None
    if segment.positions.start == 0 and (begun := job.carried_on) is not None:
        carry = begun if carry is None else replace(carry, frames=(*carry.frames, *begun.frames)[: max(how.references)])
    before, began = None, time.perf_counter()
    for position, result in zip(segment.missing, _rendered(job, ctx, frames, carry, canvas), strict=end is None):
        seconds = time.perf_counter() - began
        record = _record(job, position, result, seconds)
        yield result, seconds, keep(partial(_store, job.folder, segment.number, position, result, record, before))
        before, began = result.state, time.perf_counter()


def _record(job: Job, position: int, result: Rendered, seconds: float) -> Callable[..., FrameRecord]:
    """Return what makes the record of a frame of its hash."""
    scored = position % SCORED == 0 or position + 1 == len(job.source.plan.frames)
    return partial(
        FrameRecord,
        index=result.index,
        valid=result.valid,
        tile=job.session.dreamer.patch[0],
        seconds=seconds,
        score=job.score(result) if scored else None,
        values=dict(job.schedule.values_at(result.index)),
    )


def _store(
    folder: JobFolder,
    segment: int,
    position: int,
    result: Rendered,
    record: Callable[..., FrameRecord],
    before: CarryState | None,
) -> FrameRecord:
    """Store a frame, then its record and the state after it; return the record. `before`: the state before it."""
    stored = record(sha256=folder.frames.write(position, result.dream))
    folder.journal(segment).append(journal_line(stored, result.state, before))
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
    steps = paint.paint_steps(flight, *size, session.dreamer.settings)
    begun, total = load_canvas(job.folder.canvas_file, partial(paint.fits, flight, steps)), len(steps)
    if begun is not None and begun[0] == total:
        return paint.restored(flight, *size, begun[1])
    logger.info("painting a canvas in %s, then rendering its views", counted(total, "step"))
    made, saved = None, time.monotonic()
    pixels = [high * wide for _, _, high, wide in steps]
    first, began, before = 0 if begun is None else begun[0], saved, saved
    for made in paint.paint_canvas(source.view.backdrop, *size, session.dreamer, begun, _dreamer_of_step(job, total)):
        now = time.monotonic()
        left = (now - began) * sum(pixels[made.done :]) / sum(pixels[first : made.done])
        progress(Event("paint", made.done, total, now - before, seconds_left=left))
        before = now
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
