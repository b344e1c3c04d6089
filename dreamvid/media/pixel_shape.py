"""The shape of a film's pixels, where it may change on the way, as in a broadcast that goes from 4:3 to 16:9."""

from contextlib import suppress
from fractions import Fraction
from math import ceil, floor
from pathlib import Path

import av

from dreamvid.core.errors import SourceError
from dreamvid.media import container

STATED_BY_PICTURES = {"mpegts", "mpeg", "h264", "hevc", "mpegvideo"}  # containers that state no shape for all of it


def check_one_shape(path: Path, name: str) -> None:
    """Raise SourceError for a film whose pixels change their shape, which says where to cut it.

    For containers of `STATED_BY_PICTURES`: others state one shape. Only keyframes are decoded: with them it may change.
    """
    found = list[tuple[Fraction, Fraction, Fraction]]()
    with suppress(av.FFmpegError), container.open_file(path) as opened:  # damage is told elsewhere
        stream = container.picture(opened)
        if stream is None or stream.codec_context is None:
            return
        begin = Fraction(opened.start_time or 0, av.time_base)  # from which ffmpeg counts -ss and -to
        stream.codec_context.thread_type = "NONE"  # so that it knows the shape of each picture that it is given
        for packet in opened.demux(stream):
            tick = container.exact(packet.time_base)
            if packet.is_keyframe and packet.pts is not None and tick is not None:
                packet.decode()
                sar = container.exact(stream.codec_context.sample_aspect_ratio) or Fraction(1)
                if not found or found[-1][0] != sar:
                    decoded = packet.pts if packet.dts is None else packet.dts
                    found.append((sar, decoded * tick, packet.pts * tick))
    if len(found) < 2:
        return
    (was, *_), (now, dts, pts) = found[:2]
    # What is copied ends before the keyframe is decoded, or begins with it.
    end, at = floor(1000 * (dts - begin)) - 1, ceil(1000 * (pts - begin)) + 1
    raise SourceError(
        f"{name}: the shape of its pixels changes from {was.numerator}:{was.denominator} to "
        f"{now.numerator}:{now.denominator} after {at / 1000} s: cut it there, by `ffmpeg -i FILE -to {end}ms -c copy "
        f"one.ts` and `ffmpeg -ss {at}ms -i FILE -c copy two.ts`"
    )
