"""Render the frames of a job one after another, and its canvas: stopped anywhere, nothing finished is lost.

The next frame is computed from what is stored and from nothing else, so a job killed and continued gives the
same bytes.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from fractions import Fraction
from functools import partial
from itertools import islice

from dreamvid.camera import paint
from dreamvid.camera.canvas import Canvas
from dreamvid.camera.paint import FlightView
from dreamvid.coherence.carry import Carry, Past
from dreamvid.core.types import Image
from dreamvid.dream.build_objectives import START
from dreamvid.dream.deepdream import Dreamer
from dreamvid.dream.session import Session
from dreamvid.jobs import folder
from dreamvid.jobs.folder import FrameRecord
from dreamvid.jobs.interrupt import Interrupted, interruptible
from dreamvid.media.frame_store import FrameStore
from dreamvid.pipeline.cadence import render_at_cadence
from dreamvid.pipeline.frame_params import params_by_frame
from dreamvid.pipeline.plan import Plan
from dreamvid.pipeline.render import RenderContext, Rendered, gain, render_views
from dreamvid.pipeline.schedule import SHAPES_THE_DREAM, Schedule
from dreamvid.pipeline.sources import Source

logger = logging.getLogger(__name__)
SAVE_EVERY = 60.0  # seconds from one time to the next that a canvas is kept while it is dreamed
SCORED = 8  # every so many frames are scored, and the last: it costs a good part of a carried one
Progress = Callable[[int, int], None]  # told (frames done, frames in all) after each one


def render_remaining(
    store: FrameStore,
    source: Source,
    schedule: Schedule,
    session: Session,
    records: Sequence[FrameRecord],
    progress: Progress,
) -> list[FrameRecord]:
    """Render what is not yet stored, frame by frame, and return the records of that.

    `records`: those of the frames that are stored. Raises DreamvidError, or Interrupted after Ctrl-C.
    """
    plan, settings, done = source.plan, schedule.settings, len(records)

    def when(frame: int) -> Fraction:  # a loop goes on behind the end of its source, and no guide runs along with it
        return source.info.times[frame] if session.terms.varies else START

    frame_params = params_by_frame(schedule, session, plan, when) if schedule.values or session.terms.varies else None
    progress(done, len(plan.frames))
    if done == len(plan.frames):
        return []
    dreamer = session.dreamer
    if records:  # with the patches that an earlier run had to come down to: others would give other pixels
        dreamer.budget.limit = records[-1].tile
    fresh: list[FrameRecord] = []
    how = settings.coherence
    memory = plan.shot_begins(done - 1, max(how.references) * how.cadence) if done else 0
    with closing(source.frames(plan.frames[memory:])) as frames, interruptible() as stop:
        seen = zip(range(memory, done), islice(frames, done - memory), strict=True)
        past = tuple(
            Past(frame.index, frame.image, store.read(position), frame.mask)
            for position, frame in seen
            if plan.is_key(frame.index, how.cadence)
        )
        last = records[-1] if records else None
        carry = Carry(past[::-1], last.state) if last is not None else None
        if source.view is None:
            back = None if source.crossfade is None else (source.crossfade, partial(_layer, store, source))
            results = render_at_cadence(
                RenderContext(plan, settings, source.move, dreamer, frame_params, back), frames, carry
            )
        else:
            canvas = _canvas(store, source.view, schedule, session, plan, dreamer, progress, stop)
            results = render_views(source.view, canvas, frames)
        began = time.perf_counter()
        for position, result in enumerate(results, start=done):
            sha256 = store.write(position, result.dream)
            seconds = time.perf_counter() - began
            score = None
            if position % SCORED == 0 or position + 1 == len(plan.frames):
                scorer = (
                    session if frame_params is None else session.at(schedule.at(result.index), when(result.index))
                ).scorer
                score = gain(scorer, result.source, result.dream)
            record = _record(result, sha256, dreamer.patch[0], seconds, score, schedule.values_at(result.index))
            store.append(folder.journal_line(record, last))
            fresh.append(record)
            last = record
            progress(position + 1, len(plan.frames))
            if stop() and position + 1 < len(plan.frames):
                raise Interrupted(f"stopped after frame {position + 1} of {len(plan.frames)}; the same command resumes")
            began = time.perf_counter()
    return fresh


def _layer(store: FrameStore, source: Source, index: int) -> Image:
    """What dreaming has added to a frame that is stored, H x W x 3 in [-1, 1]."""
    (frame,) = source.frames((index,))
    return Past(index, frame.image, store.read(source.plan.frames.index(index)), frame.mask).layer


def _canvas(
    store: FrameStore,
    view: FlightView,
    schedule: Schedule,
    session: Session,
    plan: Plan,
    dreamer: Dreamer,
    progress: Progress,
    stop: Callable[[], bool],
) -> Canvas | None:
    """Paint the rest of the canvas; save it every minute and when it is done."""
    flight, size = view.backdrop.flight, plan.framing.size
    begun, total = folder.load_canvas(store), len(paint.paint_steps(flight, *size, dreamer))
    if begun is not None and begun[0] == total:
        return paint.restored(flight, *size, begun[1])
    dreamer_at = None
    if any(key.startswith(SHAPES_THE_DREAM) for key in schedule.settings.keyframes):
        start = 0 if plan.cycle_length is not None else plan.frames[plan.playback[0]] / plan.rate
        step_settings = schedule.during([time - float(start) for time in paint.view_times(flight, total)])

        def dreamer_at(step: int) -> Dreamer:
            return session.at(step_settings[step]).dreamer

    logger.info("painting a canvas in %d steps, then rendering its views", total)
    made, kept = None, time.monotonic()
    for made in paint.paint_canvas(view.backdrop, *size, dreamer, begun, dreamer_at):
        progress(made.done, total)
        if made.done == total or stop() or time.monotonic() - kept > SAVE_EVERY:
            folder.save_canvas(store, made)
            kept = time.monotonic()
        if stop() and made.done < total:
            raise Interrupted(f"stopped after step {made.done} of {total} of the canvas; the same command resumes")
    return made.canvas if made is not None else None


def _record(
    result: Rendered, sha256: str, tile: int, seconds: float, score: float | None, values: Mapping[str, float]
) -> FrameRecord:
    return FrameRecord(result.index, sha256, result.state, result.valid, tile, seconds, score, dict(values))
