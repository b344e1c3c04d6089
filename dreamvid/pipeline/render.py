"""The loop: frames -> motion -> seed -> dream -> damp what is static -> frames. No files, no progress bars."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from dreamvid.camera.canvas import Canvas
from dreamvid.camera.paint import FlightView
from dreamvid.coherence import carry as coherence
from dreamvid.coherence.carry import Carry, CarryState, Followed, Move, Past
from dreamvid.coherence.energy import Strength
from dreamvid.config.serialize import PlainSettings
from dreamvid.core.types import Frame, Image, Mask, Pixels, to_float, to_pixels
from dreamvid.dream.deepdream import Dreamer, StepBudget, dream, score, to_tensor
from dreamvid.dream.octaves import octave_sizes
from dreamvid.pipeline.calibrate import NO_STRENGTH, calibrate_again, dream_afresh, measure_strength, recalibrate_lost
from dreamvid.pipeline.crossfade import Ending
from dreamvid.pipeline.frame_params import FrameParams, ParamsByFrame
from dreamvid.pipeline.plan import Plan

CARRIED_STEPS = 1  # per octave that the rotation is at: a small part of a fresh frame's work
BALANCE = 0.8  # on a carried frame, where what is strong already would take all of the step
USUAL_STEPS = 6  # of a fresh frame, which the size of a carried one's steps is reckoned by: more steps, longer ones
ANEW = 1 / 3  # share of a fresh frame's steps that is taken where much was uncovered: a half is steadier, and slower
REACH = 0.83  # of the way of all of a fresh frame's steps: how far what was uncovered goes in these
FINISHING = 3  # passes that bring what begins a shot or a segment to the strength of its others
FINISH = 2_000  # in the keys of their random numbers


@dataclass(frozen=True)
class RenderContext:
    """Everything that rendering the frames of a plan needs, the same for all of them.

    `move`: how the picture moved from the carried frame to the next, by estimate or by the camera's own word;
    `dreamer`: what dreams, with the tiles to begin with; `frame_params`: where settings are animated or a guide runs
    along, what each frame is dreamed with, in place of `settings` and `dreamer`; `ending`: of the loop or the segment
    that is rendered.
    """

    plan: Plan
    settings: PlainSettings
    move: Move
    dreamer: Dreamer
    frame_params: ParamsByFrame | None = None
    ending: Ending | None = None

    def params_at(self, frame: int) -> FrameParams:
        """Return the parameters of a source frame."""
        params = FrameParams(self.settings, self.dreamer) if self.frame_params is None else self.frame_params(frame)
        restless = self.ending is not None and self.ending.restless and self.ending.crossfade.share(frame) > 0
        return replace(params, restless=True) if restless else params


@dataclass(frozen=True)
class Dreamed:
    """The dream of a frame before a mask cuts it: `image`, H x W x 3 in [0, 1], and what the next frame needs to know.

    `valid`: share of the frame whose motion could be followed, None on a fresh frame.
    """

    image: Image
    state: CarryState
    valid: float | None = None

    def finished(self, frame: Frame) -> "Rendered":
        """Return the frame as it is to be stored: under its mask, in 8 bits."""
        image = self.image
        if frame.mask is not None:
            image = coherence.apply_mask(image, to_float(frame.image), frame.mask)
        return Rendered(frame.index, frame.image, to_pixels(image), self.state, self.valid)


@dataclass(frozen=True)
class Rendered:
    """A finished frame: `index`, `source`: of the source frame; `dream`: its pixels as they are to be stored.

    `state`: what the next frame needs to know; `valid`: as of a `Dreamed`.
    """

    index: int
    source: Pixels
    dream: Pixels
    state: CarryState
    valid: float | None

    def past(self, mask: Mask | None) -> Past:
        """Return what the next frame is carried from; `mask`: of this frame."""
        return Past(self.index, self.source, self.dream, mask)


def render(ctx: RenderContext, frames: Iterable[Frame], carry: Carry | None = None) -> Iterator[Rendered]:
    """Dream frames in order; each starts from the last dream, moved by optical flow.

    `frames`: those still to be rendered; `carry`: the frame before them, as it was stored. What is carried is exactly
    what is stored, so a render that stops and goes on later gives the same bytes.
    """
    for frame in frames:
        params = ctx.params_at(frame.index)
        how = params.settings.coherence
        if how.mode == "none" or ctx.plan.starts_shot(frame.index):
            carry = None
        if carry is None:
            dreamed = first_of_shot(ctx, params, frame)
        elif how.mode == "blend":
            dreamed = blend(params, frame, carry)
        elif is_repeat(params, frame, carry.last):
            dreamed = Dreamed(carry.last.whole, carry.state, valid=1.0)
        else:
            dreamed = carried(ctx, params, frame, carry)
        result = dreamed.finished(frame)
        yield result
        before = carry.frames[: max(how.references) - 1] if carry is not None else ()
        carry = Carry((result.past(frame.mask), *before), result.state)


def first_of_shot(ctx: RenderContext, params: FrameParams, frame: Frame) -> Dreamed:
    """Dream a frame from nothing; where others follow it, bring it to the state in which it is carried on."""
    source, visible = to_float(frame.image), visibility(frame)
    dreamer = params.dreamer
    image = dream_afresh(dreamer, source, (frame.index,))
    if params.settings.coherence.mode != "flow" or not ctx.plan.continues_shot(frame.index):
        return Dreamed(image, CarryState(NO_STRENGTH))
    strength = measure_strength(dreamer, source, image, visible)
    return Dreamed(brought_to(strength, params, frame, image), CarryState(strength))


def brought_to(strength: Strength, params: FrameParams, frame: Frame, image: Image) -> Image:
    """Return a dream of a frame, H x W x 3 in [0, 1], in the state in which it is carried on: as strong as the others.

    For what begins a shot or a segment: each of a few passes takes the steps of a carried frame.
    """
    source, visible = to_float(frame.image), visibility(frame)
    budget = carried_budget(params.settings, strength, visible=visible)
    sizes = octave_sizes(source.shape[0], source.shape[1], params.settings.dream)
    for finish in range(FINISHING):
        layer = coherence.apply_mask(image, source, visible) - source
        image = dream(params.dreamer, source, layer, budget, (frame.index, FINISH + finish))
        image = coherence.match_band_energy(image, source, strength, sizes, visible)
    return image


def blend(params: FrameParams, frame: Frame, carry: Carry) -> Dreamed:
    """Dream a frame from its picture mixed with the last dream where that was, without motion."""
    source, strength = to_float(frame.image), carry.state.strength
    layer = coherence.blended(carry.last, source, params.settings.coherence)
    image = dream(params.dreamer, source, layer, carried_budget(params.settings, strength), (frame.index,))
    return Dreamed(image, CarryState(strength))


def is_repeat(params: FrameParams, frame: Frame, last: Past) -> bool:
    """Return whether a frame is the very picture of the last one, and nothing else asks for another dream."""
    return not is_restless(params, frame, last) and np.array_equal(frame.image, last.source)


def is_restless(params: FrameParams, frame: Frame, last: Past) -> bool:
    """Return whether the dream changes even where the picture does not: settings are animated, or the mask moved."""
    # What flat places keep changes with the picture alone.
    other = params.settings.mask.shapes and not coherence.same_mask(last.mask, frame.mask)
    return params.restless or other


def carried(ctx: RenderContext, params: FrameParams, frame: Frame, carry: Carry) -> Dreamed:
    """Dream a frame a little further, from the last layer warped by optical flow; afresh where that is lost."""
    settings, source, visible = params.settings, to_float(frame.image), visibility(frame)
    found = coherence.follow(carry, frame, settings.coherence.references, ctx.move, dies=ctx.plan.crossfade is None)
    if found is None:
        image = dream_afresh(params.dreamer, source, (frame.index,))
        return Dreamed(image, recalibrate_lost(carry.state, params.dreamer, source, image, visible))
    state, found = calibrate_again(params, frame.index, source, carry.state, found, visible)
    ending = ctx.ending
    layer = found.seed if ending is None else ending.mix(frame.index, found.seed)
    start = np.clip(source + layer, 0, 1)
    if ending is not None and ending.crossfade.share(frame.index) == 1:  # what follows was dreamed from this very layer
        return Dreamed(start, state, found.valid)
    budget = carried_budget(settings, state.strength, found.new, frame.index, visible)
    image = dream(params.dreamer, source, layer, budget, (frame.index,))
    image = hold_steady(params, frame, source, image, start, state.strength, found, carry.last)
    return Dreamed(image, state, found.valid)


def hold_steady(
    params: FrameParams,
    frame: Frame,
    source: Image,
    image: Image,
    start: Image,
    strength: Strength,
    found: Followed,
    last: Past,
) -> Image:
    """Match the band energy of a carried dream to its strength, and damp it where the picture rests."""
    sizes = octave_sizes(source.shape[0], source.shape[1], params.settings.dream)
    image = coherence.match_band_energy(image, source, strength, sizes, found.lasting(frame.mask))
    restless = is_restless(params, frame, last)
    return coherence.damp_static(image, start, found.still, last, frame.image, restless=restless)


def visibility(frame: Frame) -> Mask | None:
    """Return where a frame's mask lets the dream be told from what is stored; None without a mask."""
    return None if frame.mask is None else coherence.visibility(frame.mask)


def render_views(view: FlightView, canvas: Canvas | None, frames: Iterable[Frame]) -> Iterator[Rendered]:
    """Yield the frames of a painted canvas, each a view of it; `canvas`: None where nothing is dreamed."""
    for frame in frames:
        pixels = view.frame(frame.index, (frame.image.shape[0], frame.image.shape[1]), canvas)
        if frame.mask is not None:
            pixels = to_pixels(coherence.apply_mask(to_float(pixels), to_float(frame.image), frame.mask))
        yield Rendered(frame.index, frame.image, pixels, CarryState(NO_STRENGTH), None)


def carried_budget(
    settings: PlainSettings,
    strength: Strength,
    new: Mask | None = None,
    rotation: int | None = None,
    visible: Mask | None = None,
) -> StepBudget:
    """Return the steps of a carried frame: few and eased where the layer is carried whole, all where it is blended.

    `new`: where something was uncovered: much of it gets longer steps, and more; `rotation`, `visible`: as in a
    `StepBudget`.
    """
    how = settings.coherence
    if how.mode == "blend":
        return StepBudget(settings.dream.steps if how.steps is None else how.steps)
    steps = CARRIED_STEPS if how.steps is None else how.steps
    anew = coherence.widened(new) if new is not None and new.any() else None
    much = new is not None and coherence.gets_more(float(new.mean()), how)
    fresh, few = settings.dream.steps, math.ceil(ANEW * settings.dream.steps)
    size = how.step_size * (fresh / USUAL_STEPS) ** 0.5
    return StepBudget(
        steps,
        lambda octave, score: size * strength.ease(octave, score),
        BALANCE,
        rotation,
        always=2 if much else 1,
        anew=anew,
        stride=REACH * fresh / few * min(2 * how.step_size, 1) if few else 0.0,
        thorough=few if much and steps > 0 else 0,
        visible=visible,
    )


def gain(scorer: Dreamer, source: Pixels, result: Pixels) -> float:
    """Return how much a dream raised its objective: that of the stored frame less that of its source, unshifted."""
    return score(scorer, to_tensor(to_float(result), scorer)) - score(scorer, to_tensor(to_float(source), scorer))
