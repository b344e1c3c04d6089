"""EfficientNet-Lite: inverted residual blocks without squeeze-and-excitation, for pictures of any size.

Compound scaling follows Tan and Le 2019, "EfficientNet"; the Lite variants (Google 2020) use ReLU6 instead of swish,
have no squeeze-and-excitation, and do not scale the stem and the head. Padding is TensorFlow's "SAME", computed from
the size of each picture. The blocks are named `block0`, `block1`, ... in order; the output of a block is its linear
projection plus its skip connection, if it has one.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor, nn

from dreamvid.models.same_conv import SameConv2d

CLASSES = 1000
MEAN, STD = (127 / 255,) * 3, (128 / 255,) * 3  # of RGB in 0 to 1, as the weights were trained
EPSILON = 1e-3  # of batch norm, as in TensorFlow
STEM, HEAD = 32, 1280
OUTER = {  # prefix in `efficientnet-lite-pytorch` -> prefix here, for the parts outside the blocks
    "_conv_stem.": "stem.conv.",
    "_bn0.": "stem.bn.",
    "_conv_head.": "head.conv.",
    "_bn1.": "head.bn.",
    "_fc.": "logits.",
}


class Stage(NamedTuple):
    """Blocks of one width, before scaling: count, kernel, stride of the first, expansion, channels in and out."""

    repeats: int
    kernel: int
    stride: int
    expansion: int
    inputs: int
    outputs: int


STAGES = (
    Stage(1, 3, 1, 1, 32, 16),
    Stage(2, 3, 2, 6, 16, 24),
    Stage(2, 5, 2, 6, 24, 40),
    Stage(3, 3, 2, 6, 40, 80),
    Stage(3, 5, 1, 6, 80, 112),
    Stage(4, 5, 2, 6, 112, 192),
    Stage(1, 3, 1, 6, 192, 320),
)


@dataclass(frozen=True)
class Scale:
    """Factors on the channels and on the blocks per stage, side of the training pictures in pixels, rate of dropout."""

    width: float
    depth: float
    side: int
    dropout: float


SCALES = {"efficientnet_lite0": Scale(1.0, 1.0, 224, 0.2), "efficientnet_lite2": Scale(1.1, 1.2, 260, 0.3)}

ANIMALS = "animals large and small (dogs, otters, sloths)"
NOTES = {  # scale -> layer -> what it dreams with ImageNet's weights, judged by eye
    "efficientnet_lite0": {"block9": ANIMALS, "block10": ANIMALS},
    "efficientnet_lite2": {
        "block10": "rings, eyes, ropes",
        "block11": "with block13 and block15: orbs, shells, machines",
        "block12": ANIMALS,
        "block13": ANIMALS,
        "block15": "whole animals, scarcer, larger",
        "block17": "buildings, castles, palaces, ships",
    },
}


class ConvUnit(nn.Module):
    """Convolution with TensorFlow's "SAME" padding, batch norm, and ReLU6 unless `linear`.

    (B, inputs, H, W) to (B, outputs, ceil(H / stride), ceil(W / stride)), in [0, 6] unless `linear`.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1, *, linear: bool = False
    ) -> None:
        super().__init__()
        self.conv = SameConv2d(inputs, outputs, kernel, stride, groups)
        self.bn = nn.BatchNorm2d(outputs, eps=EPSILON, momentum=0.01)
        self.act = nn.Identity() if linear else nn.ReLU6()

    def forward(self, x: Tensor) -> Tensor:
        """Apply convolution, batch norm and activation."""
        result: Tensor = self.act(self.bn(self.conv(x)))
        return result


class Block(nn.Module):
    """Inverted residual block: 1x1 expansion, depthwise convolution, linear projection; a skip where shapes match.

    (B, inputs, H, W) to (B, outputs, ceil(H / stride), ceil(W / stride)).
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = inputs * expansion
        self.expand = ConvUnit(inputs, inner) if expansion > 1 else nn.Identity()
        self.depthwise = ConvUnit(inner, inner, kernel, stride, groups=inner)
        self.project = ConvUnit(inner, outputs, linear=True)
        self.skips = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """Return the linear projection, plus `x` where the block has a skip: neither is rectified."""
        y: Tensor = self.project(self.depthwise(self.expand(x)))
        return x + y if self.skips else y


class EfficientNetLite(nn.Module):
    """Classifier: normalised RGB (B, 3, H, W), sides of at least 32, to logits (B, classes).

    Strides after the stem and after each of the four stages that downsample: 2, 4, 8, 16, 32.
    """

    def __init__(self, scale: Scale, classes: int = CLASSES) -> None:
        super().__init__()
        self.stem = ConvUnit(3, STEM, 3, stride=2)
        self.blocks = 0
        inputs = STEM
        for stage in STAGES:
            outputs = _channels(stage.outputs, scale.width)
            for place in range(_repeats(stage, scale.depth)):
                stride = stage.stride if place == 0 else 1
                self.add_module(f"block{self.blocks}", Block(inputs, outputs, stage.kernel, stride, stage.expansion))
                inputs = outputs
                self.blocks += 1
        self.head = ConvUnit(inputs, HEAD)
        self.dropout = nn.Dropout(scale.dropout)
        self.logits = nn.Linear(HEAD, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits; the map behind `head` is averaged over rows and columns, so any size fits."""
        x = self.stem(x)
        for number in range(self.blocks):
            x = self.get_submodule(f"block{number}")(x)
        x = self.head(x).mean(dim=(2, 3))
        logits: Tensor = self.logits(self.dropout(x))
        return logits


def from_reference(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights renamed from `efficientnet-lite-pytorch` to the names of this module.

    Other names stay as they are. In that package a block is `_blocks.N`, its batch norms `_bn0`, `_bn1` and `_bn2` are
    counted from the expansion, and the batch norm of the stem is `_bn0`, that of the head `_bn1`.
    """
    return {_renamed(name): value for name, value in weights.items()}


def _renamed(name: str) -> str:
    if (inner := re.fullmatch(r"_blocks\.(\d+)\._(\w+?)(?:_conv)?\.(\w+)", name)) is not None:
        number, part, what = inner.groups()
        unit, kind = {"bn0": ("expand", "bn"), "bn1": ("depthwise", "bn"), "bn2": ("project", "bn")}.get(
            part, (part, "conv")
        )
        return f"block{number}.{unit}.{kind}.{what}"
    for theirs, ours in OUTER.items():
        if name.startswith(theirs):
            return name.replace(theirs, ours, 1)
    return name


def _channels(base: int, width: float) -> int:
    """Return the scaled channels, rounded to the nearest multiple of 8 that is at least 0.9 of them."""
    wanted = base * width
    rounded = max(8, int(wanted + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * wanted else rounded


def _repeats(stage: Stage, depth: float) -> int:
    """Return the scaled number of blocks of a stage; the first and the last stage are not scaled."""
    return stage.repeats if stage in (STAGES[0], STAGES[-1]) else math.ceil(depth * stage.repeats)
