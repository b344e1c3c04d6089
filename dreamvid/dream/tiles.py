"""A picture as overlapping patches, and the windows that put their gradients together without a seam."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from dreamvid.core import memory
from dreamvid.core.errors import SettingsError
from dreamvid.models.relu_rules import ruled

logger = logging.getLogger(__name__)

Fields = Callable[..., tuple[Tensor, ...]]  # of a picture (1, 3, H, W): scores at each place, (1, 1, h, w) each
Tiling = Literal["windowed", "summed", "contiguous"]
ALIGN = 32  # patches begin on the grid of the deepest usual stride, so that a net sees each as it saw the whole
SMALLEST_TILE = 64


@dataclass
class TileBudget:
    """The largest patch that memory allows, shared by all that dream in a render.

    `limit`: in pixels a side; None until a patch did not fit, or where the net sets no size of its own.
    """

    limit: int | None = None

    def patch(self, tile: int, overlap: int) -> tuple[int, int]:
        """Return the side of a patch and the overlap, in pixels, for those that the settings want."""
        if self.limit is None or tile <= self.limit:
            return tile, overlap
        return self.limit, min(overlap, self.limit // 2)

    def halve(self, error: Exception, tile: int, net: str) -> None:
        """Lower the limit to half of `tile`, the side in pixels of a patch that failed with `error`.

        Raises `error` itself where it is not about memory; SettingsError where half is less than SMALLEST_TILE.
        """
        if not memory.ran_out(error):
            raise error
        half = tile // 2 // ALIGN * ALIGN
        if half < SMALLEST_TILE:
            raise SettingsError(
                f"{net} does not fit in memory even in patches of {tile} pixels: name a smaller net, or begin with a "
                "smaller dream.tile, for memory that ran out once is not always available again"
            ) from error
        logger.warning("out of memory: continuing in patches of %d pixels (set dream.tile=%d to start so)", half, half)
        self.limit = half


@dataclass(frozen=True)
class Span:
    """One patch along one axis: half-open `start` to `stop`, and its window (stop - start,), float32."""

    start: int
    stop: int
    window: Tensor


def spans(length: int, tile: int, overlap: int) -> list[Span]:
    """Cut `length` pixels into patches of at most `tile` that share at least `overlap` (at most tile / 2) each.

    The windows of all patches sum to one at every pixel. A patch's own outer quarter of the overlap, where it lacks
    context, has no weight. One patch as long as the picture has weight one everywhere.
    """
    step = tile - overlap
    step = step // ALIGN * ALIGN or step
    count = 1 if length <= tile else 1 + -(-(length - tile) // step)
    bounds = [(index * step, min(index * step + tile, length)) for index in range(count)]
    ramp = tile - step
    raw = torch.zeros(count, length)
    for index, (start, stop) in enumerate(bounds):
        position = torch.arange(start, stop, dtype=torch.float32) + 0.5
        rise = (position - start) / ramp if index > 0 and ramp else torch.ones(stop - start)
        fall = (stop - position) / ramp if index < count - 1 and ramp else torch.ones(stop - start)
        raw[index, start:stop] = (2 * torch.minimum(rise, fall) - 0.5).clamp(0, 1)
    raw /= raw.sum(dim=0)
    return [Span(start, stop, raw[index, start:stop]) for index, (start, stop) in enumerate(bounds)]


def patches(height: int, width: int, tile: int, overlap: int) -> Iterator[tuple[slice, slice, Tensor]]:
    """Yield rows, columns and window (rows, columns) of each patch of a picture; the windows sum to one everywhere."""
    columns = spans(width, tile, overlap)
    for row in spans(height, tile, overlap):
        for column in columns:
            window = row.window[:, None] * column.window[None, :]
            yield slice(row.start, row.stop), slice(column.start, column.stop), window


def plain_patches(
    height: int, width: int, tile: int, overlap: int, tiling: Tiling
) -> Iterator[tuple[slice, slice, Tensor]]:
    """Yield patches of exactly `tile` pixels a side without windows, to show what windows are for (Hasson 2017, 2.5).

    `summed`: neighbours share `overlap` pixels; `contiguous`: none. What is left over at the ends belongs to no patch;
    a side shorter than a patch is one.
    """
    step = tile - overlap if tiling == "summed" else tile
    for row in range(0, max(1, height - tile + 1), step):
        for column in range(0, max(1, width - tile + 1), step):
            rows, columns = slice(row, min(row + tile, height)), slice(column, min(column + tile, width))
            yield rows, columns, torch.ones(rows.stop - rows.start, columns.stop - columns.start)


def gradient(
    fields: Fields, image: Tensor, tile: int, overlap: int, tiling: Tiling = "windowed", beside: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Return the gradient of a score, the sum of the means of its fields, taken patch by patch.

    `image`: (1, 3, H, W) float32; `beside`: another of that size, whose patches are handed to `fields` as well. Returns
    the gradient, of the same shape, and the fields' sum at each pixel, (1, 1, H, W). One patch as large as the picture
    gives exactly the plain gradient; in a patch with silent places, the gradient there is the "redirected" one.
    """
    height, width = image.shape[-2:]
    total, local = torch.zeros_like(image), torch.zeros_like(image[:, :1])
    cut = patches(height, width, tile, overlap)
    if tiling != "windowed":
        cut = plain_patches(height, width, tile, overlap, tiling)
    for rows, columns, window in cut:
        patch = image[..., rows, columns].detach().clone().requires_grad_(True)
        found = _of_patch(fields, patch, beside, rows, columns)
        (slope,) = torch.autograd.grad(_score(found), patch)
        if _silent(slope, found):  # such as a channel behind a ReLU: what would wake it?
            with ruled("redirected"):
                (woken,) = torch.autograd.grad(_score(_of_patch(fields, patch, beside, rows, columns)), patch)
            slope = torch.where((slope == 0).all(dim=1, keepdim=True), woken, slope)
        if patch.shape == image.shape:
            return slope, _at_pixels(found, patch)
        window = window.to(image.device)
        # A patch's mean is over fewer positions than the picture's: its slope is steeper by the ratio of the areas.
        total[..., rows, columns] += slope * window * (window.numel() / (height * width))
        local[..., rows, columns] += _at_pixels(found, patch) * window
    return total, local


def local_score(fields: Fields, image: Tensor, tile: int, overlap: int, beside: Tensor | None = None) -> Tensor:
    """Return the fields' sum at each pixel, (1, 1, H, W), patch by patch; `image`, `beside`: as for `gradient`."""
    height, width = image.shape[-2:]
    local = torch.zeros_like(image[:, :1])
    with torch.inference_mode():
        for rows, columns, window in patches(height, width, tile, overlap):
            patch = image[..., rows, columns]
            found = _of_patch(fields, patch, beside, rows, columns)
            local[..., rows, columns] += _at_pixels(found, patch) * window.to(image.device)
    return local


def mean_score(fields: Fields, image: Tensor, tile: int, overlap: int) -> float:
    """Return the score alone, each patch weighted by its share of the area; `image`: (1, 3, H, W) float32."""
    height, width = image.shape[-2:]
    with torch.inference_mode():
        return sum(
            float(_score(fields(image[..., rows, columns]))) * float(window.sum()) / (height * width)
            for rows, columns, window in patches(height, width, tile, overlap)
        )


def _of_patch(fields: Fields, patch: Tensor, beside: Tensor | None, rows: slice, columns: slice) -> tuple[Tensor, ...]:
    return fields(patch) if beside is None else fields(patch, beside[..., rows, columns])


def _silent(slope: Tensor, found: tuple[Tensor, ...]) -> bool:
    """Return whether a patch has cells of `ALIGN` pixels without any gradient; for scores of no place, if all of it is.

    A score of no place, such as that of a neuron, has no gradient beyond its receptive field, which is no silence.
    """
    if all(field.numel() == 1 for field in found):
        return not slope.any()
    if slope[:, 0].all():  # the usual case, told by a quick look
        return False
    cell = min(ALIGN, *slope.shape[-2:])
    return bool((F.max_pool2d(slope.abs().amax(dim=1, keepdim=True), cell) == 0).any())


def _score(fields: tuple[Tensor, ...]) -> Tensor:
    return torch.stack([field.mean() for field in fields]).sum()


def _at_pixels(fields: tuple[Tensor, ...], patch: Tensor) -> Tensor:
    size = patch.shape[-2:]
    grown = [F.interpolate(field.detach(), size, mode="bilinear", align_corners=False) for field in fields]
    return torch.stack(grown).sum(dim=0)
