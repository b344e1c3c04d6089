"""Plots of animated settings over time."""

import math
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from dreamvid.core.errors import SettingsError

if TYPE_CHECKING:
    from dreamvid.config.settings import Settings
    from dreamvid.config.timeline import Timeline

RATE = Fraction(24)  # frames per second of an imaginary film
MOST = 200  # lines of a kind: more would be a grey area


def draw(settings: "Settings", path: Path, seconds: float) -> None:
    """Draw each animated setting over `seconds`, its keyframes as dots, beats, bars and events as lines.

    Raises SettingsError if no setting is animated.
    """
    from dreamvid.analysis.plots import Curve, Panel, timelines
    from dreamvid.config import keyframes
    from dreamvid.config.timeline import Timeline
    from dreamvid.media import audio_features, encode
    from dreamvid.pipeline import schedule

    if not settings.keyframes:
        raise SettingsError("--plot: this preset has no animated settings: leave out --plot, or give another preset")
    timeline = Timeline(max(1, round(seconds * RATE)), RATE, audio_features.of_film(settings, None))
    marks = {key: keyframes.parse(text).times(timeline) for key, text in settings.keyframes.items()}
    # Including the very end, where the last keyframe may be, and each jump.
    moments = sorted(
        {*range(timeline.frames + 1), *(Fraction(time) * RATE for found in marks.values() for time in found)}
    )
    rows = schedule.evaluated(settings, timeline, moments)
    times = [float(moment / RATE) for moment in moments]
    lines = _lines(timeline)
    across = "; ".join(["seconds", *(_said(kind, timeline) for kind in lines)])
    panels = []
    for key, text in settings.keyframes.items():
        curve = Curve(times, [row[key] for row in rows], marks[key])
        panels.append(Panel({text: curve}, across, key, lines=lines))
    encode.write_image(timelines(panels), path)


def _lines(timeline: "Timeline") -> dict[str, list[float]]:
    """Return the places of beats, bars and events in a film, in seconds; of a kind of more than `MOST`, none."""
    end, tempo, found = float(timeline.seconds), timeline.cues.tempo, {}
    if tempo is not None:
        for kind, unit in (("beat", "b"), ("bar", "bar")):
            length = tempo.length(Fraction(1), unit)
            numbers = range(math.ceil(-tempo.first / length), math.floor((timeline.seconds - tempo.first) / length) + 1)
            found[kind] = [float(tempo.seconds(Fraction(number), unit)) for number in numbers[: MOST + 1]]
    found["event"] = [event.time for event in timeline.events if 0 <= event.time <= end]
    return {kind: places for kind, places in found.items() if 0 < len(places) <= MOST}


def _said(kind: str, timeline: "Timeline") -> str:
    """Return what a kind of line stands for, in words."""
    tempo = timeline.cues.tempo
    if kind == "event" or tempo is None:
        return "dashed: events"
    if kind == "bar":
        return f"dark lines: bars of {tempo.per_bar}"
    return f"light lines: {float(tempo.bpm):g} beats per minute"
