"""The subtitles of a film: text is copied, converted or cut; pictures are copied where that is possible."""

import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

from dreamvid.core.types import SourceInfo
from dreamvid.media.ffmpeg import location, source_arguments
from dreamvid.media.tracks import Beside, FilmTrack, write_alone

TEXT = {"subrip", "ass", "ssa", "webvtt", "mov_text", "text"}
# Muxer -> the subtitle codecs that are copied, and the encoder for other text codecs.
SUBTITLES: dict[str, tuple[set[str], str]] = {
    "mp4": ({"mov_text"}, "mov_text"),
    "mov": ({"mov_text"}, "mov_text"),
    "matroska": ({"subrip", "ass", "ssa", "webvtt", "hdmv_pgs_subtitle", "dvd_subtitle", "dvb_subtitle"}, "srt"),
    "webm": ({"webvtt"}, "webvtt"),
}

WRITTEN = {"srt": "subrip"}  # encoder -> the codec that it writes, where it has another name


def source_tracks(
    wanted: Beside, source: SourceInfo, opened: tuple[str, ...], folder: Path, notice: Callable[[str], None]
) -> list[FilmTrack]:
    """Return the subtitle tracks that the film gets, those of a range as SRT; `notice` gets a line for each other one.

    ffmpeg would move all cues from before a range to its beginning.
    """
    copied, encoder = SUBTITLES[wanted.muxer]
    moved = wanted.start > 0 or wanted.length is not None
    found: list[FilmTrack] = []
    for place, stream in enumerate(source.subtitles, 1):
        name = f"subtitle track {place} ({stream.codec})"
        if stream.codec not in TEXT and (moved or stream.codec not in copied):
            why = "pictures cannot be cut" if moved else f"{wanted.muxer} does not keep it as it is"
            notice(f"{name} is left out: {why}")
            continue
        if moved:
            whole = _as_srt(source.files[0], stream.number, folder / "whole.srt")
            if whole is None:
                notice(f"{name} is left out: ffmpeg cannot read it as text")
                continue
            text = cut_srt(whole, wanted.start, None if wanted.length is None else wanted.start + wanted.length)
            if not text:
                continue
            path = folder / f"{stream.number}.srt"
            path.write_text(text, encoding="utf-8")
            how = ("-metadata:s:s:{}", f"language={stream.language}", "-c:s:{}", encoder)
            track = FilmTrack(("-f", "srt", "-i", location(path)), "s", 0, how)
        else:
            track = FilmTrack(opened, "s", stream.number, ("-c:s:{}", "copy" if stream.codec in copied else encoder))
        trouble = write_alone(track, wanted.muxer, wanted.until, folder / "alone").trouble
        if trouble:
            notice(f"{name} is left out: {wanted.muxer} cannot hold it ({trouble})")
            continue
        found.append(track.described(stream, wanted.muxer))
        became = WRITTEN.get(encoder, encoder)
        if stream.codec != became and (moved or stream.codec not in copied):
            why = f"{wanted.muxer} does not keep it as it is" if stream.codec not in copied else "it is cut"
            notice(f"{name} becomes {became}: {why}")
    return found


def _as_srt(path: Path, number: int, written: Path) -> str | None:
    """Return the text of a subtitle track as SRT, by way of a file; None where ffmpeg fails on it."""
    track = FilmTrack(tuple(source_arguments(path)), "s", number, ("-c:s:{}", "srt"))
    if write_alone(track, "srt", [], written).trouble:
        return None
    return written.read_bytes().decode("utf-8", "replace").replace("\r\n", "\n")


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
