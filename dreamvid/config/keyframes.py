"""Animated settings: text, either keyframes or a formula -> a value at every time of a film.

Keyframes are `TIME:VALUE [EASING], ...`: TIME in seconds (`4`, `2.5s`), frames (`96f`) or per cent of the film's length
(`50%`), EASING how the value changes from the keyframe before to this one. Other text is a formula of `t` (seconds),
`f` (frame), `n` (number of frames), `fps`, `pi` and the audio features `bass mid high onset beat loudness`, each in
[0, 1]; `random(low, high)` is a new random number at every frame.
"""

import hashlib
import math
import re
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from dreamvid.config import formula as formulas
from dreamvid.config.formula import Expression
from dreamvid.core.easing import smooth
from dreamvid.core.errors import SettingsError, nearest

SOUNDS = ("bass", "mid", "high", "onset", "beat", "loudness")
NAMES = ("t", "f", "n", "fps", "pi", *SOUNDS)
Curve = Callable[[float], float]  # a time in seconds -> a value
Hear = Callable[[str, float], float]  # one of SOUNDS and a time in seconds -> the audio feature, in [0, 1]
Draw = Callable[[str, int], float]  # one of a formula's `draws` and a frame -> a random number in [0, 1)

# Easings from one keyframe to the next: share of the time -> share of the change in value, both in [0, 1].
WAYS: dict[str, Curve] = {
    "linear": lambda share: share,
    "hold": lambda share: float(share >= 1),
    "ease": smooth,
    "ease-in": lambda share: share * share,
    "ease-out": lambda share: share * (2 - share),
}
SPLINE = "spline"
_KEY = re.compile(
    r"\s*(?P<time>\d+\.?\d*|\.\d+)\s*(?P<unit>s|f|%)?\s*:\s*(?P<value>[^\s:]+)(?:\s+(?P<way>\S+))?\s*", re.A
)


def silence(sound: str, time: float) -> float:
    """Return 0, the value of every audio feature where there is no sound."""
    return 0.0


def middle(draw: str, frame: int) -> float:
    """Return 0.5, the mean, in place of a random number where there is no seed yet."""
    return 0.5


def chance(seed: int, key: str) -> Draw:
    """Return the random numbers of a setting, by its full key: uniform in [0, 1), a hash of seed, key and frame.

    They do not depend on which were drawn before.
    """

    def share(draw: str, frame: int) -> float:
        digest = hashlib.blake2b(f"{seed} {key} {draw} {frame}".encode(), digest_size=8).digest()
        return (int.from_bytes(digest) >> 11) / 2**53

    return share


@dataclass(frozen=True)
class Timeline:
    """The time axis of a film: number of `frames`, `rate` in frames per second, and its audio features.

    `periodic`: the film is a loop, whose end is its beginning.
    """

    frames: int
    rate: Fraction
    hear: Hear = silence
    periodic: bool = False

    @property
    def seconds(self) -> Fraction:
        """The end of the last frame, in seconds."""
        return self.frames / self.rate


NOMINAL = Timeline(240, Fraction(24))  # stands in while there is no film yet: ten seconds, silent


@dataclass(frozen=True)
class Keyframe:
    """A value at a time; `unit` of `time`: seconds (`s`), frames (`f`) or per cent of the film (`%`).

    `way`: the easing from the keyframe before, one of `WAYS`, or `SPLINE`.
    """

    time: Fraction
    unit: str
    value: float
    way: str

    def __str__(self) -> str:
        return f"{float(self.time):g}{self.unit}:{self.value:g}"

    def seconds(self, timeline: Timeline) -> Fraction:
        """Return the time of the keyframe in seconds, on a film's `timeline`."""
        return self.time * {"s": Fraction(1), "f": 1 / timeline.rate, "%": timeline.seconds / 100}[self.unit]


@dataclass(frozen=True)
class Keyframes:
    """An animated value parsed from text: either keyframes or a formula."""

    text: str
    keys: tuple[Keyframe, ...] = ()
    formula: Expression | None = None

    @property
    def constant(self) -> bool:
        """True for a formula without variables and random numbers: a constant."""
        return self.formula is not None and not self.formula.names and not self.formula.draws

    @property
    def first(self) -> float:
        """The value used where there is no film: that of the first keyframe, or of the formula at time 0 of `NOMINAL`.

        Each `random(low, high)` is the mean of low and high there.
        """
        return self.keys[0].value if self.keys else self.on(NOMINAL)(0.0)

    @property
    def sounds(self) -> frozenset[str]:
        """The audio features that the formula uses."""
        return self.formula.names & frozenset(SOUNDS) if self.formula else frozenset()

    def on(self, timeline: Timeline, draw: Draw = middle) -> Curve:
        """Return the value as a function of the time in a film, in seconds.

        It is constant before the first keyframe and after the last; on a periodic timeline it is interpolated from the
        last to the first. `draw`: source of random numbers. Raises SettingsError if a keyframe lies beyond the end of
        the film or two have the same time; the returned function raises it where a formula is undefined.
        """
        return _keyed(self.keys, timeline) if self.formula is None else _calculated(self.formula, timeline, draw)


def parse(text: str) -> Keyframes:
    """Parse keyframes or a formula; raise SettingsError for text that is neither."""
    if ":" not in text:
        return Keyframes(text, formula=formulas.parse(text, NAMES))
    if len(text) > 100 * formulas.LONGEST:
        raise SettingsError(f"the keyframes have {len(text)} characters: give at most {100 * formulas.LONGEST}")
    return Keyframes(text, tuple(_key(part) for part in text.split(",")))


def _key(text: str) -> Keyframe:
    match = _KEY.fullmatch(text) if len(text) < 100 else None
    if match is None:
        raise SettingsError(
            f"{text.strip()[:40]!r} is not a keyframe: give TIME:VALUE, such as 4s:0.06, 96f:0.06 or 50%:0.06"
        )
    way = match["way"] or "linear"
    if way not in (*WAYS, SPLINE):
        raise SettingsError(
            f"the keyframe {text.strip()[:40]!r} has no easing {way}: give {', '.join(WAYS)} or {SPLINE}"
            f"{nearest(way, [*WAYS, SPLINE])}"
        )
    try:
        value = float(match["value"])
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise SettingsError(f"the keyframe {text.strip()[:40]!r}: give a number after the colon")
    return Keyframe(Fraction(match["time"]), match["unit"] or "s", value, way)


def _keyed(keys: tuple[Keyframe, ...], timeline: Timeline) -> Curve:
    placed = [(key.seconds(timeline), key) for key in keys]
    for (before, one), (after, other) in pairwise(placed):
        if before == after:
            raise SettingsError(f"the keyframes {one} and {other} are at the same time: leave one of them out")
        if before > after:
            raise SettingsError(f"the keyframe {other} is earlier than {one}: give them in order of time")
    last, end = placed[-1][1], timeline.seconds
    if placed[-1][0] > end:
        raise SettingsError(
            f"the keyframe {last} is after the end of the film, at {float(end):g} s or {timeline.frames} frames: "
            "give an earlier time, or one in per cent"
        )
    if timeline.periodic:
        placed = _closed(placed, end)
    times = [float(time) for time, _ in placed]
    values = [key.value for _, key in placed]
    slopes = _slopes(times, values, periodic=timeline.periodic)

    def value(time: float) -> float:
        if timeline.periodic:
            time %= float(end)
            time += float(end) if time < times[0] else 0.0
        after = bisect_right(times, time)
        if after in (0, len(times)):
            return values[min(after, len(times) - 1)]
        span = times[after] - times[after - 1]
        share, (first, final) = (time - times[after - 1]) / span, values[after - 1 : after + 1]
        way = placed[after][1].way
        if way == SPLINE:
            return _hermite(share, first, final, span * slopes[after - 1], span * slopes[after])
        return first + (final - first) * WAYS[way](share)

    return value


def _closed(placed: list[tuple[Fraction, Keyframe]], end: Fraction) -> list[tuple[Fraction, Keyframe]]:
    """Return the keyframes of a loop with the first repeated at its time in the next cycle."""
    (start, first), (stop, last) = placed[0], placed[-1]
    if stop - start == end:  # from 0 to the very end, which is 0 again
        if first.value != last.value:
            raise SettingsError(
                f"the keyframes {first} and {last} are at the same time, as the end of a loop is its beginning: "
                "give them the same value, or leave one out"
            )
        return placed
    return [*placed, (start + end, first)]


def _slopes(times: list[float], values: list[float], *, periodic: bool) -> list[float]:
    """Return the slopes at the keyframes of a monotone cubic spline, which never overshoots (Fritsch and Butland 1984).

    They are 0 at both ends; in a loop (`periodic`), whose last keyframe is its first, that one has a slope like any
    other.
    """
    spans, rises = ([after - before for before, after in pairwise(these)] for these in (times, values))
    steps = list(zip(spans, rises, strict=True))
    inner = [_slope(one, other) for one, other in pairwise(steps)]
    ends = _slope(steps[-1], steps[0]) if periodic and steps else 0.0
    return [ends, *inner, ends]


def _slope(before: tuple[float, float], after: tuple[float, float]) -> float:
    (span, rise), (next_span, next_rise) = before, after
    if rise * next_rise <= 0:
        return 0.0
    weight, other = 2 * next_span + span, next_span + 2 * span
    return (weight + other) / (weight * span / rise + other * next_span / next_rise)


def _hermite(share: float, first: float, final: float, leaving: float, arriving: float) -> float:
    """Return the cubic Hermite interpolation from `first` to `final`, with the slopes at its ends; share in [0, 1].

    The slopes are per span: change in value over the whole interval.
    """
    rest = 1 - share
    ends = first * (1 + 2 * share) * rest**2 + final * (3 - 2 * share) * share**2
    return ends + leaving * share * rest**2 - arriving * rest * share**2


def _calculated(formula: Expression, timeline: Timeline, draw: Draw) -> Curve:
    fixed = {"n": float(timeline.frames), "fps": float(timeline.rate), "pi": math.pi}
    heard = formula.names & frozenset(SOUNDS)

    def value(time: float) -> float:
        if timeline.periodic:
            time %= float(timeline.seconds)
        frame = time * float(timeline.rate)
        if abs(frame - round(frame)) < 1e-6:  # remove rounding errors: at a frame, f is an integer
            frame = float(round(frame))
        sounds = {name: timeline.hear(name, time) for name in heard}
        drawn = {name: draw(name, math.floor(frame)) for name in formula.draws}
        return formula.value({"t": time, "f": frame, **fixed, **sounds, **drawn})

    return value
