"""Close loops: a video whose end leads into its beginning, by itself or made to by a crossfade.

The frames of one cycle are dreamed, then its first frames once more, in which the dream crossfades, place by place, to
what it was when they were dreamed first. The film begins with these: it starts at the source's first frame, and its
last frame is the one that they continue from.
"""

import shlex
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace

import numpy as np

from dreamvid.coherence import optical_flow
from dreamvid.core.errors import SettingsError
from dreamvid.core.timing import frame_map
from dreamvid.core.types import Frame, Pixels, SourceInfo, to_float, to_pixels
from dreamvid.core.words import counted
from dreamvid.pipeline.crossfade import SHARE, crossfade_frames
from dreamvid.pipeline.plan import LoopEnd, Plan

FOLLOWED = 0.75  # share of the frame whose motion can be followed from the last frame to the first
SEAMLESS = 1.5  # times the larger of the steps beside it: a step from the last frame to the first that is no jump
Frames = Callable[[Sequence[int]], Generator[Frame, None, None]]


def check_rate(plan: Plan, info: SourceInfo, fps: str | None) -> None:
    """Raise SettingsError where a film does not show each frame of its source once; `fps`: the rate that was asked."""
    count, first = len(plan.frames), plan.frames[0]
    if plan.playback == tuple(range(count)) and plan.frames == tuple(range(first, first + count)):
        return
    if frame_map(info.times, info.end, info.rate) == tuple(range(info.frames)):
        raise SettingsError(f"a loop keeps the frame rate of its source, {float(info.rate):g}: leave out --fps {fps}")
    source, asked = shlex.quote(str(info.files[0])), f" --fps {fps}" if fps else ""
    raise SettingsError(
        f"the frame rate of {info.name} varies, and a loop needs a constant one: first make a film that has it, "
        f"`dreamvid video {source} steady.mkv{asked} --set dream.steps=0 --set output.codec=ffv1`, "
        "then loop that"
    )


def close_loop(plan: Plan, frames: Frames, cycles: int) -> Plan:
    """Return the plan of a loop that runs `cycles` times and ends in a crossfade.

    `plan` shows each frame once (see `check_rate`). Raises SettingsError where it is too short to loop.
    """
    count, first = len(plan.frames), plan.frames[0]
    if count < 2 * SHARE:
        raise SettingsError(f"a loop of {counted(count, 'frame')} is too short: {2 * SHARE} or more can be closed")
    back = crossfade_frames(plan.rate, count)
    by_itself = _loops(plan, frames)
    cycle = count if by_itself else count - back
    return replace(
        plan,
        frames=tuple(range(first, first + cycle + back)),
        playback=(*range(cycle, cycle + back), *range(back, cycle)) * cycles,
        clip=(first / plan.rate, (first + cycle) / plan.rate),
        cycle_length=cycle,
        crossfade=LoopEnd(first + cycle, first + cycle + back, cycle, dissolves=not by_itself),
    )


def _loops(plan: Plan, frames: Frames) -> bool:
    """Return whether the step from the last frame to the first is like those beside it, and can be followed."""
    ends = (*plan.frames[:2], *plan.frames[-2:])
    one, two, before, last = (frame.image for frame in frames(ends))
    pairs = ((before, last), (last, one), (one, two))
    steps = [float(np.abs(later.astype(np.float32) - earlier).mean()) for earlier, later in pairs]
    alike = steps[1] <= SEAMLESS * max(steps[0], steps[2])
    return alike and float(optical_flow.estimate(last, one).valid.mean()) >= FOLLOWED


def looped(frames: Frames, plan: Plan, crossfade: LoopEnd) -> Frames:
    """Return the frames of a source and, after its end, its first again, into which the last ones dissolve."""
    end = crossfade.stop if crossfade.dissolves else crossfade.start  # of the source's own frames

    def dissolving(indices: Sequence[int]) -> Generator[Frame, None, None]:
        heads = [index - crossfade.cycle_length for index in indices if index >= crossfade.start]
        again = {frame.index: frame.image for frame in frames(heads)} if heads else {}
        for frame in frames([index for index in indices if index < end]):
            yield _mixed(frame, again, crossfade)
        for index in indices:
            if index >= end:
                yield Frame(index, index / plan.rate, again[index - crossfade.cycle_length])

    return dissolving


def _mixed(frame: Frame, again: dict[int, Pixels], crossfade: LoopEnd) -> Frame:
    head = again.get(frame.index - crossfade.cycle_length)
    if head is None:
        return frame
    share = np.float32(crossfade.share(frame.index))
    mixed = to_float(frame.image) * (1 - share) + to_float(head) * share
    return replace(frame, image=to_pixels(mixed))
