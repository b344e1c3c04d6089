"""Plot animated settings over time."""

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from dreamvid.core.errors import SettingsError

if TYPE_CHECKING:
    from dreamvid.config.settings import Settings

RATE = Fraction(24)  # frames a second of the film that is imagined


def draw(settings: "Settings", path: Path, seconds: float) -> None:
    """Draws each animated setting over so many seconds, its keys as dots; raises SettingsError where none does."""
    from dreamvid.analysis.plots import Curve, Panel, timelines
    from dreamvid.config import keyframes
    from dreamvid.media import audio_features, encode
    from dreamvid.pipeline import schedule

    if not settings.keyframes:
        raise SettingsError("--plot: no setting of this look moves")
    timeline = keyframes.Timeline(max(1, round(seconds * RATE)), RATE, audio_features.of_film(settings, None))
    frames = range(timeline.frames + 1)  # up to the very end, where the last key may be
    rows = schedule.evaluated(settings, timeline, frames)
    times = [float(frame / RATE) for frame in frames]
    panels = []
    for key, text in settings.keyframes.items():
        marks = tuple(float(mark.seconds(timeline)) for mark in keyframes.parse(text).keys)
        curve = Curve(times, [row[key] for row in rows], marks)
        panels.append(Panel({text: curve}, "seconds", key))
    encode.write_image(timelines(panels), path)
