"""Animated settings: a text of keyframes or a formula -> a value at every time of a film.

Keys are `TIME:VALUE [WORD], ...`; TIME in seconds (`4`, `2.5s`), frames (`96f`) or a share of the film (`50%`), WORD
how one comes to this key from the one before. Anything else is a formula of `t` (seconds), `f` (frame), `n` (frames in
all), `fps`, `pi`, and what is heard: `bass mid high onset beat loudness`, each in [0, 1]; `random(low, high)` is drawn
for every frame.
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
Hear = Callable[[str, float], float]  # one of SOUNDS and a time in seconds -> how much of it is heard, in [0, 1]
Draw = Callable[[str, int], float]  # one of a formula's draws and a frame -> a share in [0, 1)

# How one comes to a key: the share of the way gone at a share of the time, both in [0, 1].
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
    """What is heard where there is no sound."""
    return 0.0


def middle(draw: str, frame: int) -> float:
    """What is drawn where there is no seed yet."""
    return 0.5


def chance(seed: int, key: str) -> Draw:
    """What is drawn for a setting, by its full key: evenly spread, and the same whatever was drawn before."""

    def share(draw: str, frame: int) -> float:
        digest = hashlib.blake2b(f"{seed} {key} {draw} {frame}".encode(), digest_size=8).digest()
        return (int.from_bytes(digest) >> 11) / 2**53

    return share


@dataclass(frozen=True)
class Timeline:
    """The time that keyframes are laid along: `frames` in all at `rate` a second, and what is heard meanwhile.

    `periodic`: the film is a loop, whose end is its beginning.
    """

    frames: int
    rate: Fraction
    hear: Hear = silence
    periodic: bool = False

    @property
    def seconds(self) -> Fraction:
        """Where the last frame ends."""
        return self.frames / self.rate


NOMINAL = Timeline(240, Fraction(24))  # where there is no film yet: ten seconds, silent


@dataclass(frozen=True)
class Keyframe:
    """A value at a time: `time` in `unit`s, seconds (`s`), frames (`f`) or hundredths of the film (`%`)."""

    time: Fraction
    unit: str
    value: float
    way: str

    def __str__(self) -> str:
        return f"{float(self.time):g}{self.unit}:{self.value:g}"

    def seconds(self, timeline: Timeline) -> Fraction:
        """When it is, in seconds."""
        return self.time * {"s": Fraction(1), "f": 1 / timeline.rate, "%": timeline.seconds / 100}[self.unit]


@dataclass(frozen=True)
class Keyframes:
    """A text that was read: either keys or a formula."""

    text: str
    keys: tuple[Keyframe, ...] = ()
    formula: Expression | None = None

    @property
    def constant(self) -> bool:
        """Whether it is but a number, written as a formula."""
        return self.formula is not None and not self.formula.names and not self.formula.draws

    @property
    def first(self) -> float:
        """The value that stands for it where there is no film: its first key's, or that at the start of `NOMINAL`.

        What is random stands in the middle there.
        """
        return self.keys[0].value if self.keys else self.on(NOMINAL)(0.0)

    @property
    def sounds(self) -> frozenset[str]:
        """What of the sound it listens to."""
        return self.formula.names & frozenset(SOUNDS) if self.formula else frozenset()

    def on(self, timeline: Timeline, draw: Draw = middle) -> Curve:
        """Its value at any time of a film, in seconds, constant before the first key and behind the last.

        On a film that is periodic the last key leads on into the first. `draw`: what is random. Raises SettingsError
        where a key lies beyond the film or two lie at one time; and so does the curve, for a formula that has no value
        at a time.
        """
        return _keyed(self.keys, timeline) if self.formula is None else _calculated(self.formula, timeline, draw)


def parse(text: str) -> Keyframes:
    """Read keyframes or a formula; raises SettingsError for what is neither keys nor a formula."""
    if ":" not in text:
        return Keyframes(text, formula=formulas.parse(text, NAMES))
    if len(text) > 100 * formulas.LONGEST:
        raise SettingsError(f"it has {len(text)} characters: {100 * formulas.LONGEST} are the most")
    return Keyframes(text, tuple(_key(part) for part in text.split(",")))


def _key(text: str) -> Keyframe:
    match = _KEY.fullmatch(text) if len(text) < 100 else None
    if match is None:
        raise SettingsError(f"the key {text.strip()[:40]!r} is none: TIME:VALUE, such as 4s:0.06, 96f:0.06 or 50%:0.06")
    way = match["way"] or "linear"
    if way not in (*WAYS, SPLINE):
        near = nearest(way, (*WAYS, SPLINE))
        raise SettingsError(f"the key {text.strip()[:40]!r} ends in {', '.join(WAYS)} or {SPLINE}{near}")
    try:
        value = float(match["value"])
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise SettingsError(f"the key {text.strip()[:40]!r} has no number behind its colon")
    return Keyframe(Fraction(match["time"]), match["unit"] or "s", value, way)


def _keyed(keys: tuple[Keyframe, ...], timeline: Timeline) -> Curve:
    placed = [(key.seconds(timeline), key) for key in keys]
    for (before, one), (after, other) in pairwise(placed):
        if before == after:
            raise SettingsError(f"the keys {one} and {other} are at one time")
        if before > after:
            raise SettingsError(f"the key {other} comes before {one}: give them in order of time")
    last, end = placed[-1][1], timeline.seconds
    if placed[-1][0] > end:
        raise SettingsError(
            f"the key {last} lies beyond the end of the film, {float(end):g} s or {timeline.frames} frames"
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
    """The keys of a loop, the first once more where the next round has it."""
    (start, first), (stop, last) = placed[0], placed[-1]
    if stop - start == end:  # from 0 to the very end, which is 0 again
        if first.value != last.value:
            raise SettingsError(f"the keys {first} and {last} are at one time: in a loop the end is the beginning")
        return placed
    return [*placed, (start + end, first)]


def _slopes(times: list[float], values: list[float], *, periodic: bool) -> list[float]:
    """The slopes at the keys of a spline that overshoots none of them (Fritsch and Butland 1984), level at both ends.

    Of a loop, whose last key is its first, the two ends have the slope of any other key.
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
    """The cubic from `first` to `final` with these slopes at its ends, per span; share in [0, 1]."""
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
        if abs(frame - round(frame)) < 1e-6:  # at a frame, it is that very number
            frame = float(round(frame))
        sounds = {name: timeline.hear(name, time) for name in heard}
        drawn = {name: draw(name, math.floor(frame)) for name in formula.draws}
        return formula.value({"t": time, "f": frame, **fixed, **sounds, **drawn})

    return value
