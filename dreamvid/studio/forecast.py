"""Estimate the seconds of a film, roughly: from those of a gradient step of the picture that a page shows."""

import math
from statistics import fmean

from dreamvid.camera import paint
from dreamvid.config.budget import Choice, Pace
from dreamvid.config.settings import Settings
from dreamvid.core.types import SourceInfo
from dreamvid.core.words import counted
from dreamvid.dream.octaves import octave_sizes
from dreamvid.jobs.budget import workload
from dreamvid.pipeline.plan import Plan, with_cuts
from dreamvid.pipeline.sources import plan_frames
from dreamvid.pipeline.zoom_source import flight_of, plan_zoom
from dreamvid.studio.clip import Clip

BESIDE = 6e-7  # seconds a pixel that a frame takes beside its steps: flow and warps, or a view of the canvas; its file
SHOT = 5  # seconds from cut to cut of many films
WEAKEST = 7 / 3  # steps that one takes for which the weakest of several views is looked for
LONG = 2 * 3600.0  # seconds from which on a page warns
UNITS = ((86400.0, "day"), (3600.0, "hour"), (60.0, "minute"))
GRAINS = ((7.5, 1), (30, 5), (math.inf, 10))  # up to a count, what it is rounded to


def plan_film(clip: Clip, settings: Settings) -> tuple[SourceInfo, Plan]:
    """Plan the film of a clip before its frames are read, its cuts as if they came evenly; raises as a render does."""
    if not clip.is_film:
        return plan_zoom((clip.info,), settings)
    info, plan = plan_frames(clip.info, settings)
    return info, with_cuts(plan, plan.frames[:: max(1, round(SHOT * plan.rate))])


def seconds_of(settings: Settings, info: SourceInfo, plan: Plan, pace: float) -> float:
    """Return about how long a planned film takes; `pace`: seconds of a gradient step, a pixel."""
    height, width = plan.framing.size
    beside = BESIDE * height * width
    if info.kind in ("still", "noise") and settings.camera.mode == "world":
        return pace * _painted(settings, info, plan) + beside * len(plan.playback)
    pixels = [high * wide for high, wide in octave_sizes(height, width, settings.dream)]
    film, how = workload(plan, settings), settings.coherence
    fresh, each = pace * film.steps * sum(pixels), pace * sum(pixels)
    if how.mode == "flow":  # a step at full size, and one at a smaller octave
        each = pace * (pixels[-1] + fmean(pixels[:-1] or [0]))
    carried = fresh if film.whole else each * (1 if how.steps is None else how.steps)
    first = fresh + each * film.more if film.more else fresh
    paced = Pace(1.0, first, carried + beside, 2 * beside, beside)
    return film.seconds([paced], Choice(1.0, film.steps, how.cadence))


def _painted(settings: Settings, info: SourceInfo, plan: Plan) -> float:
    """Return the pixels of all steps that paint a canvas."""
    steps = paint.paint_steps(flight_of(settings, info), *plan.framing.size, settings.dream)
    pixels = [high * wide for _, _, high, wide in steps]
    finest = sum(each[0] == steps[-1][0] for each in steps)
    return sum(pixels) + (WEAKEST - 1) * paint.EVENING * finest * (pixels[-1] if pixels else 0)


def in_words(seconds: float) -> str:
    """Return a length of time in words that promise no more than is known."""
    if seconds < 45:
        return "less than a minute"
    unit, word = next(each for each in UNITS if seconds >= 1.65 * each[0] or each is UNITS[-1])
    grain = next(grain for most, grain in GRAINS if seconds < most * unit)
    count = max(1, grain * round(seconds / unit / grain))
    return f"about {counted(count, word)}"
