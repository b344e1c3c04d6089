"""A camera over one picture: its pose at a time, what it sees, and the exact motion between two times.

A pose is a similarity of the plane, written as complex numbers: the frame's point p (column + i row, in pixels from the
middle) shows the picture's point `scale` * p + `shift`.
"""

import cmath
import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from dreamvid.media import Pixels
from dreamvid.motion import Field, Motion, inside
from dreamvid.settings import CameraSettings
from dreamvid.video import cv

FARTHEST = 600.0  # logarithm of the largest and smallest scale: there is nothing left to see long before


@dataclass(frozen=True)
class Pose:
    """Where the camera is: the frame's point p shows the picture's point `scale` * p + `shift` (pixels, complex)."""

    scale: complex
    shift: complex


def pose(camera: CameraSettings, time: Fraction, height: int) -> Pose:
    """The camera at `time` seconds over a picture `height` pixels high; exact for any frame rate.

    The shift is a movement of the frame as it is then: it turns with the camera and slows down as it comes nearer, so
    its speed on screen stays the same. That is the integral of e^(rate t), in closed form.
    """
    rate = complex(-math.log(camera.zoom), math.radians(camera.rotate))
    seconds = float(time)
    speed = complex(camera.shift[1], camera.shift[0]) * height
    way = rate * seconds
    scale = cmath.exp(complex(max(-FARTHEST, min(FARTHEST, way.real)), way.imag))
    travelled = seconds if rate == 0 else (scale - 1) / rate
    return Pose(scale, speed * travelled)


def view(picture: Pixels, at: Pose) -> Pixels:
    """What the camera sees of a picture, H x W x 3 uint8, at the same size; beyond its border it is mirrored."""
    if at == Pose(1, 0):
        return picture
    cv2 = cv.load()
    height, width = picture.shape[:2]
    target = at.scale * _points(height, width) + at.shift + _middle(height, width)
    rows, columns = _mirrored(target.imag, height), _mirrored(target.real, width)
    if abs(at.scale) > 1.5:  # a lookup would skip pixels: look into a smaller copy instead
        small_height, small_width = (max(1, round(side / abs(at.scale))) for side in (height, width))
        picture = cv2.resize(picture, (small_width, small_height), interpolation=cv2.INTER_AREA)
        rows = (rows + 0.5) * (small_height / height) - 0.5
        columns = (columns + 0.5) * (small_width / width) - 0.5
    places = columns.astype(np.float32), rows.astype(np.float32)
    seen: Pixels = cv2.remap(picture, *places, cv2.INTER_CUBIC, None, cv2.BORDER_REFLECT)
    return seen


def motion(step: Pose, height: int, width: int) -> Motion:
    """The exact motion of what is seen, for a frame of `height` x `width` pixels, between two times.

    `step`: the pose after as many seconds as lie between the two, whichever they are. A flight is the same everywhere;
    the difference of two far poses would lose all its digits.
    """
    points = _points(height, width)
    offset = step.scale * points + step.shift - points
    field: Field = np.stack([offset.imag, offset.real], axis=2).astype(np.float32)
    return Motion(field, inside(field))


def _mirrored(places: npt.NDArray[np.float64], side: int) -> npt.NDArray[np.float64]:
    """Places along an axis, folded into the picture of `side` pixels and its two half pixels of border."""
    folded = np.mod(places + 0.5, 2 * side)
    return np.minimum(folded, 2 * side - folded) - 0.5


def _middle(height: int, width: int) -> complex:
    return complex((width - 1) / 2, (height - 1) / 2)


def _points(height: int, width: int) -> npt.NDArray[np.complex128]:
    return np.arange(width)[None, :] + 1j * np.arange(height)[:, None] - _middle(height, width)
