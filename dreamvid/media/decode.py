"""Full decode of a source's picture with ffmpeg: facts about each frame, and errors."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

from dreamvid.media.endings import ends_early
from dreamvid.media.ffmpeg import STEADY, STRICT, Ffmpeg, source_arguments

_CONFIG = re.compile(r"config in time_base: (\d+)/(\d+)")
_FRAME = re.compile(
    r" n: *\d+ pts: *(-?\d+|NOPTS) .*? (?:duration: *(-?\d+) .*?)?fmt:(\S+) .*?sar:(\d+)/(\d+) s:(\d+)x(\d+) i:(\S)"
)
_OWN = re.compile(r"\[Parsed_showinfo_[^\]]*\] \[info\] +(config |n:|color_range:|alpha_mode:|side data|User Data=)")
_BESIDE = re.compile(r"side data - (ATSC A53 Part 4 Closed Captions|Spherical Mapping|Stereo 3D: type - (?!2D))")
_SAID = {"ATSC": "closed captions", "Spherical": "the view all around (360 degrees)", "Stereo": "the view in 3D"}
_COLOUR = re.compile(r"color_range:\S+ color_space:(\S+) color_primaries:(\S+) color_trc:(\S+)")
HDR = {"smpte2084": "PQ", "arib-std-b67": "HLG"}
WIDE = {"bt2020": "BT.2020", "smpte431": "DCI-P3", "smpte432": "Display P3"}  # primaries far from those of BT.709


@dataclass(frozen=True)
class Colours:
    """The colour properties of a frame, in FFmpeg's names; `pixels`: its pixel format."""

    pixels: str = ""
    space: str = "unknown"
    primaries: str = "unknown"
    transfer: str = "unknown"

    @property
    def kind(self) -> str:
        """Return how they are brought to a normal range and gamut."""
        sdr = f"SDR of {WIDE[self.primaries]}" if self.primaries in WIDE else "SDR"
        return HDR.get(self.transfer, sdr)


@dataclass
class Decoded:
    """Facts from ffmpeg's showinfo about the frames of a source, after rotation to upright.

    `times`: seconds on ffmpeg's clock (see `container.lead`), None where a frame has no time stamp; `last`: duration of
    the last frame in seconds, 0 if unknown; `sizes`: each (width, height) and the index of the first frame that has it;
    `colours`: of each run of frames of one kind, what the last of them says, and the index of the first;
    `mixed`: whether they have several pixel formats;
    `errors`: ffmpeg's error lines. `woven`: another message was printed inside a line of showinfo, so that its level,
    and with it an error, may be missed. `beside`: in words, what the frames hold besides pixels that players show.
    """

    times: list[Fraction | None] = field(default_factory=list)
    last: Fraction = Fraction(0)
    sizes: list[tuple[tuple[int, int], int]] = field(default_factory=list)
    sar: Fraction = Fraction(1)
    colours: list[tuple[Colours, int]] = field(default_factory=list)
    mixed: bool = False
    interlaced: bool = False
    beside: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    clock: Fraction = Fraction(1)
    woven: bool = False
    _pixels: str = ""

    def hear(self, line: str) -> None:
        """Parse one line of ffmpeg's standard error."""
        if match := _CONFIG.search(line):  # also where the rest of a message without an end of line stands before it
            self.clock = Fraction(int(match[1]), int(match[2]))
        if not line.startswith("[Parsed_showinfo_"):
            return
        self.woven |= not _OWN.match(line)
        if match := _FRAME.search(line):
            before = self._pixels
            pts, duration, self._pixels, across, down, width, height, order = match.groups()
            self.mixed |= before not in ("", self._pixels)
            if not self.sizes or self.sizes[-1][0] != (int(width), int(height)):
                self.sizes.append(((int(width), int(height)), len(self.times)))
            self.times.append(None if pts == "NOPTS" else int(pts) * self.clock)
            self.last = int(duration or 0) * self.clock
            self.sar = Fraction(int(across), int(down)) if int(across) and int(down) else Fraction(1)
            self.interlaced |= order in "TB"
        elif match := _COLOUR.search(line):
            self._note(Colours(self._pixels, *match.groups()))
        elif match := _BESIDE.search(line):
            self.beside = tuple(dict.fromkeys((*self.beside, _SAID[match[1].split()[0]])))

    def _note(self, said: Colours) -> None:
        """Add what the last frame says of its colours to `colours`."""
        # FFmpeg's decoder of HEVC goes on saying HLG once a stream did, when it has become SDR.
        if (said.kind, said.primaries) == ("HLG", "bt709") and any(
            (was.kind, was.primaries) == ("HLG", "bt2020") for was, _ in self.colours
        ):
            said = replace(said, transfer="bt709")
        first = len(self.times) - 1 if self.colours else 0
        if self.colours and self.colours[-1][0].kind == said.kind:
            _, first = self.colours.pop()
        self.colours.append((said, first))


def decode(path: Path, *, decoder: str = "", picture: int = 0, strict: bool = True) -> Decoded:
    """Decode the whole picture of a file with ffmpeg and return the facts; raise ToolError where ffmpeg hangs.

    `picture`: as in a `SourceInfo`. An intact file leaves `errors` empty. Its exit status alone does not tell that a
    file was cut short.
    """
    source = source_arguments(path, decoder=decoder, mood=STRICT if strict else STEADY)
    source += ["-map", f"0:V:{picture}"]
    seen = Decoded()
    seen.errors = _run([*source, "-vf", "showinfo=checksum=0"], seen.hear)
    if seen.woven:  # by ffmpeg's demuxer, from another thread: run again without showinfo to get its errors
        seen.errors = _run(source)
    if strict and ends_early(path):
        seen.errors += ("its container ended prematurely",)
    return seen


def _run(arguments: list[str], hear: Callable[[str], None] | None = None) -> tuple[str, ...]:
    """Decode without output; return ffmpeg's errors."""
    # New time stamps for the null muxer alone: it reports an error for two frames with the same one.
    sink = ["-fps_mode", "passthrough", "-bsf:v", "setts=ts=N", "-f", "null", "-"]
    with Ffmpeg([*arguments, *sink], hear=hear, counts=hear is None) as ffmpeg:
        status = ffmpeg.finish()
        return tuple(ffmpeg.errors) or ((ffmpeg.words,) if status else ())
