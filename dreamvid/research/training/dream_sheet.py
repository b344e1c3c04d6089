"""Sheet of dreams that shows the progress of a training: always the same pictures and layers."""

from pathlib import Path

import numpy as np
import torch

from dreamvid.config.dream_settings import DreamSettings
from dreamvid.core.types import Pixels, to_float, to_pixels
from dreamvid.dream.deepdream import Dreamer, StepBudget, dream
from dreamvid.dream.objectives import layer_energy
from dreamvid.media import images
from dreamvid.models import zoo
from dreamvid.models.device import Compute
from dreamvid.models.prepare import prepare
from dreamvid.research.features import units
from dreamvid.research.training.export import write_whole
from dreamvid.research.training.sources import fitted

PICTURES, SIDE = 3, 224  # their count, and the side of a dream in pixels
LAYERS = ("mixed3b", "mixed4a", "mixed4c", "mixed5a")


def write_sheet(architecture: str, net: Path, photographs: torch.Tensor, path: Path, compute: Compute) -> None:
    """Dream some of the photographs, uint8 (N, 3, H, W), with the net in a file; write a PNG, one row per picture.

    Each row shows the picture itself, then its dream by each of LAYERS, or, for a net other than dreamnet, by the last
    layers of each map size.
    """
    loaded = zoo.get(architecture, str(net))
    layers = LAYERS if architecture == "dreamnet" else units.ends(loaded)[-len(LAYERS) :]
    chosen = photographs[torch.linspace(0, len(photographs) - 1, PICTURES).long()]
    sources = [fitted(photo.permute(1, 2, 0).numpy(), SIDE) for photo in chosen]
    columns: list[list[Pixels]] = [sources]
    for layer in layers:
        objective = layer_energy(layer, loaded.statistics.get(layer))
        prepared = prepare(loaded, objective.layers, compute.device, compute.dtype)
        dreamer = Dreamer(prepared, objective, DreamSettings(), seed=0)
        steps = StepBudget(dreamer.settings.steps)
        columns.append([to_pixels(dream(dreamer, to_float(source), None, steps, (0,))) for source in sources])
    write_whole(path, images.encode(np.hstack([np.vstack(column) for column in columns]), ".png"))
