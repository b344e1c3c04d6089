"""Where a source is damaged, and what can still be had from it."""

import bisect
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from statistics import median_low

import av

from dreamvid.core.errors import SourceError
from dreamvid.media.container import lead, origin, picture
from dreamvid.media.decode import Decoded, decode
from dreamvid.media.ffmpeg import FENCE, location


@dataclass(frozen=True)
class Damage:
    """Where a source is damaged: `times` of every frame it should have, and the numbers of those that are `lost`."""

    times: tuple[Fraction, ...]
    lost: frozenset[int]
    promised: int


def find_damage(path: Path) -> Damage:
    """Decodes packet by packet, in one thread, so that an error is known to belong to its frame.

    From an error on everything is lost up to the next keyframe, and the frames behind that one which still refer to
    what came before it: decoders go on there with wrong pictures and without a word.
    """
    stamps: list[Fraction] = []
    lost: set[Fraction] = set()
    tainted, open_until = False, None
    with av.open(location(path), options=FENCE) as container:
        stream = picture(container)
        assert stream is not None and stream.time_base is not None
        start = origin(container) + lead(container, ["video"])
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
            try:
                broken = packet.is_corrupt or any(frame.is_corrupt for frame in packet.decode())
            except av.FFmpegError:
                broken = True
            tainted |= broken
            if packet.pts is None or packet.is_discard:
                continue
            stamp = packet.pts * stream.time_base - start
            stamps.append(stamp)
            if tainted or (open_until is not None and packet.pts < open_until):
                lost.add(stamp)
        promised = stream.frames
    times = sorted({*stamps, *swallowed(sorted(set(stamps)))})
    lost.update(set(times) - set(stamps))
    numbers = frozenset(number for number, stamp in enumerate(times) if stamp in lost)
    return Damage(tuple(times), numbers, max(promised, len(times)))


def swallowed(times: list[Fraction]) -> list[Fraction]:
    """Times at which frames are missing between rising ones: a demuxer that lost its way skips packets in silence.

    Only where the rate is constant but for such gaps; elsewhere a gap is no sign of damage.
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
    """Which frames are whole: their number in the source -> their number among what ffmpeg delivers."""
    found: dict[int, int] = {}
    for position, time in enumerate(delivered):
        if time is None or not damage.times:
            continue
        after = bisect.bisect_left(damage.times, time)
        for number in range(max(0, after - 1), min(after + 1, len(damage.times))):
            if number not in damage.lost and abs(damage.times[number] - time) < Fraction(1, 2000):
                found.setdefault(number, position)
    return found


def mend(path: Path, name: str, decoder: str, strict: Decoded, tolerate: bool) -> tuple[Decoded, tuple[int, ...], str]:
    """What a damaged source still gives: its frames with their times, the damaged ones, a filter that drops those.

    `strict`: what the strict decode came to. Raises SourceError with the first damaged frame where damage is not
    tolerated, or where nothing is left.
    """
    loose = decode(path, decoder=decoder, strict=False)
    said = strict.errors[0] if strict.errors else "it contains no frame"
    if not loose.times:
        raise SourceError(f"{name} cannot be decoded: {said}")
    if len(loose.sizes) > 1:  # the caller has words for that
        return loose, (), ""
    try:
        damage = find_damage(path)
    except av.FFmpegError:
        raise SourceError(f"{name} is damaged: {said}") from None
    found = whole_frames(damage, loose.times)
    if any("Truncating packet" in error for error in strict.errors):  # the last one is not whole; decoders say nothing
        found.pop(len(damage.times) - 1, None)
    if not damage.times:  # a bare stream has no time stamps to tell by
        raise SourceError(f"{name} is damaged: {said}")
    if not found:
        raise SourceError(f"{name}: none of its frames can be decoded: {said}")
    missing = [number for number in range(len(damage.times)) if number not in found]
    cut = damage.promised > len(damage.times) or any("prematurely" in e or "partial file" in e for e in strict.errors)
    if not tolerate:
        advice = "get it again, or repeat the last good frame with --tolerate-damage"
        if missing:
            raise SourceError(f"{name}: frame {missing[0]} of {damage.promised} is damaged; {advice}")
        if cut:
            raise SourceError(f"{name} is cut short: it ends after frame {len(damage.times) - 1}; {advice}")
        raise SourceError(f"{name} is damaged ({said}); {advice}")
    times = list(damage.times)
    step = loose.last or Fraction(1, 25)
    if cut and not missing:  # the frame in which the file breaks off
        missing.append(len(times))
        times.append(times[-1] + step)
    first = min(found)  # there is nothing to repeat before the first good one
    kept = _select([found[number] for number in sorted(found)])
    return (
        replace(loose, times=[*times[first:]], last=step),
        tuple(number - first for number in missing if number > first),
        kept,
    )


def _select(positions: list[int]) -> str:
    """ffmpeg's filter that keeps only the frames at these rising positions."""
    runs: list[list[int]] = []
    for position in positions:
        if runs and runs[-1][1] == position - 1:
            runs[-1][1] = position
        else:
            runs.append([position, position])
    return f"select='{'+'.join(f'between(n,{first},{last})' for first, last in runs)}'"
