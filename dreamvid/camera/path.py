"""A camera on its way: its pose at a time, exact for any frame rate, and the motion between two poses.

Lengths are in heights of the frame, points complex numbers, column + i row, from the frame's middle: nothing here knows
of pixels but `points` and `motion`. Every steady move but a pan is a zoom and turn about one fixed point, the `centre`.
"""

import cmath
import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
import numpy.typing as npt

from dreamvid.coherence.optical_flow import Field, Motion, inside
from dreamvid.config.settings import CameraSettings
from dreamvid.core.easing import smooth
from dreamvid.core.errors import SettingsError

FARTHEST = 600.0  # logarithm of the largest and smallest scale: there is nothing left to see long before
SAMPLES, MOST_SAMPLES = 240, 20_000  # a second, and in all, at which a rate that moves is added up
NOTHING = 1e-5  # of a logarithm, or in radians: nobody sees it
FOLDS = 24  # a turning loop may repeat in so many sectors at most
Points = npt.NDArray[np.complex128]
Times = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Pose:
    """Where the camera is: the frame's point p shows the world's point e^`way` (p - `centre`) + `offset`.

    `way`: minus the logarithm of the enlargement, and the turn in radians as its imaginary part.
    """

    way: complex
    centre: complex
    offset: complex

    @property
    def scale(self) -> complex:
        """e^`way`, within what numbers hold."""
        return cmath.exp(complex(max(-FARTHEST, min(FARTHEST, self.way.real)), self.way.imag))

    def of(self, points: Points) -> Points:
        """The world's points that the frame's points show."""
        return self.scale * (points - self.centre) + self.offset


@dataclass(frozen=True)
class Flight:
    """A camera's way through `seconds`. `loop`: at the end everything is as it was at the beginning.

    `velocity_at`: where its settings move, how fast `way` grows and the frame moves, both per second, at a time in
    seconds; the frame moves as well where it zooms or turns about another point than its first.
    """

    camera: CameraSettings
    seconds: float
    loop: bool = False
    velocity_at: Callable[[float], tuple[complex, complex]] | None = None

    @property
    def speed(self) -> complex:
        """How fast the frame moves over the world, as it is then, in heights per second; on average, where it moves."""
        if self.velocity_at is not None:
            return complex(self._table[2][-1]) / self.seconds
        return complex(self.camera.shift[1], self.camera.shift[0])

    @property
    def centre(self) -> complex:
        """The fixed point of the move in the frame; of a pan, the middle.

        The frame's shift turns with the camera and slows down as it comes nearer, so that its speed on screen stays the
        same: the integral of e^(rate t) in closed form is a zoom about a point that is off by speed / rate.
        """
        given = complex(self.camera.centre[1], self.camera.centre[0])
        if not self.rotates:
            return 0j
        return (
            given
            if self.velocity_at is not None
            else given - self.speed / rate_of(self.camera.zoom, self.camera.rotate)
        )

    @cached_property
    def rotates(self) -> bool:
        """Return whether it zooms or rotates at all; else it pans, or rests."""
        if self.velocity_at is not None:
            return bool(np.any(self._table[1]))
        return self.camera.zoom != 1 or self.camera.rotate != 0

    @cached_property
    def whole(self) -> complex:
        """What `way` is at the end."""
        if self.velocity_at is None:
            return rate_of(self.camera.zoom, self.camera.rotate) * self.seconds
        end = complex(self._table[1][-1])  # added up: what comes back to 0 misses it by a little
        return complex(*(part if abs(part) > NOTHING else 0.0 for part in (end.real, end.imag)))

    @cached_property
    def fixed(self) -> bool:
        """Return whether all of its zooming and rotating is about one point of the canvas."""
        return self.velocity_at is None or not (self.rotates and bool(np.any(np.abs(self._table[2]) > NOTHING)))

    @cached_property
    def nearest(self) -> tuple[float, float]:
        """The least and the largest of what the real part of `way` is meanwhile."""
        if self.velocity_at is not None:
            return float(self._table[1].real.min()), float(self._table[1].real.max())
        return min(0.0, self.whole.real), max(0.0, self.whole.real)

    def pose(self, time: Fraction | float) -> Pose:
        """The camera at `time` seconds."""
        seconds, centre = float(self._eased(time)), self.centre
        if self.velocity_at is None:
            offset = centre if self.rotates else self.speed * seconds
            return Pose(self.whole * (seconds / self.seconds), centre, offset)
        cycle = math.floor(seconds / self.seconds) if self.loop else 0
        times, ways, offsets = self._table
        way, offset = (
            cycle * complex(of[-1]) + complex(np.interp(seconds - cycle * self.seconds, times, of))
            for of in (ways, offsets)
        )
        return Pose(way, centre, centre + offset)

    @cached_property
    def _table(self) -> tuple[Times, Points, Points]:
        """Times from 0 to the end, `way` at each, and how far the frame has moved, by the trapezoid rule."""
        assert self.velocity_at is not None
        count = min(MOST_SAMPLES, math.ceil(SAMPLES * self.seconds)) + 1
        times = np.linspace(0, self.seconds, count)
        rates, speeds = np.array([self.velocity_at(float(time)) for time in times], np.complex128).T
        ways = _integral(times, rates)
        scales = np.exp(np.clip(ways.real, -FARTHEST, FARTHEST) + 1j * ways.imag)
        return times, ways, _integral(times, scales * speeds)

    def _eased(self, time: Fraction | float) -> Fraction | float:
        if self.camera.ease == "none":
            return time
        gone = float(time) / self.seconds
        cycle = math.floor(gone) if self.loop else 0
        share = min(1.0, max(0.0, gone - cycle))
        curve = {"in": share**2, "out": 1 - (1 - share) ** 2, "in-out": smooth(share)}
        return self.seconds * (cycle + curve[self.camera.ease])


def rate_of(zoom: float, rotate: float) -> complex:
    """How fast `way` grows, per second, of an enlargement by a factor per second and a turn in degrees per second."""
    return complex(-math.log(zoom), math.radians(rotate))


def _integral(times: Times, values: Points) -> Points:
    steps = np.diff(times) * (values[1:] + values[:-1]) / 2
    return np.concatenate([[0j], np.cumsum(steps)])


def folds(flight: Flight) -> int:
    """Into how many like sectors a turning loop divides the world, 1 where it turns whole turns or does not only turn.

    Raises SettingsError where it ends nowhere near such a sector, with the nearest rates that do.
    """
    if not flight.loop or flight.whole.real or not flight.whole.imag:
        return 1
    rounds = abs(flight.whole.imag) / (2 * math.pi)
    near = Fraction(rounds).limit_denominator(FOLDS)
    if near and abs(float(near) - rounds) * 360 < 1e-3:
        return near.denominator
    sectors = (
        Fraction(n, k) for k in range(1, FOLDS + 1) for n in (math.floor(rounds * k), math.ceil(rounds * k)) if n
    )
    best = sorted(set(sectors), key=lambda share: abs(float(share) - rounds))[:2]
    rates = " or ".join(
        f"{math.copysign(float(share) * 360 / flight.seconds, flight.camera.rotate):.6g}" for share in best
    )
    raise SettingsError(
        f"camera.rotate={flight.camera.rotate:g} over {flight.seconds:g} seconds does not close: give {rates}"
    )


def points(height: int, width: int) -> Points:
    """The frame's pixels as points."""
    columns, rows = np.arange(width) - (width - 1) / 2, np.arange(height) - (height - 1) / 2
    return np.asarray(columns[None, :] + 1j * rows[:, None], np.complex128) / height


def motion(before: Pose, now: Pose, height: int, width: int) -> Motion:
    """The exact motion of what is seen, for a frame of `height` x `width` pixels, from one pose to another."""
    here = points(height, width)
    step = Pose(now.way - before.way, now.centre, 0j).of(here)  # the difference of two far scales has no digits left
    moved = step + (now.offset - before.offset) / before.scale + before.centre - here
    field: Field = (np.stack([moved.imag, moved.real], axis=2) * height).astype(np.float32)
    return Motion(field, inside(field))
