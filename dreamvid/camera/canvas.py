"""The canvas of a flight: one layer, dreamed for all frames at once, in coordinates that fit the camera's motion.

A zoom, a spiral and a rotation have a fixed point, so their layer is stored in log-polar coordinates around it (the
logarithm of the distance, and the angle): there every such motion is a shift, and a loop is a layer that wraps around.
All depths are treated alike, so no seam between levels can be visible. A pan's layer is a strip along its direction.

`view` samples the layer for a frame, `take` adds the change dreamed into a frame to it; both by the same geometry.
"""

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from dreamvid.camera.backdrop import around, disc, extent, farthest
from dreamvid.camera.path import Flight, Pose, folds, points
from dreamvid.core.errors import SettingsError
from dreamvid.core.types import Image
from dreamvid.media import opencv

HALVING = math.log(2)
INNERMOST = 2.0  # pixels from the centre of a zoom: nothing nearer is stored
LEVELS = 6  # pyramid levels, each half the size, from which a zoom's layer is sampled
LARGEST, LONGEST = 250_000_000, 32_000  # pixels of a layer, and of its longer side: limits of memory and cv2.remap
SCALES = 3.0  # `depths` per halving of scale in a zoom: each place is seen, and so dreamed, at every scale
PLACES = 2.25  # `depths` of a rotation, and per frame width of a pan, where each place has one scale only
MARGIN = 2  # pixels of continuation around a layer, for cubic interpolation
Reals = npt.NDArray[np.float64]


class Canvas(Protocol):
    """A layer over a backdrop, in [-1, 1], for frames of one size."""

    layer: Image

    def view(self, at: Pose) -> Image:
        """Return the part of the layer that a pose shows: H x W x 3."""

    def take(self, at: Pose, change: Image) -> None:
        """Add the change dreamed into the frame seen from a pose, H x W x 3, to the layer."""

    @property
    def depths(self) -> float:
        """The number of steps on the canvas for each step that a single picture takes."""

    @property
    def densities(self) -> tuple[float, float]:
        """Rows and columns per unit of their coordinate: log of the distance, radians, or heights."""

    @property
    def wrapping(self) -> tuple[bool, bool]:
        """True, for rows and for columns, if the last leads into the first."""


def empty(flight: Flight, height: int, width: int) -> Canvas:
    """Return the blank canvas of a flight; raise SettingsError if it would be too large."""
    return _polar(flight, height, width) if flight.rotates else _strip(flight, height, width)


def grown(canvas: Canvas, larger: Canvas) -> Canvas:
    """Return the blank canvas of a larger frame, with the layer of a smaller one resized into it."""
    places = (
        (np.arange(count) + 0.5) * old / new - 0.5
        for count, old, new in zip(larger.layer.shape[:2], canvas.densities, larger.densities, strict=True)
    )
    rows, columns = np.meshgrid(*places, indexing="ij")
    larger.layer += _looked_up(canvas.layer, rows, columns, *canvas.wrapping)
    return larger


@dataclass
class Polar:
    """A log-polar layer around a fixed point: rows are depths, minus the log of the distance, inwards; columns angles.

    `centre`: the fixed point in the frame; `top`: depth of the first row's upper edge, 0 being that of the first
    frame's farthest corner; `density`: rows per unit of depth; `wraps`: True if the last row leads into the first;
    `twist`: radians by which columns are sheared per unit of depth, so that a spiral's cycle leads into itself;
    `sector`: period of the layer in radians; `reach`: distance from the fixed point to the frame's farthest corner, in
    heights; `depths`: as in `Canvas`.
    """

    layer: Image
    height: int
    width: int
    centre: complex
    reach: float
    top: float
    density: float
    wraps: bool
    twist: float
    sector: float
    depths: float
    smaller: tuple[Image, ...] = ()  # image pyramid of the layer, with margins; computed on demand

    @property
    def densities(self) -> tuple[float, float]:
        """Rows per unit of depth, and columns per radian."""
        return self.density, self.layer.shape[1] / self.sector

    @property
    def wrapping(self) -> tuple[bool, bool]:
        """True, for rows and for columns, if the last leads into the first; angles always do."""
        return self.wraps, True

    def view(self, at: Pose) -> Image:
        """Return the part of the layer that a pose shows, H x W x 3, sampled from its pyramid without aliasing."""
        cv2 = opencv.load()
        if not self.smaller:
            self.smaller = _pyramid(self.layer, *self.wrapping)
        inwards, angle = around(self.height, self.width, at.centre)
        depth = inwards - np.float32(at.way.real)
        down = (depth - np.float32(self.top)) * np.float32(self.density / self.layer.shape[0])
        across = (angle + np.float32(at.way.imag) - np.float32(self.twist) * depth) / np.float32(self.sector)
        across -= np.floor(across)
        down = down - np.floor(down) if self.wraps else np.clip(down, 0, 1)
        result = np.zeros((self.height, self.width, 3), np.float32)
        for level, layer in enumerate(self.smaller):
            # Adjacent levels are interpolated, so that no ring is visible between them.
            part = disc(self.height, self.width, at.centre, self.reach * 2.0 ** (1 - level))
            share = 1 - np.abs(inwards[part] * np.float32(1 / HALVING) - level)
            if level == LEVELS - 1:
                share = np.where(inwards[part] > level * HALVING, 1, share)
            share = np.maximum(share, 0)
            if share.any():
                high, wide = (side - 2 * MARGIN for side in layer.shape[:2])
                columns = across[part] * np.float32(wide) + np.float32(MARGIN - 0.5)
                rows = down[part] * np.float32(high) + np.float32(MARGIN - 0.5)
                seen = cv2.remap(layer, columns, rows, cv2.INTER_CUBIC, None, cv2.BORDER_REPLICATE)
                result[part] += cv2.merge((share, share, share)) * seen
        return result

    def take(self, at: Pose, change: Image) -> None:
        """Add the change dreamed into the frame seen from a pose, H x W x 3, to the layer, in all its sectors."""
        cv2 = opencv.load()
        self.smaller = ()
        columns, sectors = self.layer.shape[1], round(2 * math.pi / self.sector)
        for level in range(math.ceil(math.log(self.reach * self.height / INNERMOST) / HALVING)):
            # Near the centre a pixel of the frame covers many of the layer: sampled at lower resolution and upscaled.
            ends = ((level + step) * HALVING - at.way.real - self.top for step in (0, 1))
            first, last = (round(end * self.density) for end in ends)
            high, wide = max(1, math.ceil((last - first) / 2**level)), max(4, columns >> level)
            depth = self.top + (first + (np.arange(high) + 0.5) * (last - first) / high)[:, None] / self.density
            angle = (np.arange(-1, wide + 1) + 0.5)[None, :] * self.sector / wide
            angle = angle + self.twist * depth - at.way.imag
            distance = self.reach * np.exp(-depth - at.way.real)
            total = np.zeros((high, wide + 2, 3), np.float32)
            for sector_index in range(sectors):
                place = at.centre + distance * np.exp(1j * (angle + sector_index * self.sector))
                total += _from_frame(change, place)
            edge = columns / wide
            size = round((wide + 2) * edge), last - first
            larger = cv2.resize(total, size, interpolation=cv2.INTER_CUBIC)
            _add(self.layer, larger[:, round(edge) : round(edge) + columns], first, self.wraps)


def _polar(flight: Flight, height: int, width: int) -> Polar:
    whole, reach = flight.whole, farthest(flight.centre, width / height)
    sector = 2 * math.pi / folds(flight)
    wraps = flight.loop and whole.real != 0
    # The depths that reach the farthest corner during the flight, plus those visible further in, down to `INNERMOST`.
    least, most = flight.nearest
    inwards = math.log(reach * height / INNERMOST)
    top = 0.0 if wraps else -most
    room = abs(whole.real) if wraps else most - least + inwards
    unit = 1 << (LEVELS - 1)
    columns = max(unit, round(sector * reach * height / unit) * unit)
    rows = max(4, round(room * reach * height))
    twist = whole.imag / -whole.real if whole.real else 0.0
    scales = max(1.0, abs(whole.real) / HALVING) if wraps else 1 + (most - least) / HALVING
    depths = PLACES if most == least else SCALES * scales
    layer = _blank(rows, columns)
    return Polar(layer, height, width, flight.centre, reach, top, rows / room, wraps, twist, sector, depths)


@dataclass
class Strip:
    """A layer in the direction of a pan: columns go along it, rows across.

    `unit`: the direction, of length 1; `start`: edges of the first column and the first row, along and across, in
    heights; `density`: columns per height; `wraps`: True if the last column leads into the first; `depths`: as in
    `Canvas`.
    """

    layer: Image
    height: int
    width: int
    unit: complex
    start: complex
    density: float
    wraps: bool
    depths: float

    @property
    def densities(self) -> tuple[float, float]:
        """Rows and columns per height of a frame."""
        return float(self.height), self.density

    @property
    def wrapping(self) -> tuple[bool, bool]:
        """True, for rows and for columns, if the last leads into the first; rows never do."""
        return False, self.wraps

    def view(self, at: Pose) -> Image:
        """Return the part of the layer that a pose shows: H x W x 3."""
        places = at.of(points(self.height, self.width)) / self.unit - self.start
        rows, columns = places.imag * self.height - 0.5, places.real * self.density - 0.5
        return _looked_up(self.layer, rows, columns, *self.wrapping)

    def take(self, at: Pose, change: Image) -> None:
        """Add the change dreamed into the frame seen from a pose, H x W x 3, to the layer."""
        half = extent(self.unit, self.width / self.height) / 2
        middle = (at.offset / self.unit - self.start).real
        first, last = math.floor((middle - half) * self.density), math.ceil((middle + half) * self.density)
        along = (np.arange(first, last) + 0.5)[None, :] / self.density
        across = (np.arange(self.layer.shape[0]) + 0.5)[:, None] / self.height
        place = (along + 1j * across + self.start) * self.unit - at.offset
        _add(self.layer.transpose(1, 0, 2), _from_frame(change, place).transpose(1, 0, 2), first, self.wraps)


def _strip(flight: Flight, height: int, width: int) -> Strip:
    way, aspect = flight.speed * flight.seconds, width / height
    unit = way / abs(way) if way else 1 + 0j
    wraps = flight.loop and way != 0
    along, across = extent(unit, aspect), extent(unit * 1j, aspect)
    room = abs(way) if wraps else abs(way) + along
    columns, rows = max(4, round(room * height)), max(4, round(across * height))
    start, depths = complex(-along, -across) / 2, PLACES * max(1.0, room / along)
    return Strip(_blank(rows, columns), height, width, unit, start, columns / room, wraps, depths)


def _blank(rows: int, columns: int) -> Image:
    if rows * columns > LARGEST or max(rows, columns) > LONGEST:
        raise SettingsError(
            f"the canvas of this zoom would have {columns}x{rows} pixels, which is too large: give fewer --seconds, "
            "a smaller --size, or camera.mode=frames"
        )
    return np.zeros((rows, columns, 3), np.float32)


def _continued(layer: Image, wrap_rows: bool, wrap_columns: bool) -> Image:
    """Pad a layer by `MARGIN` pixels: wrapped around, or with its border pixels repeated."""
    padded = np.pad(layer, ((MARGIN, MARGIN), (0, 0), (0, 0)), mode="wrap" if wrap_rows else "edge")
    return np.pad(padded, ((0, 0), (MARGIN, MARGIN), (0, 0)), mode="wrap" if wrap_columns else "edge")


def _pyramid(layer: Image, wrap_rows: bool, wrap_columns: bool) -> tuple[Image, ...]:
    """Return the image pyramid of a layer, `LEVELS` levels of half the size each, all padded by `_continued`."""
    found = [layer]
    while len(found) < LEVELS:
        found.append(_halved(found[-1]))
    return tuple(_continued(each, wrap_rows, wrap_columns) for each in found)


def _looked_up(layer: Image, rows: Reals, columns: Reals, wrap_rows: bool, wrap_columns: bool) -> Image:
    """Sample a layer at fractional rows and columns, which wrap around or are clipped to its border."""
    cv2 = opencv.load()
    places = []
    for at, side, wraps in ((rows, layer.shape[0], wrap_rows), (columns, layer.shape[1], wrap_columns)):
        inside = np.mod(at, side) if wraps else np.clip(at, 0, side - 1)
        places.append((inside + MARGIN).astype(np.float32))
    continued = _continued(layer, wrap_rows, wrap_columns)
    found: Image = cv2.remap(continued, places[1], places[0], cv2.INTER_CUBIC)
    return found


def _from_frame(change: Image, places: npt.NDArray[np.complexfloating[Any, Any]]) -> Image:
    """Sample a frame, H x W x 3, at points; 0 beyond its border."""
    cv2 = opencv.load()
    height, width = change.shape[:2]
    columns = (places.real * height + (width - 1) / 2).astype(np.float32)
    rows = (places.imag * height + (height - 1) / 2).astype(np.float32)
    found: Image = cv2.remap(change, columns, rows, cv2.INTER_CUBIC, None, cv2.BORDER_CONSTANT, 0)
    return found


def _add(layer: Image, part: Image, first: int, wraps: bool) -> None:
    """Add rows to a layer from row `first` on; rows beyond its end wrap around, as often as needed, or are dropped."""
    count, done = layer.shape[0], 0
    if not wraps:
        start, stop = max(0, first), min(count, first + len(part))
        if start < stop:
            layer[start:stop] += part[start - first : stop - first]
        return
    while done < len(part):
        row = (first + done) % count
        some = min(count - row, len(part) - done)
        layer[row : row + some] += part[done : done + some]
        done += some


def _halved(layer: Image) -> Image:
    cv2 = opencv.load()
    rows, columns = (max(1, round(side / 2)) for side in layer.shape[:2])
    smaller: Image = cv2.resize(layer, (columns, rows), interpolation=cv2.INTER_AREA)
    return smaller
