"""The frame, or second, of a source that a preview shows: the one that is asked for, or the most telling."""

from dataclasses import dataclass
from fractions import Fraction

from dreamvid.analysis.telling import telling
from dreamvid.config.settings import Settings
from dreamvid.core.errors import SettingsError
from dreamvid.core.framing import MIN_SIDE
from dreamvid.core.timing import frame_at, frame_map, nearest_whole, parse_moment, parse_rate, timecode
from dreamvid.core.types import SourceInfo
from dreamvid.media.read import read
from dreamvid.pipeline.plan import make_plan
from dreamvid.pipeline.prepare import Command
from dreamvid.pipeline.sources import at_rate, framing_of, probe_source, with_input

CANDIDATES = 24  # frames, over the whole range, of which the most telling is taken
SIDE = 320  # pixels of the long side at which they are looked at


@dataclass(frozen=True)
class Subject:
    """The frame or range of a source that a preview shows.

    `source`: as it was given; `command`: what dreams it; `frames`: the range of it as --frames has it, None of a still;
    `words`: which frame that is, and why.
    """

    source: str
    command: Command
    info: SourceInfo
    frames: str | None = None
    words: str = ""


def find_subject(source: str, settings: Settings, at: str | None, *, motion: bool) -> Subject:
    """Return what a preview shows: a still, a frame of a film, or with `motion` the second from there on.

    `at`: seconds or a timecode; None for the most telling frame of the range that the settings have. Raises SourceError
    where the source cannot be read, SettingsError where it has no such frame.
    """
    info = probe_source(source, settings)
    if info.kind in ("still", "noise"):
        if motion or at is not None:
            option, instead = ("--motion", "dreamvid zoom flies into it") if motion else ("--at", "leave it out")
            raise SettingsError(f"{info.name} is a still, and {option} is for films: {instead}")
        return Subject(source, "image", info)
    frame, why = _most_telling(info, settings) if at is None else (_asked(info, at), "as --at asks for")
    where = f"frame {frame} of {info.frames}, at {timecode(float(info.times[frame]))}"
    if not motion:
        # Counted on the timeline that `dreamvid image` has, which takes the source's own rate.
        first = _first_that_shows(frame, frame_map(info.times, info.end, info.rate))
        return Subject(source, "image", info, f"{first}:{first + 1}", f"{where}: {why}")
    first, stop = _second(info, settings, frame)
    return Subject(source, "video", info, f"{first}:{stop}", f"the second from {where}: {why}")


def _asked(info: SourceInfo, at: str) -> int:
    moment = parse_moment(at)
    if moment >= info.end:
        raise SettingsError(f"--at {at}: {info.name} ends at {timecode(float(info.end))}: give an earlier time")
    return frame_at(info.times, Fraction(moment).limit_denominator(10**6), info.rate)


def _most_telling(info: SourceInfo, settings: Settings) -> tuple[int, str]:
    """Return the most telling frame of a range, of some that lie evenly in it, and how it was found."""
    frames = make_plan(settings, info).frames
    count = min(CANDIDATES, len(frames))
    chosen = sorted({frames[(2 * number + 1) * len(frames) // (2 * count)] for number in range(count)})
    share = min(1.0, max(SIDE / max(info.height, info.width), (MIN_SIDE + 1) / min(info.height, info.width)))
    small = with_input(settings, frames=None, start=None, stop=None, fps=None)
    small = small.model_copy(update={"input": small.input.model_copy(update={"size": f"{100 * share:.8g}%"})})
    scores = {frame.index: telling(frame.image) for frame in read(info, framing_of(info, small), chosen)}
    best = max(scores, key=lambda index: scores[index])
    return best, f"the most telling of {len(chosen)} (--at takes another)"


def _second(info: SourceInfo, settings: Settings, frame: int) -> tuple[int, int]:
    """Return the range of the film's frames, half-open, that shows a second from a frame on, or the last second."""
    rate = parse_rate(settings.input.fps) if settings.input.fps else info.rate
    if info.kind == "folder":
        info = at_rate(info, info.frames, rate)  # a folder has no rate of its own
    timeline = frame_map(info.times, info.end, rate)
    count = max(2, nearest_whole(rate))
    stop = min(len(timeline), _first_that_shows(frame, timeline) + count)
    return max(0, stop - count), stop


def _first_that_shows(frame: int, timeline: tuple[int, ...]) -> int:
    return next((at for at, source in enumerate(timeline) if source >= frame), len(timeline) - 1)
