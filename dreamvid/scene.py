"""What a camera flies over before anything is dreamed: stills as a world that goes on, and closes where it loops.

Every frame is sampled from the stills themselves, once: nothing is resampled twice, however far the flight.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dreamvid.camera import Flight, Points, Pose, folds, points
from dreamvid.errors import SettingsError
from dreamvid.media import Image, Pixels, to_float
from dreamvid.video import cv

Reals = npt.NDArray[np.float64]
MEETING = 0.5  # share of the way from one still to the next over which they meet
SMALLEST = 1.0  # pixels: what lies nearer to the centre of a zoom is seen in no frame


@dataclass(frozen=True)
class Scene:
    """Stills in a row along a flight. `view` shows what is seen from a pose."""

    stills: tuple[Pixels, ...]
    flight: Flight

    def view(self, at: Pose, height: int, width: int, share: float = 1.0) -> Image:
        """The frame from a pose, H x W x 3 in [0, 1]; `share`: of the world, in place of the first still alone."""
        rate = self.flight.rate
        alone = len(self.stills) == 1 and (not self.flight.loop or (rate == 0 and self.flight.speed == 0))
        flat = to_float(self._flat(at, height, width)) if alone or share < 1 else None
        if flat is not None and (alone or share == 0):
            return flat
        look = self._panned if rate == 0 else self._turned if rate.real == 0 else self._nested
        whole = look(at, height, width)
        return whole if flat is None else flat + np.float32(share) * (whole - flat)

    def _flat(self, at: Pose, height: int, width: int, number: int = 0) -> Pixels:
        """A still alone, mirrored on beyond its border; to the byte where it fills the frame as it is."""
        still = self.stills[number]
        if at.way == 0 and at.offset == at.centre and still.shape[:2] == (height, width):
            return still
        return self._at(number, at.of(points(height, width)), at, height)

    def _at(self, number: int, places: Points, at: Pose, height: int) -> Pixels:
        return lookup(self.stills[number], places * height, abs(at.scale))

    def _panned(self, at: Pose, height: int, width: int) -> Image:
        """Stills one beside the other along the way, and round again."""
        here = at.of(points(height, width))
        gap = self.flight.speed * self.flight.seconds / len(self.stills)
        position = (here / gap).real
        meeting = max(MEETING / 2, 1 - extent(gap, width / height) / abs(gap))  # beyond the border, if there is room
        first, last = math.floor(float(position.min()) + 0.5 - meeting / 2), math.ceil(float(position.max()) + 0.5)
        if not self.flight.loop:
            first, last = max(0, first), min(len(self.stills) - 1, last)
        result: Image | None = None
        for nth in range(min(first, last), last + 1):
            shown = to_float(self._at(nth % len(self.stills), here - gap * nth, at, height))
            share = smooth((position - nth + 0.5) / meeting + 0.5)
            result = shown if result is None else _faded(result, shown, share)
        assert result is not None
        return result

    def _turned(self, at: Pose, height: int, width: int) -> Image:
        """A still's sectors round and round."""
        here = at.of(points(height, width)) - at.offset
        sector = 2 * math.pi / folds(self.flight)
        if sector == 2 * math.pi:
            return to_float(self._flat(at, height, width))
        angle = np.angle(here) / sector
        turned = here * np.exp(-1j * sector * np.floor(angle))
        near = to_float(self._at(0, turned + at.offset, at, height))
        far = to_float(self._at(0, turned * np.exp(-1j * sector) + at.offset, at, height))
        return _faded(near, far, smooth((angle - np.floor(angle) - (1 - MEETING)) / MEETING))

    def _nested(self, at: Pose, height: int, width: int) -> Image:
        """Stills one within the other, each where the one before has come near to its centre."""
        whole, count = self.flight.whole, len(self.stills)
        gap, onwards = abs(whole.real) / count, -1 if whole.real > 0 else 1
        twist = whole.imag / -whole.real  # turn for each unit of depth: every still is upright where it fills the frame
        reach, places = farthest(at.centre, width / height), points(height, width)
        depth = -at.way.real + np.log(reach / np.maximum(np.abs(places - at.centre), 1e-9))  # of what a pixel shows
        first = math.floor(float(depth.min()) / gap)
        last = math.ceil((-at.way.real + math.log(reach * height / SMALLEST)) / gap)
        if not self.flight.loop:
            outermost, deepest = sorted((0, onwards * (count - 1)))
            first, last = min(max(outermost, first), deepest), min(deepest, last)
        result: Image | None = None
        for nth in range(first, last + 1):
            down = nth * gap
            pose, number = Pose(at.way + complex(down, -twist * down), at.centre, at.centre), nth * onwards % count
            if result is None:
                result = to_float(self._flat(pose, height, width, number))
                continue
            share = smooth((depth - down) / (MEETING * gap) + 1)
            rows, columns = (np.flatnonzero(share.any(axis=axis)) for axis in (1, 0))
            if not rows.size:
                break
            part = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
            shown = to_float(self._at(number, pose.of(places[part]), pose, height))
            result[part] = _faded(result[part], shown, share[part])
        assert result is not None
        return result


def check(flight: Flight, stills: int, aspect: float) -> None:
    """Raises SettingsError for a loop that cannot close, or a flight that cannot be filmed; with what can."""
    folds(flight)
    turning_only = flight.rate.real == 0
    if stills > 1 and turning_only and flight.rate.imag:
        raise SettingsError(
            "a camera that only turns has one still to look at: give camera.zoom or camera.shift as well"
        )
    if stills > 1 and flight.rate == 0 and flight.speed == 0:
        raise SettingsError("a camera that rests has one still to look at: give camera.zoom or camera.shift")
    if flight.rate == 0 and flight.speed != 0 and flight.loop:
        way, needed = abs(flight.speed) * flight.seconds, extent(flight.speed, aspect)
        if way < needed * stills:
            more = needed * stills / flight.seconds / abs(flight.speed)
            rows, columns = (round(part * more, 4) for part in flight.camera.shift)
            raise SettingsError(
                f"a pan over {way:.3g} heights in {flight.seconds:g} seconds would show the same thing twice at once: "
                f"give camera.shift=[{rows:g}, {columns:g}] or more, or --seconds {flight.seconds * more:.4g} or more"
            )


def extent(direction: complex, aspect: float) -> float:
    """How long a frame of this aspect, width over height, is in a direction, in heights."""
    unit = direction / abs(direction)
    return abs(unit.real) * aspect + abs(unit.imag)


def farthest(centre: complex, aspect: float) -> float:
    """The distance from a point to the farthest corner of a frame of this aspect, in heights."""
    return max(abs(complex(column, row) - centre) for column in (-aspect / 2, aspect / 2) for row in (-0.5, 0.5))


def lookup(picture: Pixels, places: Points, scale: float) -> Pixels:
    """A picture, H x W x 3 uint8, at places in pixels from its middle; `scale`: pixels of it to one that is asked for.

    Beyond its border it is mirrored. Where pixels would be skipped, a smaller copy is looked into.
    """
    cv2 = cv.load()
    height, width = picture.shape[:2]
    rows = _mirrored(places.imag + (height - 1) / 2, height)
    columns = _mirrored(places.real + (width - 1) / 2, width)
    if scale > 1.5:
        small_height, small_width = (max(1, round(side / scale)) for side in (height, width))
        picture = cv2.resize(picture, (small_width, small_height), interpolation=cv2.INTER_AREA)
        rows = (rows + 0.5) * (small_height / height) - 0.5
        columns = (columns + 0.5) * (small_width / width) - 0.5
    found: Pixels = cv2.remap(
        picture, columns.astype(np.float32), rows.astype(np.float32), cv2.INTER_CUBIC, None, cv2.BORDER_REFLECT
    )
    return found


def _mirrored(places: Reals, side: int) -> Reals:
    """Places along an axis, folded into the picture of `side` pixels and its two half pixels of border."""
    folded = np.mod(places + 0.5, 2 * side)
    return np.minimum(folded, 2 * side - folded) - 0.5


def smooth(share: Any) -> Any:
    """A number or an array, kept in [0, 1], with the corners of its rise rounded off."""
    share = np.clip(share, 0, 1)
    return share * share * (3 - 2 * share)


def _faded(under: Image, over: Image, share: Reals) -> Image:
    mask = share.astype(np.float32)
    whole: Image = cv.load().merge((mask, mask, mask))
    return under + whole * (over - under)
