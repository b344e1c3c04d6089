"""Animated settings that beat no faster than they may: between two peaks that come too soon, there is no dip.

It is a morphological closing over time (Serra 1982): every value lies in a stretch of at least one `beat` in which none
is higher. So two peaks with a dip between them are further apart than that; slower curves stay as they are.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from dreamvid.config.serialize import rounded
from dreamvid.config.settings import Settings
from dreamvid.config.timeline import Timeline

MOTION = "camera."  # how the camera moves is neither light nor look
# Settings of which less is a stronger dream.
LESS_IS_STRONGER = frozenset({"dream.coarsest", "dream.smooth", "dream.blur_sigma", "mask.low", "mask.high"})
OF_THE_MASK = "mask."

Curve = npt.NDArray[np.float64]


def calms(key: str) -> bool:
    """Return whether an animated setting, by its full key, may be held back."""
    return not key.startswith(MOTION)


def calmed(
    settings: Settings, timeline: Timeline, columns: Mapping[str, Sequence[float]]
) -> dict[str, Sequence[float]]:
    """Return the values of animated settings at every frame of a film, by full key, none beating faster than it may.

    No dream becomes weaker: where a setting would rise and fall more than `audio.max_flash` times a second, it stays
    strong instead.
    """
    most = settings.audio.max_flash
    if not most:
        return dict(columns)
    beat = math.ceil(timeline.rate / most)

    def at_its_pace(key: str, values: Sequence[float]) -> Sequence[float]:
        if not calms(key):
            return values
        falling = key in LESS_IS_STRONGER and not (key.startswith(OF_THE_MASK) and settings.mask.invert)
        sign = -1 if falling else 1
        strong = closed([sign * value for value in values], beat, timeline.periodic)
        return [rounded(key, sign * value) for value in strong]

    return {key: at_its_pace(key, values) for key, values in columns.items()}


def closed(values: Sequence[float], beat: int, periodic: bool = False) -> list[float]:
    """Return values in which no dip between two peaks is shorter than `beat`; `periodic`: the last leads to the first.

    None is lower than before, and values that are so already stay as they are.
    """
    width, curve = min(beat, len(values)), np.array(values, np.float64)
    around = np.pad(curve, width - 1, "wrap") if periodic else np.pad(curve, width - 1, constant_values=-np.inf)
    tops = _highest(around, width)  # of every stretch that holds a frame
    found: list[float] = (-_highest(-tops, width)).tolist()
    return found


def _highest(values: Curve, width: int) -> Curve:
    """Return the highest of each `width` neighbouring values."""
    reach = 1
    while reach < width:
        further = min(reach, width - reach)
        values = np.maximum(values[:-further], values[further:])
        reach += further
    return values
