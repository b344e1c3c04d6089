"""Plots of animated settings over time."""

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from dreamvid.core.errors import SettingsError

if TYPE_CHECKING:
    from dreamvid.config.settings import Settings

RATE = Fraction(24)  # frames per second of an imaginary film


def draw(settings: "Settings", path: Path, seconds: float) -> None:
    """Draw each animated setting over `seconds`, its keyframes as dots; raise SettingsError if none is animated."""
    from dreamvid.analysis.plots import Curve, Panel, timelines
    from dreamvid.config import keyframes
    from dreamvid.media import audio_features, encode
    from dreamvid.pipeline import schedule

    if not settings.keyframes:
        raise SettingsError("--plot: this preset has no animated settings: leave out --plot, or give another preset")
    timeline = keyframes.Timeline(max(1, round(seconds * RATE)), RATE, audio_features.of_film(settings, None))
    frames = range(timeline.frames + 1)  # including the very end, where the last keyframe may be
    rows = schedule.evaluated(settings, timeline, frames)
    times = [float(frame / RATE) for frame in frames]
    panels = []
    for key, text in settings.keyframes.items():
        marks = tuple(float(mark.seconds(timeline)) for mark in keyframes.parse(text).keys)
        curve = Curve(times, [row[key] for row in rows], marks)
        panels.append(Panel({text: curve}, "seconds", key))
    encode.write_image(timelines(panels), path)
