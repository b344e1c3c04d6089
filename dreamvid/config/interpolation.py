"""Interpolation between points over time: easings, and a spline that does not overshoot."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import pairwise

from dreamvid.core.easing import smooth

Curve = Callable[[float], float]  # a time in seconds -> a value

# Easings from one point to the next: share of the time -> share of the change in value, both in [0, 1].
WAYS: dict[str, Curve] = {
    "linear": lambda share: share,
    "hold": lambda share: float(share >= 1),
    "ease": smooth,
    "ease-in": lambda share: share * share,
    "ease-out": lambda share: share * (2 - share),
}
SPLINE = "spline"


def interpolated(points: Sequence[tuple[float, float, str]], cycle: float | None = None) -> Curve:
    """Return the value at a time, between `points`: time, value, and the easing to it from the point before.

    Times rise. Before the first point and after the last the value is constant; `cycle`: the seconds of a loop, whose
    last point is its first.
    """
    times = [time for time, _, _ in points]
    values = [value for _, value, _ in points]
    slopes = _slopes(times, values, periodic=cycle is not None)

    def value(time: float) -> float:
        if cycle is not None:
            time %= cycle
            time += cycle if time < times[0] else 0.0
        after = bisect_right(times, time)
        if after in (0, len(times)):
            return values[min(after, len(times) - 1)]
        span = times[after] - times[after - 1]
        share, (first, final) = (time - times[after - 1]) / span, values[after - 1 : after + 1]
        way = points[after][2]
        if way == SPLINE:
            return _hermite(share, first, final, span * slopes[after - 1], span * slopes[after])
        return first + (final - first) * WAYS[way](share)

    return value


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
