"""Close loops: a video whose end leads into its beginning, by itself or made to by a crossfade.

The frames of one cycle are dreamed, then its first frames once more, in which the dream crossfades, place by place, to
what it was when they were dreamed first. The film begins with these: it starts at the source's first frame, and its
last frame is the one that they continue from.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache

import numpy as np

from dreamvid.coherence import optical_flow
from dreamvid.core.easing import smooth
from dreamvid.core.errors import SettingsError
from dreamvid.core.timing import nearest_whole
from dreamvid.core.types import Frame, Image, Mask, Pixels, to_float, to_pixels
from dreamvid.media import opencv
from dreamvid.pipeline.plan import Plan

CROSSFADE_SECONDS = Fraction(3)  # length of the crossfade that closes a loop, where the loop is long enough
SHARE = 3  # a crossfade takes at most one frame in so many of a cycle
FOLLOWED = 0.75  # share of the frame whose motion can be followed from the last frame to the first
SEAMLESS = 1.5  # times the larger of the steps beside it: a step from the last frame to the first that is no jump
PATCH_SHARE = 1 / 3  # of a crossfade: how long one place takes
PATCHES = 3  # places along the short side that crossfade at times of their own
Frames = Callable[[Sequence[int]], Generator[Frame, None, None]]


@dataclass(frozen=True)
class Crossfade:
    """The end of a loop that is dreamed frame by frame.

    From frame `start` to before `stop` the layer crossfades to that of `cycle_length` frames before, where the source
    was the same; so the frame that follows the last is the one that followed there.
    """

    cycle_length: int
    start: int
    stop: int

    def share(self, index: int) -> float:
        """Return the share of the cycle before in a frame: from 0, before the crossfade, to 1 in the last."""
        return float(smooth(self._gone(index)))

    def mixing(self, index: int, height: int, width: int) -> Image:
        """Return the share of the layer of a cycle before that is mixed into the carried layer: H x W x 1, in [0, 1].

        Each place crossfades in a part of the time, one after another: where all of the picture does at once, two
        dreams are seen through each other.
        """
        before, now = (self._shares(at, height, width) for at in (index - 1, index))
        return np.where(now < 1, (now - before) / np.maximum(1 - before, np.finfo(np.float32).tiny), 1)[..., None]

    def _gone(self, index: int) -> float:
        return min(1.0, max(0.0, (index - self.start + 1) / (self.stop - self.start)))

    def _shares(self, index: int, height: int, width: int) -> Mask:
        late = patch_delays(height, width) * np.float32(1 - PATCH_SHARE)
        shares: Mask = smooth(np.clip((np.float32(self._gone(index)) - late) / np.float32(PATCH_SHARE), 0, 1))
        return shares


@lru_cache(maxsize=2)
def patch_delays(height: int, width: int) -> Mask:
    """Return when each place of a picture crossfades, H x W, evenly over [0, 1]: soft patches, always the same."""
    cv2 = opencv.load()
    short = min(height, width)
    rows, columns = (max(2, round(PATCHES * side / short)) for side in (height, width))
    few = np.random.default_rng(0).random((rows, columns), np.float32)
    field = cv2.resize(few, (width, height), interpolation=cv2.INTER_CUBIC)
    ranks = np.empty(height * width, np.float32)
    ranks[np.argsort(field, axis=None, kind="stable")] = np.linspace(0, 1, height * width, dtype=np.float32)
    return ranks.reshape(height, width)


def crossfade_frames(rate: Fraction, most: int, share: int = SHARE) -> int:
    """Return the number of crossfade frames: 3 s at `rate` frames a second, at most `most // share`, at least 1."""
    return max(1, min(nearest_whole(CROSSFADE_SECONDS * rate), most // share))


def close_loop(plan: Plan, frames: Frames, cycles: int) -> tuple[Plan, Frames, Crossfade, bool]:
    """Return the plan of a loop that runs `cycles` times, its frames, its crossfade, and whether the source dissolves.

    Raises SettingsError for a source of varying frame rate, or too short to loop.
    """
    count, first = len(plan.frames), plan.frames[0]
    if plan.playback != tuple(range(count)) or plan.frames != tuple(range(first, first + count)):
        raise SettingsError("a loop wants one frame of the source for each of the film: give --fps as the source has")
    if count < 2 * SHARE:
        raise SettingsError(f"a loop of {count} frames is too short: {2 * SHARE} or more can be closed")
    back = crossfade_frames(plan.rate, count)
    by_itself = _loops(plan, frames)
    cycle = count if by_itself else count - back
    crossfade = Crossfade(cycle, first + cycle, first + cycle + back)
    found = replace(
        plan,
        frames=tuple(range(first, first + cycle + back)),
        playback=(*range(cycle, cycle + back), *range(back, cycle)) * cycles,
        clip=(first / plan.rate, (first + cycle) / plan.rate),
        cycle_length=cycle,
    )
    return found, _with_crossfade(frames, plan, crossfade), crossfade, not by_itself


def _loops(plan: Plan, frames: Frames) -> bool:
    """Return whether the step from the last frame to the first is like those beside it, and can be followed."""
    ends = (*plan.frames[:2], *plan.frames[-2:])
    one, two, before, last = (frame.image for frame in frames(ends))
    pairs = ((before, last), (last, one), (one, two))
    steps = [float(np.abs(later.astype(np.float32) - earlier).mean()) for earlier, later in pairs]
    return steps[1] <= SEAMLESS * max(steps[0], steps[2]) and optical_flow.estimate(last, one).valid.mean() >= FOLLOWED


def _with_crossfade(frames: Frames, plan: Plan, crossfade: Crossfade) -> Frames:
    """Return the frames of a source and, after its end, its first again, into which the last ones dissolve."""
    last = plan.frames[-1]

    def dissolving(indices: Sequence[int]) -> Generator[Frame, None, None]:
        heads = [index - crossfade.cycle_length for index in indices if index >= crossfade.start]
        again = {frame.index: frame.image for frame in frames(heads)} if heads else {}
        for frame in frames([index for index in indices if index <= last]):
            yield _mixed(frame, again, crossfade)
        for index in indices:
            if index > last:
                yield Frame(index, index / plan.rate, again[index - crossfade.cycle_length])

    return dissolving


def _mixed(frame: Frame, again: dict[int, Pixels], crossfade: Crossfade) -> Frame:
    head = again.get(frame.index - crossfade.cycle_length)
    if head is None:
        return frame
    share = np.float32(crossfade.share(frame.index))
    mixed = to_float(frame.image) * (1 - share) + to_float(head) * share
    return replace(frame, image=to_pixels(mixed))
