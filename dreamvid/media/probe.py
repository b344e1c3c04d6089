"""Facts about a source as SourceInfo: from a strict decode where possible, else from the container."""

import hashlib
import os
import stat
import struct
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from math import ceil
from pathlib import Path

import av

from dreamvid.core.errors import SourceError
from dreamvid.core.framing import MAX_SIDE
from dreamvid.core.types import SourceInfo, Stream
from dreamvid.media import container, decode, images, stills
from dreamvid.media.damage import mend
from dreamvid.media.ffmpeg import FENCE, has_filter, location

MAX_RATE = 240  # a base rate above it is a time base (1000, 90000), not a frame rate
STANDARD_RATES = (
    *(Fraction(rate, 1001) for rate in (24000, 30000, 60000)),
    *map(Fraction, (24, 25, 30, 50, 60, 120, 240)),
)

# What OpenCV reads bit-equal to ffmpeg, as measured. Other sources come out wrong: interlaced black, mirrored upside
# down, HDR off by 39 levels, 10 bits by 1.4, and alpha is dropped.
PLAIN_CODECS = {"h264", "hevc", "mpeg4", "vp8", "vp9", "ffv1"}  # no AV1: OpenCV's wheel decodes it only in hardware
PLAIN_FORMATS = {"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "avi", "mpegts"}
PLAIN_PIXELS = {"yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "gray"}
PLAIN_SPACES = {"unknown", "bt709", "smpte170m", "bt470bg"}

TO_SDR = (
    "zscale=transfer=linear:npl=100,format=gbrpf32le,zscale=primaries=bt709,tonemap=hable:desat=0,"
    "zscale=transfer=bt709:matrix=bt709:range=tv,format=yuv444p"
)
OVER_BLACK = "format=gbrap,premultiply=inplace=1,format=gbrp"
DEINTERLACE = "bwdif=mode=send_frame:deint=interlaced"

ANIMATED = (b"GIF8", b"acTL", b"ANIM")  # in the head: ffmpeg reads it as a video
PLAYLISTS = (b"#EXTM3U", b"ffconcat", b"v=0", b"[playlist]", b"<?xml")


@dataclass(frozen=True)
class Facts:
    """Facts that only the container has.

    `rates`: frame rates that it claims, most trusted first; `turned`: mirrored or rotated by other than quarter turns;
    `pictures`: number of video tracks; `lead`: see `container.lead`.
    """

    format: str = ""
    codec: str = ""
    rates: tuple[Fraction, ...] = ()
    turned: bool = False
    decoder: str = ""
    alpha: bool = False
    pictures: int = 1
    audio: tuple[Stream, ...] = ()
    subtitles: tuple[Stream, ...] = ()
    chapters: int = 0
    lead: Fraction = Fraction(0)


def probe(source: str, *, tolerate_damage: bool = False) -> SourceInfo:
    """Return all facts about a source: a video, a GIF, a still or a folder of images.

    With `tolerate_damage` a damaged frame repeats the last good one and is listed in `damaged`. Raises SourceError,
    with one line about what is wrong, for a source that cannot be read completely.
    """
    if not source:
        raise SourceError("the source has no name: give a video, a GIF, a still or a folder of images")
    path = Path(os.path.abspath(source))  # noqa: PTH100 (resolve would follow links)
    name = images.short_name(path)
    head = _head(path, name)
    if path.is_dir():
        return images.probe_folder(path)
    if not stills.is_picture(head):
        return _probe_video(path, name, head, tolerate_damage)
    animated = any(sign in head for sign in ANIMATED)
    pages, hdr = images.count_pages(path, tolerate_damage=tolerate_damage and animated)
    if animated or hdr:
        info = _probe_video(path, name, head, tolerate_damage)
        if info.damaged or info.frames >= pages:
            return info
    if pages == 1:
        return images.probe_still(path, identity(path))
    return images.probe_pages(path, identity(path), base_rate)


def _is_text(name: str) -> bool:
    """Return whether a name can be encoded as UTF-8: OpenCV crashes on one that cannot."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def identity(path: Path) -> str:
    """Return the sha256 of all bytes of a file; raise SourceError where they cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise SourceError(f"{images.short_name(path)} cannot be read: {error.strerror}") from None


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
        hint = "; give the folder that holds the images" if "%" in path.name else ""
        raise SourceError(
            f"{name}: there is no such file in {images.short_name(path.parent, whole=True)}{hint}"
        ) from None
    except (OSError, ValueError) as error:
        raise SourceError(f"{name} cannot be opened: {getattr(error, 'strerror', error)}") from None
    if not head:
        raise SourceError(f"{name} is empty (0 bytes)")
    if head.lstrip().startswith(PLAYLISTS):
        raise SourceError(f"{name} is a playlist or a text that names other files: give the video itself")
    return head


def _probe_video(path: Path, name: str, head: bytes, tolerate: bool) -> SourceInfo:
    facts = Facts(format="webp", alpha=True) if head[:4] == b"RIFF" and head[8:12] == b"WEBP" else _facts(path, name)
    seen = decode.decode(path, decoder=facts.decoder)
    damaged: tuple[int, ...] = ()
    chosen = ""
    if seen.errors or not seen.times:
        seen, damaged, chosen = mend(path, name, facts.decoder, seen, tolerate)
    if len(seen.sizes) > 1:
        (old, _), (new, number) = seen.sizes[:2]
        raise SourceError(
            f"{name}: the size changes from {old[0]}x{old[1]} to {new[0]}x{new[1]} at frame {number}: "
            "cut it there and dream the parts one by one"
        )
    stamps = [None if time is None else time + facts.lead for time in seen.times]
    delay, times, end, rate = timeline(stamps, seen.last, facts.rates)
    (width, height), _ = seen.sizes[0]
    info = SourceInfo(
        name=name,
        kind="video",
        height=height,
        width=width,
        times=times,
        end=end,
        rate=rate,
        identity=identity(path),
        sar=seen.sar if Fraction(1, 10) <= seen.sar <= 10 else Fraction(1),
        delay=delay,
        decoder=facts.decoder,
        files=(path,),
        audio=facts.audio,
        subtitles=facts.subtitles,
        chapters=facts.chapters,
        damaged=damaged,
    )
    plain = (
        facts.format in PLAIN_FORMATS
        and facts.codec in PLAIN_CODECS
        and facts.pictures == 1
        and seen.pixel_format in PLAIN_PIXELS
        and seen.space in PLAIN_SPACES
        and not (facts.turned or facts.alpha or seen.interlaced or damaged or facts.decoder)
    )
    filters = _filters(name, facts, seen)
    if plain and not filters and _is_text(name):
        return replace(info, reader="opencv")
    return replace(info, reader="ffmpeg", filters=",".join(part for part in (chosen, *filters) if part))


def _filters(name: str, facts: Facts, seen: decode.Decoded) -> list[str]:
    filters = [DEINTERLACE] if seen.interlaced else []
    if seen.transfer in ("smpte2084", "arib-std-b67"):
        if not (has_filter("zscale") and has_filter("tonemap")):
            raise SourceError(
                f"{name} is HDR, and this ffmpeg has no zscale filter to convert it to SDR: convert it to SDR first"
            )
        filters.append(TO_SDR)
    if facts.alpha or _has_alpha(seen.pixel_format):
        filters.append(OVER_BLACK)
    return filters


def _has_alpha(pixel_format: str) -> bool:
    try:
        return any(part.is_alpha for part in av.VideoFormat(pixel_format).components)
    except ValueError:  # a pixel format that is newer than PyAV
        return False


def timeline(
    stamps: list[Fraction | None], last: Fraction, claimed: Iterable[Fraction]
) -> tuple[Fraction, tuple[Fraction, ...], Fraction, Fraction]:
    """Return delay, frame times from 0, end (all in seconds) and base rate for decoded time stamps.

    `last`: duration of the last frame, 0 if unknown; `claimed`: frame rates of the container. If time stamps are
    missing or do not rise, the claimed rate replaces them.
    """
    sane = tuple(rate for rate in claimed if 0 < rate <= 1000)
    usual = sane[0] if sane else Fraction(25)
    known = [stamp for stamp in stamps if stamp is not None]
    delay = max(Fraction(0), known[0]) if known else Fraction(0)
    if len(known) < len(stamps) or any(b <= a for a, b in pairwise(known)):
        count = len(stamps)
        return delay, tuple(n / usual for n in range(count)), count / usual, usual
    times = tuple(stamp - known[0] for stamp in known)
    if last <= 0:
        last = times[-1] - times[-2] if len(times) > 1 else 1 / usual
    end = times[-1] + last
    return delay, times, end, base_rate(times, end, sane)


def base_rate(times: tuple[Fraction, ...], end: Fraction, claimed: tuple[Fraction, ...]) -> Fraction:
    """Return the constant rate that shows every frame: a claimed one, a standard one, or that of the shortest interval.

    `times`: rising seconds from 0; `claimed`: rates of the container, most trusted first.
    """
    if len(times) == 1:  # a GIF of one picture claims only its time base of 100
        return next((rate for rate in (1 / end, *claimed) if 1 <= rate <= MAX_RATE), Fraction(25))
    claimed = tuple(kind for rate in claimed for kind in (_tidy(rate), rate))
    steps = {b - a for a, b in pairwise(times)}
    even = (1 / steps.pop(),) if len(steps) == 1 else ()
    for rate in (*claimed, *even):
        if _places(times, end, rate) == list(range(len(times))):
            return rate
    usual = (*sorted(rate for rate in claimed if rate <= MAX_RATE), *STANDARD_RATES)
    fitting = [rate for rate in usual if len(_places(times, end, rate)) == len(times)]
    if fitting:
        return next((rate for rate in fitting if _on_grid(times, rate)), fitting[0])
    shortest = min(b - a for a, b in pairwise(times))
    return min(Fraction(1000), (1 / shortest).limit_denominator(1001))


def _on_grid(times: tuple[Fraction, ...], rate: Fraction) -> bool:
    """Return whether every time stamp is within a tenth of a frame of a frame time of that rate."""
    return all(abs(time * rate - round(time * rate)) < Fraction(1, 10) for time in times)


def _tidy(rate: Fraction) -> Fraction:
    """Return the whole or NTSC rate that a claim such as 19001/317 was rounded from; else the claim itself."""
    near = min((Fraction(round(rate)), Fraction(round(rate) * 1000, 1001)), key=lambda kind: abs(kind - rate))
    return near if near and abs(near / rate - 1) < Fraction(1, 2000) else rate


def _places(times: tuple[Fraction, ...], end: Fraction, rate: Fraction) -> list[int]:
    """Return the output frame that first shows each source frame (see `timing.frame_map`), up to one never shown."""
    places = [ceil(time * rate - Fraction(1, 2)) for time in (*times, end)]
    hidden = next((number for number, (a, b) in enumerate(pairwise(places)) if a >= b), len(times))
    return places[:hidden]


def _facts(path: Path, name: str) -> Facts:
    try:
        with av.open(location(path), options=FENCE) as opened:
            stream = container.picture(opened)
            if stream is None:
                cover = " (a cover picture is not one)" if opened.streams.video else ""
                raise SourceError(f"{name} contains no video{cover}")
            if max(stream.width, stream.height) > MAX_SIDE:
                raise SourceError(
                    f"{name} is {stream.width}x{stream.height}: a side may have at most {MAX_SIDE} pixels, "
                    "so scale it down first"
                )
            hidden = stream.metadata.get("alpha_mode") == "1"  # vp8 and vp9 store alpha in a separate stream
            codec = stream.codec_context.codec.canonical_name
            rates = (stream.guessed_rate, stream.average_rate, stream.base_rate)
            return Facts(
                format=opened.format.name,
                codec=codec,
                rates=tuple(Fraction(rate) for rate in rates if rate),
                turned=_is_turned(opened, stream),
                decoder=f"libvpx{'-vp9' if codec == 'vp9' else ''}" if hidden and codec in ("vp8", "vp9") else "",
                alpha=hidden,
                pictures=len(opened.streams.video),
                audio=tuple(map(_stream, opened.streams.audio)),
                subtitles=tuple(map(_stream, opened.streams.subtitles)),
                chapters=len(opened.chapters()),
                lead=container.lead(opened, ["video"]),
            )
    except (av.FFmpegError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SourceError(
            f"{name} cannot be opened as a video or an image: its header is missing or damaged, "
            f"or it is another kind of file ({reason})"
        ) from None


def _stream(stream: av.stream.Stream) -> Stream:
    context = stream.codec_context
    return Stream(context.codec.canonical_name if context is not None else "unknown", stream.language or "und")


def _is_turned(opened: av.container.InputContainer, stream: av.video.stream.VideoStream) -> bool:
    """Return whether the display matrix is more than a quarter turn: OpenCV reads mirrored as upside down."""
    try:
        frame = next(opened.decode(stream), None)
    except av.FFmpegError:
        return True
    data = frame.side_data.get("DISPLAYMATRIX") if frame is not None else None
    if data is None:
        return False
    a, b, _, c, d, *_ = struct.unpack("=9i", bytes(data)[:36])  # type: ignore[call-overload]
    return not (a * d - b * c > 0 and (a == d == 0 or b == c == 0))
