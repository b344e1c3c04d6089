"""The nouns that cross the pipeline: what a source is, a frame of it, a shot.

A picture outside torch is RGB, height x width x 3. Stored pixels are uint8; where they are computed with they are
float32 in [0, 1]. Times are seconds, as fractions, from the first frame of the source.
"""

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Image = npt.NDArray[np.float32]
Mask = npt.NDArray[np.float32]  # height x width, in [0, 1]


@dataclass(frozen=True)
class Stream:
    """A track beside the picture: its codec's name as ffmpeg spells it, and its language (or `und`)."""

    codec: str
    language: str = "und"


@dataclass(frozen=True)
class SourceInfo:
    """The facts of a source, read from a full decode of it and not from its header.

    `height`, `width`: upright, in stored pixels, `sar` (width over height of one pixel) not applied.
    `times`: presentation time of each frame, in seconds, rising from 0; `end`: where the last one ends.
    `rate`: frames per second of the constant-rate timeline that shows every frame.
    `delay`: seconds by which the picture starts after the file's first track.
    `files`: absolute path of the video or still, or of a folder's images in order.
    `reader`: what decodes it right: OpenCV, or our ffmpeg pipe with `filters` in front.
    `damaged`: frames that could not be decoded and repeat the one before (only where damage is tolerated).
    `identity`: sha256 that changes when the file does.
    """

    name: str
    kind: Literal["video", "still", "folder", "noise"]
    height: int
    width: int
    times: tuple[Fraction, ...]
    end: Fraction
    rate: Fraction
    identity: str
    sar: Fraction = Fraction(1)
    delay: Fraction = Fraction(0)
    reader: Literal["opencv", "ffmpeg", "image"] = "image"
    filters: str = ""
    decoder: str = ""
    files: tuple[Path, ...] = ()
    audio: tuple[Stream, ...] = ()
    subtitles: tuple[Stream, ...] = ()
    chapters: int = 0
    damaged: tuple[int, ...] = field(default=())

    @property
    def frames(self) -> int:
        """How many frames the source really has."""
        return len(self.times)


@dataclass(frozen=True)
class Frame:
    """One upright frame of a source, at the size it is worked on: `image` is uint8 RGB, height x width x 3.

    `mask`: how much of what is dreamed is seen at each place; None where all of it is.
    """

    index: int
    time: Fraction
    image: Pixels
    mask: Mask | None = None


@dataclass(frozen=True)
class Shot:
    """Frames between two cuts, half-open: `start` belongs to it, `stop` does not."""

    start: int
    stop: int


@dataclass(frozen=True)
class Box:
    """Half-open rows and columns of pixels."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def rows(self) -> slice:
        """The rows as a slice."""
        return slice(self.top, self.bottom)

    @property
    def columns(self) -> slice:
        """The columns as a slice."""
        return slice(self.left, self.right)

    def scaled(self, rows: float, columns: float) -> "Box":
        """The same place in a picture that is that much larger, in whole pixels."""
        return Box(*(round(by * edge) for by, edge in zip((rows, rows, columns, columns), self.edges, strict=True)))

    @property
    def edges(self) -> tuple[int, int, int, int]:
        """Top, bottom, left, right."""
        return self.top, self.bottom, self.left, self.right


def to_float(pixels: Pixels) -> Image:
    """Stored pixels (uint8) as float32 in [0, 1]."""
    return pixels.astype(np.float32) / 255.0


def to_pixels(image: Image) -> Pixels:
    """A picture in [0, 1] rounded to stored pixels (uint8); what lies outside is clipped."""
    return np.rint(np.clip(image, 0.0, 1.0) * 255.0).astype(np.uint8)
