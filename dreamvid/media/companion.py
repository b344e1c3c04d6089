"""Pictures alongside a film: a still, a video or a folder, looked up by the time of the film's frames."""

from collections.abc import Generator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

from dreamvid.core.framing import Framing
from dreamvid.core.timing import frame_at
from dreamvid.core.types import Frame, Pixels, SourceInfo
from dreamvid.media import images
from dreamvid.media.probe import identity, probe
from dreamvid.media.read import read


@dataclass
class Companion:
    """Still, video or folder of images that is read along a film of `rate`; its last picture stays until the film ends.

    Read it in rising order: for a picture before the last one, decoding starts again from the first.
    """

    info: SourceInfo
    framing: Framing
    rate: Fraction
    _coming: Generator[Frame, None, None] | None = field(default=None, repr=False)
    _last: Frame | None = field(default=None, repr=False)

    def index(self, time: Fraction) -> int:
        """Return the index of its picture for the film's frame at `time`, in seconds."""
        return frame_at(self.info.times, time, self.rate)

    def picture(self, index: int) -> Pixels:
        """Return one of its pictures, at the size of the framing; raise SourceError where decoding it again fails."""
        if self._coming is None or self._last is None or index < self._last.index:
            self.close()
            self._coming = read(self.info, self.framing, range(index, self.info.frames))
            self._last = next(self._coming)
        while self._last.index < index:
            self._last = next(self._coming)
        return self._last.image

    def close(self) -> None:
        """End the decoder; a later `picture` starts it again."""
        if self._coming is not None:
            self._coming.close()
        self._coming = None


def open_companion(file: str, rate: Fraction) -> Companion:
    """Open a file or folder to be read along a film of `rate` (frames per second), at its own size.

    A folder of images has no rate of its own and gets that of the film. Raises SourceError where it cannot be read.
    """
    info = probe(file)
    if info.kind == "folder":
        info = replace(info, times=tuple(number / rate for number in range(info.frames)), rate=rate)
    size = info.height, info.width
    return Companion(info, Framing((0, info.height), (0, info.width), size, size), rate)


def digest(file: str) -> str:
    """sha256 of a file, or of all images of a folder; raises SourceError where it cannot be read."""
    path = Path(file)
    return images.probe_folder(path).identity if path.is_dir() else identity(path)
