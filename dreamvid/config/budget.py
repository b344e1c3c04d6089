"""Choose cadence, steps and size, in this order, so that a film is done in time, by seconds measured.

Where nothing is given up, the settings stay as they are; where even the least takes too long, there is no choice.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from dreamvid.config.draft import lightened, resized, takes_cadence
from dreamvid.config.settings import Settings
from dreamvid.core.framing import MIN_SIDE

LEAST, HALF, GRAIN = 0.25, 0.5, 0.05  # shares of the wanted sides: the smallest; the smallest at cadence 2; a step
GENTLE, COARSE = 2, 4  # cadences
OFTEN = 1 / 6  # calibrations per carried frame, at most


@dataclass(frozen=True)
class Choice:
    """Settings that a budget chooses: `share` of the wanted sides, gradient `steps` of a fresh frame, `cadence`."""

    share: float
    steps: int
    cadence: int


@dataclass(frozen=True)
class Limits:
    """Bounds of a choice: the `wanted` one, and the least of each setting."""

    wanted: Choice
    least_share: float = LEAST
    least_steps: int = 0
    coarsest: int = COARSE

    @staticmethod
    def of(settings: Settings, size: tuple[int, int]) -> "Limits":
        """Return those of settings: what is animated stays, and so does the cadence of loops and of modes without flow.

        `size`: wanted, (height, width).
        """
        steps, cadence = settings.dream.steps, settings.coherence.cadence
        fixed = "dream.steps" in settings.keyframes
        return Limits(
            Choice(1.0, steps, cadence),
            min(1.0, max(LEAST, (MIN_SIDE + 1) / min(size))),
            steps if fixed else math.ceil(steps / 2),
            max(cadence, COARSE if takes_cadence(settings) else 1),
        )

    def choices(self) -> Iterator[Choice]:
        """Yield what may be chosen, from what keeps most of the look to what keeps least."""
        now = self.wanted
        yield now
        gentle = replace(now, cadence=max(now.cadence, min(GENTLE, self.coarsest)))
        for steps in range(now.steps, self.least_steps - 1, -1):
            yield (now := replace(gentle, steps=steps))
        sizes = [round(1 - GRAIN * number, 2) for number in range(1, round((1 - LEAST) / GRAIN) + 1)]
        smaller = [share for share in sizes if share >= self.least_share]
        for share in (share for share in smaller if share >= HALF):
            yield (now := replace(now, share=share))
        yield (now := replace(now, cadence=max(now.cadence, self.coarsest)))
        for share in (share for share in smaller if share < HALF):
            yield (now := replace(now, share=share))


@dataclass(frozen=True)
class Pace:
    """Seconds of frames at a `share` of the wanted sides.

    `first`: of a shot; `carried`: from the frame before; `between`: carried from both sides; `finished`: of any
    frame in the mean, for scoring and encoding; `calibrations`: how many there are per carried frame.
    """

    share: float
    first: float
    carried: float
    between: float
    finished: float
    calibrations: float = 0.0


@dataclass(frozen=True)
class Workload:
    """A film as far as its time goes: the number of frames of each of its `shots`.

    `steps`: of a fresh frame when it was measured; `more`: steps, or what takes as long, of the first frame of a shot
    beside these; `whole`: whether a carried frame takes all the steps of a fresh one.
    """

    shots: tuple[int, ...]
    steps: int
    more: int = 0
    whole: bool = False

    def dreamed(self, cadence: int) -> int:
        """Return how many frames are dreamed: every `cadence`-th of a shot, and its last."""
        return sum(1 + -(-(count - 1) // cadence) for count in self.shots)

    def seconds(self, paces: Sequence[Pace], choice: Choice) -> float:
        """Return how long the film takes, by what was measured at one size or two."""
        pace = at_share(paces, choice.share)
        all_steps = max(1, self.steps + self.more)
        fresh = pace.first * (choice.steps + min(1, self.more)) / all_steps
        first = pace.first * (choice.steps + self.more) / all_steps
        carried = pace.carried * (choice.steps / max(1, self.steps) if self.whole else 1)
        often = min(OFTEN, pace.calibrations * choice.cadence)  # from dream to dream, more has changed
        count, dreamed = sum(self.shots), self.dreamed(choice.cadence)
        return (
            len(self.shots) * first
            + (dreamed - len(self.shots)) * (carried + often * fresh)
            + (count - dreamed) * min(pace.between, carried)
            + count * pace.finished
        )


def at_share(paces: Sequence[Pace], share: float) -> Pace:
    """Return the pace at another share of the sides: seconds grow with the number of pixels, from what each costs."""
    small, large = paces[0], paces[-1]

    def at(key: str) -> float:
        less, much = getattr(small, key), getattr(large, key)
        if small.share == large.share:
            return float(much * (share / large.share) ** 2)
        slope = max(0.0, (much - less) / (large.share**2 - small.share**2))
        return float(max(0.0, much + slope * (share**2 - large.share**2)))

    first, carried, middle, finished = map(at, ("first", "carried", "between", "finished"))
    return Pace(share, first, carried, middle, finished, large.calibrations)


def choose(paces: Sequence[Pace], film: Workload, limits: Limits, seconds: float) -> Choice | None:
    """Return the choice that keeps most of the look and ends in time; None where none does.

    Of a smaller size, as many steps stay as the time allows: on some films they cost next to nothing.
    """
    for choice in limits.choices():
        if film.seconds(paces, choice) <= seconds:
            more = (replace(choice, steps=steps) for steps in range(limits.wanted.steps, choice.steps, -1))
            return next((each for each in more if film.seconds(paces, each) <= seconds), choice)
    return None


def least(limits: Limits) -> Choice:
    """Return the last of the choices."""
    *_, last = limits.choices()
    return last


def with_choice(settings: Settings, choice: Choice) -> Settings:
    """Return settings with a choice: fewer steps, each longer, so that a dream goes about as far."""
    dream, size = settings.dream, settings.input.size
    longer = {}
    if 0 < choice.steps < dream.steps:
        longer["steps"] = choice.steps
        if "dream.step_size" not in settings.keyframes:
            longer["step_size"] = dream.step_size * (dream.steps / choice.steps) ** 0.5
    return lightened(settings, longer, choice.cadence, size if choice.share == 1 else resized(size, choice.share))


def with_choice_of(settings: Settings, begun: Settings) -> Settings:
    """Return settings with the size, steps and cadence of others."""
    dream = begun.dream.model_dump(include={"steps", "step_size"})
    return lightened(settings, dream, begun.coherence.cadence, begun.input.size)
