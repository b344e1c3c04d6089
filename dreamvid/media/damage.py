"""Damaged sources: find the frames that are lost, and keep the rest."""

import bisect
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from statistics import median_low

import av

from dreamvid.core.errors import SourceError
from dreamvid.core.lost import AGAIN
from dreamvid.media.container import exact, lead, open_file, origin, picture
from dreamvid.media.decode import Colours, Decoded, decode

RESTART = Fraction(1, 2)  # seconds by which the time of decoding falls


@dataclass(frozen=True)
class Damage:
    """Frame times of a damaged source, and the indices of the frames that are `lost`.

    `times`: seconds, of every frame that it should have, as far as packets tell; `promised`: number of frames by its
    header, 0 where it tells none; `restarts`: whether its clock starts anew, as where recordings were put together;
    `disordered`: whether packets have the times of their order in the file, and not of the frames in them, as in an AVI
    with B-frames of H.264.
    """

    times: tuple[Fraction, ...]
    lost: frozenset[int]
    promised: int
    restarts: bool = False
    disordered: bool = False


def find_damage(path: Path) -> Damage:
    """Decode packet by packet in one thread, so that each error can be assigned to its frame.

    After an error, every frame up to the next keyframe is lost, and so are the frames after that keyframe that refer to
    frames before it (open GOP): decoders deliver wrong pictures there without an error.
    """
    stamps: list[Fraction] = []
    lost: set[Fraction] = set()
    tainted, open_until = False, None
    decoded_at: Fraction | None = None
    restarts = False
    with open_file(path) as container:
        stream = picture(container)
        assert stream is not None
        tick = exact(stream.time_base)
        assert tick is not None
        start = origin(container) + lead(container, [stream])
        stream.codec_context.thread_count = 1
        stream.codec_context.options = {"err_detect": "explode"}
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets)
            except (StopIteration, av.FFmpegError):
                break
            if packet.is_keyframe and packet.pts is not None:
                tainted, open_until = False, packet.pts if tainted else None
            broken = packet.is_corrupt or _breaks(packet)
            tainted |= broken
            if packet.dts is not None:
                before, decoded_at = decoded_at, packet.dts * tick
                restarts |= before is not None and before - decoded_at > RESTART
            if packet.pts is None or packet.is_discard:
                continue
            stamp = packet.pts * tick - start
            stamps.append(stamp)
            if tainted or (open_until is not None and packet.pts < open_until):
                lost.add(stamp)
        promised = stream.frames
        reorders = container.format.name == "avi" and stream.codec_context.has_b_frames
    times = sorted({*stamps, *swallowed(sorted(set(stamps)))})
    lost.update(set(times) - set(stamps))
    numbers = frozenset(number for number, stamp in enumerate(times) if stamp in lost)
    disordered = reorders and stamps == sorted(stamps)
    return Damage(tuple(times), numbers, promised, restarts, disordered)


def _breaks(packet: av.Packet) -> bool:
    """Return whether the decoder of a packet fails, gives a corrupt frame, or says that something is wrong."""
    level, skips = av.logging.get_level(), av.logging.get_skip_repeated()
    av.logging.set_level(av.logging.ERROR)
    av.logging.set_skip_repeated(False)
    try:
        with av.logging.Capture() as said:  # some decoders, such as GIF's, fail with a word and no error
            return any(frame.is_corrupt for frame in packet.decode()) or bool(said)
    except av.FFmpegError:
        return True
    finally:
        av.logging.set_level(level)
        av.logging.set_skip_repeated(skips)


def is_encrypted(path: Path) -> bool:
    """Return whether the first packet of a source's picture says that it is encrypted."""
    try:
        with open_file(path) as container:
            packet = next(container.demux(picture(container)), None)
            return packet is not None and packet.has_sidedata("encryption_info")
    except av.FFmpegError:
        return False


def swallowed(times: list[Fraction]) -> list[Fraction]:
    """Return the times of missing frames between rising ones: a demuxer that lost sync skips packets without an error.

    Only where the rate is constant apart from the gaps; in a source of variable rate a gap is no sign of damage.
    """
    steps = [later - earlier for earlier, later in pairwise(times)]
    step = median_low(steps) if steps else Fraction(0)
    even = [abs(round(gap / step) - gap / step) < Fraction(1, 10) for gap in steps] if step else []
    usual = sum(abs(gap / step - 1) < Fraction(1, 10) for gap in steps) if step else 0
    if not all(even) or usual < Fraction(3, 4) * len(steps):
        return []
    return [
        earlier + number * gap / count
        for earlier, gap in zip(times, steps, strict=False)
        for count in [round(gap / step)]
        for number in range(1, count)
    ]


def whole_frames(damage: Damage, delivered: list[Fraction | None]) -> dict[int, int]:
    """Map the index of each undamaged frame in the source to its position among the frames that ffmpeg delivers."""
    found: dict[int, int] = {}
    for position, time in enumerate(delivered):
        if time is None or not damage.times:
            continue
        after = bisect.bisect_left(damage.times, time)
        for number in range(max(0, after - 1), min(after + 1, len(damage.times))):
            if number not in damage.lost and abs(damage.times[number] - time) < Fraction(1, 2000):
                found.setdefault(number, position)
    return found


@dataclass(frozen=True)
class Mended:
    """A damaged source as far as it can be read; `damaged`: of its frames; `filter`: drops those.

    `promised`: as in a `SourceInfo`.
    """

    decoded: Decoded
    damaged: tuple[int, ...] = ()
    filter: str = ""
    promised: int | None = None


def mend(path: Path, name: str, strict: Decoded, tolerate: bool, *, decoder: str, picture: int) -> Mended:
    """Recover a damaged source.

    `decoder`, `picture`: as in a `SourceInfo`; `strict`: result of the strict decode. Raises SourceError where no frame
    is left, where nothing tells which frames are damaged, if that is not tolerated, and for a source that is not
    damaged, but encrypted.
    """
    if is_encrypted(path):
        raise SourceError(
            f"{name} is encrypted, as bought and rented films are: it can be played only where it was bought"
        )
    loose = decode(path, decoder=decoder, picture=picture, strict=False)
    said = strict.errors[0] if strict.errors else "it contains no frame"
    if not loose.times:
        raise SourceError(f"{name} cannot be decoded: {said}")
    if len(loose.sizes) > 1:  # the caller raises an error for that
        return Mended(loose)
    try:
        damage = find_damage(path)
    except av.FFmpegError:
        raise SourceError(f"{name} is damaged: {said}") from None
    if damage.restarts:  # the time of a packet does not tell which frame it is
        raise SourceError(
            f"{name}: its clock starts anew, as where several recordings were put together: join them by "
            "`ffmpeg -i FILE -c copy joined.mkv`, or dream them one by one"
        )
    if damage.disordered:
        raise SourceError(
            f"{name} is damaged, and does not tell which of its frames are: write it anew, as far as it can be "
            "decoded, by `ffmpeg -i FILE -c:v libx264 -crf 12 -c:a copy again.mkv`"
        )
    found = whole_frames(damage, loose.times)
    if any("Truncating packet" in error for error in strict.errors):  # incomplete last frame, which no decoder reports
        found.pop(len(damage.times) - 1, None)
    if not damage.times:  # a raw stream has no time stamps to find frames by
        raise SourceError(f"{name} is damaged: {said}")
    if not found:
        raise SourceError(f"{name}: none of its frames can be decoded: {said}")
    missing = [number for number in range(len(damage.times)) if number not in found]
    cut = damage.promised > len(damage.times) or any("prematurely" in e or "partial file" in e for e in strict.errors)
    if not (tolerate or missing or cut):
        raise SourceError(f"{name} is damaged ({said}); {AGAIN}")
    kept = [found[number] for number in sorted(found)]
    return Mended(
        replace(loose, times=[*damage.times], last=loose.last or Fraction(1, 25), colours=_left(loose.colours, kept)),
        tuple(missing),
        _select(kept),
        damage.promised if cut else None,
    )


def _left(colours: list[tuple[Colours, int]], kept: list[int]) -> list[tuple[Colours, int]]:
    """Return `Decoded.colours` of the frames at these rising positions alone, counted among them."""
    firsts = [*(bisect.bisect_left(kept, first) for _, first in colours), len(kept)]
    return [(said, first) for (said, _), (first, stop) in zip(colours, pairwise(firsts), strict=True) if first < stop]


def _select(positions: list[int]) -> str:
    """Return ffmpeg's filter that keeps only the frames at these rising positions."""
    runs: list[list[int]] = []
    for position in positions:
        if runs and runs[-1][1] == position - 1:
            runs[-1][1] = position
        else:
            runs.append([position, position])
    return f"select='{'+'.join(f'between(n,{first},{last})' for first, last in runs)}'"
