"""Keyframes of a look when the range of the film changes: they stay at their moments of the clip."""

from dataclasses import replace
from fractions import Fraction

from dreamvid.config.keyframes import Keyframe, parse
from dreamvid.config.timeline import Timeline
from dreamvid.studio.look import Look

ROUNDED = 10_000  # parts of a unit of time that keyframes are rounded to


def moved(look: Look, before: Timeline, after: Timeline, later: Fraction) -> tuple[Look, int]:
    """Return a look whose keyframes are where they were in the clip, and how many are gone: they lie outside the film.

    `before`, `after`: the time axes of the film; `later`: by how many seconds it now begins later in the clip. What is
    given in per cent, begins anew again and again, or is a formula, stays as it is written.
    """
    gone, found = 0, look
    for key, text in look.keys:
        parsed = parse(text)
        if not parsed.keys or parsed.every is not None:
            continue
        kept = [each for old in parsed.keys if (each := _moved(old, before, after, later)) is not None]
        gone += len(parsed.keys) - len(kept)
        texts = (written(float(each.time), each.unit, each.value, each.way) for each in kept)
        found = found.with_keys(key, ", ".join(texts))
    return found, gone


def _moved(key: Keyframe, before: Timeline, after: Timeline, later: Fraction) -> Keyframe | None:
    """Return a keyframe at its moment of the clip, None where the film does not have that."""
    if key.unit == "%":
        return key
    seconds = key.seconds(before) - later
    if not 0 <= seconds <= after.seconds:
        return None
    time = (seconds - after.start(key.unit)) / after.length(Fraction(1), key.unit)
    return replace(key, time=Fraction(round(time * ROUNDED), ROUNDED))


def written(time: float, unit: str, value: float, way: str) -> str:
    """Return a keyframe as a setting has it."""
    return f"{time:.6g}{unit}:{value:.6g}{'' if way == 'linear' else f' {way}'}"
