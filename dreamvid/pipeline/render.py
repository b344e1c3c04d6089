"""The loop: frames -> motion -> seed -> dream -> damp what is static -> frames. No files, no progress bars."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import starmap

import numpy as np

from dreamvid.camera.canvas import Canvas
from dreamvid.camera.paint import FlightView
from dreamvid.coherence import carry as coherence
from dreamvid.coherence.carry import Carry, Move, Past
from dreamvid.coherence.energy import Strength, band_rms, opponent, tint
from dreamvid.config.settings import Settings
from dreamvid.core.types import Frame, Image, Mask, Pixels, to_float, to_pixels
from dreamvid.dream.deepdream import Dreamer, StepBudget, dream, octave_scores, score, to_tensor
from dreamvid.dream.local_stats import grid_shape
from dreamvid.dream.octaves import octave_sizes
from dreamvid.pipeline.frame_params import FrameParams, ParamsByFrame
from dreamvid.pipeline.loops import Crossfade
from dreamvid.pipeline.plan import Plan

CARRIED_STEPS = 1  # per octave that the rotation is at: a small part of a fresh frame's work
BALANCE = 0.8  # on a carried frame, where what is strong already would take all of the step
USUAL_STEPS = 6  # of a fresh frame, which the size of a carried one's steps is reckoned by: more steps, longer ones
ANEW = 1 / 3  # share of a fresh frame's steps that is taken where much was uncovered: a half is steadier, and slower
REACH = 0.83  # of the way of all of a fresh frame's steps: how far what was uncovered goes in these
PROBES = 3  # fresh dreams that tell how strong those of a shot are; one alone is off by a quarter in a cell
PROBE_WEIGHT = 0.8  # weight of a later probe
FINISHING = 5  # passes that bring the first frame of a shot to the strength of its others
PROBE, FINISH = 1_000, 2_000  # in the keys of their random numbers


@dataclass(frozen=True)
class RenderContext:
    """What rendering the frames of a plan needs, the same for all of them.

    `move`: how the picture moved from the carried frame to the next, by estimate or by the camera's own word;
    `dreamer`: what dreams, with the tiles to begin with; `frame_params`: where settings are animated or a guide runs
    along, what each frame is dreamed with, in place of `settings` and `dreamer`; `crossfade`: the crossfade that closes
    a loop, and the layers that it ends in, by source frame.
    """

    plan: Plan
    settings: Settings
    move: Move
    dreamer: Dreamer
    frame_params: ParamsByFrame | None = None
    crossfade: tuple[Crossfade, Callable[[int], Image]] | None = None

    def params_at(self, frame: int) -> FrameParams:
        """Return the parameters of a source frame."""
        return FrameParams(self.settings, self.dreamer) if self.frame_params is None else self.frame_params(frame)


@dataclass(frozen=True)
class Rendered:
    """A finished frame: its source frame, its pixels as they are to be stored, and what the next one needs to know.

    `strength`, `calibration_age`, `survival`: as in a `Carry`; `valid`: share of the frame whose motion could be
    followed, None on a fresh frame; `tile`: side of the patches.
    """

    index: int
    source: Pixels
    dream: Pixels
    strength: Strength
    calibration_age: float
    survival: float
    valid: float | None
    tile: int


def render(ctx: RenderContext, frames: Iterable[Frame], carry: Carry | None = None) -> Iterator[Rendered]:
    """Dream the frames of a plan in order; each starts from the last dream.

    Where only some are dreamed, the others are carried from those on both sides, of which the later is dreamed first:
    it depends on no frame between. Arguments as for `each_dreamed`, `carry` being the last that was dreamed.
    """
    cadence = ctx.settings.coherence.cadence
    if cadence == 1:
        yield from each_dreamed(ctx, frames, carry)
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

    for key in each_dreamed(ctx, keys(), carry):
        past, following = Past(key.index, key.source, key.dream, mask), ctx.params_at(key.index)
        for frame in waiting:
            assert carry is not None  # what begins a shot is dreamed
            share = (frame.index - carry.last.index) / (key.index - carry.last.index)
            held = replace(params, dreamer=params.dreamer.with_tile(key.tile), restless=following.restless)
            yield _between(ctx, frame, carry, past, share, held)
        waiting.clear()
        carry, params = Carry((past,), key.strength, key.calibration_age, key.survival), following
        yield key


def _between(ctx: RenderContext, frame: Frame, before: Carry, after: Past, share: float, held: FrameParams) -> Rendered:
    """A frame that is not dreamed but carried, from before and after it; dreamed afresh where it fits neither.

    `held`: what the one before was dreamed with, but restless if the one after is.
    """
    last, source, valid, dreamer = before.last, to_float(frame.image), 1.0, held.dreamer
    restless = held.restless or not coherence.same_mask(last.mask, frame.mask)
    if not restless and np.array_equal(frame.image, last.source):
        image = last.whole
    elif (found := coherence.between(before, after, frame, share, ctx.move)) is None:
        own = ctx.params_at(frame.index).dreamer.with_tile(dreamer.settings.tile)
        image, dreamer = _fresh(own, source, (frame.index,))
        valid = 0.0
    else:
        sizes = octave_sizes(source.shape[0], source.shape[1], dreamer.settings)
        valid, start = found.valid, np.clip(source + found.seed, 0, 1)
        image = coherence.match_band_energy(start, source, before.strength, sizes, found.lasting(frame.mask))
        image = coherence.damp_static(image, start, found.still, last, frame.image, restless=restless)
    pixels, tile = to_pixels(coherence.apply_mask(image, source, frame.mask)), dreamer.settings.tile
    return Rendered(
        frame.index, frame.image, pixels, before.strength, before.calibration_age, before.survival, valid, tile
    )


def each_dreamed(ctx: RenderContext, frames: Iterable[Frame], carry: Carry | None = None) -> Iterator[Rendered]:
    """Dream frames in order; each starts from the last dream.

    `frames`: those still to be rendered; `carry`: the frame before them, as it was stored. What is carried is exactly
    what is stored, so a render that stops and goes on later gives the same bytes.
    """
    plan, crossfade, dreamer = ctx.plan, ctx.crossfade, ctx.dreamer
    for frame in frames:
        params = ctx.params_at(frame.index)
        settings, dreamer = params.settings, params.dreamer.with_tile(dreamer.settings.tile)
        how = settings.coherence
        source, visible = to_float(frame.image), None if frame.mask is None else coherence.visibility(frame.mask)
        sizes = octave_sizes(source.shape[0], source.shape[1], settings.dream)
        if how.mode == "none" or plan.starts_shot(frame.index):
            carry = None
        valid, calibration_age, survival = None, 0.0, 1.0
        restless = params.restless or (carry is not None and not coherence.same_mask(carry.last.mask, frame.mask))

        if carry is None:
            image, dreamer = _fresh(dreamer, source, (frame.index,))
            held = how.mode == "flow" and plan.continues_shot(frame.index)
            strength = _shot_strength(dreamer, source, image, frame.index, visible) if held else NO_STRENGTH
            for finish in range(FINISHING if held else 0):
                key, layer = (frame.index, FINISH + finish), coherence.apply_mask(image, source, visible) - source
                image, dreamer = dream(dreamer, source, layer, carried_budget(settings, strength, visible=visible), key)
                image = coherence.match_band_energy(image, source, strength, sizes, visible)
        elif how.mode == "blend":
            strength = carry.strength
            layer = coherence.blended(carry.last, source, how)
            image, dreamer = dream(dreamer, source, layer, carried_budget(settings, strength), (frame.index,))
        elif not restless and np.array_equal(frame.image, carry.last.source):
            # The very same picture: the very same dream.
            strength, calibration_age, survival = carry.strength, carry.calibration_age, carry.survival
            valid, image = 1.0, carry.last.whole
        elif (found := coherence.follow(carry, frame, how.references, ctx.move, dies=crossfade is None)) is None:
            image, dreamer = _fresh(dreamer, source, (frame.index,))
            strength = carry.strength.towards(measure_strength(dreamer, source, image, visible), PROBE_WEIGHT)
        else:
            valid, survival = found.valid, found.survival
            strength, calibration_age = (
                carry.strength.moved(found.field),
                found.next_calibration_age(carry.calibration_age, params.calibration_wear),
            )
            if calibration_age >= 1 or params.refresh_share or strength.shape != tuple(starmap(grid_shape, sizes)):
                probe, dreamer = _fresh(dreamer, source, (frame.index, PROBE))
                share = max(PROBE_WEIGHT, min(1.0, params.moved))
                strength, calibration_age = (
                    strength.towards(measure_strength(dreamer, source, probe, visible), share),
                    0.0,
                )
                found = coherence.mix_fresh(found, probe - source, params.refresh_share)
            layer = found.seed
            if crossfade is not None and crossfade[0].share(frame.index) > 0:
                back = crossfade[0].mixing(frame.index, *source.shape[:2])
                layer = layer + back * (crossfade[1](frame.index - crossfade[0].cycle_length) - layer)
            start = np.clip(source + layer, 0, 1)
            if crossfade is not None and crossfade[0].share(frame.index) == 1:
                image = start  # the crossfade is done: what follows was dreamed from this very layer
            else:
                budget = carried_budget(settings, strength, found.new, frame.index, visible)
                image, dreamer = dream(dreamer, source, layer, budget, (frame.index,))
                image = coherence.match_band_energy(image, source, strength, sizes, found.lasting(frame.mask))
                image = coherence.damp_static(image, start, found.still, carry.last, frame.image, restless=restless)

        pixels = to_pixels(coherence.apply_mask(image, source, frame.mask))
        yield Rendered(
            frame.index, frame.image, pixels, strength, calibration_age, survival, valid, dreamer.settings.tile
        )
        before = carry.frames[: max(how.references) - 1] if carry is not None else ()
        carry = Carry(
            (Past(frame.index, frame.image, pixels, frame.mask), *before), strength, calibration_age, survival
        )


def render_views(view: FlightView, canvas: Canvas | None, frames: Iterable[Frame], tile: int) -> Iterator[Rendered]:
    """Yield the frames of a painted canvas, each a view of it; `canvas`: None where nothing is dreamed."""
    for frame in frames:
        pixels = view.frame(frame.index, (frame.image.shape[0], frame.image.shape[1]), canvas)
        if frame.mask is not None:
            pixels = to_pixels(coherence.apply_mask(to_float(pixels), to_float(frame.image), frame.mask))
        yield Rendered(frame.index, frame.image, pixels, NO_STRENGTH, 0.0, 1.0, None, tile)


NO_STRENGTH = Strength((), (), ())  # where nothing goes on, nothing is held


def carried_budget(
    settings: Settings,
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
    much = new is not None and float(new.mean()) >= coherence.WORTH * how.cadence
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


def measure_strength(dreamer: Dreamer, source: Image, image: Image, visible: Mask | None = None) -> Strength:
    """Measure the strength of a dream of `source`, both H x W x 3 in [0, 1]; `visible`: where a mask shows it."""
    sizes = octave_sizes(source.shape[0], source.shape[1], dreamer.settings)
    cut = None if visible is None else coherence.apply_mask(image, source, visible)
    layer = opponent(image - source)
    return Strength(
        band_rms(layer, sizes, visible), tint(layer, visible), octave_scores(dreamer, image, source, cut, visible)
    )


def _fresh(dreamer: Dreamer, source: Image, key: tuple[int, ...]) -> tuple[Image, Dreamer]:
    return dream(dreamer, source, None, StepBudget(dreamer.settings.steps), key)


def _shot_strength(dreamer: Dreamer, source: Image, first: Image, index: int, visible: Mask | None) -> Strength:
    """Return the mean strength of the dream that a shot begins with and of others of the same picture."""
    strength = measure_strength(dreamer, source, first, visible)
    for number in range(1, PROBES):
        probe, dreamer = _fresh(dreamer, source, (index, PROBE + number))
        strength = strength.towards(measure_strength(dreamer, source, probe, visible), 1 / (number + 1))
    return strength


def gain(scorer: Dreamer, source: Pixels, result: Pixels) -> float:
    """Return how much a dream raised its objective: that of the stored frame less that of its source, unshifted."""
    return score(scorer, to_tensor(to_float(result), scorer)) - score(scorer, to_tensor(to_float(source), scorer))
