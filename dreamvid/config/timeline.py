"""The time axis of a film, and what settings follow on it: its sound, its beats and bars, its events."""

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from dreamvid.core.errors import SettingsError

SOUNDS = ("bass", "mid", "high", "onset", "beat", "loudness")
BEATS = ("b", "bar")  # units of a keyframe's time, and the variables of a formula that count them
EVENT = "event"
GRID = 48  # parts of a beat, sixteenths and triplets among them, at which a count of beats has no rounding errors
NEAR = 1e-6  # seconds, and beats: rounding errors are below it, frames are above
Hear = Callable[[str, float], float]  # one of SOUNDS and a time in seconds -> the audio feature, in [0, 1]


def silence(sound: str, time: float) -> float:
    """Return 0, the value of every audio feature where there is no sound."""
    return 0.0


@dataclass(frozen=True)
class Tempo:
    """Beats that come evenly: `bpm` a minute, `per_bar` of them in a bar, beat 0 at `first` seconds of the film."""

    bpm: Fraction = Fraction(120)
    first: Fraction = Fraction(0)
    per_bar: int = 4

    def length(self, count: Fraction, unit: str) -> Fraction:
        """Return how many seconds a number of beats (`b`) or bars (`bar`) take."""
        return count * (self.per_bar if unit == "bar" else 1) * 60 / self.bpm

    def seconds(self, count: Fraction, unit: str = "b") -> Fraction:
        """Return when a beat or bar begins, counted from 0, in seconds of the film."""
        return self.first + self.length(count, unit)

    def beats(self, time: float) -> float:
        """Return the beats from beat 0 to a time in seconds: below 0 before it, without rounding errors on `GRID`."""
        count = (time - float(self.first)) * float(self.bpm) / 60
        on_grid = round(count * GRID) / GRID
        return on_grid if abs(count - on_grid) < NEAR else count

    def within(self, part: Fraction) -> "Tempo":
        """Return the tempo of a film that begins so many seconds later; beat 0 is the first start of a bar in it."""
        first, bar = self.first - part, self.length(Fraction(1), "bar")
        return replace(self, first=first if first >= 0 else first % bar)


@dataclass(frozen=True, order=True)
class Event:
    """Something that happens at `time`, in seconds of the film, with a strength `value` in [0, 1]."""

    time: float
    value: float = 1.0


@dataclass(frozen=True)
class Cues:
    """The cues that settings follow: the sound of a film, its `tempo`, None where there is none, its `events`, by time.

    `release`: the seconds in which the variable `event` falls from 1 to 0.
    """

    hear: Hear = silence
    tempo: Tempo | None = None
    events: tuple[Event, ...] = ()
    release: float = 0.25


def decaying(events: Sequence[Event], release: float, rate: Fraction) -> Callable[[float], float]:
    """Return the variable `event` as a function of the time in seconds.

    It has the value of an event in the first frame that does not lie before it, at `rate` frames per second, so that
    none falls between two frames; it falls by 1 in `release` seconds, and a weaker event does not lower it.
    """
    frames: list[int] = []
    levels: list[float] = []
    for event in events:
        frame = math.ceil(event.time * float(rate) - NEAR)
        left = _left(levels[-1], (frame - frames[-1]) / float(rate), release) if levels else 0.0
        frames.append(frame)
        levels.append(max(event.value, left))

    def value(time: float) -> float:
        frame = time * float(rate) + NEAR
        last = bisect_right(frames, frame) - 1
        return _left(levels[last], (frame - NEAR - frames[last]) / float(rate), release) if last >= 0 else 0.0

    return value


def _left(level: float, seconds: float, release: float) -> float:
    """Return what is left of a level after some seconds."""
    if seconds < NEAR:
        return level
    return max(0.0, level - seconds / release) if release else 0.0


@dataclass(frozen=True)
class Timeline:
    """The time axis of a film: number of `frames`, `rate` in frames per second, and what settings follow beside it.

    `periodic`: the film is a loop, whose end is its beginning.
    """

    frames: int
    rate: Fraction
    cues: Cues = Cues()
    periodic: bool = False

    @property
    def seconds(self) -> Fraction:
        """The end of the last frame, in seconds."""
        return self.frames / self.rate

    @property
    def tempo(self) -> Tempo:
        """The beats of the film; raises SettingsError where there are none."""
        if self.cues.tempo is None:
            raise SettingsError("it counts in beats, and there is no tempo: give audio.bpm")
        return self.cues.tempo

    @property
    def events(self) -> tuple[Event, ...]:
        """The events by time; in a loop those of one cycle, after the same in the cycle before."""
        if not self.periodic:
            return self.cues.events
        end = float(self.seconds)
        cycle = tuple(event for event in self.cues.events if 0 <= event.time < end)
        return (*(replace(event, time=event.time - end) for event in cycle), *cycle)

    def length(self, count: Fraction, unit: str, whole: Fraction | None = None) -> Fraction:
        """Return how many seconds a number of seconds (`s`), frames (`f`), beats (`b`) or bars (`bar`) take.

        Per cent (`%`) are those of `whole`, in seconds; by default, of the film.
        """
        if unit in BEATS:
            return self.tempo.length(count, unit)
        share = (self.seconds if whole is None else whole) / 100
        return count * {"s": Fraction(1), "f": 1 / self.rate, "%": share}[unit]

    def start(self, unit: str) -> Fraction:
        """Return where a number of a unit is counted from, in seconds: beat 0, or the beginning of the film."""
        return self.tempo.first if unit in BEATS else Fraction(0)


# Stands in while there is no film yet: ten seconds, silent, 120 beats a minute.
NOMINAL = Timeline(240, Fraction(24), Cues(tempo=Tempo()))
