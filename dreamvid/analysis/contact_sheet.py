"""Labelled pictures in a grid, without resampling."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from dreamvid.core.types import Box, Pixels

LINE, GAP = 16, 4  # height of a line of text, space between cells, in pixels
LETTERS = 12  # their size
WHITE, BLACK, YELLOW = (255, 255, 255), (0, 0, 0), (255, 220, 0)


@dataclass(frozen=True)
class Cell:
    """Picture, H x W x 3, and the title above it; `beneath`: text under it, in as many lines as it takes."""

    title: str
    picture: Pixels
    beneath: str = ""


def sheet(cells: Sequence[Cell], across: int) -> Pixels:
    """Draw the cells row by row, `across` per row, each under its title, on white; cut titles to the cell's width."""
    rows = [cells[first : first + across] for first in range(0, len(cells), across)]
    widths = [max(row[column].picture.shape[1] for row in rows if column < len(row)) for column in range(len(rows[0]))]
    strips = []
    for row in rows:
        texts = [list(_broken(cell.beneath, width)) for cell, width in zip(row, widths, strict=False)]
        height = max(cell.picture.shape[0] + LINE * len(text) for cell, text in zip(row, texts, strict=True))
        strip = np.full((LINE + height + GAP, GAP + sum(widths) + GAP * len(widths), 3), 255, np.uint8)
        left = GAP
        for cell, text, width in zip(row, texts, widths, strict=False):
            bottom = LINE + cell.picture.shape[0]
            _write(strip, cell.title, 0, left, width)
            strip[LINE:bottom, left : left + cell.picture.shape[1]] = cell.picture
            for number, line in enumerate(text):
                _write(strip, line, bottom + LINE * number, left, width)
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


def _broken(text: str, width: int) -> Iterator[str]:
    """Yield a text in lines of at most `width` pixels, broken at spaces, or within a word that is longer."""
    line = ""
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if _fitting(longer, width) == len(longer):
            line = longer
            continue
        if line:
            yield line
        line = word
        while (fits := _fitting(line, width)) < len(line):
            yield line[:fits]
            line = line[fits:]
    if line:
        yield line


def _fitting(text: str, width: int) -> int:
    """Return how many letters of a text, one at least, are at most `width` pixels wide."""
    ends = accumulate(map(_advance, text))
    return max(1, sum(end <= width for end in ends))


def _write(picture: Pixels, text: str, row: int, column: int, width: int) -> None:
    """Write a line, cut to `width`, below a row and from a column on."""
    plate = Image.new("L", (width, LINE), 255)
    draw, left = ImageDraw.Draw(plate), 0
    for letter in text[: _fitting(text, width)]:
        draw.text((left, 0), letter, fill=0, font=_font())
        left += _advance(letter)
    picture[row : row + LINE, column : column + width] = np.asarray(plate)[:, :, None]


@cache
def _advance(letter: str) -> int:
    """Return the pixels from one letter to the next; a hyphen stands apart, since two would look like a dash."""
    return round(_font().getlength(letter)) + (letter == "-")


@cache
def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(LETTERS)
