"""Optical flow between two frames, with a forward-backward check, and warping by it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from dreamvid.core.types import Image, Pixels
from dreamvid.media import opencv

Field = npt.NDArray[np.float32]
Method = Literal["dis", "farneback"]
WORKING_SIDE = 180  # pixels of the short side at which flow is computed: more costs time without a visible gain
SMALLEST_SIDE = 64  # pixels: DIS builds a pyramid of 8-pixel patches and rejects smaller pictures


@dataclass(frozen=True)
class Motion:
    """The motion from one frame to the next.

    `field`: (H, W, 2), for each pixel the offset in rows and columns to its place in the frame before, in pixels.
    `valid`: (H, W) bool, False where the pixel was not visible before: uncovered, or entered over the border.
    """

    field: Field
    valid: npt.NDArray[np.bool_]


def estimate(before: Pixels, now: Pixels, method: Method = "dis") -> Motion:
    """Estimate the motion from one uint8 RGB frame to the next of the same size, with a forward-backward check.

    DIS optical flow (Kroeger et al. 2016), medium preset, or Farneback's (2003), in both directions; a pixel is valid
    if the two agree (Sundaram et al. 2010, eq. 5) and its origin lies inside the frame.
    """
    cv2 = opencv.load()
    flow = _flow(method)
    full = now.shape[:2]
    scale = max(1.0, min(full) / WORKING_SIDE)
    height, width = round(full[0] / scale), round(full[1] / scale)
    missing = max(0, SMALLEST_SIDE - height), max(0, SMALLEST_SIDE - width)
    first, second = (
        cv2.copyMakeBorder(_grey(frame, height, width), 0, missing[0], 0, missing[1], cv2.BORDER_REPLICATE)
        for frame in (before, now)
    )
    backward = _rows_first(flow(second, first)[:height, :width])
    forward = _rows_first(flow(first, second)[:height, :width])
    there = sample(forward, backward)
    gap = np.square(backward + there).sum(axis=2)
    length = np.square(backward).sum(axis=2) + np.square(there).sum(axis=2)
    agree = gap <= 0.01 * length + 0.5
    if scale > 1:
        across = np.array([full[0] / height, full[1] / width], np.float32)
        backward = cv2.resize(backward, full[::-1], interpolation=cv2.INTER_LINEAR) * across
        agree = cv2.resize(agree.astype(np.uint8), full[::-1], interpolation=cv2.INTER_NEAREST).astype(bool)
    return Motion(backward, agree & inside(backward))


def inside(field: Field) -> npt.NDArray[np.bool_]:
    """Return the mask, (H, W) bool, of pixels whose offset, (H, W, 2) rows and columns, points inside the frame."""
    height, width = field.shape[:2]
    rows, columns = _positions(field)
    return (rows >= 0) & (rows <= height - 1) & (columns >= 0) & (columns <= width - 1)


def left_behind(field: Field) -> float:
    """Return the share of the previous frame that a zoom in has moved out of view, from the scale of its borders."""
    height, width = max(1, field.shape[0] - 1), max(1, field.shape[1] - 1)
    rows = 1 + (np.median(field[-1, :, 0]) - np.median(field[0, :, 0])) / height
    columns = 1 + (np.median(field[:, -1, 1]) - np.median(field[:, 0, 1])) / width
    return float(max(0.0, 1 - rows * columns))


def sample(picture: npt.NDArray[np.float32], field: Field) -> npt.NDArray[np.float32]:
    """Sample a picture bilinearly at the places that a field points to; beyond the border its last pixels repeat."""
    cv2 = opencv.load()
    rows, columns = _positions(field)
    result: npt.NDArray[np.float32] = cv2.remap(picture, columns, rows, cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE)
    return result


def warp(layer: Image, motion: Motion) -> Image:
    """Warp a layer, H x W x 3, by a motion, also where it is not valid; beyond the border it is mirrored.

    Lanczos interpolation over 8 pixels keeps the finest octave over many frames; bilinear interpolation halves it in
    each. Lanczos also amplifies some frequencies a little, so repeated warping needs `match_band_energy`.
    """
    if not motion.field.any():
        return layer
    cv2 = opencv.load()
    rows, columns = _positions(motion.field)
    moved: Image = cv2.remap(layer, columns, rows, cv2.INTER_LANCZOS4, None, cv2.BORDER_REFLECT_101)
    return moved


def _grey(frame: Pixels, height: int, width: int) -> npt.NDArray[np.uint8]:
    cv2 = opencv.load()
    grey: npt.NDArray[np.uint8] = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    return grey if grey.shape == (height, width) else cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA)


def _flow(method: Method) -> Callable[[Pixels, Pixels], Field]:
    """Return the function that computes the flow between two grey pictures: offsets in columns and rows, in pixels."""
    cv2 = opencv.load()
    if method == "farneback":  # a pyramid of five halvings, windows of 21 pixels
        return lambda first, second: cv2.calcOpticalFlowFarneback(first, second, None, 0.5, 5, 21, 5, 7, 1.2, 0)
    dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    return lambda first, second: dis.calc(first, second, None)


def _rows_first(flow: Field) -> Field:
    return np.ascontiguousarray(flow[..., ::-1])


def _positions(field: Field) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    height, width = field.shape[:2]
    rows = np.arange(height, dtype=np.float32)[:, None] + field[..., 0]
    columns = np.arange(width, dtype=np.float32)[None, :] + field[..., 1]
    return rows, columns
