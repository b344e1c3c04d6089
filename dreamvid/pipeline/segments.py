"""Segments: parts of a long shot that are rendered apart, in any order and anywhere, and join without a seam.

The frames that begin them, the anchors, are dreamed first and in their order, each carried from the anchor before by
the motion over all the frames between. A segment goes on from its anchor; over its last frames its dream crossfades to
that of the next anchor, carried backwards. The layout is part of the plan, so the film is the same whoever renders it.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import islice

import numpy as np
import numpy.typing as npt

from dreamvid.coherence.carry import Carry, Move, Past, uncovered
from dreamvid.coherence.optical_flow import Motion, sample, warp
from dreamvid.config.settings import Settings
from dreamvid.core.errors import SettingsError
from dreamvid.core.timing import nearest_whole
from dreamvid.core.types import Frame, Image, Mask, Shot
from dreamvid.pipeline.crossfade import Ending
from dreamvid.pipeline.plan import Crossfade, Plan
from dreamvid.pipeline.render import RenderContext, Rendered, brought_to, carried, first_of_shot

CROSSFADE_SECONDS = Fraction(1, 2)  # length of the crossfade to the next anchor
CROSSFADE_SHARE = 3  # at most one frame in so many of a segment
SHORTEST = 12  # frames of a segment


def with_segments(plan: Plan, settings: Settings) -> Plan:
    """Return the plan with its long shots divided into segments of about `parallel.segment` seconds, even in length.

    Raises SettingsError where frames are carried otherwise than each from the one before by optical flow.
    """
    wanted, how = settings.parallel.segment, settings.coherence
    if wanted is None:
        return plan
    if how.mode == "blend" or how.cadence > 1 or settings.input.loop:
        why = "--loop" if settings.input.loop else f"coherence.{'mode=blend' if how.mode == 'blend' else 'cadence > 1'}"
        raise SettingsError(f"a shot cannot be cut into segments with {why}: leave out parallel.segment, or that")
    length = max(SHORTEST, nearest_whole(Fraction(wanted) * plan.rate))
    # A shot that goes on with a dream has none of its own to begin with, which its anchors could be carried from.
    whole = plan.shots[:1] if plan.carries_on else ()
    divided = (part for shot in plan.shots[len(whole) :] for part in _divided(plan, shot, length))
    segments = (*whole, *divided)
    return replace(plan, segments=segments)


def _divided(plan: Plan, shot: Shot, length: int) -> Iterator[Shot]:
    positions = plan.positions(shot)
    count = max(1, round(len(positions) / length))
    firsts = [positions.start + len(positions) * number // count for number in range(count)]
    starts = [shot.start, *(plan.frames[first] for first in firsts[1:])]
    return (Shot(*ends) for ends in zip(starts, [*starts[1:], shot.stop], strict=True))


def anchors_of(plan: Plan, shot: Shot) -> tuple[int, ...]:
    """Return the source frames that begin the segments of a shot, if it has several; they are dreamed first."""
    starts = tuple(part.start for part in plan.segments if shot.start <= part.start < shot.stop)
    return starts if len(starts) > 1 else ()


def render_anchors(
    ctx: RenderContext, frames: Iterable[Frame], anchors: Collection[int], carry: Carry | None = None
) -> Iterator[Rendered]:
    """Dream the anchors among frames in order, each from the one before by the motion over all frames between.

    `frames`: from the anchor in `carry` on, or of the shot; `carry`: the anchor before, as it was stored.
    """
    way: Motion | None = None
    before: Frame | None = None
    for frame in frames:
        if before is not None:
            step = ctx.move(Past(before.index, before.image, before.image), frame)
            way = step if way is None else composed(way, step)
        before = frame
        if frame.index not in anchors or (carry is not None and frame.index == carry.last.index):
            continue
        params = ctx.params_at(frame.index)
        if carry is None:
            dreamed = first_of_shot(ctx, params, frame)
        else:
            assert way is not None
            # So long after the last calibration another one is due.
            due = replace(carry, state=replace(carry.state, calibration_age=1.0))
            dreamed = carried(replace(ctx, move=_known(way)), params, frame, due)
            image = brought_to(dreamed.state.strength, params, frame, dreamed.image)
            dreamed = replace(dreamed, image=image)
        result = dreamed.finished(frame)
        yield result
        carry, way = Carry((result.past(frame.mask),), result.state), None


def _known(motion: Motion) -> Move:
    return lambda past, now: motion


def composed(first: Motion, then: Motion) -> Motion:
    """Return the motion over two steps in time: `first`, from one frame to another, and `then`, on to a third."""
    field = then.field + sample(first.field, then.field)
    return Motion(field, then.valid & (sample(first.valid.astype(np.float32), then.field) > 0.5))


def ending_frames(plan: Plan, segment: Shot) -> Sequence[int]:
    """Return the source frames over which a segment crossfades to the next anchor; none at the end of a shot."""
    if segment.stop not in {part.start for part in plan.segments} or plan.starts_shot(segment.stop):
        return ()
    positions = plan.positions(segment)
    count = min(nearest_whole(CROSSFADE_SECONDS * plan.rate), len(positions) // CROSSFADE_SHARE)
    return plan.frames[positions.stop - max(1, count) : positions.stop]


class SegmentEnd:
    """The end of a segment: its layer becomes that of the next anchor, carried backwards by optical flow."""

    def __init__(self, frames: Sequence[int], anchor: int, stored: Callable[[Frame], Past | None], move: Move) -> None:
        """Take the source frames of the crossfade, and the anchor after them.

        `stored`: gives the dream of the anchor, None where it is not there yet.
        """
        self._frames, self._stored, self._move = frames, stored, move
        self._layers = dict[int, tuple[npt.NDArray[np.float16], Mask]]()  # in half precision: there are many
        self.ending = Ending(Crossfade(frames[0], anchor + 1), self._layer_at, restless=True)

    def through(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        """Yield frames as they come, up to the anchor; those of the crossfade once all of it, and the anchor, is read.

        Only then the ending knows its layers. Where the anchor is not dreamed yet, the crossfade is left out.
        """
        for frame in frames:
            if frame.index < self._frames[0]:
                yield frame
                continue
            coming = [frame, *islice(frames, sum(index > frame.index for index in self._frames))]
            anchor = next(frames)
            if (past := self._stored(anchor)) is not None:
                self._carry_back(coming, anchor, past.layer)
                yield from coming
            return

    def _carry_back(self, frames: Sequence[Frame], anchor: Frame, layer: Image) -> None:
        after, way = anchor, None
        for frame in reversed(frames):
            step = self._move(Past(after.index, after.image, after.image), frame)
            way = step if way is None else composed(way, step)
            self._layers[frame.index] = warp(layer, way).astype(np.float16), 1 - uncovered(way)
            after = frame

    def _layer_at(self, index: int) -> tuple[Image, Mask]:
        layer, there = self._layers[index]
        return layer.astype(np.float32), there
