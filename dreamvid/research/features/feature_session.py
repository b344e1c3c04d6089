"""Session of feature pictures: the net, device and settings that all pictures of a command share."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dreamvid.config.serialize import read_settings, to_table
from dreamvid.config.settings import Settings
from dreamvid.core.types import Image, Pixels, to_pixels
from dreamvid.dream import objectives
from dreamvid.dream.deepdream import Dreamer, StepBudget, dream, octave_scores
from dreamvid.dream.objectives import Objective
from dreamvid.dream.session import with_defaults
from dreamvid.models import zoo
from dreamvid.models.device import Compute, set_up
from dreamvid.models.net import Net
from dreamvid.models.prepare import PreparedNet, prepare
from dreamvid.models.relu_rules import ruled
from dreamvid.research.features.units import Unit

Look = tuple[tuple[str, Any], ...]  # (full key, value): they override the preset's, the user's override them
# Without the settings that style a film, so that single units are shown as they are.
PLAIN: Look = (
    ("dream.gradient", None),
    ("dream.spectrum", 1.0),
    ("dream.coarsest", 32),
    ("dream.octaves", 4),
    ("dream.octave_scale", 1.4),
    ("dream.step_size", 0.012),
)
# A picture from noise needs more steps than the dream of a photograph, and some blur: without it the highest
# frequencies dominate, since no source holds them down.
FROM_NOTHING: Look = (
    *PLAIN,
    ("dream.octaves", 3),
    ("dream.octave_scale", 1.6),
    ("dream.steps", 24),
    ("dream.step_size", 0.02),
    ("dream.jitter", 8),
    ("dream.blur_every", 4),
    ("dream.blur_sigma", 0.6),
)
LITTLE: Look = (
    *FROM_NOTHING,
    ("dream.octaves", 2),
    ("dream.steps", 12),
    ("dream.step_size", 0.03),
    ("dream.jitter", 4),
)  # for many small pictures
LARGE: Look = (*FROM_NOTHING, ("dream.octaves", 1))  # for few large ones: one scale makes pattern sizes comparable
ON_PHOTO: Look = (*PLAIN, ("dream.steps", 10))
ONE_SCALE: Look = (*PLAIN, ("dream.octaves", 1), ("dream.steps", 6), ("dream.jitter", 8))
# Without everything that suppresses noise: octaves, shifts, blur.
BARE: Look = (*PLAIN, ("dream.octaves", 1), ("dream.steps", 48), ("dream.step_size", 0.02), ("dream.jitter", 0))
CONTRAST = 0.06  # standard deviation of the initial noise, pictures being in [0, 1]
WAKING, WAKING_CONTRASTS = 8, (0.06, 0.12, 0.25)  # steps per octave to activate a unit, and noise to start from
Watch = Callable[[Tensor], None]


@dataclass(frozen=True)
class FeatureSession:
    """Net, device and settings for dreaming; `settings.objective` is not used, since every picture has its own."""

    net: Net
    compute: Compute
    settings: Settings

    def with_dream(self, **changes: Any) -> "FeatureSession":
        """Return a copy with other settings of `dream`; raise SettingsError for values out of bounds."""
        table = to_table(self.settings)
        return replace(self, settings=read_settings({**table, "dream": {**table["dream"], **changes}}, "settings"))

    def prepared(self, *layers: str) -> PreparedNet:
        """Return the net cut after `layers`, on the device and in the precision of dreams."""
        return prepare(self.net, frozenset(layers), self.compute.device, self.compute.dtype)

    def exact(self, *layers: str) -> PreparedNet:
        """Return the net cut after `layers`, in float32 on the CPU, for measurements."""
        return prepare(self.net, frozenset(layers), torch.device("cpu"), torch.float32)

    def of_layer(self, layer: str) -> Objective:
        """Return the energy of a layer as objective, each channel divided by its usual energy where that is known."""
        return objectives.layer_energy(layer, self.net.statistics.get(layer))

    def dreamer(self, objective: Objective, prepared: PreparedNet | None = None) -> Dreamer:
        """Return a dreamer for `objective`; `prepared`: a net prepared for it that several dreamers share."""
        how = with_defaults(self.settings.dream, blur_every=0)
        return Dreamer(prepared or self.prepared(*objective.layers), objective, how, self.settings.seed)


def open_feature_session(settings: Settings, *, trust: bool = False) -> FeatureSession:
    """Set up the process and load the net; raise NetError or SettingsError where that fails.

    `trust`: whether a net that is code may be executed.
    """
    compute = set_up(settings.compute)
    return FeatureSession(zoo.from_settings(settings.net, trust=trust), compute, settings)


def beginning(dreamer: Dreamer, height: int, width: int) -> Image:
    """Return the initial picture of a dream from noise, H x W x 3 in [0, 1]: grey noise for which the unit is active.

    A unit behind an inactive ReLU has no gradient, so it is activated first where needed: a few steps are dreamed with
    gradients that inactive ReLUs pass ("redirected"), from noise of rising contrast until the unit is active at the
    size of every octave.
    """
    source = _grey(dreamer, height, width, CONTRAST)
    for contrast in WAKING_CONTRASTS:
        if _awake(dreamer, source):
            break
        steps = StepBudget(min(WAKING, dreamer.settings.steps))
        with ruled("redirected"):
            source = dream(dreamer, _grey(dreamer, height, width, contrast), None, steps, (1,))
    return source


def _grey(dreamer: Dreamer, height: int, width: int, contrast: float) -> Image:
    values = np.random.default_rng(dreamer.seed).standard_normal((height, width, 3))
    return np.clip(0.5 + contrast * values, 0, 1).astype(np.float32)


def _awake(dreamer: Dreamer, source: Image) -> bool:
    return all(any(value != 0 for row in grid for value in row) for grid in octave_scores(dreamer, source))


def of_unit(unit: Unit) -> Objective:
    """Return the objective that maximises a unit over the whole picture."""
    return objectives.channel(unit.layer, (unit.number,))


def picture(dreamer: Dreamer, source: Image, watch: Watch | None = None) -> Pixels:
    """Dream on `source`, H x W x 3 in [0, 1]; call `watch` with the picture, (1, 3, h, w), after every step."""
    result = dream(dreamer, source, None, StepBudget(dreamer.settings.steps, watch=watch), (0,))
    return to_pixels(result)
