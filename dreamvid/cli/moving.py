"""How settings that move are shown: as a picture of their tracks."""

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from dreamvid.errors import SettingsError

if TYPE_CHECKING:
    from dreamvid.settings import Settings

RATE = Fraction(24)  # frames a second of the film that is imagined


def draw(settings: "Settings", path: Path, seconds: float) -> None:
    """Draws each setting that moves over so many seconds, its keys as dots; raises SettingsError where none does."""
    from dreamvid import listening, schedule, tracks
    from dreamvid.features.plots import Curve, Panel, timelines
    from dreamvid.video import encode

    if not settings.tracks:
        raise SettingsError("--plot: no setting of this look moves")
    film = tracks.Film(max(1, round(seconds * RATE)), RATE, listening.of_film(settings, None))
    frames = range(film.frames + 1)  # up to the very end, where the last key may be
    rows = schedule.evaluated(settings, film, frames)
    times = [float(frame / RATE) for frame in frames]
    panels = []
    for key, text in settings.tracks.items():
        marks = tuple(float(mark.seconds(film)) for mark in tracks.parse(text).keys)
        curve = Curve(times, [row[key] for row in rows], marks)
        panels.append(Panel({text: curve}, "seconds", key))
    encode.write_image(timelines(panels), path)
