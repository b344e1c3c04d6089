"""Tracks besides the picture as ffmpeg arguments: sound by stream copy, subtitles, chapters."""

import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from fractions import Fraction
from pathlib import Path

import av

from dreamvid.core.types import SourceInfo, Stream
from dreamvid.media.audio_tracks import first_track
from dreamvid.media.container import lead
from dreamvid.media.ffmpeg import FENCE, executable, location, source_arguments

Clip = tuple[Fraction, Fraction]

# Muxer -> patterns of the audio codecs it can hold, and the encoder arguments for all others.
AUDIO: dict[str, tuple[tuple[str, ...], list[str]]] = {
    "mp4": (("aac", "mp3", "mp2", "ac3", "eac3", "dts", "alac", "opus", "flac"), ["aac", "-b:a:{}", "256k"]),
    "mov": (("aac", "mp3", "mp2", "ac3", "eac3", "alac", "pcm_*"), ["aac", "-b:a:{}", "256k"]),
    "matroska": (
        (
            "aac",
            "mp3",
            "mp2",
            "ac3",
            "eac3",
            "dts",
            "truehd",
            "mlp",
            "alac",
            "opus",
            "vorbis",
            "flac",
            "tta",
            "wavpack",
            "pcm_*",
        ),
        ["flac"],
    ),
    "webm": (("opus", "vorbis"), ["libopus", "-b:a:{}", "192k"]),
}
TEXT = {"subrip", "ass", "ssa", "webvtt", "mov_text", "text"}
# Muxer -> the subtitle codecs that are copied, and the encoder for other text codecs.
SUBTITLES: dict[str, tuple[set[str], str]] = {
    "mp4": ({"mov_text"}, "mov_text"),
    "mov": ({"mov_text"}, "mov_text"),
    "matroska": ({"subrip", "ass", "ssa", "webvtt", "hdmv_pgs_subtitle", "dvd_subtitle", "dvb_subtitle"}, "srt"),
    "webm": ({"webvtt"}, "webvtt"),
}


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


@dataclass
class Tracks:
    """Arguments that open the inputs besides the picture (input 0) and map them, and the number of sound tracks."""

    inputs: list[str] = field(default_factory=list)
    maps: list[str] = field(default_factory=list)
    audio: int = 0


@contextmanager
def tracks(wanted: Beside, notice: Callable[[str], None]) -> Iterator[Tracks]:
    """Plan sound, subtitles and chapters; call `notice` with one line for each that cannot be kept unchanged.

    Subtitles that had to be cut are in temporary files, which exist until the context is left.
    """
    source, planned = wanted.source, Tracks()
    if source is not None and wanted.music is not None:
        source = replace(source, audio=())
    with tempfile.TemporaryDirectory(prefix="dreamvid-") as folder:
        if source is not None and source.kind == "video":
            if wanted.muxer in AUDIO:
                _open(planned, wanted, source)
                _sound(planned, wanted, source, notice)
                _subtitles(planned, wanted, source, Path(folder), notice)
            elif source.audio or source.subtitles:
                home = wanted.muxer or "a folder of images"
                notice(f"sound and subtitles of {source.name} are left out: {home} cannot contain them")
        if wanted.music is not None:
            _music(planned, wanted, wanted.music, notice)
        yield planned


def _open(planned: Tracks, wanted: Beside, source: SourceInfo) -> None:
    # No `-ss`: it seeks to an index entry. With shifted time stamps, packets before 0 are dropped exactly.
    with av.open(location(source.files[0]), options=FENCE) as container:
        shift = lead(container, ["audio", "subtitle"]) - wanted.start
    if shift:
        planned.inputs += ["-itsoffset", seconds(shift)]
    if wanted.length is not None:
        # `-t` as an output option: as an input option it would count from the first packet of a decoded sound.
        planned.maps += ["-copypriorss:a", "0", "-t", seconds(wanted.seconds)]
    elif wanted.delay:
        # Keep the delay of the picture after the sound. In the muxer, since its clock is finer than the frame rate.
        planned.maps += ["-output_ts_offset", seconds(wanted.delay)]
    planned.inputs += source_arguments(source.files[0])
    planned.maps += ["-map_metadata", "1", "-map_chapters", "1"]


def _sound(planned: Tracks, wanted: Beside, source: SourceInfo, notice: Callable[[str], None]) -> None:
    for number, stream in enumerate(source.audio):
        planned.maps += ["-map", f"1:a:{number}"]
        if _codec(planned, wanted.muxer, number, stream, notice) and wanted.length is not None:
            planned.maps += [f"-filter:a:{number}", "atrim=start=0"]
    planned.audio = len(source.audio)


def _music(planned: Tracks, wanted: Beside, music: Path, notice: Callable[[str], None]) -> None:
    """Add the first sound track of a file, from its beginning to the film's end."""
    if wanted.muxer not in AUDIO:
        notice(f"the sound of {music.name} is left out: {wanted.muxer or 'a folder of images'} cannot contain sound")
        return
    planned.inputs += source_arguments(music)
    planned.maps += ["-map", f"{planned.inputs.count('-i')}:a:0"]
    _codec(planned, wanted.muxer, 0, first_track(music), notice)
    if "-t" not in planned.maps:
        planned.maps += ["-t", seconds(wanted.seconds)]
    planned.audio = 1


def _codec(planned: Tracks, muxer: str, number: int, stream: Stream, notice: Callable[[str], None]) -> bool:
    """Copy a sound track where the muxer can hold it; else re-encode it and say so. Return whether it is re-encoded."""
    held, other = AUDIO[muxer]
    if any(fnmatchcase(stream.codec, name) for name in held):
        planned.maps += [f"-c:a:{number}", "copy"]
        return False
    encoder, *quality = (word.format(number) for word in other)
    planned.maps += [f"-c:a:{number}", encoder, *quality]
    became = encoder.removeprefix("lib")
    notice(f"sound track {number + 1} ({stream.codec}) becomes {became}: {muxer} cannot hold it")
    return True


def _subtitles(
    planned: Tracks, wanted: Beside, source: SourceInfo, folder: Path, notice: Callable[[str], None]
) -> None:
    """Copy or convert whole text tracks; cut those of a range as SRT, since ffmpeg moves all earlier cues to time 0."""
    copied, encoder = SUBTITLES[wanted.muxer]
    moved = wanted.start > 0 or wanted.length is not None
    files = number = 0
    for track, stream in enumerate(source.subtitles):
        if stream.codec not in TEXT and (moved or stream.codec not in copied):
            why = "pictures cannot be cut" if moved else f"{wanted.muxer} cannot hold it"
            notice(f"subtitle track {track + 1} ({stream.codec}) is left out: {why}")
            continue
        if moved:
            stop = None if wanted.length is None else wanted.start + wanted.length
            whole = _as_srt(source.files[0], track)
            if whole is None:
                notice(f"subtitle track {track + 1} ({stream.codec}) is left out: ffmpeg cannot read it as text")
                continue
            text = cut_srt(whole, wanted.start, stop)
            if not text:
                continue
            path = folder / f"{track}.srt"
            path.write_text(text, encoding="utf-8")
            files += 1
            planned.inputs += ["-f", "srt", "-i", location(path)]
            planned.maps += ["-map", f"{1 + files}:s:0", f"-metadata:s:s:{number}", f"language={stream.language}"]
            planned.maps += [f"-c:s:{number}", encoder]
        else:
            how = "copy" if stream.codec in copied else encoder
            planned.maps += ["-map", f"1:s:{track}", f"-c:s:{number}", how]
        number += 1


def _as_srt(path: Path, stream: int) -> str | None:
    """Return the text of a subtitle track as SRT; None where ffmpeg fails on it."""
    command = [executable(), "-v", "error", "-nostdin", *source_arguments(path)]
    command += ["-map", f"0:s:{stream}", "-c:s", "srt", "-f", "srt", "pipe:1"]
    answer = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if answer.returncode:
        return None
    return answer.stdout.decode("utf-8", "replace").replace("\r\n", "\n")


_CUE = re.compile(r"^\d+\n(\d+):(\d\d):(\d\d),(\d{3}) --> (\d+):(\d\d):(\d\d),(\d{3})\n", re.MULTILINE)


def cut_srt(text: str, start: Fraction, stop: Fraction | None) -> str:
    """Return the cues of an SRT text in a range of seconds, cut at both ends and with times relative to `start`."""
    pieces = _CUE.split(text)[1:]
    cues: list[str] = []
    for at in range(0, len(pieces), 9):
        begin, end = (_moment(pieces[at + side : at + side + 4]) for side in (0, 4))
        begin, end = max(begin, start), end if stop is None else min(end, stop)
        if begin < end:
            cues.append(
                f"{len(cues) + 1}\n{_stamp(begin - start)} --> {_stamp(end - start)}\n{pieces[at + 8].strip()}\n"
            )
    return "\n".join(cues)


def _moment(fields: list[str]) -> Fraction:
    hours, minutes, whole, thousandths = map(int, fields)
    return Fraction(((hours * 60 + minutes) * 60 + whole) * 1000 + thousandths, 1000)


def _stamp(time: Fraction) -> str:
    whole, thousandths = divmod(round(time * 1000), 1000)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d},{thousandths:03d}"


def seconds(time: Fraction) -> str:
    """Format seconds for ffmpeg, to the microsecond."""
    return f"{float(time):.6f}"
