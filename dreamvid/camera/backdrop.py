"""The backdrop of a zoom film: stills, before dreaming, extended over the whole flight, and seamless in a loop.

Every frame is sampled directly from the stills: nothing is resampled twice, however long the flight.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

from dreamvid.camera.path import Flight, Pose, folds, points
from dreamvid.core.easing import smooth
from dreamvid.core.errors import SettingsError
from dreamvid.core.types import Image, Pixels, to_float
from dreamvid.media import opencv

Reals = npt.NDArray[np.float32]
Part = tuple[slice, slice]  # rows and columns of a frame
Seen = tuple[int, Pose, Part, Reals]  # number of a still, its pose, the part of the frame it covers, its opacity there
MEETING = 0.5  # share of the distance from one still to the next over which they are crossfaded
ENOUGH = math.log(5)  # depth, log of the enlargement, after which a still has no detail left and is repeated inside
NEARLY = 1e-6  # tolerance for a depth that is a multiple of it
ROUND = 8  # exponent of the norm that rounds the corners of a still's edge
DIRECTIONS = 4096  # number of angles at which the distance of that edge is tabulated
COMING = 0.25  # share of the first depth between stills, without loop, over which the inner stills fade in
LEAST = math.log(1.2)  # smallest depth from one still to the next: below it the film looks like mere repetition
SKIPPED = 1.5  # pixels of a still per pixel of the frame, from which on a lookup would skip some
UNDER_ALL = np.ones((1, 1), np.float32)  # opacity of the lowest still
FARTHEST_OFF = 1e4  # heights: larger than any frame
SMALLEST = 1.0  # pixels: places nearer to the centre of a zoom are not visible in any frame


@dataclass(frozen=True)
class Backdrop:
    """Stills placed along a flight, in the frame's aspect ratio and at least of its size; `view` renders a pose.

    Deep in a still, where it has no detail left, the same still is repeated within it. A loop then passes its stills
    several times; a flight without loop starts with the first still, unchanged.
    """

    stills: tuple[Pixels, ...]
    flight: Flight

    def view(self, at: Pose, height: int, width: int, share: float = 1.0) -> Image:
        """Return the frame from a pose, H x W x 3 in [0, 1]; `share`: blend of first still (0) and backdrop (1)."""
        size, alone = (height, width), self._alone
        flat = to_float(similar(self._halves[0], at, size)) if alone or share < 1 else None
        if flat is not None and (alone or share == 0):
            return flat
        whole = self.flight.whole
        look = self._nested if whole.real or self._far else self._panned if whole == 0 else self._rotated
        full = look(at, size)
        return full if flat is None else flat + np.float32(share) * (full - flat)

    @cached_property
    def _alone(self) -> bool:
        """True if the backdrop is only the first still, mirrored beyond its border."""
        whole = self.flight.whole
        rests = whole == 0 and (self.flight.rotates or self.flight.speed == 0)  # at rest, or back where it started
        return len(self.stills) == 1 and (rests if self.flight.loop else not self._far)

    @cached_property
    def _far(self) -> bool:
        """True if the flight, without loop, zooms in or out of a single still beyond its resolution (`ENOUGH`)."""
        least, most = self.flight.nearest
        return len(self.stills) == 1 and not self.flight.loop and most - least > ENOUGH and self.flight.fixed

    @cached_property
    def _halves(self) -> tuple[tuple[Pixels, ...], ...]:
        """The image pyramid of each still, each level half the size of the one before."""
        return tuple(tuple(_halved(still)) for still in self.stills)

    def _panned(self, at: Pose, size: tuple[int, int]) -> Image:
        """Return a frame of a pan: stills side by side in its direction, repeated in a loop."""
        gap = self.flight.speed * self.flight.seconds / len(self.stills)
        position = (points(*size) / gap).real.astype(np.float32) + np.float32((at.offset / gap).real)
        # Width of the crossfade, share of the gap: outside the stills' borders, if the gap is wide enough.
        meeting = max(MEETING / 2, 1 - extent(gap, size[1] / size[0]) / abs(gap))
        first, last = math.floor(float(position.min()) + 0.5 - meeting / 2), math.ceil(float(position.max()) + 0.5)
        if not self.flight.loop:
            first, last = max(0, first), min(len(self.stills) - 1, last)

        def seen(nth: int) -> Seen:
            share = smooth(np.clip((position - nth + 0.5) / meeting + 0.5, 0, 1))
            return nth % len(self.stills), Pose(0j, 0j, at.offset - gap * nth), disc(*size, 0j, math.inf), share

        return self._laid(map(seen, range(min(first, last), last + 1)), size)

    def _rotated(self, at: Pose, size: tuple[int, int]) -> Image:
        """Return a frame of a rotation: one sector of a still, repeated around the centre with crossfades."""
        sectors = folds(self.flight)
        if sectors == 1:
            return to_float(similar(self._halves[0], at, size))
        inwards, angle = around(*size, at.centre)
        distance = np.float32(farthest(at.centre, size[1] / size[0])) * np.exp(-inwards)
        sector = 2 * math.pi / sectors
        within = (angle + np.float32(at.way.imag)) / np.float32(sector)
        within -= np.floor(within)
        near, far = (
            to_float(lookup(self._halves[0], distance, (within - sector_index) * np.float32(sector), at.offset, size))
            for sector_index in (0, 1)
        )
        return faded(near, far, smooth(np.clip((within - (1 - MEETING)) / MEETING, 0, 1)))

    def _nested(self, at: Pose, size: tuple[int, int]) -> Image:
        """Return a frame of a zoom: stills nested one within the other, each around the centre of the one before."""
        whole, count, loop = self.flight.whole, len(self.stills), self.flight.loop
        row = abs(whole.real) / count
        gap = ENOUGH if self._far else row / math.ceil(row / ENOUGH - NEARLY) if loop else row
        onwards = -1 if whole.real > 0 else 1
        # Rotation per unit of depth, so that every still is upright where it fills the frame.
        twist = whole.imag / -whole.real if whole.real else 0.0
        aspect = size[1] / size[0]
        inwards, angle = around(*size, at.centre)
        deepest = math.log(farthest(at.centre, aspect) * size[0] / SMALLEST)
        first, last = math.floor((float(inwards.min()) - at.way.real) / gap), math.ceil((deepest - at.way.real) / gap)
        if not loop and not self._far:
            outermost, innermost = sorted((0, onwards * (count - 1)))
            first, last = min(max(outermost, first), innermost), min(innermost, last)

        # Without loop the first frame is the first still alone: the inner stills fade in afterwards.
        come = 1.0 if loop else smooth(min(1.0, max(0.0, -at.way.real / (COMING * gap))))

        def seen(nth: int) -> Seen:
            way = at.way + complex(nth * gap, -twist * nth * gap)
            number, there = nth * onwards % count, Pose(way, at.centre, at.centre)
            if nth == first:
                return number, there, disc(*size, 0j, math.inf), UNDER_ALL
            reaches = float(endings(at.centre, aspect).max()) + MEETING * gap - way.real
            part = disc(*size, at.centre, farthest(at.centre, aspect) * math.exp(reaches))
            within = inwards[part] + ending(angle[part] + np.float32(way.imag), at.centre, aspect)
            rise = smooth(np.clip((within - np.float32(way.real)) / np.float32(MEETING * gap) + 1, 0, 1))
            return number, there, part, rise * np.float32(come if nth > 0 else 1)

        return self._laid(map(seen, range(first, last + 1)), size)

    def _laid(self, seen: Iterable[Seen], size: tuple[int, int]) -> Image:
        """Composite stills: the first covers the whole frame, each further one is blended over those before."""
        result: Image | None = None
        for number, at, part, share in seen:
            if result is None:
                result = to_float(similar(self._halves[number], at, size))
            elif share.any():
                laid = to_float(similar(self._halves[number], at, size, part))
                result[part] = faded(result[part], laid, share)
        assert result is not None
        return result


def check(flight: Flight, stills: int, aspect: float) -> None:
    """Raise SettingsError for a loop that does not close or an impossible flight; `aspect`: width over height."""
    folds(flight)
    if not flight.fixed and (flight.loop or stills > 1):
        raise SettingsError(
            f"{'a loop' if flight.loop else f'a zoom over {stills} stills'} needs one fixed centre: do not animate "
            f"camera.shift or camera.centre, or leave out {'--loop' if flight.loop else 'all stills but one'}"
        )
    if stills > 1 and flight.rotates and not flight.whole.real:
        raise SettingsError(
            f"a camera that only rotates shows one still, not {stills}: give camera.zoom as well, or one still"
        )
    if stills > 1 and not flight.rotates and flight.speed == 0:
        raise SettingsError(f"a camera at rest shows one still, not {stills}: give camera.zoom or camera.shift")
    nested = abs(flight.whole.real) / stills
    if flight.loop and 0 < nested < LEAST:
        raise SettingsError(
            f"a zoom by only {math.exp(nested):.3g} from one still to the next would repeat the same picture all the "
            f"time: give --seconds {flight.seconds * LEAST / nested:.3g} or more, or a faster camera.zoom"
        )
    if not flight.rotates and flight.speed != 0 and flight.loop:
        way, needed = abs(flight.speed) * flight.seconds, extent(flight.speed, aspect)
        if way < needed * stills:
            more = needed * stills / flight.seconds / abs(flight.speed)
            rows, columns = (round(part * more, 4) for part in (flight.speed.imag, flight.speed.real))
            raise SettingsError(
                f"a pan over {way:.3g} heights in {flight.seconds:g} seconds would show the same place twice in one "
                f"frame: give camera.shift=[{rows:g}, {columns:g}] or more, or --seconds "
                f"{flight.seconds * more:.4g} or more"
            )


def extent(direction: complex, aspect: float) -> float:
    """Return the extent of a frame of this aspect, width over height, along a direction, in heights."""
    unit = direction / abs(direction)
    return abs(unit.real) * aspect + abs(unit.imag)


def farthest(centre: complex, aspect: float) -> float:
    """Return the distance from a point to the farthest corner of a frame of this aspect, in heights."""
    return max(abs(complex(column, row) - centre) for column in (-aspect / 2, aspect / 2) for row in (-0.5, 0.5))


@lru_cache(maxsize=4)
def around(height: int, width: int, centre: complex) -> tuple[Reals, Reals]:
    """Return log-polar coordinates of each pixel of a frame around a point: depth and angle, H x W each.

    Depth: the logarithm of the farthest corner's distance over the pixel's, 0 at that corner; angle in radians.
    """
    places = points(height, width) - centre
    reach, nearest = farthest(centre, width / height), SMALLEST / 2 / height
    inwards = np.log(reach / np.maximum(np.abs(places), nearest))
    return inwards.astype(np.float32), np.angle(places).astype(np.float32)


def disc(height: int, width: int, centre: complex, radius: float) -> Part:
    """Return the rows and columns of a frame that contain all its pixels within `radius` heights of a point."""
    ends = (centre.imag * height + (height - 1) / 2, height), (centre.real * height + (width - 1) / 2, width)
    far = min(radius, FARTHEST_OFF) * height
    rows, columns = (
        slice(max(0, math.floor(at - far)), max(0, min(side, math.ceil(at + far) + 1))) for at, side in ends
    )
    return rows, columns


@lru_cache(maxsize=4)
def endings(centre: complex, aspect: float) -> Reals:
    """Return the depth at which a still ends, for `DIRECTIONS` angles around a point; depth as in `around`.

    The edge is the still's border with rounded corners. Returns zeros if the point is outside the still.
    """
    angles = np.arange(DIRECTIONS) * (2 * math.pi / DIRECTIONS)
    column, row = np.cos(angles), np.sin(angles)
    room = aspect / 2 - centre.real, aspect / 2 + centre.real, 0.5 - centre.imag, 0.5 + centre.imag
    if min(room) <= 0:
        return np.zeros(DIRECTIONS, np.float32)
    sides = (np.maximum(side, 0) / to for side, to in zip((column, -column, row, -row), room, strict=True))
    norm = np.sum(np.stack(list(sides)) ** ROUND, axis=0) / 2
    return (-np.log(norm) / ROUND - math.log(farthest(centre, aspect))).astype(np.float32)


def ending(angle: Reals, centre: complex, aspect: float) -> Reals:
    """Return the depth at which a still ends, at given angles in radians; see `endings`."""
    at = np.rint(angle * np.float32(DIRECTIONS / (2 * math.pi))).astype(np.int32) % DIRECTIONS
    found: Reals = endings(centre, aspect)[at]
    return found


def similar(halves: Sequence[Pixels], at: Pose, size: tuple[int, int], part: Part | None = None) -> Pixels:
    """Render a picture from a pose, in a frame of `size` (height, width) or a part of it; mirrored beyond its border.

    `halves`: the picture's image pyramid. At the neutral pose the picture, at the frame's size, is returned exactly.
    """
    height, width = size
    rows, columns = part or (slice(0, height), slice(0, width))
    picture = _shrunk(halves, abs(at.scale), size)
    tall, wide = picture.shape[:2]
    if at.way == 0 and at.offset == at.centre and (tall, wide) == size and part is None:
        return picture
    down, across = tall, wide * height / width  # pixels of the picture per height of the frame, along rows and columns
    # `origin`: the picture's point that the first pixel of this part shows; `step`: offset to that of the next pixel.
    corner = complex(columns.start - (width - 1) / 2, rows.start - (height - 1) / 2) / height
    origin, step = at.scale * (corner - at.centre) + at.offset, at.scale / height
    # A long flight's origin can be too large for float32: the mirrored picture is periodic in twice its size.
    column = math.fmod(origin.real * across + wide / 2, 2 * wide) - 0.5
    row = math.fmod(origin.imag * down + tall / 2, 2 * tall) - 0.5
    x = np.arange(columns.stop - columns.start, dtype=np.float64)[None, :]
    y = np.arange(rows.stop - rows.start, dtype=np.float64)[:, None]
    return _mirrored(
        picture,
        (column + step.real * across * x).astype(np.float32) - (step.imag * across * y).astype(np.float32),
        (row + step.real * down * y).astype(np.float32) + (step.imag * down * x).astype(np.float32),
    )


def lookup(halves: Sequence[Pixels], distance: Reals, angle: Reals, centre: complex, size: tuple[int, int]) -> Pixels:
    """Sample a picture at polar coordinates around a point of it, in heights and radians; mirrored beyond its border.

    `halves`: the picture's image pyramid; `size`: (height, width) of the frame.
    """
    picture = _shrunk(halves, 1.0, size)
    tall, wide = picture.shape[:2]
    across = wide * size[0] / size[1]
    columns = (distance * np.cos(angle) + np.float32(centre.real)) * np.float32(across) + np.float32((wide - 1) / 2)
    rows = (distance * np.sin(angle) + np.float32(centre.imag)) * np.float32(tall) + np.float32((tall - 1) / 2)
    return _mirrored(picture, columns, rows)


def _shrunk(halves: Sequence[Pixels], scale: float, size: tuple[int, int]) -> Pixels:
    """Return a picture downscaled to its size in the frame, `size` over `scale`, if a lookup would skip pixels."""
    picture = halves[0]
    if picture.shape[0] * scale <= SKIPPED * size[0]:
        return picture
    wanted = max(1, round(size[1] / scale)), max(1, round(size[0] / scale))
    if scale != 1:  # at scale 1 it is shrunk in one go, exactly as sources are
        picture = [half for half in halves if half.shape[0] >= wanted[1] and half.shape[1] >= wanted[0]][-1]
    cv2 = opencv.load()
    shrunk: Pixels = cv2.resize(picture, wanted, interpolation=cv2.INTER_AREA)
    return shrunk


def _halved(picture: Pixels) -> Iterator[Pixels]:
    cv2 = opencv.load()
    while True:
        yield picture
        tall, wide = picture.shape[:2]
        if min(tall, wide) < 2:
            return
        picture = cv2.resize(picture, (wide // 2, tall // 2), interpolation=cv2.INTER_AREA)


def _mirrored(picture: Pixels, columns: Reals, rows: Reals) -> Pixels:
    """Sample a picture at fractional columns and rows; beyond its border, half a pixel outside, it is mirrored."""
    cv2, places = opencv.load(), []
    for at, side in ((columns, picture.shape[1]), (rows, picture.shape[0])):
        if at.min() < -side or at.max() > 2 * side:  # OpenCV would fold them one by one
            at = np.mod(at, np.float32(2 * side))
        places.append(at)
    found: Pixels = cv2.remap(picture, places[0], places[1], cv2.INTER_CUBIC, None, cv2.BORDER_REFLECT)
    return found


def faded(under: Image, over: Image, share: Reals) -> Image:
    """Blend one picture over another, both H x W x 3; `share`: opacity of the upper one, H x W."""
    whole: Image = opencv.load().merge((share, share, share))
    return under + whole * (over - under)
