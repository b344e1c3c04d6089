"""The loop: frames -> motion -> seed -> dream -> settle -> frames. No files, no progress bars."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from dreamvid import coherence
from dreamvid.coherence import Carry, Strength
from dreamvid.dream import Dreamer, Effort, dream, octave_scores, octave_sizes, score, to_tensor
from dreamvid.media import Frame, Pixels, to_float, to_pixels
from dreamvid.motion import Motion
from dreamvid.plan import Plan
from dreamvid.settings import Settings

CARRIED_STEPS = 1  # per octave: a tenth of a fresh frame's work, and the dream moves with its objects
Move = Callable[[Carry, Frame], Motion]


@dataclass(frozen=True)
class Rendered:
    """A finished frame: its source frame, its pixels as they are to be stored, and what the next one needs to know.

    `valid`: share of the frame whose motion could be followed, None on a fresh frame; `tile`: side of the patches.
    """

    index: int
    source: Pixels
    dream: Pixels
    strength: Strength
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
        source = to_float(frame.image)
        sizes = octave_sizes(source.shape[0], source.shape[1], dreamer.settings)
        if how.mode == "none" or plan.begins_shot(frame.index):
            carry = None
        motion = move(carry, frame) if carry is not None and how.mode == "flow" else None
        layer = coherence.seed(carry, motion, source, how, sizes) if carry is not None else None

        if carry is None or layer is None:
            motion = None
            image, dreamer = dream(dreamer, source, None, Effort(settings.dream.steps), (frame.index,))
            pixels = to_pixels(image)
            bands = coherence.band_rms(to_float(pixels) - source, sizes)
            strength = Strength(bands, octave_scores(dreamer, to_float(pixels)))
        else:
            strength = carry.strength
            if motion is not None and np.array_equal(frame.image, carry.source):
                pixels = carry.dream  # the very same picture: the very same dream
            else:
                image, dreamer = dream(dreamer, source, layer, carried_effort(settings, strength), (frame.index,))
                pixels = to_pixels(image if motion is None else coherence.settle(image, carry, frame.image))

        valid = None if motion is None else float(motion.valid.mean())
        yield Rendered(frame.index, frame.image, pixels, strength, valid, dreamer.settings.tile)
        carry = Carry(frame.index, frame.image, pixels, strength)


def carried_effort(settings: Settings, strength: Strength) -> Effort:
    """The steps of a carried frame: few and eased where the layer is carried whole, all where it is blended."""
    steps = settings.coherence.steps
    if settings.coherence.mode == "blend":
        return Effort(settings.dream.steps if steps is None else steps)
    return Effort(CARRIED_STEPS if steps is None else steps, strength.ease)


def gain(judge: Dreamer, source: Pixels, result: Pixels) -> float:
    """How much a dream raised its objective: that of the stored frame less that of its source, without shifts."""
    return score(judge, to_tensor(to_float(result), judge)) - score(judge, to_tensor(to_float(source), judge))
