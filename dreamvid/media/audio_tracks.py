"""Sound tracks of a file: which is the first that a player plays, hashes of the packets of each."""

import hashlib
from pathlib import Path

import av

from dreamvid.core.errors import SourceError
from dreamvid.core.types import SourceInfo, Stream
from dreamvid.media import container
from dreamvid.media.container import open_file


def first_track(file: Path) -> Stream:
    """Return the first sound track of a file, of the programme of its picture if that has any.

    Raises SourceError where there is none or the file cannot be read.
    """
    return all_tracks(file)[0]


def all_tracks(file: Path) -> list[Stream]:
    """Return all sound tracks of a file, that of `first_track` first; raises as that does."""
    try:
        if file.exists() and not file.is_file():  # opening a named pipe would block
            raise SourceError(f"{file.name} is not a regular file: copy it to one first")
        with open_file(file) as opened:
            elsewhere = container.elsewhere(opened, file)
            found = sorted(enumerate(opened.streams.audio), key=lambda track: track[1].id in elsewhere)
            if found:
                return [container.facts(*track) for track in found]
    except (av.error.ArgumentError, av.error.InvalidDataError):
        raise SourceError(
            f"the sound of {file.name} cannot be read: its header is missing or damaged, or it is another kind of file"
        ) from None
    except (av.FFmpegError, OSError) as error:
        raise SourceError(f"the sound of {file.name} cannot be read: {error.strerror}") from None
    raise SourceError(f"{file.name} has no sound")


def hashes(info: SourceInfo) -> tuple[str, ...]:
    """Return the sha256 of the packets of each of a film's sound tracks, in order; equal for stream copies.

    Raises SourceError where they cannot be read.
    """
    if not info.audio:
        return ()
    try:
        with open_file(info.files[0]) as opened:
            streams = container.chosen(opened.streams.audio, info.audio)
            tracks = {stream.index: hashlib.sha256() for stream in streams}
            for packet in opened.demux(streams):
                tracks[packet.stream.index].update(bytes(packet))
    except av.FFmpegError as error:
        raise SourceError(f"the sound of {info.name} cannot be read: {error.strerror}") from None
    return tuple(track.hexdigest() for track in tracks.values())
