"""The sources of a render: a plan, its frames in order, and the motion from one to the next."""

import hashlib
import logging
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from dreamvid.camera import backdrop, path
from dreamvid.camera.backdrop import Backdrop
from dreamvid.camera.paint import FlightView
from dreamvid.camera.path import Flight
from dreamvid.coherence import optical_flow
from dreamvid.coherence.carry import Move, Past
from dreamvid.coherence.cuts import find_cuts
from dreamvid.coherence.optical_flow import Motion
from dreamvid.config.keyframes import Timeline
from dreamvid.config.serialize import curve
from dreamvid.config.settings import Settings
from dreamvid.core.easing import smooth
from dreamvid.core.errors import SettingsError, SourceError, nearest
from dreamvid.core.framing import frame_to, parse_size
from dreamvid.core.timing import nearest_whole, parse_rate
from dreamvid.core.types import Frame, Pixels, SourceInfo
from dreamvid.media import audio_features
from dreamvid.media.probe import probe
from dreamvid.media.read import read
from dreamvid.pipeline import loops
from dreamvid.pipeline.loops import Crossfade
from dreamvid.pipeline.plan import Plan, make_plan, with_cuts

logger = logging.getLogger(__name__)
FAINT = 10.0  # levels: the rms of pink noise
NOISE = ("noise", "noise:gaussian", "noise:pink")
ZOOM_RATE = "24"
ANIMATED_ON_CANVAS = ("camera.", "dream.", "objective.", "mask.")
CONSTANT_ON_CANVAS = (
    "dream.octaves",
    "dream.octave_scale",
    "dream.coarsest",
    "dream.steps",
)  # which steps there are
Frames = Callable[[Sequence[int]], Generator[Frame, None, None]]


@dataclass(frozen=True)
class Source:
    """A plan with its frames: `frames` yields the source frames asked for, `move` the motion up to one of them.

    `view`: how each is seen, where a canvas is painted and not frame by frame; `crossfade`: what
    closes a loop that is dreamed frame by frame.
    """

    info: SourceInfo
    plan: Plan
    frames: Frames
    move: Move
    view: FlightView | None = None
    crossfade: Crossfade | None = None


def open_video(source: str, settings: Settings) -> Source:
    """Open a video, GIF or image folder, as it is; motion is estimated and cuts are looked for.

    Raises SourceError where the source is not to be read or a still, SettingsError where size or range do not fit it.
    """
    info = probe(source, tolerate_damage=settings.input.tolerate_damage)
    check_film(info)
    if info.kind == "folder" and settings.input.fps:
        info = _at_rate(info, info.frames, parse_rate(settings.input.fps))  # a folder has no rate of its own
    plan = make_plan(settings, info)

    def frames(indices: Sequence[int]) -> Generator[Frame, None, None]:
        yield from read(info, plan.framing, indices)

    carries = settings.coherence.mode != "none" and len(plan.frames) > 1
    cuts = find_cuts(frames(plan.frames), info.rate) if carries else ()
    looks: Frames = frames
    crossfade = None
    if settings.input.loop:
        plan, looks, crossfade, dissolved = loops.close_loop(plan, frames, settings.input.laps)
        if dissolved:
            logger.info("the source does not loop: its end dissolves into its beginning, and is that much shorter")
    return Source(info, with_cuts(plan, cuts), looks, _estimated, crossfade=crossfade)


def check_film(info: SourceInfo) -> None:
    """Raise SourceError for a still where a film is to be dreamed frame by frame."""
    if info.kind == "still":
        raise SourceError(
            f"{info.name} is a still: `dreamvid image` dreams it, and `dreamvid zoom` makes a film of a flight into it"
        )


def _estimated(past: Past, now: Frame) -> Motion:
    return optical_flow.estimate(past.source, now.image)


def open_still(source: str, settings: Settings, *, enlarged: bool = False) -> Source:
    """Open one picture: a still, the first frame of a video's range, or noise.

    `enlarged`: as large as the source has it, where that is larger than the frame. Raises as `open_video` does;
    SettingsError where noise has no size.
    """
    if source in NOISE:
        picture, info = _noise(source, settings)
        framing = frame_to(info.height, info.width, info.sar, None, "crop")
    else:
        check_noise(source)
        info = probe(source, tolerate_damage=settings.input.tolerate_damage)
        whole = make_plan(settings, info)
        framing = whole.framing
        (frame,) = read(info, framing.enlarged() if enlarged else framing, whole.frames[:1])
        picture = frame.image
    height, width = framing.size
    alone = replace(info, kind="still", audio=(), subtitles=(), chapters=0, damaged=(), delay=Fraction(0))
    still = replace(alone, times=(Fraction(0),), end=1 / info.rate, height=height, width=width, sar=framing.sar)
    once = _with_input(settings, size=None, frames=None, start=None, stop=None, fps=None)
    plan = with_cuts(replace(make_plan(once, still), framing=framing), ())

    def frames(indices: Sequence[int]) -> Generator[Frame, None, None]:
        for index in indices:
            yield Frame(index, Fraction(0), picture)

    return Source(still, plan, frames, _estimated)


def open_zoom(sources: Sequence[str], settings: Settings) -> Source:
    """Open a camera's flight over pictures (each as of `open_still`); every motion is exact and there are no cuts.

    A looping flight has its intro first, then one cycle. Raises SettingsError for pictures of different sizes where no
    size is set, and for a flight that cannot be or does not close.
    """
    alone = _with_input(settings, frames=None, start=None, stop=None)
    firsts = [open_still(source, alone, enlarged=True) for source in sources]
    stills = tuple(frame.image for first in firsts for frame in first.frames((0,)))
    height, width = firsts[0].plan.framing.size
    if any(first.plan.framing.size != (height, width) for first in firsts):
        raise SettingsError(f"the pictures are of different sizes: give one, such as --size {width}x{height}")
    rate, wanted, how = parse_rate(settings.input.fps or ZOOM_RATE), settings.input, settings.camera
    cycle = max(1, _frames(wanted.seconds, rate))
    intro = _frames(how.intro, rate)
    flight = Flight(how, float(cycle / rate), wanted.loop, _velocity(settings, cycle, rate, firsts[0].info))
    if how.mode == "world":
        _check_canvas(settings, flight)
    backdrop.check(flight, len(stills), width / height)
    fade = loops.crossfade_frames(rate, cycle, 2) if wanted.loop and how.mode == "frames" else 0
    # What a crossfade ends in has been dreamed on for as long before: a young dream looks otherwise.
    begun = intro + fade + (max(0, min(fade, cycle - fade) - intro) if fade else 0)
    count = begun + cycle
    identity = firsts[0].info.identity if len(firsts) == 1 else _joined(first.info.identity for first in firsts)
    info = replace(_at_rate(firsts[0].info, count, rate), identity=identity)
    plan = with_cuts(replace(make_plan(_with_input(settings, size=None), info), framing=firsts[0].plan.framing), ())
    begins = 0
    if wanted.loop and wanted.frames is None and wanted.start is None and wanted.stop is None:
        begins = 0 if intro else begun
        plan = replace(
            plan, playback=(*range(begins, begun), *(tuple(range(begun, count)) * wanted.laps)), cycle_length=cycle
        )
    view = FlightView(
        Backdrop(stills, flight),
        lambda index: flight.pose((index - begins) / rate),
        lambda index: 1.0 if index >= intro else smooth(index / intro),
    )

    def frames(indices: Sequence[int]) -> Generator[Frame, None, None]:
        for index in indices:
            yield Frame(index, info.times[index], view.frame(index, (height, width)))

    def move(past: Past, now: Frame) -> Motion:
        return path.motion(view.pose(past.index), view.pose(now.index), height, width)

    back = Crossfade(cycle, count - fade, count) if fade else None
    return Source(info, plan, frames, move, view if how.mode == "world" else None, back)


def _velocity(
    settings: Settings, frames: int, rate: Fraction, info: SourceInfo
) -> Callable[[float], tuple[complex, complex]] | None:
    """Return how fast an animated camera zooms and turns, and shifts, at a time of a flight; None where none is."""
    keys = ("camera.zoom", "camera.rotate", *(f"camera.{pair}.{of}" for pair in ("shift", "centre") for of in (0, 1)))
    if not any(key in settings.keyframes for key in keys):
        return None
    timeline = Timeline(frames, rate, audio_features.of_film(settings, info, None), settings.input.loop)
    zoom, rotate, down, right, row, column = (curve(settings, key, timeline) for key in keys)
    first = complex(settings.camera.centre[1], settings.camera.centre[0])

    def velocity_at(time: float) -> tuple[complex, complex]:
        rate = path.rate_of(zoom(time), rotate(time))
        # About a point that is off the first, a zoom is one about the first and a shift.
        return rate, complex(right(time), down(time)) + rate * (first - complex(column(time), row(time)))

    return velocity_at


def _check_canvas(settings: Settings, flight: Flight) -> None:
    """Raise SettingsError for what is animated where a canvas is painted once, or a way that no canvas fits."""
    for key, text in settings.keyframes.items():
        if not key.startswith(ANIMATED_ON_CANVAS) or key in CONSTANT_ON_CANVAS:
            raise SettingsError(
                f"{key}: {text!r}: it moves, and a world is dreamed for all its frames at once: give camera.mode=frames"
            )
    if flight.velocity_at is None:
        return
    ways = [flight.velocity_at(flight.seconds * share / 100) for share in range(101)]
    turning = any(rate != 0 for rate, _ in ways)
    aside = {round(float(np.angle(speed)), 6) for _, speed in ways if speed != 0}
    if (turning and aside) or len(aside) > 1:
        raise SettingsError(
            "a camera whose way bends has no world to be filmed in: hold camera.shift and camera.centre still, or give "
            "camera.mode=frames"
        )


def _frames(seconds: float, rate: Fraction) -> int:
    return nearest_whole(Fraction(seconds).limit_denominator(1000) * rate)


def _joined(identities: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(identities).encode()).hexdigest()


def _at_rate(info: SourceInfo, count: int, rate: Fraction) -> SourceInfo:
    return replace(info, times=tuple(n / rate for n in range(count)), end=count / rate, rate=rate)


def _with_input(settings: Settings, **changes: None) -> Settings:
    return settings.model_copy(update={"input": settings.input.model_copy(update=changes)})


def check_noise(source: str) -> None:
    """Raise SourceError for what is neither a file nor a kind of noise, but nearly one."""
    path = Path(source)
    near = "" if path.suffix else nearest(path.name, NOISE)
    if near and not path.exists():
        raise SourceError(f"{path.name}: there is no such file, and no such kind of noise{near}")


def _noise(kind: str, settings: Settings) -> tuple[Pixels, SourceInfo]:
    if settings.input.size is None:
        raise SettingsError(f"{kind} needs a size: --size 640x360")
    height, width, exact = parse_size(settings.input.size, 1, 1) if "x" in settings.input.size else (0, 0, False)
    if not exact:
        raise SettingsError(f"--size {settings.input.size!r}: {kind} needs both sides, such as 640x360")
    picture = noise(kind, height, width, settings.seed)
    identity = hashlib.sha256(picture.tobytes()).hexdigest()
    once = Fraction(1, 25)
    return picture, SourceInfo(kind, "noise", height, width, (Fraction(0),), once, 1 / once, identity)


def noise(kind: str, height: int, width: int, seed: int) -> Pixels:
    """A picture of noise, (height, width, 3) uint8: `noise` uniform, `noise:gaussian`, or `noise:pink` (1/f).

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
    """Whether an output would overwrite its source."""
    try:
        return source not in NOISE and Path(source).resolve() == output.resolve()
    except (OSError, RuntimeError) as error:  # links that go round in a circle
        raise SettingsError(f"{output}: {error}") from None
