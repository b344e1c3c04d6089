"""Cadence: every n-th frame is dreamed, those between are carried from the dreamed ones on both sides."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from dreamvid.coherence.carry import Carry, Past, between
from dreamvid.core.types import Frame, Mask, to_float
from dreamvid.pipeline.calibrate import dream_afresh
from dreamvid.pipeline.frame_params import FrameParams
from dreamvid.pipeline.render import Dreamed, RenderContext, Rendered, hold_steady, is_repeat, render


def render_at_cadence(ctx: RenderContext, frames: Iterable[Frame], carry: Carry | None = None) -> Iterator[Rendered]:
    """Dream the frames of a plan in order; each starts from the last dream.

    Where only some are dreamed, the others are carried from those on both sides, of which the later is dreamed first:
    it depends on no frame between. Arguments as for `render`, `carry` being the last that was dreamed.
    """
    cadence = ctx.settings.coherence.cadence
    if cadence == 1:
        yield from render(ctx, frames, carry)
        return
    waiting: list[Frame] = []
    mask: Mask | None = None
    params = FrameParams(ctx.settings, ctx.dreamer) if carry is None else ctx.params_at(carry.last.index)

    def keys() -> Iterator[Frame]:
        nonlocal mask
        for frame in frames:
            if ctx.plan.is_key(frame.index, cadence):
                mask = frame.mask
                yield frame
            else:
                waiting.append(frame)

    for key in render(ctx, keys(), carry):
        past, following = key.past(mask), ctx.params_at(key.index)
        for frame in waiting:
            assert carry is not None  # what begins a shot is dreamed
            share = (frame.index - carry.last.index) / (key.index - carry.last.index)
            held = replace(params, restless=following.restless)
            yield _between(ctx, frame, carry, past, share, held)
        waiting.clear()
        carry, params = Carry((past,), key.state), following
        yield key


def _between(ctx: RenderContext, frame: Frame, before: Carry, after: Past, share: float, held: FrameParams) -> Rendered:
    """Carry a frame that is not dreamed from before and after it; dream it afresh where it fits neither.

    `held`: what the one before was dreamed with, but restless if the one after is.
    """
    last, source = before.last, to_float(frame.image)
    if is_repeat(held, frame, last):
        return Dreamed(last.whole, before.state, valid=1.0).finished(frame)
    found = between(before, after, frame, share, ctx.move)
    if found is None:
        image = dream_afresh(ctx.params_at(frame.index).dreamer, source, (frame.index,))
        return Dreamed(image, before.state, valid=0.0).finished(frame)
    start = np.clip(source + found.seed, 0, 1)
    image = hold_steady(held, frame, source, start, start, before.state.strength, found, last)
    return Dreamed(image, before.state, found.valid).finished(frame)
