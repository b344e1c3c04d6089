"""A track beside the picture of a film: what is wanted, how ffmpeg is told of it, and whether it can be written."""

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av

from dreamvid.core.types import SourceInfo, Stream
from dreamvid.media.container import open_file
from dreamvid.media.ffmpeg import Ffmpeg, check_space, location
from dreamvid.media.languages import in_quicktime

Clip = tuple[Fraction, Fraction]


@dataclass(frozen=True)
class Beside:
    """Tracks wanted besides the picture of a film in `muxer` that lasts `seconds`.

    `clip`: half-open range in seconds from the source's first frame, None for all of it; `delay`: seconds from the
    start of the source's first track to that frame; `music`: a file whose first sound track replaces the source's
    sound.
    """

    muxer: str
    source: SourceInfo | None
    seconds: Fraction
    clip: Clip | None = None
    delay: Fraction = Fraction(0)
    music: Path | None = None

    @property
    def start(self) -> Fraction:
        """Return the time of the film's first frame on the source file's clock, in seconds."""
        return self.delay + (self.clip[0] if self.clip else 0)

    @property
    def length(self) -> Fraction | None:
        """Return the seconds of the source that the film covers; None for all."""
        return self.clip[1] - self.clip[0] if self.clip else None

    @property
    def until(self) -> list[str]:
        """Return the output option that ends all tracks with the film, and those of a source with the part shown.

        It is empty where they end by themselves.
        """
        # As an input option, `-t` would count from the first packet of a decoded sound.
        if self.music is not None:
            return ["-t", seconds(self.seconds)]
        return [] if self.length is None else ["-t", seconds(min(self.seconds, self.length))]

    @property
    def repeats(self) -> bool:
        """Return whether the film goes on after the part of the source that it covers, by showing it again."""
        return self.length is not None and self.length < self.seconds


@dataclass(frozen=True)
class FilmTrack:
    """A track as arguments of ffmpeg: `opened` opens its file, `kind` (a or s) and `number` pick it there.

    `how`: its codec and more, where `{}` stands for its number among those of its kind in the film; `late`: seconds by
    which it comes late as it is opened, since ffmpeg shifts a track by whole units of its clock, in AVI whole packets.
    """

    opened: tuple[str, ...]
    kind: str
    number: int
    how: tuple[str, ...]
    late: Fraction = Fraction(0)

    def mapped(self, file: int, number: int) -> list[str]:
        """Return the arguments that make it track `number` of its kind, from input `file`."""
        return ["-map", f"{file}:{self.kind}:{self.number}", *(self._numbered(word, number) for word in self.how)]

    def described(self, of: Stream, muxer: str) -> "FilmTrack":
        """Return the track with what tells the track that it comes from, whatever files lie between."""
        language = in_quicktime(of.language) if muxer == "mov" else of.language
        named = [f"title={of.title}", *([f"language={language}"] if language != "und" else [])]
        how = [word for name in named for word in (f"-metadata:s:{self.kind}:{{}}", name)]
        return replace(self, how=(*self.how, *how, *marked(self.kind, "{}", of.marks)))

    @staticmethod
    def _numbered(word: str, number: int) -> str:
        return word.replace("{}", str(number)) if word.startswith("-") else word  # not in a title


@dataclass(frozen=True)
class Trial:
    """The result of writing a track alone: ffmpeg's words where it failed, else the number of its packets."""

    trouble: str = ""
    packets: int = 0


def marked(kind: str, number: object, marks: str) -> tuple[str, str]:
    """Return the option that gives a track its marks: where none are given, ffmpeg marks the first of several."""
    return f"-disposition:{kind}:{number}", marks or "0"


def write_alone(track: FilmTrack, muxer: str, more: list[str], path: Path) -> Trial:
    """Write a track to a file of its own; `more`: further output options. Raises JobError where the disk is full."""
    exact = ["-fflags", "+bitexact", "-flags:a", "+bitexact", "-f", muxer, "-y", location(path)]
    with Ffmpeg([*track.opened, *track.mapped(0, 0), *more, *exact]) as ffmpeg:
        if ffmpeg.finish():
            check_space(ffmpeg.words, path)
            return Trial(trouble=next(iter(ffmpeg.errors), ffmpeg.words))
    try:
        with open_file(path) as container:
            its = container.streams.audio if track.kind == "a" else container.streams.subtitles
            # Chapters are a track, too, in some containers.
            return Trial(packets=sum(packet.size > 0 for packet in container.demux(*its)) if its else 0)
    except av.FFmpegError:  # ffmpeg has written nothing, or a header alone
        return Trial()


def is_broken(track: FilmTrack, more: list[str]) -> bool:
    """Return whether a sound track cannot be decoded from its beginning to its end; `more`: further output options.

    What ffmpeg says while it only copies the track is about something else in the file, such as a broken picture.
    """

    def errors(*how: str) -> set[str]:
        with Ffmpeg([*track.opened, *replace(track, how=how).mapped(0, 0), *more, "-f", "null", "-"]) as ffmpeg:
            ffmpeg.finish()
            return set(ffmpeg.errors)

    return bool(errors() - errors("-c:a:{}", "copy"))


def seconds(time: Fraction) -> str:
    """Format seconds for ffmpeg, to the microsecond."""
    return f"{float(time):.6f}"
