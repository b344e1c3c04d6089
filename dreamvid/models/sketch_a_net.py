"""Sketch-a-Net, the net for drawings made of strokes (Yu et al. 2015, "Sketch-a-Net that Beats Humans", table 1).

Large first filters (15 x 15) on a grey picture, since a sketch has neither texture nor colour. Where the paper's text
is ambiguous: it gives 8.5 M parameters in all, and 8 508 666 come out where every layer has biases, every pooling
overlaps (3 x 3, stride 2), conv2 has no padding, conv3 to conv5 pad by 1, and there are 250 classes; the sizes 71, 35,
31, 15, 15, 15, 15, 7, 1, 1, 1 of its table fit this alone. It names layers 6 and 7 fully connected: here they are the
convolutions that they equal (7 x 7 and 1 x 1), so that larger pictures give a map of scores, whose mean is taken.
"""

from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

SIDE = 225  # pixels of the crop that the net was made for, cut from SOURCE_SIDE
SOURCE_SIDE = 256
MEAN, STD = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)  # brings pictures of 0 to 1 to -1 to 1: white paper is 1, ink -1
SLIM = 0.375  # width of the form that ships
NOTES = {  # layer -> what it dreams with the weights that ship, by looking
    "conv2": "strokes of a woodcutter's knife",
    "conv3": "a pen that hatches",
    "conv5": "outlines, by single channels",
    "conv6": "outlines, by single channels",
    "conv7": "outlines, by single channels",
}


class Unit(nn.Module):
    """Convolution and ReLU: (N, inputs, H, W) to (N, outputs, h, w), at least 0; batch norm between, until folded."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, padding: int = 0) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding)
        self.norm: nn.Module = nn.Identity()
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.relu(self.norm(self.conv(x)))
        return result


class SketchANet(nn.Module):
    """The classifier: (N, channels, H, W) or RGB (N, 3, H, W), both in -1 to 1, to logits (N, classes).

    `channels`: 1, a grey picture, or 6, parts of the sketch in the order of strokes
    (`dreamvid.research.sketches.strokes`).
    `width`: factor on the channels of every layer, rounded to multiples of 8. Sides from 218 pixels on, 225 by design.
    Of RGB each channel sees the mean, which is as grey as sketches are and whose gradient has no tint, and a net of 6
    channels sees that as every part: a picture has no order of strokes.
    """

    def __init__(self, classes: int = 250, channels: int = 1, width: float = 1.0, dropout: float = 0.5) -> None:
        super().__init__()

        def wide(base: int) -> int:
            return max(8, round(base * width / 8) * 8)

        self.channels = channels
        self.conv1 = Unit(channels, wide(64), 15, stride=3)
        # Rounded up, as Caffe does it: the same at 225, and 224, where most nets live, works as well.
        self.pool1 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.conv2 = Unit(wide(64), wide(128), 5)
        self.pool2 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.conv3 = Unit(wide(128), wide(256), 3, padding=1)
        self.conv4 = Unit(wide(256), wide(256), 3, padding=1)
        self.conv5 = Unit(wide(256), wide(256), 3, padding=1)
        self.pool5 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.conv6 = Unit(wide(256), wide(512), 7)
        self.drop6 = nn.Dropout(dropout)
        self.conv7 = Unit(wide(512), wide(512), 1)
        self.drop7 = nn.Dropout(dropout)
        self.conv8 = nn.Conv2d(wide(512), classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[1] != self.channels:
            x = x.mean(dim=1, keepdim=True).expand(-1, self.channels, -1, -1)
        x = self.pool1(self.conv1(x))
        x = self.pool2(self.conv2(x))
        x = self.pool5(self.conv5(self.conv4(self.conv3(x))))
        x = self.drop7(self.conv7(self.drop6(self.conv6(x))))
        logits: Tensor = self.conv8(x).mean(dim=(2, 3))
        return logits


def _units(net: SketchANet) -> list[Unit]:
    return [part for part in net.modules() if isinstance(part, Unit)]


def with_batch_norm(net: SketchANet) -> SketchANet:
    """The net, in place, with batch norm in every unit: not in the paper, but it learns many times faster."""
    for unit in _units(net):
        unit.norm = nn.BatchNorm2d(unit.conv.out_channels)
    return net


def folded(net: SketchANet) -> SketchANet:
    """The net, in place and in evaluation mode, with its batch norms folded into its convolutions."""
    net.eval()
    for unit in _units(net):
        if isinstance(unit.norm, nn.BatchNorm2d):
            unit.conv, unit.norm = fuse_conv_bn_eval(unit.conv, unit.norm), nn.Identity()
    return net
