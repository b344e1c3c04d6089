"""Pictures that run beside a film: a still, a video or a folder, looked up by the time of the film's frames."""

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
    """A still, a video or a folder of images beside a film of `rate`; its last picture is held as long as that goes on.

    Read forwards, as films are: what lies before the last picture that was asked for is decoded from the start again.
    """

    info: SourceInfo
    framing: Framing
    rate: Fraction
    _coming: Generator[Frame, None, None] | None = field(default=None, repr=False)
    _last: Frame | None = field(default=None, repr=False)

    def index(self, time: Fraction) -> int:
        """Which of its pictures belongs to the film's frame at `time`, in seconds."""
        return frame_at(self.info.times, time, self.rate)

    def picture(self, index: int) -> Pixels:
        """One of its pictures, at the size of the framing; raises SourceError where it does not come again."""
        if self._coming is None or self._last is None or index < self._last.index:
            self.close()
            self._coming = read(self.info, self.framing, range(index, self.info.frames))
            self._last = next(self._coming)
        while self._last.index < index:
            self._last = next(self._coming)
        return self._last.image

    def close(self) -> None:
        """Ends the decoder."""
        if self._coming is not None:
            self._coming.close()
        self._coming = None


def open_companion(file: str, rate: Fraction) -> Companion:
    """Open what a file or folder shows beside a film of `rate`, frames a second, at its own size.

    A folder of images has no rate of its own, and so that of the film. Raises SourceError where it cannot be read.
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
