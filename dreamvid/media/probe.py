"""Facts about a source as SourceInfo: from a strict decode where possible, else from the container."""

import logging
import math
import os
import re
import stat
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.video.stream import VideoStream

from dreamvid.core.errors import SourceError
from dreamvid.core.framing import MAX_SIDE
from dreamvid.core.lost import refuse_damage
from dreamvid.core.paths import sha256_of
from dreamvid.core.timing import FASTEST, LONGEST, SLOWEST
from dreamvid.core.types import SourceInfo, Stream
from dreamvid.media import container, decode, images, stills
from dreamvid.media.damage import Mended, mend
from dreamvid.media.filters import to_rgb
from dreamvid.media.pixel_shape import STATED_BY_PICTURES, check_one_shape
from dreamvid.media.timeline import as_browsers_show, timeline

logger = logging.getLogger(__name__)

ANIMATED = (b"GIF8", b"acTL", b"ANIM")  # in the head: ffmpeg reads it as a video
MOTION_JPEG = (".mjpeg", ".mjpg")  # suffixes of JPEGs one after the other: each begins as a still does
WIDEST = 10  # times as wide as high, or as high as wide, that a pixel may be
PLAYLISTS = (b"#EXTM3U", b"ffconcat", b"v=0", b"[playlist]", b"<?xml")


@dataclass(frozen=True)
class Facts:
    """Facts that only the container has.

    `rates`: frame rates that it claims, most trusted first; `size`: (width, height) as the decoder
    delivers them, before rotation and the container's cropping; `picture`, `audio`, `subtitles`: see `SourceInfo`;
    `lead`: see `container.lead`; `container`: its name, as ffmpeg has it.
    """

    rates: tuple[Fraction, ...] = ()
    decoder: str = ""
    alpha: bool = False
    size: tuple[int, int] = (0, 0)
    picture: int = 0
    audio: tuple[Stream, ...] = ()
    subtitles: tuple[Stream, ...] = ()
    chapters: int = 0
    lead: Fraction = Fraction(0)
    container: str = ""


def probe(source: str, *, tolerate_damage: bool = False, leave_damage: bool = False) -> SourceInfo:
    """Return all facts about a source: a video, a GIF, a still or a folder of images.

    With `tolerate_damage` a damaged frame repeats the last good one and is listed in `damaged`; with `leave_damage`
    also, for the frames of a video: the caller knows which of them are shown, and calls `refuse_damage`. Raises
    SourceError, with one line about what is wrong, for a source that cannot be read completely.
    """
    if not source:
        raise SourceError("the source has no name: give a video, a GIF, a still or a folder of images")
    path = Path(os.path.abspath(source))  # noqa: PTH100 (resolve would follow links)
    info = _probe(path, tolerate_damage, leave_damage)
    if info.rate < SLOWEST:
        raise SourceError(
            f"{info.name} shows {float(info.rate):.3g} frames per second: at least {float(SLOWEST):g} are read, so "
            "correct its rate, or convert it"
        )
    return info


def _probe(path: Path, tolerate_damage: bool, leave_damage: bool) -> SourceInfo:
    name = images.short_name(path)
    head = _head(path, name)
    if path.is_dir():
        return images.probe_folder(path, tolerate_damage=tolerate_damage)
    if path.suffix.lower() in MOTION_JPEG or not stills.is_picture(head):
        return _probe_video(path, name, head, tolerate_damage, leave_damage)
    animated = any(sign in head for sign in ANIMATED)
    pages, hdr = images.count_pages(path, tolerate_damage=(tolerate_damage or leave_damage) and animated)
    if animated or hdr:
        info = _probe_video(path, name, head, tolerate_damage, leave_damage)
        if info.damaged or info.frames >= pages:
            return info
    if pages == 1:
        return images.probe_still(path, identity(path))
    return images.probe_pages(path, identity(path))


def identity(path: Path) -> str:
    """Return the sha256 of all bytes of a file; raise SourceError where they cannot be read."""
    try:
        return sha256_of(path)
    except OSError as error:
        raise SourceError(f"{images.short_name(path)} cannot be read: {error.strerror}") from None


def _hint(path: Path) -> str:
    """Return what to do instead, where what is given as a file is known to be none."""
    if path.name == "-":
        return "; a pipe cannot be read: write it to a file first"
    if re.search(r"(^|/)\w{2,}:/", path.as_posix()):  # of `//`, a path keeps one
        return "; addresses are not read: download the file first"
    return "; give the folder that holds the images" if "%" in path.name else ""


def _head(path: Path, name: str) -> bytes:
    try:
        if path.is_symlink() and not path.exists():
            raise SourceError(f"{name} is a link to a file that does not exist")
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return b""
        if not stat.S_ISREG(mode):
            raise SourceError(f"{name} is not a regular file: copy it to one first")
        with path.open("rb") as file:
            head = file.read(4096)
    except FileNotFoundError:
        raise SourceError(
            f"{name}: there is no such file in {images.short_name(path.parent, whole=True)}{_hint(path)}"
        ) from None
    except (OSError, ValueError) as error:
        raise SourceError(f"{name} cannot be opened: {getattr(error, 'strerror', error)}") from None
    if not head:
        raise SourceError(f"{name} is empty (0 bytes)")
    if head.lstrip().startswith(PLAYLISTS) and b"<svg" not in head:
        raise SourceError(
            f"{name} is a playlist or a text that names other files: give the video itself; one that is in parts is "
            "joined by `ffmpeg -i FILE -c copy one.mkv`"
        )
    return head


def _probe_video(path: Path, name: str, head: bytes, tolerate: bool, leave: bool) -> SourceInfo:
    facts = Facts(alpha=True) if head[:4] == b"RIFF" and head[8:12] == b"WEBP" else _facts(path, name, head)
    seen = decode.decode(path, decoder=facts.decoder, picture=facts.picture)
    found = Mended(seen)
    if seen.errors or not seen.times:
        found = mend(path, name, seen, tolerate, decoder=facts.decoder, picture=facts.picture)
        seen = found.decoded
    if len(seen.sizes) > 1:
        raise SourceError(f"{name}: {_in_one_size(seen.sizes)}")
    if facts.container in STATED_BY_PICTURES:
        check_one_shape(path, name)
    stamps, last = [None if time is None else time + facts.lead for time in seen.times], seen.last
    if stills.is_picture(head) and any(sign in head for sign in ANIMATED):
        stamps, last = as_browsers_show(stamps, last)
    line = timeline(stamps, last, facts.rates)
    if line.note:
        logger.info("%s: %s", name, line.note)
    if line.end * line.rate > LONGEST:  # a time stamp far away, which no header told
        raise SourceError(
            f"{name} lasts {float(line.end):.10g} s, {float(line.end * line.rate):.10g} frames at "
            f"{float(line.rate):g} per second: at most {LONGEST} are read, "
            "so correct its time stamps, or cut it into parts"
        )
    (width, height), _ = seen.sizes[0]
    filters = to_rgb(name, seen, facts.size, facts.alpha)
    info = SourceInfo(
        name=name,
        kind="video",
        reader="ffmpeg",
        height=height,
        width=width,
        times=line.times,
        end=line.end,
        rate=line.rate,
        identity=identity(path),
        sar=_believed(seen.sar, name),
        delay=line.delay,
        decoder=facts.decoder,
        picture=facts.picture,
        filters=",".join(part for part in (found.filter, *filters) if part),
        renews=seen.mixed and len(seen.colours) < 2,
        files=(path,),
        audio=facts.audio,
        subtitles=facts.subtitles,
        chapters=facts.chapters,
        beside=seen.beside,
        damaged=found.damaged,
        promised=found.promised,
    )
    if not (tolerate or leave):
        refuse_damage(info, range(info.frames))
    return info


def _in_one_size(sizes: list[tuple[tuple[int, int], int]]) -> str:
    """Return what to do with a film whose size changes: see `Decoded.sizes`."""
    (old, _), (new, number) = sizes[:2]
    width, height = (side + side % 2 for side in max((size for size, _ in sizes), key=math.prod))  # as H.264 needs it
    return (
        f"the size changes from {old[0]}x{old[1]} to {new[0]}x{new[1]} at frame {number}: bring all to one by "
        f"`ffmpeg -i FILE -vf scale={width}:{height}:force_original_aspect_ratio=decrease,pad={width}:{height}:-1:-1 "
        "-c:v libx264 -crf 12 -c:a copy one.mkv`"
    )


def _believed(sar: Fraction, name: str) -> Fraction:
    """Return the width over the height of a pixel; 1, with a line that says so, where no camera has such pixels."""
    if Fraction(1, WIDEST) <= sar <= WIDEST:
        return sar
    shape = f"{sar.numerator}:{sar.denominator}"
    logger.info(f"{name} says that its pixels are {shape}: that is not believed, and they are taken as square")
    return Fraction(1)


def _facts(path: Path, name: str, head: bytes) -> Facts:
    try:
        with container.open_file(path) as opened:
            stream = container.picture(opened)
            if stream is None:
                cover = " (a cover picture is not one)" if opened.streams.video else ""
                raise SourceError(f"{name} contains no video{cover}")
            if stream.codec_context is None:
                raise SourceError(
                    f"{name}: its picture is stored in a codec that is not known here: convert it to H.264 or FFV1 "
                    "where it can be played"
                )
            _check_claims(name, opened, stream)
            hidden = stream.metadata.get("alpha_mode") == "1"  # vp8 and vp9 store alpha in a separate stream
            codec = stream.codec_context.codec.canonical_name
            rates = map(container.exact, (stream.guessed_rate, stream.average_rate, stream.base_rate))
            elsewhere = container.elsewhere(opened, path)
            return Facts(
                rates=tuple(rate for rate in rates if rate),
                decoder=f"libvpx{'-vp9' if codec == 'vp9' else ''}" if hidden and codec in ("vp8", "vp9") else "",
                alpha=hidden,
                size=(stream.width, stream.height),
                picture=container.pictures(opened).index(stream),
                audio=_own(elsewhere, opened.streams.audio),
                subtitles=_own(elsewhere, opened.streams.subtitles),
                chapters=len(opened.chapters()),
                lead=container.lead(opened, [stream]),
                container=opened.format.name,
            )
    except (av.FFmpegError, UnicodeError) as error:
        why = images.unread(path, head)
        if not why and container.lacks_index(path):
            why = "its index is missing: it may be an incomplete download or recording, so copy it again"
        if not why:
            reason = getattr(error, "strerror", None) or str(error)
            why = f"its header is missing or damaged, or it is another kind of file ({reason})"
        raise SourceError(f"{name} cannot be opened as a video or an image: {why}") from None


def _check_claims(name: str, opened: av.container.InputContainer, stream: VideoStream) -> None:
    """Raise SourceError where a header claims more than is ever decoded, before anything is."""
    if max(stream.width, stream.height) > MAX_SIDE:
        raise SourceError(
            f"{name} is {stream.width}x{stream.height}: a side may have at most {MAX_SIDE} pixels, "
            "so scale it down first"
        )
    rates = [rate for rate in map(container.exact, (stream.guessed_rate, stream.average_rate)) if rate]
    if stream.frames != 1 and rates and min(rates) > FASTEST:  # that of one frame means nothing
        raise SourceError(
            f"{name} claims {float(min(rates)):.10g} frames per second: at most {FASTEST} are read, "
            "so correct its rate, or convert it"
        )
    seconds = Fraction(opened.duration or 0, av.time_base)
    claimed = max(stream.frames, int(seconds * min(rates)) if rates else 0)
    if claimed > LONGEST:
        raise SourceError(
            f"{name} claims {claimed} frames: at most {LONGEST} are read, so correct its header, or cut it into parts"
        )


def _own(elsewhere: Collection[int], streams: Sequence[av.stream.Stream]) -> tuple[Stream, ...]:
    """Return the facts of all tracks of a kind, but of those whose ids are `elsewhere`."""
    return tuple(container.facts(*track) for track in enumerate(streams) if track[1].id not in elsewhere)
