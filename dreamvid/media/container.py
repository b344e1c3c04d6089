"""An open container: which of its tracks are the film's, what no film gets of it, its clock."""

import re
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.video.stream import VideoStream

from dreamvid.core.types import SourceInfo, Stream
from dreamvid.media.ffmpeg import FENCE, Ffmpeg, location, source_arguments

BROADCASTS = {"mpegts"}  # containers that may hold several programmes
NONE = "No Program"  # ffmpeg's heading of the tracks that are in none
MOST_BOXES = 1000  # at the top of an MP4 that are looked at; its index is one of the first, or the last
TS_DISCONT = 0x0200  # libavformat's AVFMT_TS_DISCONT
# PyAV 19 reads tags so by itself, and no longer takes this.
TAGS_OF_ANY_ENCODING: dict[str, Any] = (
    {} if int(av.__version__.split(".")[0]) >= 19 else {"metadata_errors": "surrogateescape"}
)

_PROGRAMME = re.compile(rf"\[info\]   (Program \d+|{NONE})\b")
_TRACK = re.compile(r"\[info\]   Stream #0:\d+\[(0x[0-9a-f]+)\]")


def exact(ratio: object) -> Fraction | None:
    """Return a ratio of PyAV, such as a rate or the seconds of a clock's tick; None where the file tells none.

    PyAV 19 has a type of its own for them, whose arithmetic rounds.
    """
    return Fraction(str(ratio)) if ratio else None


def pictures(container: av.container.Container) -> list[VideoStream]:
    """Return the video streams that are no cover pictures: ffmpeg's `V`."""
    return [s for s in container.streams.video if not s.disposition & av.stream.Disposition.attached_pic]


def open_file(path: Path) -> av.container.InputContainer:
    """Open a file within FENCE; a tag may be in any encoding: bytes that are not UTF-8 are read as lone surrogates.

    Raises av.FFmpegError where it cannot be opened.
    """
    return av.open(location(path), options=FENCE, **TAGS_OF_ANY_ENCODING)


def picture(container: av.container.Container) -> VideoStream | None:
    """Return the film's picture, as players choose it: the first that is marked as default, else the first.

    None where all are covers, or there is none.
    """
    found = pictures(container)
    marked = (s for s in found if s.disposition & av.stream.Disposition.default)
    return next(marked, found[0] if found else None)


def elsewhere(container: av.container.InputContainer, path: Path) -> frozenset[int]:
    """Return the ids of the tracks that are not the film's: those of a broadcast's programmes that lack its picture.

    Empty where the picture is in no programme. `path`: the file that is open. Raises ToolError where ffmpeg hangs.
    """
    film = picture(container)
    if film is None or container.format.name not in BROADCASTS:
        return frozenset()
    programmes = _programmes(path)
    own = [tracks for tracks in programmes if film.id in tracks]
    return frozenset[int]().union(*programmes).difference(*own) if own else frozenset()


def _programmes(path: Path) -> list[set[int]]:
    """Return the ids of the tracks of each programme of a file, which only ffmpeg's log tells."""
    found: dict[str, set[int]] = {}
    last = set[int]()

    def hear(line: str) -> None:
        nonlocal last
        if match := _PROGRAMME.match(line):
            last = found.setdefault(match[1], set())
        elif match := _TRACK.match(line):
            last.add(int(match[1], 16))

    with Ffmpeg(source_arguments(path), hear=hear) as ffmpeg:
        ffmpeg.finish()  # it ends with an error, since it is told of no output
    found.pop(NONE, None)
    return [*found.values()]


def lacks_index(path: Path) -> bool:
    """Return whether a file begins as MP4 and MOV do, and has none of their indexes: their end was not written.

    Raises OSError where it cannot be read.
    """
    with path.open("rb") as file:
        at, names, size = 0, list[bytes](), path.stat().st_size
        while at + 8 <= size and len(names) < MOST_BOXES:
            file.seek(at)
            head = file.read(16)
            length = int.from_bytes(head[:4], "big")
            if length == 1:  # a long box
                length = int.from_bytes(head[8:], "big")
            names.append(head[4:8])
            at += length if length >= 8 else size  # 0: to the end of the file
    return names[:1] in ([b"ftyp"], [b"wide"], [b"mdat"]) and b"mdat" in names and b"moov" not in names


def chosen(streams: Sequence[av.stream.Stream], tracks: Iterable[Stream]) -> list[av.stream.Stream]:
    """Return those of all streams of a kind that are the `tracks` of a film."""
    numbers = {track.number for track in tracks}
    return [stream for number, stream in enumerate(streams) if number in numbers]


def facts(number: int, stream: av.stream.Stream) -> Stream:
    """Return the facts of a track other than video; `number`: among those of its kind."""
    context = stream.codec_context
    codec = context.codec.canonical_name if context is not None else "unknown"
    marks = "+".join(str(mark.name) for mark in stream.disposition)
    return Stream(codec, stream.language or "und", title(stream), marks, number)


def title(stream: av.stream.Stream) -> str:
    """Return the title of a track, which MP4 and MOV have under another name; empty where it has none."""
    own = stream.metadata.get("title") or stream.metadata.get("name", "")
    film = picture(stream.container) if tags_of_file(stream.container) else None
    return "" if film is not None and film.metadata.get("title") == own else own


def tags_of_file(container: av.container.Container) -> str:
    """Return where the tags of a file are, as a part of ffmpeg's `-map_metadata`: in Ogg each track has them."""
    film = picture(container) if container.format.name == "ogg" else None
    return "" if film is None else f":s:{film.index}"


def left_out(container: av.container.InputContainer, source: SourceInfo) -> list[str]:
    """Return in words what the film of a source does not get of its file: further pictures, covers, data, attachments.

    And the tracks of other programmes. Titles of chapters are data in some containers; a film has them with its
    chapters.
    """
    further = [stream for number, stream in enumerate(pictures(container)) if number != source.picture]
    sizes = ", ".join(f"{s.width}x{s.height}" for s in further if s.codec_context is not None and s.width)
    sounds, subtitles = container.streams.audio, container.streams.subtitles
    data = [s for s in container.streams if s.type == "data"]
    timecodes = [s for s in data if "timecode" in s.metadata]
    titles = [s for s in data if container.chapters() and s.name == "bin_data"][:1]
    found = {
        "further picture track{}" + (f" ({sizes})" if sizes else ""): len(further),
        "sound track{} of another programme": len(sounds) - len(chosen(sounds, source.audio)),
        "subtitle track{} of another programme": len(subtitles) - len(chosen(subtitles, source.subtitles)),
        "cover picture{}": len(container.streams.video) - len(pictures(container)),
        "timecode track{}": len(timecodes) or int("timecode" in container.metadata),  # MXF has it in its header
        "data track{}": len(data) - len(timecodes) - len(titles),
        "attachment{}": sum(s.type == "attachment" for s in container.streams),
    }
    return [f"{count} {name.format('s' if count > 1 else '')}" for name, count in found.items() if count]


def lead(container: av.container.InputContainer, opened: Iterable[av.stream.Stream]) -> Fraction:
    """Return seconds from the start of the first track to time 0 of ffmpeg's clock, if only the `opened` ones are open.

    Time 0 is where the file starts; in MPEG streams, whose time stamps start at any value, where the first open track
    starts.
    """
    if not container.format.flags & TS_DISCONT:
        return Fraction(0)
    ticks = [(stream.start_time, exact(stream.time_base)) for stream in opened]
    starts = [start * tick for start, tick in ticks if start is not None and tick is not None]
    return min(starts) - origin(container) if starts else Fraction(0)


def origin(container: av.container.InputContainer) -> Fraction:
    """Return the time stamp, in seconds, at which a file's first track starts."""
    return Fraction(container.start_time or 0, av.time_base)
