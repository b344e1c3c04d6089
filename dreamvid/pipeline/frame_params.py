"""What each frame is dreamed with where settings move, or a guide runs along."""

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from dreamvid.coherence.carry import SHORTEST_AGE
from dreamvid.config.settings import Settings
from dreamvid.dream.deepdream import Dreamer
from dreamvid.dream.session import Session
from dreamvid.pipeline.plan import Plan
from dreamvid.pipeline.schedule import Schedule

WORN = 0.1  # share of their size by which settings may move before the strength of dreams is measured anew


@dataclass(frozen=True)
class Turn:
    """What a frame is dreamed with where settings move, or a guide runs along.

    `moved`: how far settings have, from the dreamed frame before to this one, as a share of their size; `wear`: how
    much older its strength is for that, and for another picture of a guide; `restless`: whether the dream goes on even
    where the picture is the very same; `renewed`: as a `Schedule` tells it.
    """

    settings: Settings
    dreamer: Dreamer
    moved: float = 0.0
    wear: float = 0.0
    restless: bool = False
    renewed: float = 0.0


Turns = Callable[[int], Turn]  # of each source frame


def turns_of(schedule: Schedule, session: Session, plan: Plan, when: Callable[[int], Fraction]) -> Turns:
    """What each source frame is dreamed with; `when`: the time of one, in seconds of the source.

    Where only some frames are dreamed, each comes after the dreamed one before it, and one between goes with the next.
    """
    keys = tuple(frame for frame in plan.frames if plan.is_key(frame, schedule.settings.coherence.cadence))
    dreamed = schedule.of(keys)

    def turned(frame: int, back: int = 0) -> bool:
        """Whether a guide shows another picture than at the dreamed frame before; `back`: so many of these earlier."""
        position = bisect_left(keys, frame) - back
        return position > 0 and not session.terms.same_at(when(keys[position - 1]), when(keys[position]))

    def turn(frame: int) -> Turn:
        settings, moved = schedule.at(frame), dreamed.moved(frame)
        # What has come to rest is measured anew before it is held to that.
        wear = 1.0 if not moved and dreamed.moved(frame, 1) > 0 else moved / WORN
        shown = 1 / SHORTEST_AGE if turned(frame) else 1.0 if turned(frame, 1) else 0.0
        return Turn(
            settings,
            session.at(settings, when(frame)).dreamer,
            moved,
            wear + shown,
            restless=dreamed.restless(frame) or shown > 0,
            renewed=dreamed.renewed(frame),
        )

    return turn
