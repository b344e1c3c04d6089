"""What every frame of a plan is dreamed with where settings move: known, and in bounds, before the first is dreamed."""

import math
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from dreamvid import tracks
from dreamvid.errors import SettingsError
from dreamvid.plan import Plan
from dreamvid.settings import Settings, rounded, settings_at
from dreamvid.tracks import Film, Hear, silence

SHAPES_THE_DREAM = ("dream.", "objective.")  # of what else may move, a fresh dream knows nothing
WEIGHTS = ("objective.",)
JUMP = 1.0  # share of their size by which weights move in a frame, in all, where one dream ends and another begins
RENEWING = 4.0  # natural logarithms by which an old objective's share of a dream falls, for each size weights move by
PIECE = 0.2  # of these that are made good at a time, by mixing in a fresh dream
CATCHING_UP = 8  # frames after settings have moved in which the dream does not rest


@dataclass(frozen=True)
class Schedule:
    """The settings of a film, moment by moment.

    `frames`: the source frames that are dreamed, rising; `values`: for each of these, what every setting that moves is
    then, by full key; empty where none does.
    """

    settings: Settings
    frames: tuple[int, ...]
    values: tuple[Mapping[str, float], ...] = field(default=())

    def values_at(self, frame: int) -> Mapping[str, float]:
        """What the settings that move are at a source frame, by full key."""
        return self.values[bisect_left(self.frames, frame)] if self.values else {}

    def at(self, frame: int) -> Settings:
        """All settings at a source frame, none of which moves any more."""
        return settings_at(self.settings, self.values_at(frame))

    def moved(self, frame: int, back: int = 0, of: tuple[str, ...] = SHAPES_THE_DREAM) -> float:
        """How far the settings have moved from the dreamed frame before a source frame to it.

        The sum over those whose keys begin with one of `of`, each as a share of its largest size in the film. `back`:
        the same so many dreamed frames earlier.
        """
        position = bisect_left(self.frames, frame) - back
        if not self.values or position < 1:
            return 0.0
        before, now = self.values[position - 1], self.values[position]
        return sum(abs(now[key] - before[key]) / self._sizes[key] for key in now if key.startswith(of))

    @property
    def jumps(self) -> tuple[int, ...]:
        """The source frames at which the objective becomes another at once: each begins a dream of its own."""
        return tuple(frame for frame in self.frames[1:] if self.moved(frame, of=WEIGHTS) >= JUMP)

    def renewed(self, frame: int) -> float:
        """Share of a source frame's dream, in [0, 1], that is to come from a fresh one, as the objective has moved on.

        Steps add and never take away, and amplify what they find: what an old objective has left would outlast it.
        """
        return self._renewed[bisect_left(self.frames, frame)] if self.values else 0.0

    def restless(self, frame: int) -> bool:
        """Whether a dream has not yet caught up with settings that have moved, even of a picture that rests."""
        return any(self.moved(frame, back) for back in range(CATCHING_UP))

    @cached_property
    def _renewed(self) -> tuple[float, ...]:
        found, owed, jumps = [], 0.0, set(self.jumps)
        for frame in self.frames:
            moved = self.moved(frame, of=WEIGHTS)
            owed = 0.0 if frame in jumps else owed + RENEWING * moved
            due = owed >= PIECE or (owed > 0 and not moved)
            found.append(-math.expm1(-owed) if due else 0.0)
            owed = 0.0 if due else owed
        return tuple(found)

    @cached_property
    def _sizes(self) -> dict[str, float]:
        return {key: max(abs(values[key]) for values in self.values) or 1.0 for key in self.settings.tracks}


def schedule(settings: Settings, plan: Plan, hear: Hear = silence, *, periodic: bool = False) -> Schedule:
    """Evaluates all that moves for all frames of a plan; time counts from the first frame of the film.

    A source frame that is shown several times is dreamed for the first of them. `hear`: what is heard at a time;
    `periodic`: the film is a loop. Raises SettingsError, naming the setting, the text and where it lies in a frame, the
    frame, for a track that does not fit the film, has no value somewhere, or leaves its bounds.
    """
    if not settings.tracks:
        return Schedule(settings, plan.frames)
    film = Film(len(plan.shown), plan.rate, hear, periodic)
    columns = {key: _values(key, text, film, plan) for key, text in settings.tracks.items()}
    rows = tuple(dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))
    for moment, row in zip(plan.moments, rows, strict=True):
        _check(settings, row, _when(moment, plan))
    return Schedule(settings, plan.frames, rows)


def _values(key: str, text: str, film: Film, plan: Plan) -> list[float]:
    where = ""
    try:
        curve = tracks.parse(text).on(film)
        found = []
        for moment in plan.moments:
            where = f"{_when(moment, plan)}: "
            found.append(rounded(key, curve(float(moment / plan.rate))))
        return found
    except SettingsError as error:
        raise SettingsError(f"{key}: {text!r}: {where}{error}") from None


def _check(settings: Settings, values: Mapping[str, float], when: str) -> None:
    """Raises SettingsError for values out of bounds, if it can be told, by the one that is."""
    try:
        settings_at(settings, values)
    except SettingsError as all_of_them:
        for key, value in values.items():
            try:
                settings_at(settings, {key: value})
            except SettingsError as error:
                raise SettingsError(f"{key}: {settings.tracks[key]!r}: {when}: {error}") from None
        raise SettingsError(f"{when}: {all_of_them}") from None


def _when(moment: int, plan: Plan) -> str:
    return f"at frame {moment} ({float(moment / plan.rate):.3f} s)"
