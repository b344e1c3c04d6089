"""An open container, and facts that it has about its picture and its clock."""

from collections.abc import Collection
from fractions import Fraction
from pathlib import Path

import av
from av.video.stream import VideoStream

from dreamvid.media.ffmpeg import FENCE, location

MOST_BOXES = 1000  # at the top of an MP4 that are looked at; its index is one of the first, or the last
TS_DISCONT = 0x0200  # libavformat's AVFMT_TS_DISCONT


def open_file(path: Path) -> av.container.InputContainer:
    """Open a file within FENCE; a tag may be in any encoding, and what is not UTF-8 is read as U+FFFD.

    Raises av.FFmpegError where it cannot be opened.
    """
    return av.open(location(path), options=FENCE, metadata_errors="replace")


def picture(container: av.container.Container) -> VideoStream | None:
    """Return the first video stream that is no cover picture; None where there is none."""
    pictures = (s for s in container.streams.video if not s.disposition & av.stream.Disposition.attached_pic)
    return next(pictures, None)


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


def title(stream: av.stream.Stream) -> str:
    """Return the title of a track, which MP4 and MOV have under another name; empty where it has none."""
    own = stream.metadata.get("title") or stream.metadata.get("name", "")
    film = picture(stream.container) if tags_of_file(stream.container) else None
    return "" if film is not None and film.metadata.get("title") == own else own


def tags_of_file(container: av.container.Container) -> str:
    """Return where the tags of a file are, as a part of ffmpeg's `-map_metadata`: in Ogg each track has them."""
    return ":s:v:0" if container.format.name == "ogg" else ""


def left_out(container: av.container.InputContainer) -> list[str]:
    """Return in words what no film gets of a file: further pictures, covers, data, attachments.

    Titles of chapters are data in some containers; a film has them with its chapters.
    """
    covers = [s for s in container.streams.video if s.disposition & av.stream.Disposition.attached_pic]
    pictures = [s for s in container.streams.video if s not in covers and s is not picture(container)]
    data = [s for s in container.streams if s.type == "data"]
    timecodes = [s for s in data if "timecode" in s.metadata]
    titles = [s for s in data if container.chapters() and s.name == "bin_data"][:1]
    found = {
        "further picture track": len(pictures),
        "cover picture": len(covers),
        "timecode track": len(timecodes) or int("timecode" in container.metadata),  # MXF has it in its header
        "data track": len(data) - len(timecodes) - len(titles),
        "attachment": sum(s.type == "attachment" for s in container.streams),
    }
    return [f"{count} {name}{'s' if count > 1 else ''}" for name, count in found.items() if count]


def lead(container: av.container.InputContainer, kinds: Collection[str]) -> Fraction:
    """Return seconds from the start of the first track to time 0 of ffmpeg's clock, if only tracks of `kinds` are open.

    Time 0 is where the file starts; in MPEG streams, whose time stamps start at any value, where the first open track
    starts.
    """
    if not container.format.flags & TS_DISCONT:
        return Fraction(0)
    starts = [
        stream.start_time * stream.time_base
        for stream in container.streams
        if stream.type in kinds and stream.start_time is not None and stream.time_base is not None
    ]
    return min(starts) - origin(container) if starts else Fraction(0)


def origin(container: av.container.InputContainer) -> Fraction:
    """Return the time stamp, in seconds, at which a file's first track starts."""
    return Fraction(container.start_time or 0, av.time_base)
