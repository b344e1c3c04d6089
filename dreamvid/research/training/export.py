"""File format of shipped nets: fp16 weights, class names and channel statistics in one safetensors file."""

import json
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypedDict

import torch
from safetensors.torch import save
from torch import Tensor, nn

from dreamvid.models import dreamnet, efficientnet_lite

FORMAT = "dreamvid-net/1"
OURS = (dreamnet.DreamNet, efficientnet_lite.EfficientNetLite)  # nets with channel statistics, of the layer types MAPS
MAPS = (dreamnet.ConvUnit, dreamnet.Mixed, nn.MaxPool2d, efficientnet_lite.ConvUnit, efficientnet_lite.Block)


class Facts(TypedDict):
    """Metadata of a weights file: what a reader needs besides the weights; mean and std are of RGB in [0, 1]."""

    width: float
    classes: Sequence[str]
    mean: Sequence[float]
    std: Sequence[float]


def export(
    net: nn.Module, path: Path, facts: Facts, statistics: dict[str, Tensor], architecture: str = "dreamnet"
) -> None:
    """Write `net` to `path`, atomically.

    Weights are fp16; batch norm's running statistics and `stats.<layer>` (mean squares per channel) stay fp32, because
    of their range. The metadata holds `format`, `architecture` and the facts as JSON text.
    """
    tensors = {
        name: value.cpu().float().contiguous() if "running" in name else value.cpu().half().contiguous()
        for name, value in net.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    tensors |= {f"stats.{layer}": squares.cpu().float().contiguous() for layer, squares in statistics.items()}
    metadata = {key: json.dumps(value) for key, value in facts.items()}
    write_whole(path, save(tensors, {"format": FORMAT, "architecture": architecture, **metadata}))


def write_whole(path: Path, content: bytes) -> None:
    """Write a file atomically: to a temporary name beside it, fsync, rename."""
    beside = path.with_name(f"{path.name}.part")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


@torch.no_grad()
def mean_squares(
    net: nn.Module, model: nn.Module, batches: Iterable[Tensor], kinds: tuple[type[nn.Module], ...] = MAPS
) -> dict[str, Tensor]:
    """Return {layer: (channels,)}, the mean square of each channel over positions and pictures.

    `model` contains `net` and takes the `batches` (B, C, H, W); layers are named as in `net`, and are those of the
    types `kinds`.
    """
    sums: dict[str, Tensor] = {}
    layers = [(n, m) for n, m in net.named_modules() if isinstance(m, kinds)]
    handles = [layer.register_forward_hook(_adding(sums, name)) for name, layer in layers]
    count = 0
    for batch in batches:
        model(batch)
        count += len(batch)
    for handle in handles:
        handle.remove()
    return {name: total / count for name, total in sums.items()}


def _adding(sums: dict[str, Tensor], name: str) -> Callable[[nn.Module, object, Tensor], None]:
    def hook(module: nn.Module, inputs: object, output: Tensor) -> None:
        squares = output.float().square().mean(dim=(2, 3)).sum(dim=0)
        sums[name] = sums[name] + squares if name in sums else squares

    return hook
