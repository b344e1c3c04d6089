"""Preparation of a net for dreaming, once per job: batch norms folded, convolutions frozen, laid out for the processor.

`dreamvid bench` measures what that gains.
"""

import copy
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from dreamvid.core.errors import NetError
from dreamvid.models.frozen_conv import FrozenConv, RectifiedPool, is_freezable, is_rectified
from dreamvid.models.net import INPUT, OUTPUT, Net, activations, first_line, tapped

SIDES = (16, 32, 48, 64, 96, 128, 224, 256, 299, 320, 336, 384, 448)  # usual input sizes of nets, in pixels


@dataclass(frozen=True)
class PreparedNet:
    """Net that runs only as far as the layers in use; call it with a picture to get their activations."""

    name: str
    module: nn.Module
    layers: frozenset[str]
    mean: Tensor
    std: Tensor
    min_size: int
    dtype: torch.dtype
    dense: bool = False
    max_size: int | None = None

    def __call__(self, image: Tensor) -> dict[str, Tensor]:
        """Return activations by layer name, float32, of `image`, (1, 3, H, W) RGB float32 in [0, 1].

        INPUT is `image` itself. A picture smaller than `min_size` is padded to it by reflection. Raises NetError for
        one larger than `max_size`, which only a net of one fixed input size has.
        """
        if self.max_size is not None and max(image.shape[-2:]) > self.max_size:
            raise NetError(
                f"{self.name} takes only pictures of {self.max_size}x{self.max_size}: give dream.tile={self.max_size}"
            )
        x = (_at_least(image, self.min_size) - self.mean) / self.std
        x = x.to(dtype=self.dtype, memory_format=torch.channels_last)
        found = activations(self.module, x, self.layers)
        return {name: value.float() for name, value in found.items()} | {INPUT: image}

    def check_size(self, height: int, width: int) -> None:
        """Raise NetError for a picture that is too small for a dense head."""
        if self.dense and min(height, width) < self.min_size:
            raise NetError(
                f"the dense head of {self.name} takes pictures and tiles of at least {self.min_size}x{self.min_size} "
                f"pixels, not {width}x{height}: give a larger --size, or leave out net.dense"
            )


def prepare(net: Net, layers: frozenset[str], device: torch.device, dtype: torch.dtype) -> PreparedNet:
    """Return a copy of `net` prepared for gradient steps on `device` in `dtype`, that outputs `layers`.

    Raises NetError where the net takes no picture of any of SIDES.
    """
    module = copy.deepcopy(net.module).eval().requires_grad_(False)
    for part in module.modules():
        # The output of a layer is kept while the net runs on: no later layer may overwrite it.
        if hasattr(part, "inplace"):
            part.inplace = False  # type: ignore[assignment]
    min_size, max_size = _sizes(net, module, layers)
    module = _merged(module, layers, min_size, is_freezable, (nn.BatchNorm2d,), _folded)
    if device.type == "cpu":
        module = _with_frozen_convolutions(module, layers, min_size)
    module = module.to(device, dtype).to(memory_format=torch.channels_last)
    mean, std = (torch.tensor(value, device=device).view(1, 3, 1, 1) for value in (net.mean, net.std))
    return PreparedNet(net.name, module, layers, mean, std, min_size, dtype, net.dense, max_size)


def _at_least(image: Tensor, side: int) -> Tensor:
    """Pad a picture by reflection, equally on both sides, until both dimensions are at least `side`."""
    while min(image.shape[-2:]) < side:
        # Reflection adds at most `size - 1` pixels on each side, so it is repeated until the size is reached.
        missing = [max(0, side - size) for size in image.shape[-2:]]
        room = [max(1, size - 1) for size in image.shape[-2:]]
        before = [min(most, (gap + 1) // 2) for gap, most in zip(missing, room, strict=True)]
        after = [min(most, gap // 2) for gap, most in zip(missing, room, strict=True)]
        mode = "replicate" if 1 in image.shape[-2:] else "reflect"  # a single row or column cannot be reflected
        image = F.pad(image, (before[1], after[1], before[0], after[0]), mode=mode)
    return image


def _sizes(net: Net, module: nn.Module, layers: frozenset[str]) -> tuple[int, int | None]:
    """Return the smallest of SIDES at which every layer in use has an output, and the largest; None for no limit.

    Raises NetError where the net takes none of SIDES.
    """
    failure: Exception | None = None
    for side in SIDES:
        try:
            if _has_output(module, layers, side):
                break
        except Exception as error:
            failure = error
    else:
        raise NetError(
            f"{net.name} cannot process RGB pictures of {SIDES[0]} to {SIDES[-1]} pixels a side: {first_line(failure)}"
        )
    try:
        _has_output(module, layers, side + 32)
    except Exception:  # positional embeddings or a head for one size only
        return side, side
    return side, None


def _has_output(module: nn.Module, layers: frozenset[str], side: int) -> bool:
    with torch.inference_mode():
        found = activations(module, torch.zeros(1, 3, side, side), layers)
    return all(value.numel() for value in found.values())


def _with_frozen_convolutions(module: nn.Module, layers: frozenset[str], side: int) -> nn.Module:
    """Return the module with every convolution as a FrozenConv, together with the ReLU behind it where there is one.

    A ReLU before max pooling goes behind it: there it has fewer values to rectify, and comes to the same.
    """
    module = _merged(module, layers, side, is_freezable, (nn.ReLU, nn.ReLU6), _rectified)
    module = _merged(module, layers, side, is_rectified, (nn.MaxPool2d,), _rectified_later)
    for name, part in list(module.named_modules()):
        if is_freezable(part):
            module.set_submodule(name, FrozenConv(part))
    return module


def _folded(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> tuple[nn.Module, nn.Module]:
    return fuse_conv_bn_eval(conv, norm), nn.Identity()


def _rectified(conv: nn.Conv2d, activation: nn.ReLU | nn.ReLU6) -> tuple[nn.Module, nn.Module]:
    return FrozenConv(conv, activation), nn.Identity()


def _rectified_later(conv: FrozenConv, pool: nn.MaxPool2d) -> tuple[nn.Module, nn.Module]:
    assert conv.activation is not None
    return FrozenConv(conv), RectifiedPool(pool, conv.activation)


def _merged(
    module: nn.Module,
    layers: frozenset[str],
    side: int,
    is_first: Callable[[nn.Module], bool],
    kinds: tuple[type[nn.Module], ...],
    merge: Callable[[Any, Any], tuple[nn.Module, nn.Module]],
) -> nn.Module:
    """Merge each part of `kinds` with the convolution before it, unless that is a layer in use; return the module.

    `merge` returns what stands for the two. The convolution, of those that `is_first` picks, is found by running the
    net once: its output tensor is the input of the part. Where that output is used elsewhere too, merging would change
    the net; the result is compared with that of before, and if it differs, nothing is merged. A part that runs several
    times stays as it is.
    """
    made_by: dict[int, str] = {}
    held_outputs: list[Tensor] = []  # kept alive so that no id is reused
    runs: Counter[str] = Counter()
    pairs: list[tuple[int, str]] = []
    convolutions = [name for name, part in module.named_modules() if is_first(part)]
    parts = {name: part for name, part in module.named_modules() if type(part) in kinds}
    if not parts:
        return module

    def made(name: str, output: Tensor) -> None:
        made_by[id(output)] = name
        held_outputs.append(output)

    def before(name: str, inputs: tuple[Tensor, ...]) -> None:
        runs[name] += 1
        if id(inputs[0]) in made_by:
            pairs.append((id(inputs[0]), name))

    handles = [
        part.register_forward_pre_hook(lambda _part, inputs, name=name: before(name, inputs))
        for name, part in parts.items()
    ]
    picture = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode(), tapped(module, convolutions, made):
        wanted = activations(module, picture, layers)
    for handle in handles:
        handle.remove()
    in_use = {id(value) for value in wanted.values()}
    replaced: dict[str, nn.Module] = {}
    for output, part in pairs:
        if output not in in_use and runs[part] == 1:
            conv = made_by[output]
            for name, new in zip((conv, part), merge(module.get_submodule(conv), parts[part]), strict=True):
                replaced.setdefault(name, module.get_submodule(name))
                module.set_submodule(name, new)
    with torch.inference_mode():
        found = activations(module, picture, layers)
    if not all(_nearly(found[name], value) for name, value in wanted.items()):
        for name, old in replaced.items():
            module.set_submodule(name, old)
    return module


def _nearly(found: Tensor, wanted: Tensor) -> bool:
    return bool((found - wanted).abs().amax() <= 1e-3 * wanted.abs().amax().clamp(min=1e-6))


__all__ = ["INPUT", "OUTPUT", "PreparedNet", "prepare"]
