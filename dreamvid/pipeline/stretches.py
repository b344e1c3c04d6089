"""Stretches of a film that have settings of their own: planned on the frames, the cuts and the time of the whole film.

A batch file calls them segments. Each is joined to the one before by a cut, or goes on with its dream.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import Literal

from dreamvid.config.fields import Moment
from dreamvid.config.settings import Settings
from dreamvid.core.errors import SettingsError
from dreamvid.core.timing import seconds_to_frames
from dreamvid.core.types import SourceInfo
from dreamvid.pipeline.plan import Excerpt, Plan, with_cuts
from dreamvid.pipeline.prepare import RenderPlan, scheduled, tell_timing
from dreamvid.pipeline.schedule import Schedule
from dreamvid.pipeline.sources import plan_video

Join = Literal["carry", "cut"]
OF_FILM = ("input", "output", "audio", "compute", "parallel")  # sections of settings that are the same in all stretches


@dataclass(frozen=True)
class Stretch:
    """A stretch of a film, by its settings, of which those of `OF_FILM` are the same in all.

    `start`: in seconds of the film; `stop`: the same, None: where the next begins, or the film ends; `join`: whether
    it goes on with the dream of the one before; `where`: what errors call it.
    """

    settings: Settings
    start: Moment
    stop: Moment | None = None
    join: Join = "cut"
    name: str = ""
    where: str = "segment"


@dataclass(frozen=True)
class StretchedPlan:
    """The plan of a whole film, and that of each of its stretches with its settings, frame by frame."""

    whole: RenderPlan
    stretches: tuple[tuple[RenderPlan, Schedule], ...]


def plan_stretches(probed: SourceInfo, stretches: Sequence[Stretch]) -> StretchedPlan:
    """Plan a film in stretches, of a source whose facts are known, with its cuts.

    Raises SettingsError where a stretch lies outside the film, or settings do not fit; SourceError as `prepare`.
    """
    carried = [stretch.settings for stretch in stretches if stretch.settings.coherence.mode != "none"]
    info, plan = plan_video((probed,), (carried or [stretches[0].settings])[0])
    whole, found = RenderPlan("video", (probed,), info, plan), list[tuple[RenderPlan, Schedule]]()
    for stretch, part in zip(stretches, divided(plan, stretches), strict=True):
        found.append(scheduled(replace(whole, plan=part), stretch.settings))
    tell_timing([schedule for _, schedule in found])
    return StretchedPlan(whole, tuple(found))


def divided(plan: Plan, stretches: Sequence[Stretch]) -> Iterator[Plan]:
    """Yield the plan of each stretch of a film; raise SettingsError where one has no frame, or a loop is planned."""
    for stretch in stretches:
        if stretch.settings.input.loop:
            raise SettingsError("a loop has no segments: leave out input.loop, or the segments")
        if stretch.join == "carry" and stretch.settings.coherence.mode == "none":
            raise SettingsError(f"{stretch.where}: with coherence.mode=none no dream is carried on: join it by a cut")
    bounds = _bounds(plan, stretches)
    carries = [False, *(_carries_on(plan, first) for first in bounds[1:-1]), False]
    for number, stretch in enumerate(stretches):
        carries[number] &= stretch.join == "carry"
    for number, (first, stop) in enumerate(pairwise(bounds)):
        grows = carries[number] and _look(stretches[number - 1].settings) != _look(stretches[number].settings)
        place = Excerpt(number, first, bounds[-1], plan.clip, carries[number], carries[number + 1], grows)
        yield _part(plan, first, stop, place)


def _bounds(plan: Plan, stretches: Sequence[Stretch]) -> list[int]:
    """Return the film frames at which stretches begin, and the count of all; raise as `divided`."""
    count, wrong = len(plan.playback), list[str]()

    def frame_at(moment: Moment) -> int:
        first, _ = seconds_to_frames(moment, None, plan.rate)
        assert first is not None
        return first

    bounds = [*(frame_at(stretch.start) for stretch in stretches), count]
    length = float(count / plan.rate)
    for number, (stretch, (first, after)) in enumerate(zip(stretches, pairwise(bounds), strict=True), start=1):
        stop = None if stretch.stop is None else frame_at(stretch.stop)
        last = number == len(stretches)
        beyond = stretch.start if first >= count else stretch.stop if stop is not None and stop > count else None
        if first >= count and wrong:  # told of the one before
            continue
        if beyond is not None:
            wrong.append(f"{stretch.where}: {beyond} lies behind the end of the film, {beyond.alike(length)}")
        elif last and stretch.stop is not None and stop != count:
            wrong.append(
                f"{stretch.where}: the film goes on behind its end, to {stretch.stop.alike(length)}: leave out `to`, "
                "or give the job input.stop"
            )
        elif after <= first:
            frame = f"a frame takes {float(1 / plan.rate):.3g} s"
            wrong.append(f"{stretch.where}: from {stretch.start} on it has no frame of its own: {frame}")
    if wrong:
        raise SettingsError("; ".join(wrong))
    return bounds


def _carries_on(plan: Plan, first: int) -> bool:
    """Return whether no cut of the source lies between a film frame and the one before it."""
    position = plan.playback[first]
    return position == plan.playback[first - 1] or not plan.starts_shot(plan.frames[position])


def _part(plan: Plan, first: int, stop: int, place: Excerpt) -> Plan:
    """Return the plan of the film frames from `first` to before `stop`, with the cuts among them."""
    played = plan.playback[first:stop]
    begins = Fraction(0) if plan.clip is None else plan.clip[0]
    part = replace(
        plan,
        frames=plan.frames[played[0] : played[-1] + 1],
        playback=tuple(position - played[0] for position in played),
        clip=(begins + first / plan.rate, begins + stop / plan.rate),
        excerpt=place,
    )
    return with_cuts(part, tuple(shot.start for shot in plan.shots))


def _look(settings: Settings) -> object:
    """Return what a dream is of: its nets and its objectives, animated ones as they are written."""
    animated = {key: text for key, text in settings.keyframes.items() if key.startswith("objective.")}
    return settings.net, settings.objective, animated
