"""The parameters of each frame: settings, dreamer, and how far animated settings and guides have changed."""

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from dreamvid.coherence.carry import SHORTEST_CALIBRATION_AGE
from dreamvid.config.serialize import PlainSettings
from dreamvid.core.timing import nearest_whole
from dreamvid.dream.deepdream import Dreamer
from dreamvid.dream.session import Session
from dreamvid.pipeline.crossfade import Growth
from dreamvid.pipeline.plan import Plan
from dreamvid.pipeline.schedule import CATCHING_UP, Schedule

# In which the dream of another stretch grows into the look of this one; in fewer frames the new one would stay weak.
GROWTH_SECONDS, GROWTH_FRAMES = Fraction(1), 18
RECALIBRATE_AFTER = 0.1  # share of their size by which settings may move before strength is measured anew


@dataclass(frozen=True)
class FrameParams:
    """The parameters of one frame, where settings are animated or a guide is a film.

    `moved`: how far settings have, from the dreamed frame before to this one, as a share of their size;
    `calibration_wear`: how much that adds to the calibration age, and for another picture of a guide; `restless`:
    whether the dream goes on even where the picture is the very same; `refresh_share`: as of a `Schedule`; `growth`: of
    the dream of another stretch that is carried on.
    """

    settings: PlainSettings
    dreamer: Dreamer
    moved: float = 0.0
    calibration_wear: float = 0.0
    restless: bool = False
    refresh_share: float = 0.0
    growth: Growth | None = None


ParamsByFrame = Callable[[int], FrameParams]  # of each source frame


def growing_frames(plan: Plan, cadence: int) -> int:
    """Return over how many dreamed frames the dream of another stretch grows into this one's look; a cut ends it."""
    stop, moments = plan.shots[0].stop, dict(zip(plan.frames, plan.moments, strict=True))
    keys = [frame for frame in plan.frames if plan.is_key(frame, cadence) and frame < stop]
    within = sum(moments[frame] - moments[keys[0]] < nearest_whole(GROWTH_SECONDS * plan.rate) for frame in keys)
    return min(len(keys), max(within, GROWTH_FRAMES))


def params_by_frame(schedule: Schedule, session: Session, plan: Plan, when: Callable[[int], Fraction]) -> ParamsByFrame:
    """Return a function from source frame to its parameters; `when`: the time of one, in seconds of the source.

    Where only some frames are dreamed, each comes after the dreamed one before it, and one between goes with the next.
    """
    keys = tuple(frame for frame in plan.frames if plan.is_key(frame, schedule.settings.coherence.cadence))
    dreamed = schedule.of(keys)

    def guide_changed(frame: int, back: int = 0) -> bool:
        """Return whether a guide shows another picture than at the dreamed frame before, or `back` of these earlier."""
        position = bisect_left(keys, frame) - back
        return position > 0 and not session.terms.same_at(when(keys[position - 1]), when(keys[position]))

    growing = growing_frames(plan, schedule.settings.coherence.cadence) if plan.carries_on else 0

    def params_at(frame: int) -> FrameParams:
        settings, moved = schedule.at(frame), dreamed.moved(frame)
        # What has come to rest is measured anew before it is held to that.
        wear = 1.0 if not moved and dreamed.moved(frame, 1) > 0 else moved / RECALIBRATE_AFTER
        guide_wear = 1 / SHORTEST_CALIBRATION_AGE if guide_changed(frame) else 1.0 if guide_changed(frame, 1) else 0.0
        # Of a look that is carried on, strength is measured where another begins, and where that has grown.
        position = bisect_left(keys, frame)
        join_wear = 1.0 if plan.carries_on and position in (0, growing) else 0.0
        grows = plan.grows and position < growing
        restless = plan.carries_on and position < growing + CATCHING_UP
        return FrameParams(
            settings,
            session.at(settings, when(frame)).dreamer,
            moved,
            wear + guide_wear + join_wear,
            restless=restless or dreamed.restless(frame) or guide_wear > 0,
            refresh_share=dreamed.refresh_share(frame),
            growth=Growth(position, growing) if grows else None,
        )

    return params_at
