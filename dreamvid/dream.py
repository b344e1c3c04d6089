"""One picture dreamed: octaves, random shifts, the tiled gradient, a normalised step, bounds."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from dreamvid import tiles
from dreamvid.errors import NetError, SettingsError
from dreamvid.media import Image
from dreamvid.nets.prepare import PreparedNet
from dreamvid.objectives import Objective
from dreamvid.settings import DreamSettings

logger = logging.getLogger(__name__)
SMALLEST_OCTAVE = 32  # pixels on the short side: below it nothing of a picture is left to dream into
SMALLEST_TILE = 64
Key = tuple[int, ...]


@dataclass(frozen=True)
class Dreamer:
    """What dreams: a prepared net, what excites it, and how it climbs."""

    net: PreparedNet
    objective: Objective
    settings: DreamSettings
    seed: int

    def with_tile(self, tile: int) -> "Dreamer":
        """The same dreamer with patches of `tile` pixels."""
        if tile == self.settings.tile:
            return self
        overlap = min(self.settings.overlap, tile // 2)
        return replace(self, settings=self.settings.model_copy(update={"tile": tile, "overlap": overlap}))

    def score(self, image: Tensor) -> Tensor:
        """The objective of a picture, (1, 3, H, W) in [0, 1], as a scalar."""
        return self.objective(self.net(image))


def octave_sizes(height: int, width: int, settings: DreamSettings) -> list[tuple[int, int]]:
    """The sizes that are dreamed, coarse to fine; the last is the picture's own. Too small ones are left out."""
    scales = [settings.octave_scale**-octave for octave in reversed(range(settings.octaves))]
    sizes = [(round(height * scale), round(width * scale)) for scale in scales]
    return [size for size in sizes[:-1] if min(size) >= SMALLEST_OCTAVE] + [(height, width)]


@dataclass(frozen=True)
class Effort:
    """How much is dreamed into a picture: `steps` per octave, and the share of the step size that `ease` gives for an
    octave and the score before the step (0: rests, 1: a whole step; more is allowed)."""

    steps: int
    ease: Callable[[int, float], float] = lambda octave, score: 1.0


def dream(dreamer: Dreamer, source: Image, layer: Image | None, effort: Effort, key: Key) -> tuple[Image, Dreamer]:
    """Dreams on a picture.

    `source`: H x W x 3 in [0, 1]; `layer`: what earlier dreaming has added to it (the same shape), or None;
    `key`: what the random numbers come from, beside the seed.
    Returns the dream, in [0, 1], and the dreamer to go on with: the same, or one with smaller tiles where the
    memory did not hold these. No steps and no layer give back the source itself.
    """
    start = source if layer is None else np.clip(source + layer, 0.0, 1.0)
    full = to_tensor(start, dreamer)
    detail: Tensor | None = None
    # Detail is carried from octave to octave, never the picture: what was not dreamed is not resampled either.
    for octave, size in enumerate(octave_sizes(start.shape[0], start.shape[1], dreamer.settings)):
        base = _shrunk(full, size)
        image = base if detail is None else (base + _grown(detail, size)).clamp(0, 1)
        for step in range(effort.steps):
            image, dreamer = climb(dreamer, image, partial(effort.ease, octave), (*key, octave, step))
        detail = image - base
    assert detail is not None
    result = full if not effort.steps else (full + detail).clamp(0, 1)
    return result[0].permute(1, 2, 0).cpu().numpy(), dreamer


def climb(dreamer: Dreamer, image: Tensor, ease: Callable[[float], float], key: Key) -> tuple[Tensor, Dreamer]:
    """One gradient step: shift, gradient over patches, shift back, step by the mean absolute gradient, bounds.

    `image`: (1, 3, H, W) in [0, 1]; `ease`: share of the step size, given the score before the step; `key`: begins with
    the frame and ends with the step. Returns the new picture, and the dreamer to go on with, as `dream` does. Raises
    NetError where the gradient is not finite, SettingsError where not even the smallest tile fits in memory.
    """
    random = np.random.default_rng((dreamer.seed, *key))
    jitter = dreamer.settings.jitter
    shift = tuple(int(by) for by in random.integers(-jitter, jitter, size=2, endpoint=True))
    shifted = torch.roll(image, shift, dims=(-2, -1))
    while True:
        settings = dreamer.settings
        try:
            slope, before = tiles.gradient(dreamer.score, shifted, settings.tile, settings.overlap)
            break
        except (MemoryError, RuntimeError) as error:
            dreamer = _with_smaller_tiles(dreamer, error, image)
        # Tried again out here: inside the handler the error would still hold the memory of what failed.
    slope = torch.roll(slope, (-shift[0], -shift[1]), dims=(-2, -1))
    size = slope.abs().mean()
    if not bool(torch.isfinite(size)):
        raise NetError(f"the gradient of {dreamer.net.name} is not finite: try --precision fp32, or other weights")
    if float(size) > 0:
        image = (image + ease(before) * settings.step_size / size * slope).clamp(0, 1)
    # Counted over frames and steps: a carried frame has one step, and would never come to its blur.
    if settings.blur_every and (key[0] + key[-1] + 1) % settings.blur_every == 0:
        image = blurred(image, settings.blur_sigma)
    return image, dreamer


def blurred(image: Tensor, sigma: float) -> Tensor:
    """A Gaussian blur of (1, C, H, W) by `sigma` pixels, mirrored at the borders."""
    radius = min(max(1, round(3 * sigma)), *(side - 1 for side in image.shape[-2:]))
    offsets = torch.arange(-radius, radius + 1, device=image.device, dtype=image.dtype)
    kernel = torch.exp(-offsets.square() / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).repeat(image.shape[1], 1, 1, 1)
    padded = F.pad(image, (radius,) * 4, mode="reflect")
    rows = F.conv2d(padded, kernel.transpose(-1, -2), groups=image.shape[1])
    return F.conv2d(rows, kernel, groups=image.shape[1])


def octave_scores(dreamer: Dreamer, image: Image) -> tuple[float, ...]:
    """The objective of a picture, H x W x 3 in [0, 1], at the size of each octave, coarse to fine."""
    full = to_tensor(image, dreamer)
    sizes = octave_sizes(image.shape[0], image.shape[1], dreamer.settings)
    return tuple(score(dreamer, _shrunk(full, size)) for size in sizes)


def score(dreamer: Dreamer, image: Tensor) -> float:
    """The objective of (1, 3, H, W) in [0, 1], without shifts, patch by patch."""
    return tiles.mean_score(dreamer.score, image, dreamer.settings.tile, dreamer.settings.overlap)


def to_tensor(image: Image, dreamer: Dreamer) -> Tensor:
    """A picture, H x W x 3, as (1, 3, H, W) where the dreamer computes."""
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))[None]).to(dreamer.net.mean.device)


def _shrunk(full: Tensor, size: tuple[int, int]) -> Tensor:
    if size == full.shape[-2:]:
        return full
    # Not on MPS, which refuses to average over areas that do not divide the picture evenly.
    there = full.cpu() if full.device.type == "mps" else full
    return F.interpolate(there, size, mode="area").to(full.device)


def _grown(detail: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(detail, size, mode="bicubic", align_corners=False)


def _with_smaller_tiles(dreamer: Dreamer, error: Exception, image: Tensor) -> Dreamer:
    """Half the tile, where it was memory that failed; every other error goes on up."""
    said = any(words in str(error) for words in ("allocate memory", "not enough memory", "out of memory"))
    if not (said or isinstance(error, MemoryError | torch.OutOfMemoryError)):
        raise error
    failed = min(dreamer.settings.tile, max(image.shape[-2:]))
    tile = failed // 2 // tiles.ALIGN * tiles.ALIGN
    if tile < SMALLEST_TILE:
        raise SettingsError(
            f"{dreamer.net.name} does not fit in memory even in patches of {failed} pixels: name a smaller net"
        ) from error
    logger.warning("out of memory: going on in patches of %d pixels (set dream.tile=%d to start so)", tile, tile)
    return dreamer.with_tile(tile)
