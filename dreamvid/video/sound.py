"""The sound of a file, told apart by its packets."""

import hashlib

import av

from dreamvid.errors import SourceError
from dreamvid.media import SourceInfo
from dreamvid.video.ffmpeg import FENCE, location


def hashes(info: SourceInfo) -> tuple[str, ...]:
    """sha256 of each sound track's packets, in order; equal where sound was copied. Raises SourceError."""
    if not info.audio:
        return ()
    try:
        with av.open(location(info.files[0]), options=FENCE) as opened:
            tracks = {stream.index: hashlib.sha256() for stream in opened.streams.audio}
            for packet in opened.demux(opened.streams.audio):
                tracks[packet.stream.index].update(bytes(packet))
    except av.FFmpegError as error:
        raise SourceError(f"the sound of {info.name} cannot be read: {error.strerror}") from None
    return tuple(track.hexdigest() for track in tracks.values())
