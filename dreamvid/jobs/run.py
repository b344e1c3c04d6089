"""A render from source to finished file, and what is told of it: the same command goes on where it was stopped."""

import json
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from dreamvid.config.settings import Settings
from dreamvid.core.errors import SettingsError
from dreamvid.core.types import Pixels
from dreamvid.dream.session import Session, open_session
from dreamvid.jobs import folder as job_folder
from dreamvid.jobs.folder import Resume
from dreamvid.jobs.worker import Progress, render_remaining
from dreamvid.media import audio_features, audio_tracks, encode, formats
from dreamvid.media.frame_store import FrameStore
from dreamvid.pipeline.masks import with_masks
from dreamvid.pipeline.plan import with_cuts
from dreamvid.pipeline.render import RenderContext, gain, render
from dreamvid.pipeline.schedule import make_schedule
from dreamvid.pipeline.sources import Source, open_still, open_video, open_zoom, same_file

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Options:
    """How a job runs, none of which changes a pixel. `progress` is told (frames done, frames in all) after each one.

    `trust`: whether a net that is code may be executed.
    """

    overwrite: bool = False
    resume: Resume = "same"
    keep_work: bool = False
    work_dir: Path | None = None
    progress: Progress = lambda done, total: None
    trust: bool = False


@dataclass(frozen=True)
class Summary:
    """A finished render. `seconds`: length of the film; `seconds_per_frame`: over the frames rendered in this run, None
    where there were none; `score`: mean over every eighth frame of the objective's rise; `damaged`: source frames
    repaired."""

    output: str
    frames: int
    fps: float
    seconds: float
    seconds_per_frame: float | None
    score: float
    rendered: int
    damaged: int = 0

    def in_words(self) -> str:
        """The render in a line."""
        pace = f", {self.seconds_per_frame:.2f} s a frame" if self.seconds_per_frame is not None else ""
        film = f"{self.frames} frames at {self.fps:.6g} a second" if self.fps else "1 picture"
        return f"{film}, {self.rendered} rendered now{pace}"

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self))


def dream_video(source: str, output: Path, settings: Settings, options: Options | None = None) -> Summary:
    """Dreams a video, GIF or image folder into a film; raises DreamvidError, or Interrupted after Ctrl-C."""
    return _dream_film(
        (source,), output, settings, options or Options(), lambda sources, how: open_video(sources[0], how)
    )


def dream_zoom(
    source: str | Sequence[str], output: Path, settings: Settings, options: Options | None = None
) -> Summary:
    """Dreams a camera's flight over stills or noise; raises DreamvidError, or Interrupted after Ctrl-C."""
    sources = (source,) if isinstance(source, str) else tuple(source)
    return _dream_film(sources, output, settings, options or Options(), open_zoom)


def dream_image(source: str, output: Path, settings: Settings, options: Options | None = None) -> Summary:
    """Dreams one picture: a still, noise, or a video's first frame; raises DreamvidError."""
    options = options or Options()
    _check_output((source,), output, options)
    formats.check_image(output)
    opened = with_masks(open_still(source, settings), settings)
    session = open_session(settings, trust=options.trust)
    _tell(opened, session)
    began = time.perf_counter()
    (result,) = render(RenderContext(opened.plan, settings, opened.move, session.dreamer), opened.frames((0,)))
    seconds = time.perf_counter() - began
    encode.write_image(result.dream, output)
    options.progress(1, 1)
    score = gain(session.scorer.with_tile(result.tile), result.source, result.dream)
    _tell_effect(settings, [score])
    return Summary(str(output), 1, 0.0, 0.0, seconds, score, rendered=1)


def _notice(text: str) -> None:
    logger.info("%s", text)


def _tell(source: Source, session: Session) -> None:
    """Notices of what was decided before the first frame."""
    plan, compute = source.plan, session.compute
    if plan.framing.note:
        _notice(plan.framing.note)
    logger.debug("%d frames to dream in %d shots, %d shown", len(plan.frames), len(plan.shots), len(plan.playback))
    logger.debug(
        "%s on %s, %s, %d threads", session.dreamer.net.name, compute.description, compute.dtype, compute.threads
    )


def _tell_effect(settings: Settings, scores: list[float]) -> None:
    """Warns of an objective that answers to nothing in the source, and of steps too short to change a value."""
    if settings.dream.steps and not any(scores):
        logger.warning(
            "the dream has changed nothing: try longer steps, another objective (this finds no hold), or source"
        )


def _dream_film(
    sources: Sequence[str],
    output: Path,
    settings: Settings,
    options: Options,
    open_source: Callable[[Sequence[str], Settings], Source],
) -> Summary:
    _check_output(sources, output, options)
    encode.check(output, settings.output)
    source = open_source(sources, settings)
    _check_cadence(source, settings)
    if settings.audio.file is not None:
        audio_tracks.first_track(Path(settings.audio.file))
    hear = audio_features.of_film(settings, source.info, source.plan.clip)
    schedule = make_schedule(settings, source.plan, hear)
    starts = (shot.start for shot in source.plan.shots)
    source = replace(source, plan=with_cuts(source.plan, (*starts, *schedule.jumps)))
    source = with_masks(source, settings, schedule.at)  # motion is seen within a shot, and so the shots come first
    session = open_session(settings, trust=options.trust, rate=source.info.rate)
    _check_guides(source, settings, session)
    _tell(source, session)
    framing = source.plan.framing
    encode.check_film(
        output, settings.output, size=framing.size, rate=source.plan.rate, sar=framing.sar, notice=_notice
    )
    folder = job_folder.make_folder(output, options.work_dir)
    with job_folder.held(folder):
        store = job_folder.begin(folder, source, schedule, session, options.resume)
        records = job_folder.finished(store, source)
        fresh = render_remaining(store, source, schedule, session, records, options.progress)
        records += fresh
        _check_output(sources, output, options)  # again: a file may have come to lie there while it was rendered
        _encode(store, source, output, settings, session)
        if not options.keep_work:
            job_folder.clear(folder)
    scores = [record.score for record in records if record.score is not None]
    _tell_effect(settings, scores)
    rate, count = source.plan.rate, len(source.plan.playback)
    return Summary(
        output=str(output),
        frames=count,
        fps=float(rate),
        seconds=float(count / rate),
        seconds_per_frame=float(np.mean([record.seconds for record in fresh])) if fresh else None,
        score=float(np.mean(scores)),
        rendered=len(fresh),
        damaged=len(set(source.info.damaged) & set(source.plan.frames)),
    )


def _check_cadence(source: Source, settings: Settings) -> None:
    """Raises SettingsError where frames are left out of a loop that is dreamed frame by frame."""
    if settings.coherence.cadence > 1 and source.crossfade is not None:
        raise SettingsError("a loop comes back to a dream of every frame: give coherence.cadence=1, or no --loop")


def _check_guides(source: Source, settings: Settings, session: Session) -> None:
    """Raises SettingsError where a guide runs along and there is nothing for it to run along with."""
    if session.terms.varies and source.view is not None:
        raise SettingsError("a guide that runs along needs camera.mode=frames: a world is dreamed once for all frames")
    if session.terms.varies and settings.input.loop:
        raise SettingsError("a guide that runs along does not come back to its beginning: give a still, or no --loop")


def _encode(store: FrameStore, source: Source, output: Path, settings: Settings, session: Session) -> None:
    plan = source.plan

    def stored() -> Iterator[Pixels]:
        position, pixels = -1, None
        for wanted in plan.playback:
            if wanted != position or pixels is None:
                position, pixels = wanted, store.read(wanted)
            yield pixels

    film = encode.FilmSpec(
        size=plan.framing.size,
        rate=plan.rate,
        count=len(plan.playback),
        settings=settings.output,
        sar=plan.framing.sar,
        delay=source.info.delay,
        sound=source.info if source.info.kind == "video" else None,
        music=None if settings.audio.file is None else Path(settings.audio.file),
        clip=plan.clip,
    )
    encode.encode(stored(), output, film, threads=session.compute.threads, notice=_notice)


def _check_output(sources: Sequence[str], output: Path, options: Options) -> None:
    try:
        same = any(same_file(source, output) for source in sources)
        taken = output.exists() and not (output.is_dir() and not any(output.iterdir()))
    except OSError as error:  # a name that is too long, a folder that may not be looked into
        raise SettingsError(f"{output} cannot be written: {error.strerror}") from None
    if same:
        raise SettingsError(f"{output} is the source itself: give the output another name")
    if taken and not options.overwrite:
        raise SettingsError(f"{output} is there already: --overwrite replaces it")


__all__ = ["Options", "Summary", "dream_image", "dream_video", "dream_zoom"]
