"""Tracks besides the picture as ffmpeg arguments: sound, subtitles, chapters; first of a source, then of a trial film.

Before the first frame, a trial film of a few plain frames gets them from the source. The film itself copies them from
the trial film: so it needs neither the source any more, nor anything that has not been done before.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av

from dreamvid.core.errors import ToolError
from dreamvid.core.timing import nearest_whole
from dreamvid.core.types import SourceInfo
from dreamvid.media import sound, subtitles, tags
from dreamvid.media.container import chosen, exact, facts, lead, left_out, open_file, origin, title
from dreamvid.media.ffmpeg import source_arguments
from dreamvid.media.tracks import Beside, FilmTrack, marked, seconds

FINE = Fraction(1, 1000)  # seconds: a clock that counts in no more is not corrected


@dataclass
class Tracks:
    """Arguments that open the inputs besides the picture (input 0) and map them, and the number of sound tracks."""

    inputs: list[str] = field(default_factory=list)
    maps: list[str] = field(default_factory=list)
    audio: int = 0


def plan(wanted: Beside, folder: Path, notice: Callable[[str], None]) -> Tracks:
    """Plan sound, subtitles and chapters; call `notice` with one line for each that cannot be kept unchanged.

    Each track is tried by writing it alone. What has to be cut is in files in `folder`.
    """
    source = wanted.source
    if source is not None and source.kind != "video":
        source = None
    if source is not None and (others := _others(source)):
        notice(f"left out of {source.name}: {', '.join(others)}")
    home, films = wanted.muxer or "a folder of images", wanted.muxer in sound.AUDIO
    if not films:
        if source is not None and (lost := _beside(source, wanted.music is None)):
            notice(f"left out of {source.name}: {', '.join(lost)}; {home} cannot contain that")
        if wanted.music is not None:
            notice(f"the sound of {wanted.music.name} is left out: {home} cannot contain sound")
        return Tracks()
    tracks: list[FilmTrack] = []
    opened: tuple[str, ...] = ()
    named: list[str] = []
    if source is not None:
        opened, named, late = _opened(wanted, source)
        if wanted.music is None:
            tracks += sound.source_tracks(wanted, source, opened, folder, notice, late)
        tracks += subtitles.source_tracks(wanted, source, opened, folder, notice)
        if tracks and wanted.repeats:
            notice(
                f"sound and subtitles of {source.name} are those of the first cycle, and then there are none: "
                "give --audio FILE for sound to the end"
            )
    if wanted.music is not None:
        tracks += sound.music_tracks(wanted, wanted.music, folder, notice)
    planned = _joined(opened, tracks, named)
    planned.maps += wanted.until + _delayed(wanted)
    return planned


def carried(trial: Path, wanted: Beside) -> Tracks:
    """Return the tracks of a trial film, which are at the same times after the first picture as they are there.

    Raises ToolError where it cannot be read.
    """
    if wanted.muxer not in sound.AUDIO:
        return Tracks()
    try:
        with open_file(trial) as container:
            film = container.streams.video[0]
            begins = (film.start_time or 0) * (exact(film.time_base) or 0) - origin(container)
            audio = len(container.streams.audio)
            named = [*_named("a", container.streams.audio), *_named("s", container.streams.subtitles)]
    except (av.FFmpegError, IndexError):
        raise ToolError(f"{trial}, which holds the sound, cannot be read: run again to resume") from None
    shift = ["-itsoffset", seconds(-begins)] if begins else []
    maps = ["-map", "1:a?", "-map", "1:s?", "-c:a", "copy", "-c:s", "copy"]
    maps += ["-map_metadata", "1", "-map_chapters", "1", *named, *_delayed(wanted)]
    return Tracks([*shift, *source_arguments(trial)], maps, audio)


def _named(kind: str, streams: Sequence[av.stream.Stream]) -> list[str]:
    """Return the options that give tracks their marks again, and titles, which MP4 has under another name."""
    found = list[str]()
    for number, stream in enumerate(streams):
        found += marked(kind, number, facts(number, stream).marks)
        if text := title(stream):
            found += [f"-metadata:s:{kind}:{number}", f"title={text}"]
    return found


def _others(source: SourceInfo) -> list[str]:
    """Return in words what of a source no film gets.

    Nothing of stills (the tracks of an AVIF are its frames and its cover), or where PyAV cannot read it, as a WebP.
    """
    if source.reader == "images":
        return []
    found: list[str] = []
    with suppress(av.FFmpegError), open_file(source.files[0]) as container:
        found += left_out(container, source)
    return [*found, *source.beside]


def _beside(source: SourceInfo, sounds: bool) -> list[str]:
    """Return in words which tracks a source has; of sound only where it `sounds`."""
    tracks = {"sound": source.audio if sounds else (), "subtitles": source.subtitles, "chapters": source.chapters}
    return [name for name, there in tracks.items() if there]


def _joined(opened: tuple[str, ...], tracks: Sequence[FilmTrack], named: list[str]) -> Tracks:
    """Return the arguments of several tracks, each file opened once; the source, where there is one, is the first.

    `named`: see `tags.options`.
    """
    files = list(dict.fromkeys(([opened] if opened else []) + [track.opened for track in tracks]))
    maps = [*named, "-map_chapters", "1"] if opened else []
    count = {"a": 0, "s": 0}
    for track in tracks:
        maps += track.mapped(1 + files.index(track.opened), count[track.kind])
        count[track.kind] += 1
    return Tracks([word for file in files for word in file], maps, count["a"])


def _opened(wanted: Beside, source: SourceInfo) -> tuple[tuple[str, ...], list[str], dict[int, Fraction]]:
    """Return the arguments that open a source such that the film's first frame is at time 0, and its `tags.options`.

    Also returned: `FilmTrack.late` of its sound tracks, by number.
    """
    # No `-ss`: it seeks to an index entry. With shifted time stamps, packets before 0 are dropped exactly.
    shift, named, late = -wanted.start, ["-map_metadata", "1"], dict[int, Fraction]()
    with suppress(av.FFmpegError), open_file(source.files[0]) as container:
        named, streams = tags.options(container), container.streams
        shift += lead(container, [*chosen(streams.audio, source.audio), *chosen(streams.subtitles, source.subtitles)])
        late = {number: _late(shift, exact(stream.time_base) or FINE) for number, stream in enumerate(streams.audio)}
    opened = (*(("-itsoffset", seconds(shift)) if shift else ()), *source_arguments(source.files[0]))
    return opened, named, late


def _late(shift: Fraction, unit: Fraction) -> Fraction:
    """Return by how many seconds a track comes late whose clock counts in a unit; 0 where that is fine enough."""
    return nearest_whole(shift / unit) * unit - shift if unit > FINE else Fraction(0)


def _delayed(wanted: Beside) -> list[str]:
    """Return the option that keeps the delay of the picture after the sound."""
    # In the muxer, since its clock is finer than the frame rate.
    late = wanted.source is not None and wanted.source.kind == "video" and wanted.length is None and wanted.delay
    return ["-output_ts_offset", seconds(wanted.delay)] if late else []
