"""A render from source to finished file, and what is said about it: the same command resumes where it was stopped."""

import logging
import time
from collections.abc import Sequence
from pathlib import Path

from dreamvid.config.serialize import settings_at
from dreamvid.config.settings import Settings
from dreamvid.core.errors import SettingsError
from dreamvid.core.words import counted
from dreamvid.dream.session import Session, SharedNets, open_session
from dreamvid.jobs.budget import within
from dreamvid.jobs.done import Summary
from dreamvid.jobs.events import Event
from dreamvid.jobs.film import JobOfFilm, Options, PlannedFilm, check_output, dream_film, notice, tell_effect
from dreamvid.jobs.film_record import record_text
from dreamvid.jobs.fingerprint import Facts, film_facts, fingerprint
from dreamvid.jobs.folder import JobFolder
from dreamvid.jobs.job import Job, StretchBefore
from dreamvid.jobs.locks import output_held
from dreamvid.jobs.workers import pinned
from dreamvid.media import encode, formats
from dreamvid.media.still_texts import of_camera
from dreamvid.pipeline.prepare import Command, RenderPlan, open_source, prepare
from dreamvid.pipeline.render import RenderContext, gain, render
from dreamvid.pipeline.schedule import Schedule
from dreamvid.pipeline.sources import Source

logger = logging.getLogger(__name__)


def dream_video(
    source: str, output: Path, settings: Settings, options: Options | None = None, budget: float | None = None
) -> Summary:
    """Dream a video, GIF or image folder into a film; raises DreamvidError, or Interrupted where it is stopped.

    `budget`: seconds within which it ends, by giving up what `jobs/budget.py` chooses.
    """
    return _dream_film("video", (source,), output, settings, options or Options(), budget)


def dream_zoom(
    source: str | Sequence[str], output: Path, settings: Settings, options: Options | None = None
) -> Summary:
    """Dream a camera's flight over stills or noise; raises DreamvidError, or Interrupted where it is stopped."""
    sources = (source,) if isinstance(source, str) else tuple(source)
    return _dream_film("zoom", sources, output, settings, options or Options())


def dream_image(source: str, output: Path, settings: Settings, options: Options | None = None) -> Summary:
    """Dream one picture: a still, noise, or a video's first frame; raises DreamvidError.

    Animated settings have their first value.
    """
    options, settings = options or Options(), settings_at(settings, {})
    with output_held(output):
        encode.recover(output)
        check_output((source,), output, overwrite=options.overwrite)
        formats.check_image(output)
        planned, schedule = prepare("image", (source,), settings)
        opened = open_source(planned, schedule)
        session = open_session(settings, trust=options.trust, shared=options.nets)
        tell(opened, session)
        record = record_text(planned, settings, session.nets.values(), options.names)
        began = time.perf_counter()
        (result,) = render(RenderContext(opened.plan, settings, opened.move, session.dreamer), opened.frames((0,)))
        seconds = time.perf_counter() - began
        encode.write_image(result.dream, output, record)
    options.progress(Event("render", 1, 1, seconds, result.dream))
    score = gain(session.scorer, result.source, result.dream)
    tell_effect(settings, [score])
    return Summary(str(output), 1, 0.0, 0.0, seconds, score, rendered=1)


def tell(source: Source, session: Session) -> None:
    """Log what was decided before the first frame, and what a film or a picture has not from its source."""
    plan, info, compute = source.plan, source.info, session.compute
    if info.kind == "still" and (beside := [word for path in info.files for word in of_camera(path)]):
        notice(f"left out of {info.name}: what its EXIF block says of {', '.join(beside)}")
    if plan.framing.note:
        notice(plan.framing.note)
    frames, shots, threads = len(plan.frames), len(plan.shots), counted(compute.threads, "thread")
    logger.debug("%s to dream in %s, %d shown", counted(frames, "frame"), counted(shots, "shot"), len(plan.playback))
    logger.debug("%s on %s, %s, %s", session.dreamer.net.name, compute.description, compute.dtype, threads)


def _dream_film(
    command: Command,
    sources: Sequence[str],
    output: Path,
    settings: Settings,
    options: Options,
    budget: float | None = None,
) -> Summary:
    settings = settings if options.workers is None else pinned(settings)

    def open_film(folder: JobFolder) -> PlannedFilm:
        how, resume = settings, options.resume
        if budget is not None:
            how = within(sources[0], settings, budget, output, folder, resume=resume, trust=options.trust)
        planned, schedule = prepare(command, sources, how)
        opened = open_planned(planned, schedule, folder, options.nets or SharedNets(options.trust))
        tell(opened.job.source, opened.job.session)
        nets = opened.job.session.nets.values()
        made_from = film_facts([opened.facts], how)
        return PlannedFilm(planned, [opened], made_from, lambda: record_text(planned, how, nets, options.names))

    return dream_film(sources, output, settings, options, open_film)


def open_planned(
    planned: RenderPlan,
    schedule: Schedule,
    folder: JobFolder,
    shared: SharedNets,
    before: StretchBefore | None = None,
    facts_before: Facts | None = None,
) -> JobOfFilm:
    """Open all that a plan is rendered with, in a job folder; `before`: the stretch whose dream goes on, and its facts.

    `shared`: nets of all that is opened so.
    """
    settings, source = schedule.settings, open_source(planned, schedule)
    session = open_session(settings, rate=source.info.rate, shared=shared)
    _check_guides(source, settings, session)
    facts = fingerprint(planned, schedule, session, facts_before)
    return JobOfFilm(Job(folder, source, schedule, session, before), planned, facts)


def _check_guides(source: Source, settings: Settings, session: Session) -> None:
    """Raise SettingsError where a guide is a film and the render has no time of its own, or does not end."""
    if session.terms.varies and source.view is not None:
        raise SettingsError(
            "a guide that is a film needs camera.mode=frames: camera.mode=world paints one canvas for all frames"
        )
    if session.terms.varies and settings.input.loop:
        raise SettingsError("a guide that is a film does not come back to its beginning: give a still, or no --loop")


RENDERERS = {"video": dream_video, "image": dream_image, "zoom": dream_zoom}  # by their commands
__all__ = ["RENDERERS", "Options", "Summary", "check_output", "dream_image", "dream_video", "dream_zoom"]
