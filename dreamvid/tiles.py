"""A picture as overlapping patches, and the windows that put their gradients together without a seam."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

ALIGN = 32  # patches begin on the grid of the deepest usual stride, so that a net sees each as it saw the whole


@dataclass(frozen=True)
class Span:
    """One patch along one axis: half-open `start` to `stop`, and its window (stop - start,), float32."""

    start: int
    stop: int
    window: Tensor


def spans(length: int, tile: int, overlap: int) -> list[Span]:
    """Cuts `length` pixels into patches of at most `tile` that share at least `overlap` (at most tile / 2) each.

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
    """Rows, columns and window (rows, columns) of each patch of a picture; the windows sum to one everywhere."""
    columns = spans(width, tile, overlap)
    for row in spans(height, tile, overlap):
        for column in columns:
            window = row.window[:, None] * column.window[None, :]
            yield slice(row.start, row.stop), slice(column.start, column.stop), window


def gradient(score: Callable[[Tensor], Tensor], image: Tensor, tile: int, overlap: int) -> tuple[Tensor, float]:
    """The gradient of a score, a mean over positions, taken patch by patch.

    `image`: (1, 3, H, W) float32. Returns the gradient, of the same shape, and the score itself, each patch counted by
    its share of the area. One patch as large as the picture gives exactly the plain gradient.
    """
    height, width = image.shape[-2:]
    total, value = torch.zeros_like(image), 0.0
    for rows, columns, window in patches(height, width, tile, overlap):
        patch = image[..., rows, columns].detach().clone().requires_grad_(True)
        patch_score = score(patch)
        (slope,) = torch.autograd.grad(patch_score, patch)
        # A patch's mean is over fewer positions than the picture's: its slope is steeper by the ratio of the areas.
        slope *= window.to(image.device) * (window.numel() / (height * width))
        total[..., rows, columns] += slope
        value += float(patch_score.detach()) * float(window.sum()) / (height * width)
    return total, value


def mean_score(score: Callable[[Tensor], Tensor], image: Tensor, tile: int, overlap: int) -> float:
    """The score alone, patch by patch, without a gradient; `image`: (1, 3, H, W) float32."""
    height, width = image.shape[-2:]
    with torch.inference_mode():
        return sum(
            float(score(image[..., rows, columns])) * float(window.sum()) / (height * width)
            for rows, columns, window in patches(height, width, tile, overlap)
        )
