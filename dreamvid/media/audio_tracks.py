"""Sound tracks of a file: codec of the first, hashes of the packets of each."""

import hashlib
from pathlib import Path

import av

from dreamvid.core.errors import SourceError
from dreamvid.core.types import SourceInfo, Stream
from dreamvid.media.container import open_file


def first_track(file: Path) -> Stream:
    """Return the codec of the first sound track of a file; raise SourceError where it has none or cannot be read."""
    return all_tracks(file)[0]


def all_tracks(file: Path) -> list[Stream]:
    """Return the codecs of the sound tracks of a file, one at least; else as `first_track`."""
    try:
        if file.exists() and not file.is_file():  # opening a named pipe would block
            raise SourceError(f"{file.name} is not a regular file: copy it to one first")
        with open_file(file) as opened:
            contexts = [stream.codec_context for stream in opened.streams.audio]
            if contexts:
                return [Stream(context.codec.canonical_name if context else "unknown") for context in contexts]
    except (av.error.ArgumentError, av.error.InvalidDataError):
        raise SourceError(
            f"the sound of {file.name} cannot be read: its header is missing or damaged, or it is another kind of file"
        ) from None
    except (av.FFmpegError, OSError) as error:
        raise SourceError(f"the sound of {file.name} cannot be read: {error.strerror}") from None
    raise SourceError(f"{file.name} has no sound")


def hashes(info: SourceInfo) -> tuple[str, ...]:
    """Return the sha256 of each sound track's packets, in order; equal for stream copies. Raise SourceError."""
    if not info.audio:
        return ()
    try:
        with open_file(info.files[0]) as opened:
            tracks = {stream.index: hashlib.sha256() for stream in opened.streams.audio}
            for packet in opened.demux(opened.streams.audio):
                tracks[packet.stream.index].update(bytes(packet))
    except av.FFmpegError as error:
        raise SourceError(f"the sound of {info.name} cannot be read: {error.strerror}") from None
    return tuple(track.hexdigest() for track in tracks.values())
