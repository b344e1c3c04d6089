"""Data types shared by all rooms: source, frame, shot, box.

A picture outside torch is RGB, height x width x 3: uint8 where it is stored, float32 in [0, 1] for computations.
Times are seconds, as fractions, from the first frame of the source.
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
    """A track other than video: its codec's name as ffmpeg spells it, its language (`und`: undetermined), its title.

    `marks`: what players choose it by, such as `default+forced`, as ffmpeg spells it; `number`: among the tracks of its
    kind in the file.
    """

    codec: str
    language: str = "und"
    title: str = ""
    marks: str = ""
    number: int = 0


@dataclass(frozen=True)
class SourceInfo:
    """Properties of a source, measured by decoding all of it instead of trusting its header.

    `height`, `width`: after rotation, in stored pixels, `sar` (width over height of one pixel) not applied.
    `times`: presentation time of each frame, in seconds, rising from 0; `end`: end of the last one, in seconds.
    `rate`: frames per second of the constant-rate timeline that shows every frame.
    `delay`: seconds from the start of the file's first track to the start of the video track.
    `files`: absolute path of the video or still, or of a folder's images in order.
    `reader`: what decodes it; `decoder`, `filters`: what ffmpeg needs to do so; empty for images.
    `renews`: whether ffmpeg begins its filters anew where the pixel format changes: they count anew, too.
    `picture`: number of the track that is the film's picture, among those of the file that are no covers.
    `audio`, `subtitles`: the tracks that are the film's; not those of another programme of a broadcast.
    `damaged`: frames that could not be decoded and repeat the good one before, or else after (where that is tolerated).
    `promised`: of a file that is cut short, how many frames its header promises, 0 where it does not say; None: whole.
    `beside`: in words, what its frames hold besides pixels, which no film gets.
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
    reader: Literal["ffmpeg", "images"] = "images"
    filters: str = ""
    renews: bool = False
    decoder: str = ""
    picture: int = 0
    files: tuple[Path, ...] = ()
    audio: tuple[Stream, ...] = ()
    subtitles: tuple[Stream, ...] = ()
    chapters: int = 0
    beside: tuple[str, ...] = ()
    damaged: tuple[int, ...] = field(default=())
    promised: int | None = None

    @property
    def frames(self) -> int:
        """The number of frames, as counted by decoding them."""
        return len(self.times)


@dataclass(frozen=True)
class Frame:
    """One upright frame of a source at working size; `image`: uint8 RGB, height x width x 3.

    `mask`: opacity of the dream at each pixel, in [0, 1]; None: 1 everywhere.
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
    """A rectangle of pixels: half-open ranges of rows and columns."""

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
        """Return the box scaled by a factor for rows and one for columns, rounded to whole pixels."""
        return Box(*(round(by * edge) for by, edge in zip((rows, rows, columns, columns), self.edges, strict=True)))

    @property
    def edges(self) -> tuple[int, int, int, int]:
        """The edges in order: top, bottom, left, right."""
        return self.top, self.bottom, self.left, self.right


def to_float(pixels: Pixels) -> Image:
    """Convert stored pixels (uint8) to float32 in [0, 1]."""
    return pixels.astype(np.float32) / 255.0


def to_pixels(image: Image) -> Pixels:
    """Convert a picture in [0, 1] to stored pixels (uint8), clipped and rounded."""
    return np.rint(np.clip(image, 0.0, 1.0) * 255.0).astype(np.uint8)
