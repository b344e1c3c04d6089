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
from dreamvid.media import Image, Mask
from dreamvid.nets.prepare import PreparedNet
from dreamvid.objectives import Objective
from dreamvid.settings import DreamSettings
from dreamvid.strength import Grid

logger = logging.getLogger(__name__)
SMALLEST_OCTAVE = 32  # pixels on the short side: below it nothing of a picture is left to dream into
SMALLEST_TILE = 64
NEIGHBOURHOODS = 12  # along the short side; each is three of their distances wide
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

    def fields(self, image: Tensor) -> tuple[Tensor, ...]:
        """The objective of a picture, (1, 3, H, W) in [0, 1], at each place: fields (1, 1, h, w), as it makes them."""
        return self.objective.fields(self.net(image))


def octave_sizes(height: int, width: int, settings: DreamSettings) -> list[tuple[int, int]]:
    """The sizes that are dreamed, coarse to fine; the last is the picture's own. Too small ones are left out."""
    scales = [settings.octave_scale**-octave for octave in reversed(range(settings.octaves))]
    sizes = [(round(height * scale), round(width * scale)) for scale in scales]
    return [size for size in sizes[:-1] if min(size) >= SMALLEST_OCTAVE] + [(height, width)]


@dataclass(frozen=True)
class Effort:
    """How much is dreamed into a picture: `steps` per octave.

    `ease`: the share of the step size that each neighbourhood takes, given the octave and their scores before the step,
    both (1, 1, rows, columns); without it all take whole steps. `balance`: 0 leaves the slope as it is, 1 makes it as
    steep in every neighbourhood. `turn`: with it, only the `always` finest octaves are dreamed and, in turn, one of the
    others. `anew`: places, H x W in [0, 1], whose steps are `stride` times as long. `thorough`: these rest in no
    octave, and in those that take turns have a step more. `watch`: told the picture, (1, 3, h, w), after every step.
    """

    steps: int
    ease: Callable[[int, Tensor], Tensor] | None = None
    balance: float = 0.0
    turn: int | None = None
    always: int = 1
    anew: Mask | None = None
    stride: float = 1.0
    thorough: bool = False
    watch: Callable[[Tensor], None] | None = None


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
    sizes = octave_sizes(start.shape[0], start.shape[1], dreamer.settings)
    places = None if effort.anew is None else to_tensor(effort.anew[..., None], dreamer)
    coarse = len(sizes) - effort.always
    for octave, size in enumerate(sizes):
        turn = effort.turn % coarse if effort.turn is not None and octave < coarse else None
        whole = effort.steps if turn in (None, octave) else 0
        steps = effort.steps + (turn is not None) if effort.thorough else whole
        if not steps:
            continue
        base = _shrunk(full, size)
        image = base if detail is None else (base + _grown(detail, size)).clamp(0, 1)
        ease = partial(effort.ease, octave) if effort.ease else None
        anew = None if places is None else _shrunk(places, size)
        for step in range(steps):
            eased = ease if step >= steps - whole else torch.zeros_like  # in the others, all but the places rest
            image, dreamer = climb(dreamer, image, (*key, octave, step), eased, effort.balance, anew, effort.stride)
            if effort.watch is not None:
                effort.watch(image)
        detail = image - base
    if detail is None:
        return start, dreamer
    return np.ascontiguousarray((full + detail).clamp(0, 1)[0].permute(1, 2, 0).cpu().numpy()), dreamer


def climb(
    dreamer: Dreamer,
    image: Tensor,
    key: Key,
    ease: Callable[[Tensor], Tensor] | None = None,
    balance: float = 0.0,
    anew: Tensor | None = None,
    stride: float = 1.0,
) -> tuple[Tensor, Dreamer]:
    """One gradient step: shift, gradient over patches, shift back, step by the mean absolute gradient, bounds.

    `image`: (1, 3, H, W) in [0, 1]; `key`: begins with the frame and ends with the step; `ease`, `balance`: as those of
    an `Effort`; `anew`: (1, 1, H, W) in [0, 1], the places whose steps are not eased but `stride` times as long, by the
    mean gradient that is theirs: what is covered with dreams already would own that of the picture. Returns the new
    picture, and the dreamer to go on with, as `dream` does. Raises NetError where the gradient is not finite,
    SettingsError where not even the smallest tile fits in memory.
    """
    random = np.random.default_rng((dreamer.seed, *key))
    jitter = dreamer.settings.jitter
    shift = tuple(int(by) for by in random.integers(-jitter, jitter, size=2, endpoint=True))
    shifted = torch.roll(image, shift, dims=(-2, -1))
    while True:
        settings = dreamer.settings
        try:
            slope, score = tiles.gradient(dreamer.fields, shifted, settings.tile, settings.overlap)
            break
        except (MemoryError, RuntimeError) as error:
            dreamer = _with_smaller_tiles(dreamer, error, image)
        # Tried again out here: inside the handler the error would still hold the memory of what failed.
    slope, score = (torch.roll(part, (-shift[0], -shift[1]), dims=(-2, -1)) for part in (slope, score))
    steep = slope.abs().mean(dim=1, keepdim=True)
    mean = steep.mean()
    if not bool(torch.isfinite(mean)):
        raise NetError(f"the gradient of {dreamer.net.name} is not finite: try --precision fp32, or other weights")
    result = image
    if float(mean) > 0:
        local = neighbourhoods(steep)
        share = settings.step_size / mean
        if balance:
            share = share * (local / mean).clamp(min=0.01) ** -balance
        if ease is not None:
            share = share * ease(neighbourhoods(score))
        if share.dim():
            share = spread(share, image)
        if anew is not None:
            share = share + anew * (stride * settings.step_size / spread(local, image).clamp(min=0.01 * mean) - share)
        result = (image + share * slope).clamp(0, 1)
    # Counted over frames and steps: a carried frame has one step, and would never come to its blur.
    if settings.blur_every and (key[0] + key[-1] + 1) % settings.blur_every == 0:
        result = blurred(result, settings.blur_sigma)
    return result, dreamer


def neighbourhoods(field: Tensor) -> Tensor:
    """The means of (1, 1, H, W) in overlapping neighbourhoods, (1, 1, rows, columns), twelve along the short side."""
    height, width = field.shape[-2:]
    scale = NEIGHBOURHOODS / min(height, width)
    # Not on MPS, which refuses to average over areas that do not divide the picture evenly.
    there = field.cpu() if field.device.type == "mps" else field
    cells = F.adaptive_avg_pool2d(there, (round(height * scale), round(width * scale)))
    return F.avg_pool2d(cells, 3, stride=1, padding=1, count_include_pad=False).to(field.device)


def spread(grid: Tensor, image: Tensor) -> Tensor:
    """A value per neighbourhood, brought to each pixel of a picture: (1, 1, H, W)."""
    return F.interpolate(grid, image.shape[-2:], mode="bilinear", align_corners=False)


def blurred(image: Tensor, sigma: float) -> Tensor:
    """A Gaussian blur of (1, C, H, W) by `sigma` pixels, mirrored at the borders."""
    radius = min(max(1, round(3 * sigma)), *(side - 1 for side in image.shape[-2:]))
    offsets = torch.arange(-radius, radius + 1, device=image.device, dtype=image.dtype)
    kernel = torch.exp(-offsets.square() / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).repeat(image.shape[1], 1, 1, 1)
    padded = F.pad(image, (radius,) * 4, mode="reflect")
    rows = F.conv2d(padded, kernel.transpose(-1, -2), groups=image.shape[1])
    return F.conv2d(rows, kernel, groups=image.shape[1])


def octave_scores(dreamer: Dreamer, image: Image) -> tuple[Grid, ...]:
    """The objective of a picture, H x W x 3 in [0, 1], in neighbourhoods at the size of each octave, coarse to fine."""
    full, settings = to_tensor(image, dreamer), dreamer.settings
    local = (
        neighbourhoods(tiles.local_score(dreamer.fields, _shrunk(full, size), settings.tile, settings.overlap))
        for size in octave_sizes(image.shape[0], image.shape[1], settings)
    )
    return tuple(tuple(map(tuple, grid[0, 0].tolist())) for grid in local)


def score(dreamer: Dreamer, image: Tensor) -> float:
    """The objective of (1, 3, H, W) in [0, 1], without shifts, patch by patch."""
    return tiles.mean_score(dreamer.fields, image, dreamer.settings.tile, dreamer.settings.overlap)


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
