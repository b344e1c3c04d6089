"""Animated settings: text, either keyframes or a formula -> a value at every time of a film.

Keyframes are `TIME:VALUE [EASING], ...`: TIME in seconds (`4`, `2.5s`), frames (`96f`), per cent of the film's length
(`50%`), beats (`8b`) or bars (`2bar`), EASING how the value changes from the keyframe before to this one. After `every
TIME,` or `every event,` they begin anew each time, and their times count from there. Other text is a formula of `t`
(seconds), `f` (frame), `n` (number of frames), `fps`, `pi`, `b` (beats), `bar` (bars), `event` and the audio features
`bass mid high onset beat loudness`, each of the last seven in [0, 1]; `random(low, high)` is a new random number at
every frame.
"""

import hashlib
import itertools
import math
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, pairwise, takewhile

from dreamvid.config import formula as formulas
from dreamvid.config.formula import Expression
from dreamvid.config.interpolation import SPLINE, WAYS, Curve, interpolated
from dreamvid.config.timeline import BEATS, EVENT, NEAR, NOMINAL, SOUNDS, Timeline, decaying
from dreamvid.core.errors import SettingsError, nearest

NAMES = ("t", "f", "n", "fps", "pi", *BEATS, EVENT, *SOUNDS)
Draw = Callable[[str, int], float]  # one of a formula's `draws` and a frame -> a random number in [0, 1)

_TIME, _UNIT = r"(?P<time>\d+\.?\d*|\.\d+)", r"(?P<unit>s|f|%|bar|b)"
_KEY = re.compile(rf"\s*{_TIME}\s*{_UNIT}?\s*:\s*(?P<value>[^\s:]+)(?:\s+(?P<way>\S+))?\s*", re.A)
_EVERY = re.compile(rf"\s*every\s+(?:{_TIME}\s*{_UNIT}?|(?P<one>bar|b|{EVENT}))\s*", re.A)
MOST_TIMES = 1000  # of keyframes that repeat, so many times are given


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
class Keyframe:
    """A value at a time; `unit` of `time`: `s`, `f`, `%`, `b` or `bar`, as of `Timeline.length`.

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
        return timeline.start(self.unit) + timeline.length(self.time, self.unit)


@dataclass(frozen=True)
class Every:
    """The times at which keyframes begin anew: multiples of `count` of a `unit` of time, or events (unit `event`)."""

    count: Fraction
    unit: str

    def __str__(self) -> str:
        return f"every {EVENT}" if self.unit == EVENT else f"every {float(self.count):g}{self.unit}"

    def period(self, timeline: Timeline) -> Fraction | None:
        """Return the seconds from one beginning to the next; None at events."""
        return None if self.unit == EVENT else timeline.length(self.count, self.unit)

    def beginnings(self, timeline: Timeline) -> Iterator[float]:
        """Yield when keyframes begin in a film, in seconds, rising; without end where they have a period."""
        if (period := self.period(timeline)) is None:
            yield from (event.time for event in timeline.events)
            return
        start = timeline.start(self.unit) % period
        yield from (float(start + number * period) for number in itertools.count(-1 if start else 0))

    def since(self, timeline: Timeline) -> Curve:
        """Return the seconds since keyframes last began, as a function of the time; infinity before the first event."""
        if (period := self.period(timeline)) is None:
            times = [event.time for event in timeline.events]

            def since_event(time: float) -> float:
                last = bisect_right(times, time + NEAR) - 1
                return max(0.0, time - times[last]) if last >= 0 else math.inf

            return since_event
        start, length = float(timeline.start(self.unit)), float(period)
        return lambda time: max(0.0, time - start - math.floor((time - start + NEAR) / length) * length)


@dataclass(frozen=True)
class Keyframes:
    """An animated value parsed from text: either keyframes, which may begin anew at `every` so much, or a formula."""

    text: str
    keys: tuple[Keyframe, ...] = ()
    formula: Expression | None = None
    every: Every | None = None

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
        return self._names & frozenset(SOUNDS)

    @property
    def in_beats(self) -> bool:
        """True where beats or bars are counted."""
        units = {key.unit for key in self.keys} | ({self.every.unit} if self.every else set())
        return not (units | self._names).isdisjoint(BEATS)

    @property
    def at_events(self) -> bool:
        """True where events are followed."""
        return EVENT in self._names or (self.every is not None and self.every.unit == EVENT)

    @property
    def _names(self) -> frozenset[str]:
        return self.formula.names if self.formula else frozenset()

    def times(self, timeline: Timeline) -> tuple[float, ...]:
        """Return when the keyframes are, in seconds of a film; of those that begin anew, the first `MOST_TIMES`."""
        if self.every is None:
            return tuple(float(key.seconds(timeline)) for key in self.keys)
        end, period = float(timeline.seconds), self.every.period(timeline)
        after = [float(timeline.length(key.time, key.unit, period)) for key in self.keys]
        begun = islice(takewhile(lambda time: time <= end, self.every.beginnings(timeline)), MOST_TIMES)
        places = (
            begin + seconds for begin, until in pairwise((*begun, end)) for seconds in after if begin + seconds <= until
        )
        return tuple(time for time in places if 0 <= time <= end)[:MOST_TIMES]

    def on(self, timeline: Timeline, draw: Draw = middle) -> Curve:
        """Return the value as a function of the time in a film, in seconds.

        It is constant before the first keyframe and after the last; on a periodic timeline it is interpolated from the
        last to the first, unless keyframes begin anew in it. `draw`: source of random numbers. Raises SettingsError if
        a keyframe lies beyond the end of the film, or of its turn, or two have the same time; the returned function
        raises it where a formula is undefined.
        """
        if self.formula is not None:
            return _calculated(self.formula, timeline, draw)
        return _keyed(self.keys, timeline) if self.every is None else _repeated(self.every, self.keys, timeline)


def parse(text: str) -> Keyframes:
    """Parse keyframes or a formula; raise SettingsError for text that is neither."""
    anew = text.split(maxsplit=1)[:1] == ["every"]
    if ":" not in text and not anew:
        return Keyframes(text, formula=formulas.parse(text, NAMES))
    if len(text) > 100 * formulas.LONGEST:
        raise SettingsError(f"the keyframes have {len(text)} characters: give at most {100 * formulas.LONGEST}")
    head, _, rest = text.partition(",")
    every = _every(head) if anew else None
    return Keyframes(text, tuple(_key(part) for part in (rest if anew else text).split(",")), every=every)


def _every(text: str) -> Every:
    match = _EVERY.fullmatch(text) if len(text) < 100 else None
    count = Fraction(match["time"] or 1) if match else Fraction(0)
    if match is None or not count:
        raise SettingsError(
            f"{text.strip()[:40]!r} is not how often keyframes begin anew: give every 4b, every bar, every 2s or "
            f"every {EVENT}, and after a comma keyframes that count from there, such as 0b:0.06, 1b:0.02"
        )
    return Every(count, match["one"] or match["unit"] or "s")


def _key(text: str) -> Keyframe:
    match = _KEY.fullmatch(text) if len(text) < 100 else None
    if match is None:
        raise SettingsError(
            f"{text.strip()[:40]!r} is not a keyframe: give TIME:VALUE, such as 4s:0.06, 96f:0.06, 50%:0.06, "
            "8b:0.06 or 2bar:0.06"
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
    placed, end = [(key.seconds(timeline), key) for key in keys], timeline.seconds
    _check_order(placed)
    if placed[-1][0] > end:
        raise SettingsError(
            f"the keyframe {placed[-1][1]} is after the end of the film, at {float(end):g} s or {timeline.frames} "
            "frames: give an earlier time, or one in per cent"
        )
    return (
        interpolated(_points(_closed(placed, end)), float(end)) if timeline.periodic else interpolated(_points(placed))
    )


def _repeated(every: Every, keys: tuple[Keyframe, ...], timeline: Timeline) -> Curve:
    period = every.period(timeline)
    if period is None and any(key.unit == "%" for key in keys):
        raise SettingsError(f"from one {EVENT} to the next there are no per cent: give seconds, frames, beats or bars")
    placed = [(timeline.length(key.time, key.unit, period), key) for key in keys]
    _check_order(placed)
    if period is not None and placed[-1][0] > period:
        raise SettingsError(
            f"the keyframe {placed[-1][1]} is never reached, as keyframes begin anew {every}: give an earlier time"
        )
    value, since, end = interpolated(_points(placed)), every.since(timeline), float(timeline.seconds)
    return lambda time: value(since(time % end if timeline.periodic else time))


def _points(placed: Iterable[tuple[Fraction, Keyframe]]) -> list[tuple[float, float, str]]:
    return [(float(time), key.value, key.way) for time, key in placed]


def _check_order(placed: list[tuple[Fraction, Keyframe]]) -> None:
    for (before, one), (after, other) in pairwise(placed):
        if before == after:
            raise SettingsError(f"the keyframes {one} and {other} are at the same time: leave one of them out")
        if before > after:
            raise SettingsError(f"the keyframe {other} is earlier than {one}: give them in order of time")


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


def _calculated(formula: Expression, timeline: Timeline, draw: Draw) -> Curve:
    fixed = {"n": float(timeline.frames), "fps": float(timeline.rate), "pi": math.pi}
    heard = formula.names & frozenset(SOUNDS)
    tempo = None if formula.names.isdisjoint(BEATS) else timeline.tempo
    event = decaying(timeline.events, timeline.cues.release, timeline.rate) if EVENT in formula.names else None

    def value(time: float) -> float:
        if timeline.periodic:
            time %= float(timeline.seconds)
        frame = time * float(timeline.rate)
        if abs(frame - round(frame)) < 1e-6:  # remove rounding errors: at a frame, f is an integer
            frame = float(round(frame))
        followed = {name: timeline.cues.hear(name, time) for name in heard}
        if tempo is not None:
            beats = tempo.beats(time)
            followed |= {"b": beats, "bar": beats / tempo.per_bar}
        if event is not None:
            followed[EVENT] = event(time)
        drawn = {name: draw(name, math.floor(frame)) for name in formula.draws}
        return formula.value({"t": time, "f": frame, **fixed, **followed, **drawn})

    return value
