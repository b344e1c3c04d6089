"""Augmentation of whole batches in torch: one sampling grid for the geometry, then colour, blur and noise."""

import math

import torch
from torch import Tensor
from torch.nn import functional

from dreamvid.research.training.recipe import Augment

SMALLEST_CROP = 0.22  # of the side


def augment(pictures: Tensor, size: int, generator: torch.Generator, how: Augment) -> Tensor:
    """Return random views (B, 3, size, size), floats in [0, 1], of uint8 pictures (B, 3, H, W), varied by `how`."""
    turned = how.shift or how.flip
    views = _view(pictures.float() / 255, size, generator, how) if turned else centred(pictures, size)
    if how.colour:
        views = _recolour(views, generator)
    if how.noise:
        views = _grain(views, generator)
    return views.clamp_(0, 1)


def centred(pictures: Tensor, size: int) -> Tensor:
    """Resize whole uint8 pictures (B, 3, H, W) to (B, 3, size, size), floats in [0, 1], without other changes."""
    return functional.interpolate(pictures.float() / 255, (size, size), mode="bilinear", antialias=True)


def _uniform(low: float, high: float, count: int, generator: torch.Generator) -> Tensor:
    return torch.empty(count, 1, 1, 1).uniform_(low, high, generator=generator)


def _view(pictures: Tensor, size: int, generator: torch.Generator, how: Augment) -> Tensor:
    """Crop (uniform in area), rotate, stretch and flip by one affine map per picture."""
    count, least = len(pictures), SMALLEST_CROP if how.shift else 1.0

    def draw(low: float, high: float) -> Tensor:
        return _uniform(low, high, count, generator).reshape(count)

    side = draw(least**2, 1).sqrt()
    aspect = (draw(-0.2, 0.2) * how.shift).exp()
    angle = draw(-1, 1) ** 3 * math.radians(35) * how.shift  # cubed: mostly upright, sometimes strongly tilted
    flip = draw(-1, 1).sign() if how.flip else torch.ones(count)
    width, height = side * aspect, side / aspect
    columns = [width * angle.cos() * flip, -height * angle.sin(), draw(-1, 1) * (1 - side)]
    rows = [width * angle.sin() * flip, height * angle.cos(), draw(-1, 1) * (1 - side)]
    affine = torch.stack([torch.stack(columns, 1), torch.stack(rows, 1)], 1)
    grid = functional.affine_grid(affine, [count, 3, size, size], align_corners=False)
    return functional.grid_sample(pictures, grid, padding_mode="reflection", align_corners=False)


def _recolour(views: Tensor, generator: torch.Generator) -> Tensor:
    """Vary contrast, saturation, hue, brightness and colour cast.

    The variation is strong enough that colour alone does not identify a class: nets that can rely on colour dream
    coloured dots.
    """
    count = len(views)
    grey = views.mean(dim=1, keepdim=True)
    colour = _turned(views - grey, torch.empty(count).normal_(0, 0.5, generator=generator))
    views = grey + _uniform(0.0, 1.5, count, generator) * colour
    level = views.mean(dim=(1, 2, 3), keepdim=True)
    views = level + _uniform(0.65, 1.35, count, generator) * (views - level)
    cast = torch.empty(count, 3, 1, 1).normal_(0, 0.06, generator=generator)
    return views * (1 + cast) + _uniform(-0.08, 0.08, count, generator)


def _turned(colour: Tensor, angle: Tensor) -> Tensor:
    """Rotate the hue of colours minus their grey, (B, 3, H, W), about the grey axis by `angle` (B,) in radians."""
    cosine, sine = angle.cos().view(-1, 1, 1, 1), angle.sin().view(-1, 1, 1, 1) / math.sqrt(3)
    return cosine * colour + sine * (colour.roll(1, dims=1) - colour.roll(-1, dims=1))


def _grain(views: Tensor, generator: torch.Generator) -> Tensor:
    """Blur about a third of the pictures and add noise to some, both of random strength."""
    count = len(views)
    blurred = functional.avg_pool2d(views, 3, stride=1, padding=1, count_include_pad=False)
    views = torch.lerp(views, blurred, _uniform(-2, 1, count, generator).clamp_(min=0))
    strength = _uniform(-0.08, 0.05, count, generator).clamp_(min=0)
    return views + strength * torch.empty_like(views).normal_(generator=generator)
