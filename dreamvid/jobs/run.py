"""A render from source to finished file, and what is said about it: the same command resumes where it was stopped."""

import errno
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from dreamvid.config.serialize import settings_at
from dreamvid.config.settings import Settings
from dreamvid.core.errors import SettingsError
from dreamvid.core.types import Pixels
from dreamvid.dream.session import Session, open_session
from dreamvid.jobs import folder as job_folder
from dreamvid.jobs.budget import within
from dreamvid.jobs.done import Done, Summary, film_hash, read_done, write_done
from dreamvid.jobs.events import Event, Progress, Stop, ignore, never
from dreamvid.jobs.film_record import record_text
from dreamvid.jobs.fingerprint import film_facts, fingerprint
from dreamvid.jobs.folder import JobFolder, Resume
from dreamvid.jobs.interrupt import Interrupted
from dreamvid.jobs.job import Job
from dreamvid.jobs.locks import output_held
from dreamvid.jobs.worker import find_segments, render_missing
from dreamvid.jobs.workers import Workers, pinned, render_over
from dreamvid.media import encode, formats
from dreamvid.pipeline.prepare import Command, RenderPlan, open_source, prepare
from dreamvid.pipeline.render import RenderContext, gain, render
from dreamvid.pipeline.schedule import Schedule
from dreamvid.pipeline.sources import Source, same_file

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Options:
    """Options of a job, none of which changes a pixel.

    `progress`: called with every event; `stop`: asked after every frame whether the render is to stop there; `trust`:
    whether a net that is code may be executed; `names`: of the sources in the film's record, none: their own;
    `workers`: what renders the frames of films, none: this process. With workers, and unless `compute.threads` says
    otherwise, each has one thread; another number of threads is another dream.
    """

    overwrite: bool = False
    resume: Resume = "same"
    keep_work: bool = False
    work_dir: Path | None = None
    progress: Progress = ignore
    stop: Stop = never
    trust: bool = False
    names: Sequence[str] = ()
    workers: Workers | None = None


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
        session = open_session(settings, trust=options.trust)
        _tell(opened, session)
        record = record_text(planned, settings, session.nets.values(), options.names)
        began = time.perf_counter()
        (result,) = render(RenderContext(opened.plan, settings, opened.move, session.dreamer), opened.frames((0,)))
        seconds = time.perf_counter() - began
        encode.write_image(result.dream, output, record)
    options.progress(Event("render", 1, 1, seconds, result.dream))
    score = gain(session.scorer, result.source, result.dream)
    _tell_effect(settings, [score])
    return Summary(str(output), 1, 0.0, 0.0, seconds, score, rendered=1)


def _notice(text: str) -> None:
    logger.info("%s", text)


def _tell(source: Source, session: Session) -> None:
    """Log what was decided before the first frame."""
    plan, compute = source.plan, session.compute
    if plan.framing.note:
        _notice(plan.framing.note)
    logger.debug("%d frames to dream in %d shots, %d shown", len(plan.frames), len(plan.shots), len(plan.playback))
    logger.debug(
        "%s on %s, %s, %d threads", session.dreamer.net.name, compute.description, compute.dtype, compute.threads
    )


def _tell_effect(settings: Settings, scores: list[float]) -> None:
    """Warn of an objective that responds to nothing, of steps too short to change a value, of a mask that hides all."""
    if settings.dream.steps and not any(scores):
        mask = settings.mask.file or settings.mask.kind
        instead = "another mask" if mask else "another source"
        logger.warning(
            "the dream has changed nothing%s: try longer steps, another objective, or %s",
            f", or the mask {mask} shows nothing of it" if mask else "",
            instead,
        )


def _dream_film(
    command: Command,
    sources: Sequence[str],
    output: Path,
    settings: Settings,
    options: Options,
    budget: float | None = None,
) -> Summary:
    if options.workers is not None:
        settings = pinned(settings)
    with output_held(output):
        encode.recover(output)
        folder = job_folder.folder_of(output, options.work_dir)
        done = None if options.overwrite else read_done(folder, output)
        if done is None:
            job_folder.tidy(folder)  # of a run that was killed just before its end
            check_output(sources, output, overwrite=options.overwrite)
        encode.check(output, settings.output)
        if budget is not None:
            settings = within(sources[0], settings, budget, output, folder, resume=options.resume, trust=options.trust)
        planned, schedule = prepare(command, sources, settings)
        job = _open(planned, schedule, folder, output, trust=options.trust)
        facts = fingerprint(planned, schedule, job.session)
        made_from = film_facts(facts, settings)
        if done is not None:
            if done.made_from == made_from:
                return _done_already(folder, done, options)
            check_output(sources, output, overwrite=options.overwrite)
        job_folder.make(folder)
        with job_folder.held(folder):
            job_folder.begin(folder, planned, settings, facts, options.resume)
            record = record_text(planned, settings, job.session.nets.values(), options.names)
            summary = _render_film(job, _film(job, record), made_from, sources, output, options)
            if not options.keep_work:
                job_folder.clear(folder)
        return summary


def _open(planned: RenderPlan, schedule: Schedule, folder: JobFolder, output: Path, *, trust: bool) -> Job:
    """Open all that a planned film is rendered with, and check what it is to be written as."""
    settings = schedule.settings
    source = open_source(planned, schedule)
    session = open_session(settings, trust=trust, rate=source.info.rate)
    _check_guides(source, settings, session)
    _tell(source, session)
    size, rate, sar = source.plan.framing.size, source.plan.rate, source.plan.framing.sar
    encode.check_film(output, settings.output, size=size, rate=rate, sar=sar, notice=_notice)
    return Job(folder, source, schedule, session)


def _render_film(
    job: Job, film: encode.FilmSpec, made_from: str, sources: Sequence[str], output: Path, options: Options
) -> Summary:
    """Render what a job lacks, write its film, and return what is said of it."""
    source, segments = job.source, find_segments(job)
    finished = [record for segment in segments for record in segment.finished]
    if finished:
        logger.info("resuming: %d of %d frames are finished", len(finished), len(source.plan.frames))
    threads = job.session.compute.threads
    trial = encode.rehearse(output, film, job.folder.trial, threads=threads, notice=_notice)
    if options.workers is None:
        fresh = render_missing(job, segments, options.progress, options.stop)
    else:
        fresh = render_over(options.workers, job, segments, options.progress, options.stop)
    # Again: a file may have come to lie there while it was rendered.
    check_output(sources, output, overwrite=options.overwrite)
    records = sorted((*finished, *fresh), key=lambda record: record.index)
    scores = [record.score for record in records if record.score is not None]
    rate, count = source.plan.rate, len(source.plan.playback)
    summary = Summary(
        output=str(output),
        frames=count,
        fps=float(rate),
        seconds=float(count / rate),
        seconds_per_frame=float(np.mean([record.seconds for record in fresh])) if fresh else None,
        score=float(np.mean(scores)),
        rendered=len(fresh),
        damaged=len(set(source.info.damaged) & set(source.plan.frames)),
        cut_short=source.info.promised is not None and source.info.frames - 1 in source.plan.frames,
    )
    _encode(
        job,
        film,
        output,
        trial,
        options,
        lambda made: write_done(job.folder, Done(film_hash(made), made_from, summary)),
    )
    _tell_effect(job.schedule.settings, scores)
    return summary


def _done_already(folder: JobFolder, done: Done, options: Options) -> Summary:
    """Return what was said of a film that a killed run had finished, and clear its job."""
    with job_folder.held(folder):
        if not options.keep_work:
            job_folder.clear(folder)
    summary = replace(done.summary, rendered=0, seconds_per_frame=None)
    logger.info("%s is done already", summary.output)
    return summary


def clear(output: Path, work_dir: Path | None) -> None:
    """Remove what is left of the job of a finished film, if there is anything; say so where that cannot be known."""
    folder = job_folder.folder_of(output, work_dir)
    if read_done(folder, output) is not None:
        with job_folder.held(folder):
            job_folder.clear(folder)
    elif folder.done_file.exists():
        logger.warning("%s stays: the record of its film is damaged, or another's; remove it yourself", folder.path)


def _check_guides(source: Source, settings: Settings, session: Session) -> None:
    """Raise SettingsError where a guide is a film and the render has no time of its own, or does not end."""
    if session.terms.varies and source.view is not None:
        raise SettingsError(
            "a guide that is a film needs camera.mode=frames: camera.mode=world paints one canvas for all frames"
        )
    if session.terms.varies and settings.input.loop:
        raise SettingsError("a guide that is a film does not come back to its beginning: give a still, or no --loop")


def _film(job: Job, record: str) -> encode.FilmSpec:
    """Return what the film of a job is; `record`: what it says of how it was made."""
    source, settings, plan = job.source, job.schedule.settings, job.source.plan
    return encode.FilmSpec(
        size=plan.framing.size,
        rate=plan.rate,
        count=len(plan.playback),
        settings=settings.output,
        sar=plan.framing.sar,
        delay=source.info.delay,
        sound=source.info if source.info.kind == "video" else None,
        music=None if settings.audio.file is None else Path(settings.audio.file),
        clip=plan.clip,
        record=record,
    )


def _encode(
    job: Job,
    film: encode.FilmSpec,
    output: Path,
    trial: Path | None,
    options: Options,
    ready: Callable[[Path], None],
) -> None:
    plan = job.source.plan

    def stored() -> Iterator[Pixels]:
        position, pixels = -1, None
        for done, wanted in enumerate(plan.playback):
            if wanted != position or pixels is None:
                position, pixels = wanted, job.folder.frames.read(wanted)
            options.progress(Event("encode", done, len(plan.playback)))
            if options.stop():
                raise Interrupted("stopped while the film was written; the same command writes it again")
            yield pixels

    threads = job.session.compute.threads
    encode.encode(stored, output, film, trial, threads=threads, notice=_notice, ready=ready)


def is_taken(output: Path) -> bool:
    """Return whether there is something under the name of an output; raises OSError where that cannot be seen."""
    return output.exists() and not (output.is_dir() and not any(output.iterdir()))


def check_output(sources: Sequence[str], output: Path, *, overwrite: bool) -> None:
    """Raise SettingsError where an output is one of its sources, or there already and not to be overwritten."""
    try:
        same = any(same_file(source, output) for source in sources)
        taken = is_taken(output)
    except OSError as error:  # a name that is too long, a folder that may not be looked into
        advice = "; give the output a shorter name" if error.errno == errno.ENAMETOOLONG else ""
        raise SettingsError(f"{output} cannot be written: {error.strerror}{advice}") from None
    if same:
        raise SettingsError(f"{output} is the source itself: give the output another name")
    if taken and not overwrite:
        raise SettingsError(f"{output} is there already: --overwrite replaces it")


RENDERERS = {"video": dream_video, "image": dream_image, "zoom": dream_zoom}  # by their commands
__all__ = ["RENDERERS", "Options", "Summary", "check_output", "dream_image", "dream_video", "dream_zoom"]
