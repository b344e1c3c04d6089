"""A full decode of a source's picture: what is really in it, frame by frame, and where it is damaged."""

import re
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from dreamvid.video.ffmpeg import STEADY, STRICT, Ffmpeg, source_arguments

PATIENCE = 120.0  # seconds between two frames; one of 8192x8192 takes about one

_CONFIG = re.compile(r"config in time_base: (\d+)/(\d+)")
_FRAME = re.compile(
    r" n: *\d+ pts: *(-?\d+|NOPTS) .*? (?:duration: *(-?\d+) .*?)?fmt:(\S+) .*?sar:(\d+)/(\d+) s:(\d+)x(\d+) i:(\S)"
)
_COLOUR = re.compile(r"color_range:(\S+) color_space:(\S+) color_primaries:(\S+) color_trc:(\S+)")


@dataclass
class Decoded:
    """What ffmpeg's showinfo tells of each frame of a source, upright.

    `times`: seconds on ffmpeg's clock (see `container.lead`), None where a frame has no time stamp; `last`: how long
    the last frame stays, 0 if unknown; `sizes`: (width, height) and the frame from which on it holds; `errors`:
    ffmpeg's.
    """

    times: list[Fraction | None] = field(default_factory=list)
    last: Fraction = Fraction(0)
    sizes: list[tuple[tuple[int, int], int]] = field(default_factory=list)
    sar: Fraction = Fraction(1)
    pixel_format: str = ""
    space: str = "unknown"
    transfer: str = "unknown"
    interlaced: bool = False
    errors: tuple[str, ...] = ()
    clock: Fraction = Fraction(1)

    def hear(self, line: str) -> None:
        """Takes in one line of ffmpeg's standard error."""
        if not line.startswith("[Parsed_showinfo_"):
            return
        if match := _FRAME.search(line):
            pts, duration, self.pixel_format, across, down, width, height, order = match.groups()
            if not self.sizes or self.sizes[-1][0] != (int(width), int(height)):
                self.sizes.append(((int(width), int(height)), len(self.times)))
            self.times.append(None if pts == "NOPTS" else int(pts) * self.clock)
            self.last = int(duration or 0) * self.clock
            self.sar = Fraction(int(across), int(down)) if int(across) and int(down) else Fraction(1)
            self.interlaced |= order in "TB"
        elif match := _COLOUR.search(line):
            self.space, self.transfer = match[2], match[4]
        elif match := _CONFIG.search(line):
            self.clock = Fraction(int(match[1]), int(match[2]))


def decode(path: Path, *, decoder: str = "", strict: bool = True) -> Decoded:
    """Decodes the whole picture of a file with ffmpeg, and keeps the facts; raises ToolError where ffmpeg hangs.

    A healthy file leaves `errors` empty: neither the exit status nor OpenCV tells of a Matroska file that was cut
    short.
    """
    seen = Decoded()
    arguments = source_arguments(path, decoder=decoder, mood=STRICT if strict else STEADY)
    # The null muxer must not see two frames at one tick of a coarse clock: it would take that for an error.
    sink = ["-fps_mode", "passthrough", "-enc_time_base", "1/1000000", "-f", "null", "-"]
    output = ["-map", "0:V:0", "-vf", "showinfo=checksum=0", *sink]
    with Ffmpeg([*arguments, *output], hear=seen.hear) as ffmpeg:
        status = ffmpeg.finish(PATIENCE)
        seen.errors = tuple(ffmpeg.errors) or ((ffmpeg.words,) if status else ())
    return seen
