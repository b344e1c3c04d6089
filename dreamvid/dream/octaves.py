"""The sizes at which a picture is dreamed, coarse to fine, and how it comes from one to the next."""

import torch.nn.functional as F
from torch import Tensor

from dreamvid.config.settings import DreamSettings


def octave_sizes(height: int, width: int, settings: DreamSettings) -> list[tuple[int, int]]:
    """The sizes that are dreamed, coarse to fine; the last is the picture's own.

    Those too small are left out, and those in pixels of the short side that are not smaller than the picture's.
    """
    octaves, side = settings.octaves, min(height, width)
    if isinstance(octaves, int):
        scales = [settings.octave_scale**-octave for octave in reversed(range(octaves))]
    elif octaves[-1] == 1:
        scales = list(octaves)
    else:
        scales = [*(pixels / side for pixels in octaves if pixels < side), 1.0]
    sizes = [(round(height * scale), round(width * scale)) for scale in scales]
    return [size for size in sizes[:-1] if min(size) >= settings.coarsest] + [(height, width)]


def shrunk(full: Tensor, size: tuple[int, int]) -> Tensor:
    """A picture, (1, C, H, W), at the (height, width) of an octave, each pixel the mean of what it covers."""
    if size == full.shape[-2:]:
        return full
    # Not on MPS, which refuses to average over areas that do not divide the picture evenly.
    there = full.cpu() if full.device.type == "mps" else full
    return F.interpolate(there, size, mode="area").to(full.device)


def grown(detail: Tensor, size: tuple[int, int]) -> Tensor:
    """What was added in one octave, (1, C, h, w), at the (height, width) of the next."""
    return F.interpolate(detail, size, mode="bicubic", align_corners=False)
