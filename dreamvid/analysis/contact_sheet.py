"""Labelled pictures in a grid, without resampling."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dreamvid.core.types import Box, Pixels
from dreamvid.media import opencv

TITLE, GAP, LETTER = 16, 4, 7  # height of a title, space between cells, width of a letter, in pixels
WHITE, BLACK, YELLOW = (255, 255, 255), (0, 0, 0), (255, 220, 0)


@dataclass(frozen=True)
class Cell:
    """Picture, H x W x 3, and the title above it."""

    title: str
    picture: Pixels


def sheet(cells: Sequence[Cell], across: int) -> Pixels:
    """Draw the cells row by row, `across` per row, each under its title, on white; cut titles to the cell's width."""
    rows = [cells[first : first + across] for first in range(0, len(cells), across)]
    widths = [max(row[column].picture.shape[1] for row in rows if column < len(row)) for column in range(len(rows[0]))]
    strips = []
    for row in rows:
        height = max(cell.picture.shape[0] for cell in row)
        strip = np.full((TITLE + height + GAP, GAP + sum(widths) + GAP * len(widths), 3), 255, np.uint8)
        left = GAP
        for cell, width in zip(row, widths, strict=False):
            _write(strip, cell.title, left, width)
            strip[TITLE : TITLE + cell.picture.shape[0], left : left + cell.picture.shape[1]] = cell.picture
            left += width + GAP
        strips.append(strip)
    return np.vstack(strips)


def stacked(pictures: Sequence[Pixels]) -> Pixels:
    """Stack pictures vertically, left-aligned, on white."""
    width = max(picture.shape[1] for picture in pictures)
    return np.vstack(
        [
            np.pad(picture, ((0, GAP), (0, width - picture.shape[1]), (0, 0)), constant_values=255)
            for picture in pictures
        ]
    )


def enlarged(picture: Pixels, side: int) -> Pixels:
    """Repeat every pixel by the largest whole factor that keeps the longer side within `side` pixels."""
    times = max(1, side // max(picture.shape[:2]))
    return picture.repeat(times, axis=0).repeat(times, axis=1)


def slotted(picture: Pixels, height: int) -> Pixels:
    """Pad a picture with white at the bottom, to at least `height` rows."""
    return np.pad(picture, ((0, max(0, height - picture.shape[0])), (0, 0), (0, 0)), constant_values=255)


def outlined(picture: Pixels, box: Box) -> Pixels:
    """Return a copy with the border pixels of a box in yellow, and the pixels around them in black."""
    result = picture.copy()
    _frame(result, Box(box.top - 1, box.bottom + 1, box.left - 1, box.right + 1), BLACK)
    _frame(result, box, YELLOW)
    return result


def _frame(picture: Pixels, box: Box, colour: tuple[int, int, int]) -> None:
    height, width = picture.shape[:2]
    rows, columns = slice(max(box.top, 0), box.bottom), slice(max(box.left, 0), box.right)
    for row in (box.top, box.bottom - 1):
        if 0 <= row < height:
            picture[row, columns] = colour
    for column in (box.left, box.right - 1):
        if 0 <= column < width:
            picture[rows, column] = colour


def _write(picture: Pixels, text: str, column: int, width: int) -> None:
    cv2 = opencv.load()
    plain = text.encode("ascii", "replace").decode()[: max(1, width // LETTER)]
    cv2.putText(picture, plain, (column, TITLE - 4), cv2.FONT_HERSHEY_SIMPLEX, 0.38, BLACK, 1, cv2.LINE_AA)
