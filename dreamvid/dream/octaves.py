"""Octaves: the sizes at which a picture is dreamed, coarse to fine, and resampling between them."""

import torch.nn.functional as F
from torch import Tensor

from dreamvid.config.dream_settings import DreamSettings


def octave_sizes(height: int, width: int, settings: DreamSettings) -> list[tuple[int, int]]:
    """Return the (height, width) of each octave, coarse to fine; the last is the picture's own.

    Octaves whose short side is below `settings.coarsest` are left out, and those that are not smaller than the picture:
    given in pixels of the short side, or of the larger picture that this one is a draft of.
    """
    octaves, side = settings.octaves, min(height, width)
    if isinstance(octaves, int):
        scales = [settings.draft * settings.octave_scale**-octave for octave in reversed(range(octaves))]
    elif octaves[-1] == 1:
        scales = [settings.draft * scale for scale in octaves]
    else:
        scales = [pixels / side for pixels in octaves]
    sizes = [(round(height * scale), round(width * scale)) for scale in scales if scale < 1]
    return [size for size in sizes if min(size) >= settings.coarsest] + [(height, width)]


def shrunk(full: Tensor, size: tuple[int, int]) -> Tensor:
    """Downscale a picture, (1, C, H, W), to the (height, width) of an octave by averaging over areas."""
    if size == full.shape[-2:]:
        return full
    # On the CPU instead of MPS, which cannot average over areas that do not divide the picture evenly.
    there = full.cpu() if full.device.type == "mps" else full
    return F.interpolate(there, size, mode="area").to(full.device)


def grown(detail: Tensor, size: tuple[int, int]) -> Tensor:
    """Upscale the dreamed detail of one octave, (1, C, h, w), bicubically to the (height, width) of the next."""
    return F.interpolate(detail, size, mode="bicubic", align_corners=False)
