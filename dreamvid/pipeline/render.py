"""The loop: frames -> motion -> seed -> dream -> settle -> frames. No files, no progress bars."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import starmap

import numpy as np

from dreamvid.camera.canvas import World
from dreamvid.camera.paint import Filming
from dreamvid.coherence import carry as coherence
from dreamvid.coherence.carry import Carry, Move, Past
from dreamvid.coherence.energy import Strength, band_rms, opponent, tint
from dreamvid.config.settings import Settings
from dreamvid.core.types import Frame, Image, Mask, Pixels, to_float, to_pixels
from dreamvid.dream.deepdream import Dreamer, StepBudget, dream, octave_scores, score, to_tensor
from dreamvid.dream.local_stats import grid_shape
from dreamvid.dream.octaves import octave_sizes
from dreamvid.pipeline.frame_params import Turn, Turns
from dreamvid.pipeline.landing import Landing
from dreamvid.pipeline.plan import Plan

CARRIED_STEPS = 1  # per octave that has its turn: a small part of a fresh frame's work
BALANCE = 0.8  # on a carried frame, where what is strong already would take all of the step
USUAL_STEPS = 6  # of a fresh frame, which the size of a carried one's steps is reckoned by: more steps, longer ones
ANEW = 1 / 3  # share of a fresh frame's steps that is taken where much was uncovered: a half is steadier, and slower
REACH = 0.83  # of the way of all of a fresh frame's steps: how far what was uncovered goes in these
PROBES = 3  # fresh dreams that tell how strong those of a shot are; one alone is off by a quarter in a neighbourhood
RENEWAL = 0.8  # weight of a later probe
FINISHING = 5  # passes that bring the first frame of a shot to the strength of its others
PROBE, FINISH = 1_000, 2_000  # in the keys of their random numbers


@dataclass(frozen=True)
class Course:
    """How a film goes on from frame to frame.

    `move`: how the picture moved from the carried frame to the next, by estimate or by the camera's own word;
    `dreamer`: what dreams, with the tiles to begin with; `turns`: where settings move or a guide runs along, what each
    frame is dreamed with, in place of `settings` and `dreamer`; `landing`: how a loop comes back, and the layers that
    it comes back to, by source frame.
    """

    plan: Plan
    settings: Settings
    move: Move
    dreamer: Dreamer
    turns: Turns | None = None
    landing: tuple[Landing, Callable[[int], Image]] | None = None

    def turn(self, frame: int) -> Turn:
        """What a source frame is dreamed with."""
        return Turn(self.settings, self.dreamer) if self.turns is None else self.turns(frame)


@dataclass(frozen=True)
class Rendered:
    """A finished frame: its source frame, its pixels as they are to be stored, and what the next one needs to know.

    `strength`, `age`, `alive`: as in a `Carry`; `valid`: share of the frame whose motion could be followed, None on a
    fresh frame; `tile`: side of the patches.
    """

    index: int
    source: Pixels
    dream: Pixels
    strength: Strength
    age: float
    alive: float
    valid: float | None
    tile: int


def render(course: Course, frames: Iterable[Frame], carry: Carry | None = None) -> Iterator[Rendered]:
    """Dreams the frames of a plan in order, each going on from the last.

    Where only some are dreamed, the others are carried from those on both sides, of which the later is dreamed first:
    it depends on no frame between. Arguments as for `each_dreamed`, `carry` being the last that was dreamed.
    """
    cadence = course.settings.coherence.cadence
    if cadence == 1:
        yield from each_dreamed(course, frames, carry)
        return
    waiting: list[Frame] = []
    mask: Mask | None = None
    turn = Turn(course.settings, course.dreamer) if carry is None else course.turn(carry.last.index)

    def keys() -> Iterator[Frame]:
        nonlocal mask
        for frame in frames:
            if course.plan.is_key(frame.index, cadence):
                mask = frame.mask
                yield frame
            else:
                waiting.append(frame)

    for key in each_dreamed(course, keys(), carry):
        past, following = Past(key.index, key.source, key.dream, mask), course.turn(key.index)
        for frame in waiting:
            assert carry is not None  # what begins a shot is dreamed
            share = (frame.index - carry.last.index) / (key.index - carry.last.index)
            held = replace(turn, dreamer=turn.dreamer.with_tile(key.tile), restless=following.restless)
            yield _between(course, frame, carry, past, share, held)
        waiting.clear()
        carry, turn = Carry((past,), key.strength, key.age, key.alive), following
        yield key


def _between(course: Course, frame: Frame, before: Carry, after: Past, share: float, held: Turn) -> Rendered:
    """A frame that is not dreamed but carried, from before and after it; dreamed afresh where it fits neither.

    `held`: what the one before was dreamed with, but restless if the one after is.
    """
    last, source, valid, dreamer = before.last, to_float(frame.image), 1.0, held.dreamer
    restless = held.restless or not coherence.same_mask(last.mask, frame.mask)
    if not restless and np.array_equal(frame.image, last.source):
        image = last.whole
    elif (found := coherence.between(before, after, frame, share, course.move)) is None:
        own = course.turn(frame.index).dreamer.with_tile(dreamer.settings.tile)
        image, dreamer = _fresh(own, source, (frame.index,))
        valid = 0.0
    else:
        sizes = octave_sizes(source.shape[0], source.shape[1], dreamer.settings)
        valid, start = found.valid, np.clip(source + found.seed, 0, 1)
        image = coherence.steadied(start, source, before.strength, sizes, found.lasting(frame.mask))
        image = coherence.settle(image, start, found.still, last, frame.image, restless=restless)
    pixels, tile = to_pixels(coherence.masked(image, source, frame.mask)), dreamer.settings.tile
    return Rendered(frame.index, frame.image, pixels, before.strength, before.age, before.alive, valid, tile)


def each_dreamed(course: Course, frames: Iterable[Frame], carry: Carry | None = None) -> Iterator[Rendered]:
    """Dreams frames in order, each going on from the last.

    `frames`: those still to be rendered; `carry`: the frame before them, as it was stored. What is carried is exactly
    what is stored, so a render that stops and goes on later gives the same bytes.
    """
    plan, landing, dreamer = course.plan, course.landing, course.dreamer
    for frame in frames:
        turn = course.turn(frame.index)
        settings, dreamer = turn.settings, turn.dreamer.with_tile(dreamer.settings.tile)
        how = settings.coherence
        source, shown = to_float(frame.image), None if frame.mask is None else coherence.shown(frame.mask)
        sizes = octave_sizes(source.shape[0], source.shape[1], settings.dream)
        if how.mode == "none" or plan.begins_shot(frame.index):
            carry = None
        valid, age, alive = None, 0.0, 1.0
        restless = turn.restless or (carry is not None and not coherence.same_mask(carry.last.mask, frame.mask))

        if carry is None:
            image, dreamer = _fresh(dreamer, source, (frame.index,))
            held = how.mode == "flow" and plan.goes_on(frame.index)
            strength = _shot_strength(dreamer, source, image, frame.index, shown) if held else NO_STRENGTH
            for finish in range(FINISHING if held else 0):
                key, layer = (frame.index, FINISH + finish), coherence.masked(image, source, shown) - source
                image, dreamer = dream(dreamer, source, layer, carried_budget(settings, strength, visible=shown), key)
                image = coherence.steadied(image, source, strength, sizes, shown)
        elif how.mode == "blend":
            strength = carry.strength
            layer = coherence.blended(carry.last, source, how)
            image, dreamer = dream(dreamer, source, layer, carried_budget(settings, strength), (frame.index,))
        elif not restless and np.array_equal(frame.image, carry.last.source):
            # The very same picture: the very same dream.
            strength, age, alive = carry.strength, carry.age, carry.alive
            valid, image = 1.0, carry.last.whole
        elif (found := coherence.follow(carry, frame, how.references, course.move, dies=landing is None)) is None:
            image, dreamer = _fresh(dreamer, source, (frame.index,))
            strength = carry.strength.towards(measured(dreamer, source, image, shown), RENEWAL)
        else:
            valid, alive = found.valid, found.alive
            strength, age = carry.strength.moved(found.field), found.aged(carry.age, turn.wear)
            if age >= 1 or turn.renewed or strength.shape != tuple(starmap(grid_shape, sizes)):
                probe, dreamer = _fresh(dreamer, source, (frame.index, PROBE))
                share = max(RENEWAL, min(1.0, turn.moved))
                strength, age = strength.towards(measured(dreamer, source, probe, shown), share), 0.0
                found = coherence.renewed(found, probe - source, turn.renewed)
            layer = found.seed
            if landing is not None and landing[0].share(frame.index) > 0:
                back = landing[0].mixing(frame.index, *source.shape[:2])
                layer = layer + back * (landing[1](frame.index - landing[0].lap) - layer)
            start = np.clip(source + layer, 0, 1)
            if landing is not None and landing[0].share(frame.index) == 1:
                image = start  # landed: what follows was dreamed from this very layer
            else:
                effort = carried_budget(settings, strength, found.new, frame.index, shown)
                image, dreamer = dream(dreamer, source, layer, effort, (frame.index,))
                image = coherence.steadied(image, source, strength, sizes, found.lasting(frame.mask))
                image = coherence.settle(image, start, found.still, carry.last, frame.image, restless=restless)

        pixels = to_pixels(coherence.masked(image, source, frame.mask))
        yield Rendered(frame.index, frame.image, pixels, strength, age, alive, valid, dreamer.settings.tile)
        before = carry.frames[: max(how.references) - 1] if carry is not None else ()
        carry = Carry((Past(frame.index, frame.image, pixels, frame.mask), *before), strength, age, alive)


def film(filming: Filming, world: World | None, frames: Iterable[Frame], tile: int) -> Iterator[Rendered]:
    """The frames of a world that was dreamed before, each a view of it; `world`: None where nothing is dreamed."""
    for frame in frames:
        pixels = filming.frame(frame.index, (frame.image.shape[0], frame.image.shape[1]), world)
        if frame.mask is not None:
            pixels = to_pixels(coherence.masked(to_float(pixels), to_float(frame.image), frame.mask))
        yield Rendered(frame.index, frame.image, pixels, NO_STRENGTH, 0.0, 1.0, None, tile)


NO_STRENGTH = Strength((), (), ())  # where nothing goes on, nothing is held


def carried_budget(
    settings: Settings,
    strength: Strength,
    new: Mask | None = None,
    rotation: int | None = None,
    visible: Mask | None = None,
) -> StepBudget:
    """The steps of a carried frame: few and eased where the layer is carried whole, all where it is blended.

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


def measured(dreamer: Dreamer, source: Image, image: Image, shown: Mask | None = None) -> Strength:
    """The strength of a dream of `source`, both H x W x 3 in [0, 1]; `shown`: where it is to be seen."""
    sizes = octave_sizes(source.shape[0], source.shape[1], dreamer.settings)
    cut = None if shown is None else coherence.masked(image, source, shown)
    layer = opponent(image - source)
    return Strength(
        band_rms(layer, sizes, shown), tint(layer, shown), octave_scores(dreamer, image, source, cut, shown)
    )


def _fresh(dreamer: Dreamer, source: Image, key: tuple[int, ...]) -> tuple[Image, Dreamer]:
    return dream(dreamer, source, None, StepBudget(dreamer.settings.steps), key)


def _shot_strength(dreamer: Dreamer, source: Image, first: Image, index: int, shown: Mask | None) -> Strength:
    """The mean strength of the dream that a shot begins with and of others of the same picture."""
    strength = measured(dreamer, source, first, shown)
    for number in range(1, PROBES):
        probe, dreamer = _fresh(dreamer, source, (index, PROBE + number))
        strength = strength.towards(measured(dreamer, source, probe, shown), 1 / (number + 1))
    return strength


def gain(scorer: Dreamer, source: Pixels, result: Pixels) -> float:
    """How much a dream raised its objective: that of the stored frame less that of its source, without shifts."""
    return score(scorer, to_tensor(to_float(result), scorer)) - score(scorer, to_tensor(to_float(source), scorer))
