"""A camera's flight over stills or noise as a source: every motion is exact, and there are no cuts."""

import hashlib
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from dreamvid.camera import backdrop, path
from dreamvid.camera.backdrop import Backdrop
from dreamvid.camera.paint import FlightView
from dreamvid.camera.path import Flight
from dreamvid.coherence.carry import Past
from dreamvid.coherence.optical_flow import Motion
from dreamvid.config.interpolation import Curve
from dreamvid.config.serialize import curve
from dreamvid.config.settings import Settings
from dreamvid.config.timeline import Timeline
from dreamvid.core.easing import smooth
from dreamvid.core.errors import SettingsError
from dreamvid.core.timing import nearest_whole, parse_rate
from dreamvid.core.types import Frame, SourceInfo
from dreamvid.media import audio_features
from dreamvid.pipeline.crossfade import crossfade_frames
from dreamvid.pipeline.plan import LoopEnd, Plan, make_plan, with_cuts
from dreamvid.pipeline.sources import Source, at_rate, first_picture, plan_still, with_input

ZOOM_RATE = "24"
ANIMATED_ON_CANVAS = ("camera.", "dream.", "objective.", "mask.")
CONSTANT_ON_CANVAS = (
    "dream.octaves",
    "dream.octave_scale",
    "dream.coarsest",
    "dream.steps",
)  # which steps there are


def plan_zoom(probed: Sequence[SourceInfo], settings: Settings) -> tuple[SourceInfo, Plan]:
    """Plan a flight over pictures, each as of `plan_still`; a looping one has its intro first, then one cycle.

    Raises SettingsError for pictures of different sizes where no size is set, and for a flight that is impossible or
    does not close.
    """
    wanted, how, alone = settings.input, settings.camera, _each(settings)
    firsts = [plan_still((info,), alone) for info in probed]
    first, framing = firsts[0][0], firsts[0][1].framing
    height, width = framing.size
    if any(plan.framing.size != (height, width) for _, plan in firsts):
        raise SettingsError(f"the pictures are of different sizes: give one, such as --size {width}x{height}")
    rate, cycle = _rate(settings), _cycle(settings)
    flight = flight_of(settings, first)
    if how.mode == "world":
        _check_canvas(settings, flight)
    backdrop.check(flight, len(probed), width / height)
    intro = _frames(how.intro, rate)
    fade = crossfade_frames(rate, cycle, 2) if wanted.loop and how.mode == "frames" else 0
    # What a crossfade ends in has been dreamed on for as long before: a young dream looks otherwise.
    begun = intro + fade + (max(0, min(fade, cycle - fade) - intro) if fade else 0)
    count = begun + cycle
    identity = first.identity if len(firsts) == 1 else _joined(info.identity for info, _ in firsts)
    info = replace(at_rate(first, count, rate), identity=identity)
    plan = with_cuts(replace(make_plan(with_input(settings, size=None), info), framing=framing), ())
    whole = wanted.frames is None and wanted.start is None and wanted.stop is None
    if wanted.laps > 1 and not whole:
        raise SettingsError("a part of a flight is shown once: leave out input.laps, or the range")
    if wanted.loop and whole:
        begins = 0 if intro else begun
        playback = (*range(begins, begun), *(tuple(range(begun, count)) * wanted.laps))
        plan = replace(plan, playback=playback, cycle_length=cycle)
    crossfade = LoopEnd(count - fade, count, cycle) if fade else None
    return info, replace(plan, crossfade=crossfade)


def open_zoom(probed: Sequence[SourceInfo], settings: Settings, info: SourceInfo, plan: Plan) -> Source:
    """Open a planned flight: its pictures are read, as large as they are where that is larger than the frame."""
    alone, rate, (height, width) = _each(settings), plan.rate, plan.framing.size
    firsts = [plan_still((each,), alone) for each in probed]
    stills = tuple(
        first_picture(each, alone, first.framing.enlarged()) for each, (_, first) in zip(probed, firsts, strict=True)
    )
    intro = _frames(settings.camera.intro, rate)
    begins = 0 if plan.cycle_length is None else plan.playback[0]
    flight = flight_of(settings, firsts[0][0])
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

    return Source(info, plan, frames, move, view if settings.camera.mode == "world" else None)


def _each(settings: Settings) -> Settings:
    """Return the settings of each picture: a range is that of the flight."""
    return with_input(settings, frames=None, start=None, stop=None)


def _rate(settings: Settings) -> Fraction:
    return parse_rate(settings.input.fps or ZOOM_RATE)


def _cycle(settings: Settings) -> int:
    """Return the number of frames of a flight, or of one cycle of a loop."""
    return max(1, _frames(settings.input.seconds, _rate(settings)))


def flight_of(settings: Settings, first: SourceInfo) -> Flight:
    """Return the way of the camera over pictures of which `first` is one."""
    cycle, rate = _cycle(settings), _rate(settings)
    velocity = _velocity(settings, cycle, rate, first)
    return Flight(settings.camera, float(cycle / rate), settings.input.loop, velocity)


def _velocity(
    settings: Settings, frames: int, rate: Fraction, info: SourceInfo
) -> Callable[[float], tuple[complex, complex]] | None:
    """Return how fast an animated camera zooms and turns, and shifts, at a time of a flight; None where none is."""
    keys = ("camera.zoom", "camera.rotate", *(f"camera.{pair}.{of}" for pair in ("shift", "centre") for of in (0, 1)))
    if not any(key in settings.keyframes for key in keys):
        return None
    timeline = Timeline(frames, rate, audio_features.of_film(settings, info, None), settings.input.loop)
    zoom, rotate, down, right, row, column = (_curve(settings, key, timeline) for key in keys)
    first = complex(settings.camera.centre[1], settings.camera.centre[0])

    def velocity_at(time: float) -> tuple[complex, complex]:
        rate = path.rate_of(zoom(time), rotate(time))
        # About a point that is off the first, a zoom is one about the first and a shift.
        return rate, complex(right(time), down(time)) + rate * (first - complex(column(time), row(time)))

    return velocity_at


def _curve(settings: Settings, key: str, timeline: Timeline) -> Curve:
    """Return a setting of the camera as `curve` does; an error names the setting and its text."""
    try:
        return curve(settings, key, timeline)
    except SettingsError as error:
        raise SettingsError(f"{key}: {settings.keyframes[key]!r}: {error}") from None


def _check_canvas(settings: Settings, flight: Flight) -> None:
    """Raise SettingsError for what is animated where a canvas is painted once, or a way that no canvas fits."""
    for key, text in settings.keyframes.items():
        if not key.startswith(ANIMATED_ON_CANVAS) or key in CONSTANT_ON_CANVAS:
            raise SettingsError(
                f"{key}: {text!r}: it is animated, and camera.mode=world paints one canvas for all frames: give "
                "camera.mode=frames"
            )
    if flight.velocity_at is None:
        return
    ways = [flight.velocity_at(flight.seconds * share / 100) for share in range(101)]
    turning = any(rate != 0 for rate, _ in ways)
    aside = {round(float(np.angle(speed)), 6) for _, speed in ways if speed != 0}
    if (turning and aside) or len(aside) > 1:
        raise SettingsError(
            "the way of the camera bends, and camera.mode=world has no canvas for that: keep camera.shift and "
            "camera.centre constant, or give camera.mode=frames"
        )


def _frames(seconds: float, rate: Fraction) -> int:
    return nearest_whole(Fraction(seconds).limit_denominator(1000) * rate)


def _joined(identities: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(identities).encode()).hexdigest()
