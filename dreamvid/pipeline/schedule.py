"""The values of animated settings at every frame of a plan: known, and in bounds, before any is dreamed."""

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import pairwise

from dreamvid.config.serialize import PlainSettings, curve, rounded, settings_at
from dreamvid.config.settings import Settings
from dreamvid.config.timeline import Cues, Timeline
from dreamvid.core.errors import SettingsError
from dreamvid.pipeline.calm import calmed
from dreamvid.pipeline.plan import Plan

SHAPES_THE_DREAM = ("dream.", "objective.")  # of what else may be animated, a fresh dream knows nothing
JUMP = 0.75  # share of the objective that goes elsewhere in one frame where one dream ends and another begins
REFRESH_RATE = 8.0  # natural logarithms by which what is old in a dream falls while all of the objective goes elsewhere
PIECE = 0.1  # of these that are made good at a time, by mixing in a fresh dream
CATCHING_UP = 24  # frames after settings have moved in which the dream does not rest


@dataclass(frozen=True)
class Schedule:
    """The settings of a film, frame by frame.

    `timeline`: the time that keyframes are placed on; `frames`: the source frames that are dreamed, rising; `values`:
    for each of these, the value of every animated setting, by full key; empty where none is animated; `whole`: the
    schedule of all frames, where this is of some.
    """

    settings: Settings
    timeline: Timeline
    frames: tuple[int, ...]
    values: tuple[Mapping[str, float], ...] = field(default=())
    whole: "Schedule | None" = None

    def of(self, frames: Sequence[int]) -> "Schedule":
        """Return the schedule of some frames alone, rising, all `jumps` among them."""
        values = tuple(self.values_at(frame) for frame in frames) if self.values else ()
        return Schedule(self.settings, self.timeline, tuple(frames), values, self)

    def values_at(self, frame: int) -> Mapping[str, float]:
        """Return the values of the animated settings at a source frame, by full key."""
        return self.values[bisect_left(self.frames, frame)] if self.values else {}

    def at(self, frame: int) -> PlainSettings:
        """Return all settings at a source frame, none of them animated."""
        return settings_at(self.settings, self.values_at(frame))

    def during(self, times: Sequence[float]) -> tuple[PlainSettings, ...]:
        """Return all settings at any times of the film, in seconds; outside it, those of its beginning or end.

        Raises SettingsError as `make_schedule` does.
        """
        moments = [min(max(Fraction(time), Fraction(0)), self.timeline.seconds) * self.timeline.rate for time in times]
        return tuple(settings_at(self.settings, row) for row in evaluated(self.settings, self.timeline, moments))

    def moved(self, frame: int, back: int = 0) -> float:
        """Return how much the settings that shape a dream change from the dreamed frame before to a source frame.

        It is the sum over these settings, each as a share of its largest size in the film. `back`: the same so many
        dreamed frames earlier.
        """
        position = bisect_left(self.frames, frame) - back
        if not self.values or position < 1:
            return 0.0
        before, now = self.values[position - 1], self.values[position]
        return sum(abs(now[key] - before[key]) / self._sizes[key] for key in now if key.startswith(SHAPES_THE_DREAM))

    @property
    def jumps(self) -> tuple[int, ...]:
        """The source frames at which the objective changes at once: each begins a shot of its own."""
        if self.whole is not None:
            return self.whole.jumps
        return tuple(frame for frame, gone in zip(self.frames, self._shifts, strict=False) if gone >= JUMP)

    def refresh_share(self, frame: int) -> float:
        """Return the share of a source frame's dream, in [0, 1], that is taken from a fresh one.

        Where the objective changes slowly, steps only add to what they find: the dream of the old objective would
        outlast it.
        """
        return self._refresh_shares[bisect_left(self.frames, frame)] if self.values else 0.0

    def restless(self, frame: int) -> bool:
        """Return whether settings have changed within the last CATCHING_UP dreamed frames."""
        return any(self.moved(frame, back) for back in range(CATCHING_UP))

    @cached_property
    def _refresh_shares(self) -> tuple[float, ...]:
        found, owed, jumps = [], 0.0, frozenset(self.jumps)
        for frame, gone in zip(self.frames, self._shifts, strict=False):
            owed = 0.0 if frame in jumps else owed + REFRESH_RATE * gone
            due = owed >= PIECE or (owed > 0 and not gone)
            found.append(-math.expm1(-owed) if due else 0.0)
            owed = 0.0 if due else owed
        return tuple(found)

    @cached_property
    def _shifts(self) -> tuple[float, ...]:
        """The share of the objective's weight that moves to other terms, in [0, 1], up to each frame."""
        shares = [self._shares(values) for values in self.values]
        steps = (
            round(sum(abs(now - then) for then, now in zip(before, after, strict=True)) / 2, 9)
            for before, after in pairwise(shares)
        )
        return (0.0, *steps) if shares else ()

    def _shares(self, values: Mapping[str, float]) -> list[float]:
        """Return the weight of each term, as a share of the sum of their sizes."""
        terms = enumerate(self.settings.objective)
        weights = [values.get(f"objective.{number}.weight", term.weight) for number, term in terms]
        size = sum(map(abs, weights)) or 1.0
        return [weight / size for weight in weights]

    @cached_property
    def _sizes(self) -> dict[str, float]:
        return {key: max(abs(values[key]) for values in self.values) or 1.0 for key in self.settings.keyframes}


def make_schedule(settings: Settings, plan: Plan, cues: Cues = Cues()) -> Schedule:
    """Evaluate animated settings for all frames of a plan; time counts from the first frame of the film and cycle.

    Of a stretch, too, it counts from the first frame of the whole film.

    A source frame that is shown several times is dreamed for the first of them. `cues`: what is followed beside the
    time. Raises SettingsError, naming the setting, the text and where it lies in a frame, the frame, for keyframes that
    do not fit the film, has no value somewhere, or leaves its bounds.
    """
    count = len(plan.playback) if plan.excerpt is None else plan.excerpt.count
    timeline = Timeline(plan.cycle_length or count, plan.rate, cues, periodic=plan.cycle_length is not None)
    if not settings.keyframes:
        return Schedule(settings, timeline, plan.frames)
    return Schedule(settings, timeline, plan.frames, evaluated(settings, timeline, plan.moments))


def evaluated(
    settings: Settings, timeline: Timeline, moments: Sequence[Fraction | int]
) -> tuple[dict[str, float], ...]:
    """Return the values of every animated setting at some frames of a film, by full key; raise as `make_schedule`.

    With `audio.max_flash`, they are those of whole frames: of the one that a moment is in.
    """
    calm = bool(settings.audio.max_flash)
    places = range(timeline.frames) if calm else moments
    columns = calmed(settings, timeline, {key: _values(settings, key, timeline, places) for key in settings.keyframes})
    rows = tuple(dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))
    for place, row in zip(places, rows, strict=True):
        _check(settings, row, _when(place, timeline))
    return tuple(rows[_frame(moment, timeline)] for moment in moments) if calm else rows


def _frame(moment: Fraction | int, timeline: Timeline) -> int:
    """Return the frame that a moment is in; the end of a film is in its last, that of a loop in its first."""
    return int(moment) % timeline.frames if timeline.periodic else min(int(moment), timeline.frames - 1)


def _values(settings: Settings, key: str, timeline: Timeline, moments: Sequence[Fraction | int]) -> list[float]:
    where = ""
    try:
        value = curve(settings, key, timeline)
        found = []
        for moment in moments:
            where = f"{_when(moment, timeline)}: "
            found.append(rounded(key, value(float(moment / timeline.rate))))
        return found
    except SettingsError as error:
        raise SettingsError(f"{key}: {settings.keyframes[key]!r}: {where}{error}") from None


def _check(settings: Settings, values: Mapping[str, float], when: str) -> None:
    """Raise SettingsError for values out of bounds, naming the one that is, where it is one alone."""
    try:
        settings_at(settings, values)
    except SettingsError as all_of_them:
        for key, value in values.items():
            try:
                settings_at(settings, {key: value})
            except SettingsError as error:
                raise SettingsError(f"{key}: {settings.keyframes[key]!r}: {when}: {error}") from None
        raise SettingsError(f"{when}: {all_of_them}") from None


def _when(moment: Fraction | int, timeline: Timeline) -> str:
    return f"at frame {float(moment):.6g} ({float(moment / timeline.rate):.3f} s)"
