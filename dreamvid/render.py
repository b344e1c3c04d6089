"""The loop: frames -> motion -> seed -> dream -> settle -> frames. No files, no progress bars."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from dreamvid import coherence
from dreamvid.coherence import Carry, Past
from dreamvid.dream import Dreamer, Effort, dream, octave_scores, octave_sizes, score, to_tensor
from dreamvid.media import Frame, Image, Mask, Pixels, to_float, to_pixels
from dreamvid.motion import Motion, warp
from dreamvid.plan import Plan
from dreamvid.settings import Settings
from dreamvid.strength import Strength, band_rms

CARRIED_STEPS = 1  # per octave: a sixth of a fresh frame's work, and the dream moves with its objects
BALANCE = 0.8  # on a carried frame, where what is strong already would take all of the step
PROBES = 3  # fresh dreams that tell how strong those of a shot are; one alone is off by a quarter in a neighbourhood
RENEWAL = 0.8  # weight of a later probe
FINISHING = 8  # passes that bring the first frame of a shot to the strength of its others
WORTH = 0.02  # share of the frame uncovered at which it is dreamed in steps of its own: the others soon see to less
PROBE, FINISH = 1_000, 2_000  # in the keys of their random numbers
Move = Callable[[Past, Frame], Motion]


@dataclass(frozen=True)
class Rendered:
    """A finished frame: its source frame, its pixels as they are to be stored, and what the next one needs to know.

    `strength`, `age`: as in a `Carry`; `valid`: share of the frame whose motion could be followed, None on a fresh
    frame; `tile`: side of the patches.
    """

    index: int
    source: Pixels
    dream: Pixels
    strength: Strength
    age: float
    valid: float | None
    tile: int


def render(
    plan: Plan, settings: Settings, frames: Iterable[Frame], move: Move, dreamer: Dreamer, carry: Carry | None = None
) -> Iterator[Rendered]:
    """Dreams the frames of a plan in order, each going on from the last.

    `frames`: those still to be rendered; `move`: how the picture moved from the carried frame to the next, by estimate
    or by the camera's own word; `carry`: the frame before them, as it was stored. What is carried is exactly what is
    stored, so a render that stops and goes on later gives the same bytes.
    """
    how = settings.coherence
    for frame in frames:
        source, sizes = to_float(frame.image), octave_sizes(*frame.image.shape[:2], dreamer.settings)
        if how.mode == "none" or plan.begins_shot(frame.index):
            carry = None
        valid, age = None, 0.0

        if carry is None:
            image, dreamer = _fresh(dreamer, source, (frame.index,))
            held = how.mode == "flow" and plan.goes_on(frame.index)
            strength = _shot_strength(dreamer, source, image, frame.index) if held else NO_STRENGTH
            for turn in range(FINISHING if held else 0):
                key = (frame.index, FINISH + turn)
                image, dreamer = dream(dreamer, source, image - source, carried_effort(settings, strength), key)
            pixels = to_pixels(image)
        elif how.mode == "blend":
            strength = carry.strength
            layer = coherence.blended(carry.last, source, how)
            image, dreamer = dream(dreamer, source, layer, carried_effort(settings, strength), (frame.index,))
            pixels = to_pixels(image)
        elif np.array_equal(frame.image, carry.last.source):
            # The very same picture: the very same dream.
            strength, age, valid, pixels = carry.strength, carry.age, 1.0, carry.last.dream
        elif (found := _followed(carry, frame, how.references, move)) is None:
            image, dreamer = _fresh(dreamer, source, (frame.index,))
            strength = carry.strength.towards(measured(dreamer, source, image), RENEWAL)
            pixels = to_pixels(image)
        else:
            valid, strength, age = found.valid, carry.strength, coherence.aged(carry.age, 1 - found.kept)
            if age >= 1:
                probe, dreamer = _fresh(dreamer, source, (frame.index, PROBE))
                strength, age = strength.towards(measured(dreamer, source, probe), RENEWAL), 0.0
            layer = coherence.seed(found.layer, found.kept, strength, sizes)
            effort = carried_effort(settings, strength, found.new, frame.index)
            image, dreamer = dream(dreamer, source, layer, effort, (frame.index,))
            start = np.clip(source + layer, 0, 1)
            pixels = to_pixels(coherence.settle(image, start, found.still, carry.last, frame.image))

        yield Rendered(frame.index, frame.image, pixels, strength, age, valid, dreamer.settings.tile)
        before = carry.frames[: max(how.references) - 1] if carry is not None else ()
        carry = Carry((Past(frame.index, frame.image, pixels), *before), strength, age)


@dataclass(frozen=True)
class _Followed:
    """What earlier frames lend to one: a `layer` moved to where it belongs now, H x W x 3; the share of it that is
    `kept`, and the places that are `new` or `still`, H x W in [0, 1]; `valid`: share of the frame that could be followed."""

    layer: Image
    kept: Mask
    new: Mask
    still: Mask
    valid: float


def _followed(carry: Carry, frame: Frame, references: tuple[int, ...], move: Move) -> _Followed | None:
    """The layer of the nearest reference that can be followed; what is new since then comes from those further back.

    None where the motion is lost from all of them. A flash is passed over so, and what was hidden for some frames comes
    back as it was (Ruder et al. 2016, section 3.2: the closest first).
    """
    found: _Followed | None = None
    for back in references:
        if back > len(carry.frames) or (found is not None and float(found.new.mean()) < WORTH):
            break
        past = carry.frames[back - 1]
        motion = move(past, frame)
        valid, kept = float(motion.valid.mean()), coherence.outlived(past, motion, frame.image)
        if min(valid, float(kept.mean())) < coherence.LOST:
            continue
        layer, new = warp(past.layer, motion), coherence.uncovered(motion)
        if found is None:
            kept = kept * (1 - coherence.FADED * new)
            found = _Followed(layer, kept, new, coherence.still(motion), valid)
            continue
        again = (found.new * (1 - new))[..., None]  # uncovered since, and seen from here
        layer = again * layer + (1 - again) * found.layer
        kept = again[..., 0] * kept + (1 - again[..., 0]) * found.kept
        found = _Followed(layer, kept, found.new * new, found.still, found.valid)
    return found


NO_STRENGTH = Strength((), ())  # where nothing goes on, nothing is held


def carried_effort(settings: Settings, strength: Strength, new: Mask | None = None, turn: int | None = None) -> Effort:
    """The steps of a carried frame: few and eased where the layer is carried whole, all where it is blended.

    `new`: where something was uncovered: much of it gets a step of its own; `turn`: as in an `Effort`, where it is not.
    """
    how = settings.coherence
    if how.mode == "blend":
        return Effort(settings.dream.steps if how.steps is None else how.steps)
    steps = CARRIED_STEPS if how.steps is None else how.steps
    worth = new is not None and float(new.mean()) >= WORTH and steps > 0
    return Effort(
        steps,
        lambda octave, score: how.step_size * strength.ease(octave, score),
        BALANCE,
        anew=new if worth else None,
        turn=turn,
        always=2 if worth else 1,
    )


def measured(dreamer: Dreamer, source: Image, image: Image) -> Strength:
    """The strength of a dream of `source`, both H x W x 3 in [0, 1]."""
    sizes = octave_sizes(*source.shape[:2], dreamer.settings)
    return Strength(band_rms(image - source, sizes), octave_scores(dreamer, image))


def _fresh(dreamer: Dreamer, source: Image, key: tuple[int, ...]) -> tuple[Image, Dreamer]:
    return dream(dreamer, source, None, Effort(dreamer.settings.steps), key)


def _shot_strength(dreamer: Dreamer, source: Image, first: Image, index: int) -> Strength:
    """The mean strength of the dream that a shot begins with and of others of the same picture."""
    strength = measured(dreamer, source, first)
    for number in range(1, PROBES):
        probe, dreamer = _fresh(dreamer, source, (index, PROBE + number))
        strength = strength.towards(measured(dreamer, source, probe), 1 / (number + 1))
    return strength


def gain(judge: Dreamer, source: Pixels, result: Pixels) -> float:
    """How much a dream raised its objective: that of the stored frame less that of its source, without shifts."""
    return score(judge, to_tensor(to_float(result), judge)) - score(judge, to_tensor(to_float(source), judge))
