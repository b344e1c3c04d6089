"""The path of a camera: its pose at a time, exact for any frame rate, and the motion between two poses.

Lengths are in heights of the frame; points are complex numbers, column + i row, from the frame's middle. Only `points`
and `motion` use pixels. Every steady motion but a pan is a zoom and rotation about one fixed point, the `centre`.
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

FARTHEST = 600.0  # limit of the logarithm of the scale, so that float64 holds it; detail ends long before
SAMPLES, MOST_SAMPLES = 240, 20_000  # samples per second, and in all, at which animated rates are integrated
NOTHING = 1e-5  # log of the scale, or radians: a smaller difference is invisible
FOLDS = 24  # most sectors in which a rotating loop may repeat
Points = npt.NDArray[np.complex128]
Times = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Pose:
    """A camera pose: the frame's point p shows the canvas's point e^`way` (p - `centre`) + `offset`.

    `way`: minus the logarithm of the enlargement, and as imaginary part the rotation in radians.
    """

    way: complex
    centre: complex
    offset: complex

    @property
    def scale(self) -> complex:
        """The factor e^`way`, limited so that float64 can represent it."""
        return cmath.exp(complex(max(-FARTHEST, min(FARTHEST, self.way.real)), self.way.imag))

    def of(self, points: Points) -> Points:
        """Map points of the frame to the points of the canvas that they show."""
        return self.scale * (points - self.centre) + self.offset


@dataclass(frozen=True)
class Flight:
    """The motion of a camera over `seconds`; `loop`: its last frame leads into the first.

    `velocity_at`: with animated settings, the rates of `way` and of the frame's position, both per second, at a time in
    seconds; the position also changes when the centre of zoom and rotation differs from the first one.
    """

    camera: CameraSettings
    seconds: float
    loop: bool = False
    velocity_at: Callable[[float], tuple[complex, complex]] | None = None

    @property
    def speed(self) -> complex:
        """The velocity of the frame over the canvas, in heights of the frame per second; the mean, if animated."""
        if self.velocity_at is not None:
            return complex(self._table[2][-1]) / self.seconds
        return complex(self.camera.shift[1], self.camera.shift[0])

    @property
    def centre(self) -> complex:
        """The fixed point of the motion in the frame; for a pan, the middle.

        The shift rotates with the camera and shrinks as it zooms in, so that its speed on screen stays constant: by the
        integral of e^(rate t) in closed form that is a zoom about a point displaced by speed / rate.
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
        """True if the camera zooms or rotates at all; otherwise it pans or rests."""
        if self.velocity_at is not None:
            return bool(np.any(self._table[1]))
        return self.camera.zoom != 1 or self.camera.rotate != 0

    @cached_property
    def whole(self) -> complex:
        """The `way` at the end of the flight."""
        if self.velocity_at is None:
            return rate_of(self.camera.zoom, self.camera.rotate) * self.seconds
        end = complex(self._table[1][-1])  # integrated numerically: a return to 0 has a small error
        return complex(*(part if abs(part) > NOTHING else 0.0 for part in (end.real, end.imag)))

    @cached_property
    def fixed(self) -> bool:
        """True if all zooming and rotating is about one point of the canvas."""
        return self.velocity_at is None or not (self.rotates and bool(np.any(np.abs(self._table[2]) > NOTHING)))

    @cached_property
    def nearest(self) -> tuple[float, float]:
        """The smallest and the largest real part of `way` during the flight."""
        if self.velocity_at is not None:
            return float(self._table[1].real.min()), float(self._table[1].real.max())
        return min(0.0, self.whole.real), max(0.0, self.whole.real)

    def pose(self, time: Fraction | float) -> Pose:
        """Return the camera's pose at `time`, in seconds."""
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
        """Times from 0 to the end, and at each `way` and the frame's displacement, by the trapezoidal rule."""
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
    """Return the rate of `way` per second, from the enlargement per second and the rotation in degrees per second."""
    return complex(-math.log(zoom), math.radians(rotate))


def _integral(times: Times, values: Points) -> Points:
    steps = np.diff(times) * (values[1:] + values[:-1]) / 2
    return np.concatenate([[0j], np.cumsum(steps)])


def folds(flight: Flight) -> int:
    """Return the number of equal sectors of the canvas of a loop that only rotates; 1 for whole turns and other loops.

    Raises SettingsError, with the nearest possible rates, if the rotation is no multiple of 1 / n turn, n <= `FOLDS`.
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
        f"camera.rotate={flight.camera.rotate:g} over {flight.seconds:g} seconds does not close the loop: give {rates}"
    )


def points(height: int, width: int) -> Points:
    """Return the centres of a frame's pixels as points, height x width."""
    columns, rows = np.arange(width) - (width - 1) / 2, np.arange(height) - (height - 1) / 2
    return np.asarray(columns[None, :] + 1j * rows[:, None], np.complex128) / height


def motion(before: Pose, now: Pose, height: int, width: int) -> Motion:
    """Return the exact motion from one pose to another, for a frame of `height` x `width` pixels."""
    here = points(height, width)
    step = Pose(now.way - before.way, now.centre, 0j).of(
        here
    )  # a difference of two extreme scales would lose all digits
    moved = step + (now.offset - before.offset) / before.scale + before.centre - here
    field: Field = (np.stack([moved.imag, moved.real], axis=2) * height).astype(np.float32)
    return Motion(field, inside(field))
