"""The dreams of one thread: a frame in a look, sharper step by step, and quick films."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from torch import Tensor

from dreamvid.coherence.carry import CarryState
from dreamvid.config.fields import Moment
from dreamvid.config.presets import Defaults
from dreamvid.config.serialize import PlainSettings, settings_at
from dreamvid.config.settings import Settings
from dreamvid.config.timeline import Timeline
from dreamvid.core.types import Frame, Pixels, to_float
from dreamvid.dream.deepdream import to_tensor
from dreamvid.dream.octaves import grown, octave_sizes, shrunk
from dreamvid.dream.session import SharedNets, open_session
from dreamvid.jobs import preview_look, run
from dreamvid.jobs.events import Event
from dreamvid.jobs.interrupt import Interrupted
from dreamvid.pipeline.calibrate import NO_STRENGTH, dream_afresh
from dreamvid.pipeline.render import Dreamed
from dreamvid.pipeline.schedule import evaluated
from dreamvid.studio.clip import Clip
from dreamvid.studio.folder import Folder
from dreamvid.studio.look import Cut, settings_of
from dreamvid.studio.state import Task

VIEW_SIDE, SMALL_SIDE, QUICK_SIDE = 400, 150, 320  # pixels of the long side of what is dreamed, at least
QUICK_SECONDS, QUICK_RATE = 3, 12
OFTEN = 0.12  # seconds from one picture of a dream in the making to the next
GRID = 0.125  # seconds from one value of an animated setting to the next, in a quick film
Tell = Callable[[Pixels, int, int], None]  # a picture, and how many steps of how many it has


class Superseded(Exception):  # noqa: N818 (nothing is wrong)
    """Something else is to be dreamed first."""


def plain_at(clip: Clip, frame: int, settings: Settings, cut: Cut) -> PlainSettings:
    """Return settings without animation: as they are at a frame, in a film that begins where the cut does."""
    return settings_at(settings, values_at(clip, frame, settings, cut))


def values_at(clip: Clip, frame: int, settings: Settings, cut: Cut) -> dict[str, float]:
    """Return the values of animated settings at a frame, by full key, in a film that begins where the cut does."""
    if not settings.keyframes:
        return {}
    start = Fraction(str(cut.start or 0))
    moment = max(Fraction(0), clip.time(frame) - start) if clip.is_film else Fraction(0)
    timeline = film_timeline(clip, settings, cut)
    (values,) = evaluated(settings, timeline, [min(moment * timeline.rate, Fraction(timeline.frames - 1))])
    return dict(values)


def film_timeline(clip: Clip, settings: Settings, cut: Cut) -> Timeline:
    """Return the time axis of the film that a cut makes of a clip, with what keyframes follow."""
    if not clip.is_film:
        rate = Fraction(24)
        return Timeline(max(1, round(settings.input.seconds * rate)), rate, clip.cues(settings, None))
    start, stop = (Fraction(str(at)) if at is not None else None for at in (cut.start, cut.stop))
    seconds = min(stop or clip.info.end, clip.info.end) - (start or 0)
    return Timeline(max(1, round(seconds * clip.info.rate)), clip.info.rate, clip.cues(settings, cut.start))


@dataclass(frozen=True)
class Dream:
    """A frame and its dream; `factor`: by how much smaller than in the film, where it has `whole` (width, height).

    `pace`: seconds of a gradient step, a pixel.
    """

    source: Pixels
    dream: Pixels
    factor: int
    whole: tuple[int, int]
    pace: float


def dream_frame(
    task: Task, folder: Folder, defaults: Defaults, shared: SharedNets, tell: Tell, stop: Callable[[], bool]
) -> Dream:
    """Return the frame of a task and its dream, as `dreamvid image` makes it.

    Raises DreamvidError as a render does, and Superseded between two steps where `stop` asks for that.
    """
    settings = settings_of(task.look, task.cut, folder, defaults)
    plain = plain_at(task.clip, task.frame, settings, task.cut)
    whole = task.clip.frame(task.frame, plain)
    session = open_session(plain, rate=task.clip.info.rate, shared=shared)
    side = VIEW_SIDE if task.kind == "view" else SMALL_SIDE
    factor = preview_look.factors((whole.image.shape[0], whole.image.shape[1]), plain, session, side)[-1]
    frame = preview_look.shrunk(whole, factor)
    how = plain.dream.model_copy(update={"draft": plain.dream.draft * factor})
    dreamer = session.at(PlainSettings(plain.model_copy(update={"dream": how})), task.clip.time(task.frame)).dreamer
    source = to_float(frame.image)
    full = to_tensor(source, dreamer)
    total = dreamer.settings.steps * len(octave_sizes(source.shape[0], source.shape[1], dreamer.settings))
    steps, told, pixels, began = 0, 0.0, 0, time.perf_counter()
    tell(frame.image, 0, total)

    def watch(picture: Tensor) -> None:
        nonlocal steps, told, pixels, began
        steps += 1
        if steps > 1:
            pixels += picture.shape[-2] * picture.shape[-1]
        else:
            began = time.perf_counter()  # the first step of a net is slow
        if stop():
            raise Superseded
        if time.monotonic() - told >= OFTEN:
            told = time.monotonic()
            size = (picture.shape[-2], picture.shape[-1])
            detail = picture - shrunk(full, size)
            so_far = full + (detail if size == full.shape[-2:] else grown(detail, (full.shape[-2], full.shape[-1])))
            tell(finished(frame, so_far[0].permute(1, 2, 0).cpu().numpy()), steps, total)

    dream = dream_afresh(dreamer, source, (0,), watch)  # as of `dreamvid image`
    took = time.perf_counter() - began
    pace = took / (pixels or full.shape[-2] * full.shape[-1])
    size = (whole.image.shape[1], whole.image.shape[0])
    return Dream(frame.image, finished(frame, dream), factor, size, pace)


def finished(frame: Frame, image: np.ndarray) -> Pixels:
    """Return the dream of a frame, H x W x 3, as it is stored: under its mask, in 8 bits."""
    return Dreamed(image, CarryState(NO_STRENGTH)).finished(frame).dream


def quick_film(
    task: Task, folder: Folder, defaults: Defaults, output: Path, tell: Tell, stop: Callable[[], bool]
) -> None:
    """Render a few seconds from the frame of a task, small; raises as a render does, Superseded where it is stopped."""
    settings = _quick_settings(task, settings_of(task.look, task.cut, folder, defaults))

    def progress(event: Event) -> None:
        if event.picture is not None and event.phase == "render":
            tell(event.picture, event.done, event.total)

    options = run.Options(overwrite=True, resume="renew", progress=progress, stop=stop)
    try:
        run.RENDERERS[task.clip.command](str(task.clip.path), output, settings, options)
    except Interrupted:
        raise Superseded from None


def _quick_settings(task: Task, settings: Settings) -> Settings:
    """Return the settings of a quick film: of a part, at a low rate, the octaves those of the film's own size."""
    clip = task.clip
    height, width = clip.frame(task.frame, plain_at(clip, task.frame, settings, task.cut)).image.shape[:2]
    factor = max(1, round(max(height, width) / QUICK_SIDE))
    stop = min(float(clip.time(task.frame)) + QUICK_SECONDS, float(clip.info.end)) if clip.is_film else QUICK_SECONDS
    start = max(0.0, stop - QUICK_SECONDS)
    part = (Moment(start), Moment(stop)) if clip.is_film else (None, None)
    even = [max(2, round(side / factor) // 2 * 2) for side in (width, height)]
    moving = type(settings.input)(
        size=f"{even[0]}x{even[1]}",
        fit="stretch",
        fps=str(min(Fraction(QUICK_RATE), clip.info.rate) if clip.is_film else QUICK_RATE),
        seconds=QUICK_SECONDS,
        start=part[0],
        stop=part[1],
    )
    how = settings.dream.model_copy(update={"draft": settings.dream.draft * factor})
    changes = {"dream": how, "input": moving, "output": type(settings.output)()}
    return settings.model_copy(update=changes | {"keyframes": _sampled(task, settings, start, stop - start)})


def _sampled(task: Task, settings: Settings, start: float, seconds: float) -> dict[str, str]:
    """Return keyframes of a part of a film, `start` in seconds of the source, with the values that it has there."""
    if not settings.keyframes:
        return {}
    timeline = film_timeline(task.clip, settings, task.cut)
    offset = max(0.0, start - (task.cut.start or 0.0))
    times = [number * GRID for number in range(int(seconds / GRID) + 1)]
    moments = [min(Fraction(str(offset + time)) * timeline.rate, Fraction(timeline.frames)) for time in times]
    rows = evaluated(settings, timeline, moments)
    return {
        key: ", ".join(f"{time:g}:{row[key]:.6g}" for time, row in zip(times, rows, strict=True))
        for key in settings.keyframes
    }
