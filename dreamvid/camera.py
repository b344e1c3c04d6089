"""A camera on its way: its pose at a time, exact for any frame rate, and the motion between two poses.

Lengths are in heights of the frame, points complex numbers, column + i row, from the frame's middle: nothing here knows
of pixels but `points` and `motion`. Every steady move but a pan is a zoom and turn about one fixed point, the `centre`.
"""

import cmath
import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from dreamvid.errors import SettingsError
from dreamvid.motion import Field, Motion, inside
from dreamvid.settings import CameraSettings

FARTHEST = 600.0  # logarithm of the largest and smallest scale: there is nothing left to see long before
FOLDS = 24  # a turning loop may repeat in so many sectors at most
Points = npt.NDArray[np.complex128]


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
    """A camera's way through `seconds`. `loop`: at the end everything is as it was at the beginning."""

    camera: CameraSettings
    seconds: float
    loop: bool = False

    @property
    def rate(self) -> complex:
        """How fast `way` grows, per second."""
        return complex(-math.log(self.camera.zoom), math.radians(self.camera.rotate))

    @property
    def speed(self) -> complex:
        """How fast the frame moves over the world, as it is then, in heights per second."""
        return complex(self.camera.shift[1], self.camera.shift[0])

    @property
    def centre(self) -> complex:
        """The fixed point of the move in the frame; of a pan, the middle.

        The frame's shift turns with the camera and slows down as it comes nearer, so that its speed on screen stays the
        same: the integral of e^(rate t) in closed form is a zoom about a point that is off by speed / rate.
        """
        rate = self.rate
        return 0j if rate == 0 else complex(self.camera.centre[1], self.camera.centre[0]) - self.speed / rate

    @property
    def whole(self) -> complex:
        """What `way` is at the end."""
        return self.rate * self.seconds

    def pose(self, time: Fraction | float) -> Pose:
        """The camera at `time` seconds."""
        seconds, centre = float(self._eased(time)), self.centre
        offset = centre if self.rate != 0 else self.speed * seconds
        return Pose(self.rate * seconds, centre, offset)

    def _eased(self, time: Fraction | float) -> Fraction | float:
        if self.camera.ease == "none":
            return time
        share = min(1.0, max(0.0, float(time) / self.seconds))
        curve = {"in": share**2, "out": 1 - (1 - share) ** 2, "in-out": share * share * (3 - 2 * share)}
        return self.seconds * curve[self.camera.ease]


def folds(flight: Flight) -> int:
    """Into how many like sectors a turning loop divides the world, 1 where it turns whole turns or does not only turn.

    Raises SettingsError where it ends nowhere near such a sector, with the nearest rates that do.
    """
    if not flight.loop or flight.rate.real or not flight.rate.imag:
        return 1
    turns = abs(flight.camera.rotate) * flight.seconds / 360
    near = Fraction(turns).limit_denominator(FOLDS)
    if near and abs(float(near) - turns) * 360 < 1e-3:
        return near.denominator
    sectors = (Fraction(n, k) for k in range(1, FOLDS + 1) for n in (math.floor(turns * k), math.ceil(turns * k)) if n)
    best = sorted(set(sectors), key=lambda share: abs(float(share) - turns))[:2]
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
