"""Step rules: turn a gradient into a step by filtering its spectrum and colours and dividing it by its size."""

from collections.abc import Callable
from functools import lru_cache, partial

import torch
import torch.nn.functional as F
from torch import Tensor

from dreamvid.config.dream_settings import DreamSettings

Rule = Callable[[Tensor], Tensor]
FIRST, SECOND, TINY = 0.9, 0.999, 1e-8  # Adam's decay rates and epsilon (Kingma and Ba 2015, algorithm 1)
KNEE, EDGE = 0.7, 1.5 / 255  # start of the compression, share of the headroom; margin at the bounds 0 and 1
CENTRINGS = 6  # fixed-point iterations towards the mean colour of the source, on a sample of the pixels
SAMPLES = 64  # of these along the short side, at least
SLAB = 128  # rows that are compressed at a time: what it takes in between stays in the cache
PYRAMID = 4  # bands of the Laplacian pyramid, an octave each; the last holds all that is coarser
# Covariance of red, green and blue in photographs, scaled to a trace of 3: most of the variance is along grey, less
# along blue-yellow, least along green-magenta. Measured over a few photographs of people, animals, buildings and sky.
COLOURS = ((1.04, 0.90, 0.79), (0.90, 0.94, 0.90), (0.79, 0.90, 1.03))


def rule(settings: DreamSettings) -> Rule:
    """Return the step rule for a run of steps on one picture: from each gradient, (1, 3, H, W), to a step of size 1.

    `mean`, `std`, `l2`: the gradient divided by its mean absolute value, standard deviation, or root mean square.
    `raw`: not normalised, for pixels in levels of 0 to 255. `adam`: Kingma and Ba 2015, algorithm 1. `adagrad`:
    divided by the root of the sum of all squares so far (Duchi et al. 2011); `adagrad_printed`: by the sum itself, as
    Hasson 2017 (1.3) prints it. The last three keep state between steps. A gradient of zero gives zero.
    """
    shape = shaping(settings)
    if settings.step_rule == "adam":
        return _adam(shape)
    if settings.step_rule in ("adagrad", "adagrad_printed"):
        return _adagrad(shape, rooted=settings.step_rule == "adagrad")
    size = {
        "mean": lambda slope: slope.abs().mean(),
        "std": lambda slope: slope.std(),
        "l2": lambda slope: slope.square().mean().sqrt(),
        "raw": lambda slope: slope.new_tensor(255.0**2),
    }[settings.step_rule]

    def plain(slope: Tensor) -> Tensor:
        slope = shape(slope)
        divisor = size(slope)
        return slope / divisor if float(divisor) > 0 else torch.zeros_like(slope)

    return plain


def shaping(settings: DreamSettings) -> Rule:
    """Return the filter applied to a gradient before it is normalised: `dream.gradient`, then `dream.smooth`."""
    hows: dict[str, Rule] = {
        "plain": lambda slope: slope,
        "laplacian": pyramid_evened,
        "fourier": partial(as_photographs, settings),
    }
    how = hows[settings.gradient or "plain"]
    if not settings.smooth:
        return how
    return lambda slope: blurred(how(slope), settings.smooth)


def _adam(shape: Rule) -> Rule:
    mean = square = torch.zeros(())
    count = 0

    def step(slope: Tensor) -> Tensor:
        nonlocal mean, square, count
        slope, count = shape(slope), count + 1
        mean = FIRST * mean + (1 - FIRST) * slope
        square = SECOND * square + (1 - SECOND) * slope.square()
        # The gradient of a mean over many pixels is small, so epsilon is relative to its mean size.
        root = (square / (1 - SECOND**count)).sqrt()
        return mean / (1 - FIRST**count) / (root + TINY * root.mean() + torch.finfo(root.dtype).tiny)

    return step


def _adagrad(shape: Rule, rooted: bool) -> Rule:
    total = torch.zeros(())

    def step(slope: Tensor) -> Tensor:
        nonlocal total
        slope = shape(slope)
        total = total + slope.square()
        divisor = total.sqrt() if rooted else total
        return slope / (divisor + TINY * divisor.mean() + torch.finfo(divisor.dtype).tiny)

    return step


def pyramid_evened(slope: Tensor) -> Tensor:
    """Return a gradient, (1, 3, H, W), with the bands of its Laplacian pyramid scaled to rms 1.

    Pyramid: Burt and Adelson 1983. High frequencies dominate a plain gradient; equal bands give coarse shapes their
    share (Mordvintsev 2015, "DeepDream" notebook).
    """
    total, rest = torch.zeros_like(slope), slope
    for _ in range(PYRAMID - 1):
        if min(rest.shape[-2:]) < 4:
            break
        coarse = F.avg_pool2d(rest, 2, ceil_mode=True, count_include_pad=False)
        total = total + _at_size(_unit(rest - _at_size(coarse, rest)), slope)
        rest = coarse
    return total + _at_size(_unit(rest), slope)


def _unit(band: Tensor) -> Tensor:
    rms = band.square().mean().sqrt()
    return band / rms if float(rms) > 0 else band


def _at_size(band: Tensor, like: Tensor) -> Tensor:
    size = like.shape[-2:]
    return band if band.shape[-2:] == size else F.interpolate(band, size, mode="bilinear", align_corners=False)


def as_photographs(settings: DreamSettings, slope: Tensor) -> Tensor:
    """Return a gradient, (1, 3, H, W), with the power spectrum and colour covariance of photographs.

    It is the gradient of a picture parametrised by Fourier coefficients z of decorrelated colours, x = A z, where A
    divides each by its frequency and mixes colours as in photographs (Olah et al. 2017, "Feature Visualization",
    preconditioning): a step of equal size in all z moves x by A. So the spectrum is multiplied by 1 / f^`spectrum`, f
    in cycles per pixel, at least one in the longer side. Wavelengths above `cutoff` pixels are damped by the factor
    1 - exp(-(f cutoff)^2 / 2); otherwise large bright and dark areas would grow without limit.
    """
    height, width = slope.shape[-2:]
    factor = _spectrum(height, width, settings.spectrum, settings.cutoff, slope.device)
    shaped = torch.fft.irfft2(torch.fft.rfft2(slope).mul_(factor), s=(height, width))
    if settings.decorrelate:
        colours = shaped.unbind(dim=1)
        shaped = torch.stack(
            [sum(share * of for share, of in zip(row, colours, strict=True)) for row in COLOURS], dim=1
        )
    return shaped.contiguous()


@lru_cache(maxsize=4)  # the steps on an octave follow one another
def _spectrum(height: int, width: int, exponent: float, cutoff: float | None, device: torch.device) -> Tensor:
    """Return what `as_photographs` multiplies the spectrum of a picture by, (H, W // 2 + 1)."""
    rows = torch.fft.fftfreq(height, device=device)[:, None]
    columns = torch.fft.rfftfreq(width, device=device)[None, :]
    square = rows.square() + columns.square()
    factor = square.sqrt().clamp(min=1 / max(height, width)) ** -exponent
    return factor * -torch.expm1(-square * (cutoff**2 / 2)) if cutoff else factor


def in_its_light(image: Tensor, source: Tensor) -> Tensor:
    """Return a dream, (1, 3, H, W) in [0, 1], with the mean colour of its source and without clipped whites and blacks.

    Values that are clipped at every step lose detail and shift the mean. So the layer, dream minus source, is
    compressed softly into the headroom between the source and the bounds: linear up to `KNEE` of it, then
    exponentially, and never into the last levels (`EDGE`). Where the headroom is one-sided, as in a dark picture, the
    compression shifts the mean; the offset taken off before it is corrected in `CENTRINGS` iterations, and once more
    on all pixels.
    """
    moved = (image.mean(dim=(2, 3)) - source.mean(dim=(2, 3)))[..., None, None]
    stride = max(1, min(image.shape[-2:]) // SAMPLES)
    sample, beneath = (each[..., ::stride, ::stride].contiguous() for each in (image, source))
    for _ in range(CENTRINGS):
        moved = moved + _in_room(sample, beneath, moved).mean(dim=(2, 3), keepdim=True)
    slabs = list(zip(image.split(SLAB, dim=2), source.split(SLAB, dim=2), strict=True))
    rest = sum(_in_room(dreamed, plain, moved).sum(dim=(2, 3), keepdim=True) for dreamed, plain in slabs)
    moved = moved + rest / (image.shape[2] * image.shape[3])
    result = torch.empty_like(image)
    for place, (dreamed, plain) in zip(result.split(SLAB, dim=2), slabs, strict=True):
        place.copy_(plain + _in_room(dreamed, plain, moved))
    return result


def _in_room(image: Tensor, source: Tensor, moved: Tensor) -> Tensor:
    """Compress the layer of a dream, less an offset, softly into the headroom above and below its source."""
    layer = image - source - moved
    size = layer.abs()
    room = torch.where(layer > 0, 1 - EDGE - source, source - EDGE).clamp_(min=0)
    knee = KNEE * room
    rest = room.mul_(1 - KNEE).clamp_(min=torch.finfo(room.dtype).tiny)
    over = (size - knee).clamp_(min=0).div_(rest).neg_().expm1_().mul_(rest)  # from 0 to -rest
    return torch.minimum(size, knee).sub_(over).copysign_(layer)


def blurred(image: Tensor, sigma: float) -> Tensor:
    """Blur a picture, (1, C, H, W), by a Gaussian of `sigma` pixels, mirrored at the borders."""
    radius = min(max(1, round(3 * sigma)), *(side - 1 for side in image.shape[-2:]))
    offsets = torch.arange(-radius, radius + 1, device=image.device, dtype=image.dtype)
    kernel = torch.exp(-offsets.square() / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).repeat(image.shape[1], 1, 1, 1)
    padded = F.pad(image, (radius,) * 4, mode="reflect")
    rows = F.conv2d(padded, kernel.transpose(-1, -2), groups=image.shape[1])
    return F.conv2d(rows, kernel, groups=image.shape[1])
