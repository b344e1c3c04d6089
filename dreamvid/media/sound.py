"""The sound of a film: copied where its container can hold it, re-encoded where not, left out where nothing else helps.

What works is found by writing each track alone, before the first frame of the film.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from fractions import Fraction
from pathlib import Path

from dreamvid.core.types import SourceInfo, Stream
from dreamvid.core.words import counted
from dreamvid.media.audio_tracks import all_tracks
from dreamvid.media.container import open_file, origin
from dreamvid.media.endings import ends_early
from dreamvid.media.ffmpeg import source_arguments
from dreamvid.media.tracks import Beside, FilmTrack, Trial, is_broken, seconds, write_alone

# Not the PCM of discs (pcm_bluray, pcm_dvd), which is packed differently.
PCM = ("pcm_[su]8", "pcm_[suf]??[bl]e", "pcm_alaw", "pcm_mulaw")
# Muxer -> patterns of the audio codecs it can hold, and the encoder arguments for all others.
AUDIO: dict[str, tuple[tuple[str, ...], list[str]]] = {
    "mp4": (("aac", "mp3", "mp2", "ac3", "eac3", "dts", "alac", "opus", "flac"), ["aac", "-b:a:{}", "256k"]),
    "mov": (("aac", "mp3", "mp2", "ac3", "eac3", "alac", *PCM), ["aac", "-b:a:{}", "256k"]),
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
            *PCM,
        ),
        ["flac"],
    ),
    "webm": (("opus", "vorbis"), ["libopus", "-b:a:{}", "192k"]),
}
HEARD = Fraction(1, 100)  # seconds between picture and sound that may be noticed
LOSSLESS = ("flac", "alac", "tta", "wavpack")  # their packets are long, and can be encoded anew without a loss
# Encoder -> the channel layouts it takes, where ffmpeg does not know them and would hand it others.
LAYOUTS = {"libopus": "mono|stereo|3.0|quad|5.0|5.1|6.1|7.1"}


def source_tracks(
    wanted: Beside,
    source: SourceInfo,
    opened: tuple[str, ...],
    folder: Path,
    notice: Callable[[str], None],
    late: Mapping[int, Fraction],
) -> list[FilmTrack]:
    """Return the sound tracks of a source that the film gets; call `notice` for each that is not kept unchanged.

    `late`: as of a `FilmTrack`, by their numbers.
    """
    tracks = [
        FilmTrack(opened, "a", stream.number, (), late.get(stream.number, Fraction(0))) for stream in source.audio
    ]
    found = [
        _settled(wanted, track, f"sound track {place}", stream, folder, notice)
        for place, (track, stream) in enumerate(zip(tracks, source.audio, strict=True), 1)
    ]
    return [
        track.described(of, wanted.muxer) for track, of in zip(found, source.audio, strict=True) if track is not None
    ]


def music_tracks(wanted: Beside, music: Path, folder: Path, notice: Callable[[str], None]) -> list[FilmTrack]:
    """Return the first sound track of a file, from its beginning to the film's end, as `source_tracks` does."""
    stream, *others = all_tracks(music)
    track = FilmTrack(tuple(source_arguments(music)), "a", stream.number, ())
    if others:
        notice(f"left out of {music.name}: {counted(len(others), 'further sound track')}")
    if ends_early(music):
        notice(f"{music.name} is cut short: its sound ends where it breaks off")
    found = _settled(wanted, track, f"the sound of {music.name}", stream, folder, notice)
    return [] if found is None else [found]


def _settled(
    wanted: Beside, track: FilmTrack, name: str, stream: Stream, folder: Path, notice: Callable[[str], None]
) -> FilmTrack | None:
    """Return a track in the first way that works: copied, re-encoded, re-encoded in stereo; None where none does."""
    name, why, seen = f"{name} ({stream.codec})", f"{wanted.muxer} does not keep it as it is", Trial()
    alone, damaged = folder / "alone", f"{name} is damaged in places: there the film's is, too"
    held = any(fnmatchcase(stream.codec, pattern) for pattern in AUDIO[wanted.muxer][0])
    if held and stream.codec in LOSSLESS and _is_cut(wanted):
        again = _encoded_by(wanted, track, (stream.codec,))
        if write_alone(again, wanted.muxer, wanted.until, alone).packets and not is_broken(track, wanted.until):
            return again
    if held and abs(track.late) > HEARD:
        why = "its packets are too long to be cut exactly"
    elif held:
        for copied in _copied(wanted, track, folder):
            seen = write_alone(copied, wanted.muxer, wanted.until, alone)
            if seen.packets:
                if is_broken(copied, wanted.until):
                    notice(damaged)
                return copied
        why = f"it cannot be copied ({seen.trouble})" if seen.trouble else "none of its packets begins in the film"
    for encoded, became in _encoded(wanted, track):
        seen = write_alone(encoded, wanted.muxer, wanted.until, alone)
        if seen.packets:
            notice(f"{name} becomes {became}: {why}")
            if is_broken(track, wanted.until):
                notice(damaged)
            return encoded
    why = seen.trouble or "there is none of it in the film"
    if seen.trouble and stream.codec != "unknown" and is_broken(track, wanted.until):
        why = f"too much of it is damaged ({why})"
    notice(f"{name} is left out: {why}")
    return None


def _copied(wanted: Beside, track: FilmTrack, folder: Path) -> Iterator[FilmTrack]:
    """Yield a track as it is copied, in the order of preference: of a range, through a NUT file.

    NUT keeps times exactly, and not how much a player is to skip at the beginning of the track: after a cut that is
    sound to be heard.
    """
    if not _is_cut(wanted):
        yield replace(track, how=("-c:a:{}", "copy"))
        return
    path = folder / f"{track.number}.nut"
    direct = replace(track, how=("-c:a:{}", "copy", "-copypriorss:a:{}", "0"))  # no packet from before the range
    if write_alone(direct, "nut", wanted.until, path).packets:
        with open_file(path) as container:
            shift = seconds(origin(container))
        yield FilmTrack(("-itsoffset", shift, *source_arguments(path)), "a", 0, ("-c:a:{}", "copy"))
    yield direct  # not every codec fits in NUT


def _encoded(wanted: Beside, track: FilmTrack) -> Iterator[tuple[FilmTrack, str]]:
    """Yield a track as it is re-encoded, in the order of preference, and what it becomes."""
    encoder = AUDIO[wanted.muxer][1]
    became = encoder[0].removeprefix("lib")
    for layouts, said in ((LAYOUTS.get(encoder[0]), became), ("stereo", f"{became} in stereo")):
        yield _encoded_by(wanted, track, encoder, *([f"aformat=channel_layouts={layouts}"] if layouts else [])), said


def _encoded_by(wanted: Beside, track: FilmTrack, encoder: Sequence[str], *further: str) -> FilmTrack:
    """Return a track as an encoder writes it, from the film's beginning on; `further`: filters."""
    exact = [f"asetpts=PTS-({float(track.late):.6f})/TB"] if track.late else []
    filters = ",".join([*exact, *(["atrim=start=0"] if _is_cut(wanted) else []), *further])
    return replace(track, how=("-c:a:{}", *encoder, *(("-filter:a:{}", filters) if filters else ())))


def _is_cut(wanted: Beside) -> bool:
    return wanted.length is not None and wanted.music is None
