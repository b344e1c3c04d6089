"""Measure how strong the dreams of a picture are: on a fresh dream, and again when the picture has changed."""

from collections.abc import Callable
from itertools import starmap

from torch import Tensor

from dreamvid.coherence import carry as coherence
from dreamvid.coherence.carry import CarryState, Followed
from dreamvid.coherence.energy import Strength, band_rms, opponent, tint
from dreamvid.core.types import Image, Mask
from dreamvid.dream.deepdream import Dreamer, StepBudget, dream, octave_scores
from dreamvid.dream.local_stats import grid_shape
from dreamvid.dream.octaves import octave_sizes
from dreamvid.pipeline.frame_params import FrameParams

PROBE_WEIGHT = 0.8  # weight of a later fresh dream
PROBE = 1_000  # in the keys of their random numbers
NO_STRENGTH = Strength((), (), ())  # where nothing goes on, nothing is held


def measure_strength(dreamer: Dreamer, source: Image, image: Image, visible: Mask | None = None) -> Strength:
    """Measure the strength of a dream of `source`, both H x W x 3 in [0, 1]; `visible`: where a mask shows it."""
    sizes = octave_sizes(source.shape[0], source.shape[1], dreamer.settings)
    cut = None if visible is None else coherence.apply_mask(image, source, visible)
    layer = opponent(image - source)
    return Strength(
        band_rms(layer, sizes, visible), tint(layer, visible), octave_scores(dreamer, image, source, cut, visible)
    )


def dream_afresh(
    dreamer: Dreamer, source: Image, key: tuple[int, ...], watch: Callable[[Tensor], None] | None = None
) -> Image:
    """Dream a picture, H x W x 3 in [0, 1], from nothing, with all the steps of its settings; `watch`: told each."""
    return dream(dreamer, source, None, StepBudget(dreamer.settings.steps, watch=watch), key)


def recalibrate_lost(
    state: CarryState, dreamer: Dreamer, source: Image, image: Image, visible: Mask | None
) -> CarryState:
    """Return the state after a fresh dream, `image`, in the middle of a shot whose motion was lost."""
    return CarryState(state.strength.towards(measure_strength(dreamer, source, image, visible), PROBE_WEIGHT))


def calibrate_again(
    params: FrameParams, index: int, source: Image, state: CarryState, found: Followed, visible: Mask | None
) -> tuple[CarryState, Followed]:
    """Measure the strength of a carried frame again where that is due; else let it move with the picture and age.

    `index`: of the source frame; `source`: its picture, H x W x 3 in [0, 1]. Returns the new state, and what is carried
    with a share of the fresh dream mixed in, and as far as it makes way for another look.
    """
    dreamer, strength = params.dreamer, state.strength.moved(found.field)
    age = found.next_calibration_age(state.calibration_age, params.calibration_wear)
    sizes = octave_sizes(source.shape[0], source.shape[1], params.settings.dream)
    if age >= 1 or params.refresh_share or strength.shape != tuple(starmap(grid_shape, sizes)):
        probe = dream_afresh(dreamer, source, (index, PROBE))
        share = max(PROBE_WEIGHT, min(1.0, params.moved))
        strength, age = strength.towards(measure_strength(dreamer, source, probe, visible), share), 0.0
        found = coherence.mix_fresh(found, probe - source, params.refresh_share)
    if (growth := params.growth) is not None:
        found = coherence.make_way(found, growth.places(*source.shape[:2]), growth.fade)
    return CarryState(strength, age, found.survival), found
