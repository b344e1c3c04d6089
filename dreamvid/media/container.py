"""What an open container says of its picture and its clock."""

from collections.abc import Collection
from fractions import Fraction

import av
from av.video.stream import VideoStream

TS_DISCONT = 0x0200  # libavformat's AVFMT_TS_DISCONT


def picture(container: av.container.InputContainer) -> VideoStream | None:
    """The first video stream that is no cover picture."""
    pictures = (s for s in container.streams.video if not s.disposition & av.stream.Disposition.attached_pic)
    return next(pictures, None)


def lead(container: av.container.InputContainer, kinds: Collection[str]) -> Fraction:
    """Seconds from the start of the first track to the zero of ffmpeg's clock when only tracks of `kinds` are used.

    That is where the file starts; of MPEG streams, whose stamps begin anywhere, where the first track in use does.
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
    """The time stamp, in seconds, with which a file's first track starts."""
    return Fraction(container.start_time or 0, av.time_base)
