"""A film from its jobs to its file: locks, what an earlier run left, frames that are missing, encoding, its record.

Most films have one job; one in stretches has a job for each of them.
"""

import errno
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from dreamvid.config.settings import Settings
from dreamvid.core.errors import SettingsError
from dreamvid.core.types import Pixels
from dreamvid.dream.session import SharedNets
from dreamvid.jobs import folder as job_folder
from dreamvid.jobs.done import Done, Summary, film_hash, read_done, write_done
from dreamvid.jobs.events import Event, Progress, Stop, ignore, never
from dreamvid.jobs.fingerprint import Facts
from dreamvid.jobs.folder import JobFolder, Resume
from dreamvid.jobs.interrupt import Interrupted
from dreamvid.jobs.job import Job
from dreamvid.jobs.locks import output_held
from dreamvid.jobs.records import FrameRecord
from dreamvid.jobs.segment_records import SegmentRecords, find_segments, tally_of
from dreamvid.jobs.stretch_folders import keep_only
from dreamvid.jobs.worker import render_missing
from dreamvid.jobs.workers import Workers, render_over
from dreamvid.media import encode
from dreamvid.pipeline.prepare import RenderPlan
from dreamvid.pipeline.sources import same_file

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Options:
    """Options of a job, none of which changes a pixel.

    `progress`: called with every event; `stop`: asked after every frame whether the render is to stop there; `trust`:
    whether a net that is code may be executed; `names`: of the sources in the film's record, none: their own;
    `workers`: what renders the frames of films, none: this process. With workers, and unless `compute.threads` says
    otherwise, each has one thread; another number of threads is another dream. `nets`: those of several films, which
    decide themselves about `trust`; none: a film has nets of its own.
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
    nets: SharedNets | None = None


@dataclass(frozen=True)
class JobOfFilm:
    """A job, its plan and its fingerprint."""

    job: Job
    planned: RenderPlan
    facts: Facts


@dataclass(frozen=True)
class PlannedFilm:
    """A film that is open: the plan of all of it, its jobs, in the order in which they follow one another.

    `made_from`: a hash of all that it depends on; `record`: makes the text that it carries of how it was made.
    """

    planned: RenderPlan
    jobs: Sequence[JobOfFilm]
    made_from: str
    record: Callable[[], str]

    @property
    def settings(self) -> Settings:
        """The settings of its first job, which hold for size, rate, sound and encoding of all of it."""
        return self.jobs[0].job.schedule.settings


def dream_film(
    sources: Sequence[str],
    output: Path,
    settings: Settings,
    options: Options,
    open_film: Callable[[JobFolder], PlannedFilm],
) -> Summary:
    """Render and write a film, or return what was said of it where that is done already.

    `settings`: how it is to be encoded; `open_film`: opens it, given its job folder, before the first frame. Raises
    DreamvidError, or Interrupted where it is stopped.
    """
    with output_held(output):
        encode.recover(output)
        folder = job_folder.folder_of(output, options.work_dir)
        done = None if options.overwrite else read_done(folder, output)
        if done is None:
            job_folder.tidy(folder)  # of a run that was killed just before its end
            check_output(sources, output, overwrite=options.overwrite)
        encode.check(output, settings.output)
        film = open_film(folder)
        plan = film.planned.plan
        size, rate, sar = plan.framing.size, plan.rate, plan.framing.sar
        encode.check_film(output, settings.output, size=size, rate=rate, sar=sar, notice=notice)
        if done is not None:
            if done.made_from == film.made_from:
                return _done_already(folder, done, options)
            check_output(sources, output, overwrite=options.overwrite)
        job_folder.make(folder)
        with job_folder.held(folder):
            keep_only(folder, [each.job.folder for each in film.jobs], options.resume)
            for each in film.jobs:
                job_folder.make(each.job.folder)
                job_folder.begin(each.job.folder, each.planned, each.job.schedule.settings, each.facts, options.resume)
            summary = _render_film(film, folder, sources, output, options)
            if not options.keep_work:
                job_folder.clear(folder)
        return summary


def _render_film(
    film: PlannedFilm, folder: JobFolder, sources: Sequence[str], output: Path, options: Options
) -> Summary:
    """Render what the jobs of a film lack, write it, and return what is said of it."""
    plan, info = film.planned.plan, film.jobs[0].job.source.info
    work = [(each.job, find_segments(each.job)) for each in film.jobs]
    finished = [[record for segment in segments for record in segment.finished] for _, segments in work]
    frames = sum(len(each.planned.plan.frames) for each in film.jobs)
    if any(finished):
        logger.info("resuming: %d of %d frames are finished", sum(map(len, finished)), frames)
    spec, threads = _spec(film), film.jobs[0].job.session.compute.threads
    trial = encode.rehearse(output, spec, folder.trial, threads=threads, notice=notice)
    fresh = _render_missing(work, options)
    # Again: a file may have come to lie there while it was rendered.
    check_output(sources, output, overwrite=options.overwrite)
    now = [record for records in fresh for record in records]
    records = [sorted((*old, *new), key=lambda record: record.index) for old, new in zip(finished, fresh, strict=True)]
    scores = [record.score for job in records for record in job if record.score is not None]
    count = len(plan.playback)
    summary = Summary(
        output=str(output),
        frames=count,
        fps=float(plan.rate),
        seconds=float(count / plan.rate),
        seconds_per_frame=float(np.mean([record.seconds for record in now])) if now else None,
        score=float(np.mean(scores)),
        rendered=len(now),
        damaged=len(set(info.damaged) & set(plan.frames)),
        cut_short=info.promised is not None and info.frames - 1 in plan.frames,
    )
    encode.encode(
        lambda: _stored(film, options),
        output,
        spec,
        trial,
        threads=threads,
        notice=notice,
        ready=lambda made: write_done(folder, Done(film_hash(made), film.made_from, summary)),
    )
    tell_effect(film.settings, scores)
    return summary


def _render_missing(work: Sequence[tuple[Job, Sequence[SegmentRecords]]], options: Options) -> list[list[FrameRecord]]:
    """Render what is missing of the segments of jobs, one job after another without workers; return their records."""
    progress, stop = options.progress, options.stop
    if options.workers is not None:
        return render_over(options.workers, work, progress, stop)
    tally = tally_of([segment for _, segments in work for segment in segments], progress, stop)
    return [render_missing(job, segments, progress, stop, tally) for job, segments in work]


def _spec(film: PlannedFilm) -> encode.FilmSpec:
    """Return what the encoder is to know of a film."""
    plan, settings, info = film.planned.plan, film.settings, film.jobs[0].job.source.info
    return encode.FilmSpec(
        size=plan.framing.size,
        rate=plan.rate,
        count=len(plan.playback),
        settings=settings.output,
        sar=plan.framing.sar,
        delay=info.delay,
        sound=info if info.kind == "video" else None,
        music=None if settings.audio.file is None else Path(settings.audio.file),
        clip=plan.clip,
        record=film.record(),
    )


def _stored(film: PlannedFilm, options: Options) -> Iterator[Pixels]:
    """Yield the frames of a film, as they are stored."""
    done, count = 0, len(film.planned.plan.playback)
    for each in film.jobs:
        position, pixels = -1, None
        for wanted in each.planned.plan.playback:
            if wanted != position or pixels is None:
                position, pixels = wanted, each.job.folder.frames.read(wanted)
            options.progress(Event("encode", done, count))
            if options.stop():
                raise Interrupted("stopped while the film was written; the same command writes it again")
            yield pixels
            done += 1


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


def notice(text: str) -> None:
    """Log a line for the user."""
    logger.info("%s", text)


def tell_effect(settings: Settings, scores: list[float]) -> None:
    """Warn of an objective that responds to nothing, of steps too short to change a value, of a mask that hides all."""
    if settings.dream.steps and not any(scores):
        mask = settings.mask.file or settings.mask.kind
        instead = "another mask" if mask else "another source"
        logger.warning(
            "the dream has changed nothing%s: try longer steps, another objective, or %s",
            f", or the mask {mask} shows nothing of it" if mask else "",
            instead,
        )


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
