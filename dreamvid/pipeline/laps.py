"""A video whose end leads into its beginning: one that loops by itself, or is made to by a dissolve.

The frames of the lap are dreamed, and after them the first ones once more, in which everything turns into what it was
when it was dreamed first. The film begins with these: it starts at the source's first frame, and its last frame is the
one that they went on from.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from dreamvid.coherence import optical_flow
from dreamvid.core.errors import SettingsError
from dreamvid.core.timing import nearest_whole
from dreamvid.core.types import Frame, Pixels, to_float, to_pixels
from dreamvid.pipeline.landing import Landing
from dreamvid.pipeline.plan import Plan

LANDING = Fraction(3)  # seconds in which a loop comes back to what it began with, if it is so long
SHARE = 3  # of a lap, the part that this may take at most
FOLLOWED = 0.75  # share of the frame whose motion can be followed from the last frame to the first
SEAMLESS = 1.5  # times the larger of the steps beside it: a step from the last frame to the first that is no jump
Frames = Callable[[Sequence[int]], Generator[Frame, None, None]]


def landing_frames(rate: Fraction, most: int, share: int = SHARE) -> int:
    """In how many frames a loop of that rate comes back, of `most`, of which this may be one in `share`."""
    return max(1, min(nearest_whole(LANDING * rate), most // share))


def closed(plan: Plan, frames: Frames, laps: int) -> tuple[Plan, Frames, Landing, bool]:
    """A plan that goes round `laps` times, its frames, how they land, and whether the source was made to loop.

    Raises SettingsError for a source of varying frame rate, or too short to loop.
    """
    count, first = len(plan.frames), plan.frames[0]
    if plan.shown != tuple(range(count)) or plan.frames != tuple(range(first, first + count)):
        raise SettingsError("a loop wants one frame of the source for each of the film: give --fps as the source has")
    if count < 2 * SHARE:
        raise SettingsError(f"a loop of {count} frames is too short: {2 * SHARE} or more can be closed")
    back = landing_frames(plan.rate, count)
    by_itself = _loops(plan, frames)
    lap = count if by_itself else count - back
    landing = Landing(lap, first + lap, first + lap + back)
    found = replace(
        plan,
        frames=tuple(range(first, first + lap + back)),
        shown=(*range(lap, lap + back), *range(back, lap)) * laps,
        clip=(first / plan.rate, (first + lap) / plan.rate),
        lap=lap,
    )
    return found, _landed(frames, plan, landing), landing, not by_itself


def _loops(plan: Plan, frames: Frames) -> bool:
    """Whether the step from the last frame to the first is like those beside it, and its motion can be followed."""
    ends = (*plan.frames[:2], *plan.frames[-2:])
    one, two, before, last = (frame.image for frame in frames(ends))
    pairs = ((before, last), (last, one), (one, two))
    steps = [float(np.abs(later.astype(np.float32) - earlier).mean()) for earlier, later in pairs]
    return steps[1] <= SEAMLESS * max(steps[0], steps[2]) and optical_flow.estimate(last, one).valid.mean() >= FOLLOWED


def _landed(frames: Frames, plan: Plan, landing: Landing) -> Frames:
    """The frames of a source, and after its end the first ones again, into which the last ones dissolve."""
    last = plan.frames[-1]

    def landed(indices: Sequence[int]) -> Generator[Frame, None, None]:
        heads = [index - landing.lap for index in indices if index >= landing.start]
        again = {frame.index: frame.image for frame in frames(heads)} if heads else {}
        for frame in frames([index for index in indices if index <= last]):
            yield _mixed(frame, again, landing)
        for index in indices:
            if index > last:
                yield Frame(index, index / plan.rate, again[index - landing.lap])

    return landed


def _mixed(frame: Frame, again: dict[int, Pixels], landing: Landing) -> Frame:
    head = again.get(frame.index - landing.lap)
    if head is None:
        return frame
    share = np.float32(landing.share(frame.index))
    mixed = to_float(frame.image) * (1 - share) + to_float(head) * share
    return replace(frame, image=to_pixels(mixed))
