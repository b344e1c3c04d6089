"""The plan of a render, made before the first pixel: which frames, in which shots, at what size. Pure; kept as JSON."""

import dataclasses
from bisect import bisect_left
from dataclasses import dataclass
from fractions import Fraction

from dreamvid.config.settings import InputSettings, Settings
from dreamvid.core.easing import smooth
from dreamvid.core.errors import SettingsError
from dreamvid.core.framing import Framing, frame_to
from dreamvid.core.lost import refuse_damage
from dreamvid.core.timing import LONGEST, frame_map, parse_range, parse_rate, seconds_to_frames
from dreamvid.core.types import Shot, SourceInfo

RENDER_VERSION = 12  # raised whenever the same settings give other pixels
MAX_PIXELS = 10**12


@dataclass(frozen=True)
class Crossfade:
    """Frames, from `start` to before `stop`, over which the layer crossfades to another."""

    start: int
    stop: int

    def gone(self, index: int) -> float:
        """Return the share of the crossfade that is over with a frame, in [0, 1]."""
        return min(1.0, max(0.0, (index - self.start + 1) / (self.stop - self.start)))

    def share(self, index: int) -> float:
        """Return the share of the other layer in a frame: from 0, before the crossfade, to 1 in the last."""
        return float(smooth(self.gone(index)))


@dataclass(frozen=True)
class LoopEnd(Crossfade):
    """The end of a loop that is dreamed frame by frame.

    Its layer crossfades to that of `cycle_length` frames before, where the source was the same; so the frame that
    follows the last is the one that followed there. `dissolves`: whether the source's own pictures in this range
    dissolve into its first ones; else the range lies behind its end and repeats these.
    """

    cycle_length: int
    dissolves: bool = False


@dataclass(frozen=True)
class Excerpt:
    """The place of a plan in a longer film, of which it is a stretch.

    `number`: of the stretch, from 0; `first`: the film frame that it begins with, of `count`; `clip`: as of the plan of
    the whole film; `carries_on`: whether its first frame goes on with the dream of the stretch before; `is_carried_on`:
    whether the stretch after it goes on with its own; `grows`: whether that dream grows into another objective.
    """

    number: int
    first: int
    count: int
    clip: tuple[Fraction, Fraction] | None = None
    carries_on: bool = False
    is_carried_on: bool = False
    grows: bool = False


@dataclass(frozen=True)
class Plan:
    """The frames of a render.

    `frames`: the source frames that are dreamed, rising, each once; `playback`: for each frame of the film, the
    position in `frames` of the one it shows; `rate`: of the film, frames a second.

    `shots`: its frames from cut to cut; `segments`: the same, but that long shots may be divided: what is rendered by
    itself.
    `clip`: the half-open range, in seconds of the source's picture, that the film shows; None for all of it;
    `cycle_length`: of a loop, after how many frames everything is as it was; `crossfade`: its end, where it is dreamed
    frame by frame; `excerpt`: its place in a film of several stretches; `newness`: of some frames, see `newness.py`.
    """

    framing: Framing
    rate: Fraction
    frames: tuple[int, ...]
    playback: tuple[int, ...]
    shots: tuple[Shot, ...] = ()
    segments: tuple[Shot, ...] = ()
    clip: tuple[Fraction, Fraction] | None = None
    cycle_length: int | None = None
    crossfade: LoopEnd | None = None
    excerpt: Excerpt | None = None
    newness: tuple[tuple[int, float], ...] = ()

    @property
    def moments(self) -> tuple[int, ...]:
        """The first frame of the film, from 0, that shows each of `frames`; in a loop, or would show it."""
        if self.cycle_length is not None:
            return tuple((position - self.playback[0]) % self.cycle_length for position in range(len(self.frames)))
        first = 0 if self.excerpt is None else self.excerpt.first
        return tuple(first + bisect_left(self.playback, position) for position in range(len(self.frames)))

    @property
    def carries_on(self) -> bool:
        """Return whether its first frame goes on with the dream of a stretch before it."""
        return self.excerpt is not None and self.excerpt.carries_on

    @property
    def grows(self) -> bool:
        """Return whether the dream that it goes on with grows into another objective."""
        return self.excerpt is not None and self.excerpt.grows

    def starts_shot(self, frame: int) -> bool:
        """Return whether a source frame is the first of its shot."""
        if frame == self.frames[0] and self.carries_on:
            return False
        return any(shot.start == frame for shot in self.shots)

    def continues_shot(self, frame: int) -> bool:
        """Return whether another frame of the same shot comes after a source frame."""
        if frame == self.frames[-1]:
            return self.excerpt is not None and self.excerpt.is_carried_on
        return any(shot.start <= frame < shot.stop - 1 for shot in self.shots)

    def is_key(self, frame: int, cadence: int) -> bool:
        """Return whether a source frame is dreamed: of a shot every `cadence`-th one is, and the last."""
        shot = next(shot for shot in self.shots if shot.start <= frame < shot.stop)
        first, position, after = (bisect_left(self.frames, at) for at in (shot.start, frame, shot.stop))
        return (position - first) % cadence == 0 or position == after - 1

    def positions(self, part: Shot) -> range:
        """Return the positions in `frames` of the frames of a shot or segment."""
        return range(bisect_left(self.frames, part.start), bisect_left(self.frames, part.stop))


def make_plan(settings: Settings, source: SourceInfo) -> Plan:
    """Plan the film of a source: its frame rate, its range, and which source frame each film frame shows.

    A source of varying frame rate is brought to a constant one here; a frame that is shown twice is dreamed once.
    Raises SettingsError where the range lies outside the source or the size is impossible, SourceError where a frame of
    the range is damaged and that is not tolerated.
    """
    wanted = settings.input
    rate = parse_rate(wanted.fps) if wanted.fps else source.rate
    if source.end * rate > LONGEST:
        raise SettingsError(
            f"{source.name} at {float(rate):g} frames per second has {float(source.end * rate):.10g} frames: "
            f"a film may have at most {LONGEST}, so give a lower --fps, or cut it into parts"
        )
    timeline = frame_map(source.times, source.end, rate)
    start, stop = _range(settings, rate, len(timeline), source.name)
    picked = timeline[start:stop]
    frames = tuple(sorted(set(picked)))
    if not wanted.tolerate_damage:
        refuse_damage(source, frames)
    position = {frame: index for index, frame in enumerate(frames)}
    playback = tuple(position[frame] for frame in picked)
    framing = frame_to(source.height, source.width, source.sar, wanted.size, wanted.fit)
    if framing.size[0] * framing.size[1] * len(frames) > MAX_PIXELS:
        raise SettingsError(
            f"{len(frames)} frames of {framing.size[1]}x{framing.size[0]} are too many pixels: "
            "give a smaller --size or range"
        )
    whole = start == 0 and stop == len(timeline)
    return Plan(framing, rate, frames, playback, clip=None if whole else (start / rate, stop / rate))


def with_cuts(plan: Plan, cuts: tuple[int, ...]) -> Plan:
    """Return the plan divided into shots at `cuts`, the source frames that begin one; each is a segment."""
    starts = sorted({plan.frames[0], *(cut for cut in cuts if plan.frames[0] < cut <= plan.frames[-1])})
    stops = [*starts[1:], plan.frames[-1] + 1]
    shots = tuple(Shot(*ends) for ends in zip(starts, stops, strict=True))
    return dataclasses.replace(plan, shots=shots, segments=shots)


def _range(settings: Settings, rate: Fraction, count: int, name: str) -> tuple[int, int]:
    wanted = settings.input
    if wanted.frames is not None and (wanted.start is not None or wanted.stop is not None):
        raise SettingsError("give --frames or --from and --to, not both")
    if wanted.frames is not None:
        first, last = parse_range(wanted.frames)
    else:
        first, last = seconds_to_frames(wanted.start, wanted.stop, rate)
    start, stop = first or 0, count if last is None else last
    asked = _asked(wanted)
    if start < count and stop <= start:
        raise SettingsError(f"the range {asked} holds no frame: --to must come after --from, by a frame at least")
    if max(start, stop) > count or start == count:
        given = wanted.start if start >= count or wanted.stop is None else wanted.stop
        if given is None:
            has = f"has frames 0 to {count - 1} ({float(count / rate):.2f} s)"
        else:
            has = f"is {given.alike(float(count / rate))} long"
        raise SettingsError(f"{name} {has}: the range {asked} goes beyond its end")
    return start, stop


def _asked(wanted: InputSettings) -> str:
    """Return a range as it was given, in its own unit."""
    ends = (("--frames", wanted.frames), ("--from", wanted.start), ("--to", wanted.stop))
    return " ".join(f"{option} {value}" for option, value in ends if value is not None)
