"""The sources of a render: what there is to read, its plan, its frames in order, and the motion between them.

Every kind has two functions: one plans a film from what was probed, the other opens the planned film for reading. All
that passes from the first to the second is data, so that another process can open the same film.
"""

import hashlib
import logging
import os
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np

from dreamvid.camera.paint import FlightView
from dreamvid.coherence import optical_flow
from dreamvid.coherence.carry import Move, Past
from dreamvid.coherence.cuts import find_cuts
from dreamvid.coherence.optical_flow import Motion
from dreamvid.config.settings import Settings
from dreamvid.core.errors import SettingsError, SourceError, nearest
from dreamvid.core.framing import Framing, frame_to, parse_size
from dreamvid.core.lost import refuse_damage
from dreamvid.core.timing import parse_rate
from dreamvid.core.types import Frame, Pixels, SourceInfo
from dreamvid.media.probe import probe
from dreamvid.media.read import read
from dreamvid.pipeline import loops
from dreamvid.pipeline.newness import observed
from dreamvid.pipeline.plan import Plan, make_plan, with_cuts

logger = logging.getLogger(__name__)
FAINT = 10.0  # levels: the rms of pink noise
NOISE = ("noise", "noise:gaussian", "noise:pink")
STANDING = 10_000  # frames of a film that show one picture: from there on it is said, as they take long to encode
Frames = Callable[[Sequence[int]], Generator[Frame, None, None]]


@dataclass(frozen=True)
class Source:
    """A film that is open for reading.

    `info`: facts about its frames; `plan`: which of them are rendered; `frames`: yields those with the given indices,
    rising; `move`: the motion from an earlier frame to a later one; `view`: how a painted canvas is seen in each
    frame, None where the film is dreamed frame by frame.
    """

    info: SourceInfo
    plan: Plan
    frames: Frames
    move: Move
    view: FlightView | None = None


def probe_source(source: str, settings: Settings) -> SourceInfo:
    """Return the facts of a file, a folder, or noise, named as in NOISE.

    Raises SourceError where it cannot be read, SettingsError for noise without a size.
    """
    if source in NOISE:
        return _noise_info(source, settings)
    _check_noise(source)
    return probe(source, tolerate_damage=settings.input.tolerate_damage, leave_damage=True)


def plan_video(probed: Sequence[SourceInfo], settings: Settings) -> tuple[SourceInfo, Plan]:
    """Plan a video, GIF or image folder: its range, its loop if it is one, its cuts.

    Raises SourceError for a still, SettingsError where size, range or loop do not fit the source.
    """
    info, plan = plan_frames(probed[0], settings)
    _tell_standing(info, plan)
    if settings.input.loop:
        loops.check_rate(plan, info, settings.input.fps)
    frames = partial(read, info, plan.framing)
    carries = settings.coherence.mode != "none" and len(plan.frames) > 1
    newness = list[tuple[int, float]]()
    coming: Iterable[Frame] = frames(plan.frames)
    if settings.coherence.mode == "flow":
        coming = observed(coming, len(plan.frames), newness)
    cuts = find_cuts(coming, info.rate) if carries else ()
    plan = replace(plan, newness=tuple(newness))
    if settings.input.loop:
        plan = loops.close_loop(plan, frames, settings.input.laps)
        if plan.crossfade is not None and plan.crossfade.dissolves:
            logger.info("the source does not loop: its end dissolves into its beginning, and is that much shorter")
    return info, with_cuts(plan, cuts)


def plan_frames(info: SourceInfo, settings: Settings) -> tuple[SourceInfo, Plan]:
    """Plan which frames of a video, GIF or image folder are shown; no cuts, no loop. Raises as `plan_video`."""
    check_film(info)
    if info.kind == "folder" and settings.input.fps:
        info = at_rate(info, info.frames, parse_rate(settings.input.fps))  # a folder has no rate of its own
    return info, make_plan(settings, info)


def _tell_standing(info: SourceInfo, plan: Plan) -> None:
    """Log which picture stands for very long, as where a camera paused and its clock went on."""
    ((position, times),) = Counter(plan.playback).most_common(1)
    if times > STANDING:
        logger.info(
            f"{info.name}: frame {plan.frames[position]} stands for {float(times / plan.rate):.10g} s, "
            f"{times} frames of the film: if that is too long, make a film up to it, and one from its end, "
            "with --from and --to"
        )


def open_video(probed: Sequence[SourceInfo], settings: Settings, info: SourceInfo, plan: Plan) -> Source:
    """Open a planned video, GIF or image folder; motion is estimated by optical flow."""
    frames: Frames = partial(read, info, plan.framing)
    if plan.crossfade is not None:
        frames = loops.looped(frames, plan, plan.crossfade)
    return Source(info, plan, frames, _estimated)


def check_film(info: SourceInfo) -> None:
    """Raise SourceError for a still, or noise, where a film is to be dreamed frame by frame."""
    if info.kind in ("still", "noise"):
        raise SourceError(
            f"{info.name} is a still: `dreamvid image` dreams it, and `dreamvid zoom` makes a film of a flight into it"
        )


def _estimated(past: Past, now: Frame) -> Motion:
    return optical_flow.estimate(past.source, now.image)


def plan_still(probed: Sequence[SourceInfo], settings: Settings) -> tuple[SourceInfo, Plan]:
    """Plan one picture: a still, the first frame of a video's range, or noise; raises as `plan_video` does."""
    (info,) = probed
    framing = framing_of(info, settings)
    height, width = framing.size
    alone = replace(info, kind="still", audio=(), subtitles=(), chapters=0, damaged=(), promised=None)
    still = replace(
        alone, delay=Fraction(0), times=(Fraction(0),), end=1 / info.rate, height=height, width=width, sar=framing.sar
    )
    once = with_input(settings, size=None, frames=None, start=None, stop=None, fps=None)
    return still, with_cuts(replace(make_plan(once, still), framing=framing), ())


def open_still(probed: Sequence[SourceInfo], settings: Settings, info: SourceInfo, plan: Plan) -> Source:
    """Open a planned picture."""
    picture = first_picture(probed[0], settings, plan.framing)

    def frames(indices: Sequence[int]) -> Generator[Frame, None, None]:
        for index in indices:
            yield Frame(index, Fraction(0), picture)

    return Source(info, plan, frames, _estimated)


def framing_of(info: SourceInfo, settings: Settings) -> Framing:
    """Return how a picture is cropped and scaled; noise is made in its size."""
    if info.kind == "noise":
        return frame_to(info.height, info.width, info.sar, None, "crop")
    return plan_first(info, settings).framing


def first_picture(info: SourceInfo, settings: Settings, framing: Framing) -> Pixels:
    """Read the first picture of a source's range, at the size of `framing`; make it, if it is noise."""
    if info.kind == "noise":
        return noise(info.name, info.height, info.width, settings.seed)
    (frame,) = read(info, framing, plan_first(info, settings).frames[:1])
    return frame.image


def plan_first(info: SourceInfo, settings: Settings) -> Plan:
    """Plan a source of which only the first picture of its range is shown: damage behind that is none."""
    plan = make_plan(with_input(settings, tolerate_damage=True), info)
    if not settings.input.tolerate_damage:
        refuse_damage(replace(info, promised=None), plan.frames[:1])
    return plan


def at_rate(info: SourceInfo, count: int, rate: Fraction) -> SourceInfo:
    """Return the facts of a source as of `count` frames at `rate` frames a second."""
    return replace(info, times=tuple(n / rate for n in range(count)), end=count / rate, rate=rate)


def with_input(settings: Settings, **changes: bool | None) -> Settings:
    """Return settings with some of `input` changed; None: without them."""
    return settings.model_copy(update={"input": settings.input.model_copy(update=changes)})


def _check_noise(source: str) -> None:
    """Raise SourceError for what is neither a file nor a kind of noise, but nearly one."""
    path = Path(source)
    near = "" if path.suffix else nearest(path.name, NOISE)
    if near and not path.exists():
        raise SourceError(f"{path.name}: there is no such file, and no such kind of noise{near}")


def _noise_info(kind: str, settings: Settings) -> SourceInfo:
    if settings.input.size is None:
        raise SettingsError(f"{kind} needs a size: --size 640x360")
    height, width, exact = parse_size(settings.input.size, 1, 1) if "x" in settings.input.size else (0, 0, False)
    if not exact:
        raise SettingsError(f"--size {settings.input.size!r}: {kind} needs both sides, such as 640x360")
    identity = hashlib.sha256(noise(kind, height, width, settings.seed).tobytes()).hexdigest()
    once = Fraction(1, 25)
    return SourceInfo(kind, "noise", height, width, (Fraction(0),), once, 1 / once, identity)


def noise(kind: str, height: int, width: int, seed: int) -> Pixels:
    """Make a picture of noise, (height, width, 3) uint8: `noise` uniform, `noise:gaussian`, or `noise:pink` (1/f).

    Pink noise is faint and grey: what grows out of it brings its own colours.
    """
    random = np.random.default_rng(seed)
    if kind == "noise":
        return random.integers(0, 256, (height, width, 3), dtype=np.uint8)
    if kind == "noise:pink":
        values = random.standard_normal((height, width, 1))
        rows, columns = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :]
        frequency = np.hypot(rows, columns)
        frequency[0, 0] = np.inf  # no mean: the picture stays grey on average
        values = np.fft.irfft2(np.fft.rfft2(values, axes=(0, 1)) / frequency[..., None], (height, width), axes=(0, 1))
        values = FAINT * values.repeat(3, axis=2) / values.std()
    else:
        values = 40 * random.standard_normal((height, width, 3))
    return np.rint(np.clip(127.5 + values, 0, 255)).astype(np.uint8)


def same_file(source: str, output: Path) -> bool:
    """Return whether an output would overwrite its source."""
    # Not by Path.resolve, which raises for links that go round in a circle: reading them says which it is.
    try:
        if source in NOISE or "\0" in source:
            return False
        return os.path.realpath(source) == os.path.realpath(output)
    except UnicodeEncodeError as error:  # a name that a TOML file holds
        letters = error.object[error.start : error.end]
        raise SettingsError(f"{output}: this locale has no {letters!a} in names of files: set PYTHONUTF8=1") from None
