"""Sketch-a-Net, the net for drawings made of strokes (Yu et al. 2015, "Sketch-a-Net that Beats Humans", table 1).

Large first filters (15 x 15) on a grey picture, since a sketch has neither texture nor colour. The paper's text is
ambiguous, but it gives 8.5 M parameters in all, and 8 508 666 result where every layer has biases, every pooling
overlaps (3 x 3, stride 2), conv2 has no padding, conv3 to conv5 pad by 1, and there are 250 classes; only this choice
gives the sizes 71, 35, 31, 15, 15, 15, 15, 7, 1, 1, 1 of its table. The paper calls layers 6 and 7 fully connected:
here they are the equivalent convolutions (7 x 7 and 1 x 1), so that a larger picture gives a map of scores, which is
averaged.
"""

from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

SIDE = 225  # pixels of the crop that the net is designed for, cut from SOURCE_SIDE
SOURCE_SIDE = 256
MEAN, STD = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)  # maps [0, 1] to [-1, 1]: white paper is 1, ink -1
SLIM = 0.375  # width of the shipped net
NOTES = {  # layer -> what it dreams with the shipped weights, judged by eye
    "conv2": "strokes of a woodcutter's knife",
    "conv3": "a pen that hatches",
    "conv5": "outlines, by single channels",
    "conv6": "outlines, by single channels",
    "conv7": "outlines, by single channels",
}


class Unit(nn.Module):
    """Convolution and ReLU, (N, inputs, H, W) to (N, outputs, h, w) >= 0; with batch norm between until `folded`."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, padding: int = 0) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding)
        self.norm: nn.Module = nn.Identity()
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Apply convolution, batch norm (or Identity) and ReLU."""
        result: Tensor = self.relu(self.norm(self.conv(x)))
        return result


class SketchANet(nn.Module):
    """Classifier: (N, channels, H, W) or RGB (N, 3, H, W), both in [-1, 1], to logits (N, classes).

    `channels`: 1, a grey picture, or 6, parts of the sketch in stroke order (`dreamvid.research.sketches.strokes`).
    `width`: factor on the channels of every layer, rounded to multiples of 8. Sides of at least 218 pixels; the net is
    designed for 225. RGB is reduced to its mean, since sketches are grey and the gradient then has no tint; a net of 6
    channels gets that mean as every part, since a picture has no stroke order.
    """

    def __init__(self, classes: int = 250, channels: int = 1, width: float = 1.0, dropout: float = 0.5) -> None:
        super().__init__()

        def wide(base: int) -> int:
            return max(8, round(base * width / 8) * 8)

        self.channels = channels
        self.conv1 = Unit(channels, wide(64), 15, stride=3)
        # Size rounded up, as in Caffe: no change at 225, and 224, the input size of most nets, works as well.
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
        """Return logits, averaged over the score map of a picture larger than SIDE."""
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
    """Add batch norm to every unit, in place, and return the net: not in the paper, but it trains many times faster."""
    for unit in _units(net):
        unit.norm = nn.BatchNorm2d(unit.conv.out_channels)
    return net


def folded(net: SketchANet) -> SketchANet:
    """Fold the batch norms into the convolutions, in place and in evaluation mode, and return the net."""
    net.eval()
    for unit in _units(net):
        if isinstance(unit.norm, nn.BatchNorm2d):
            unit.conv, unit.norm = fuse_conv_bn_eval(unit.conv, unit.norm), nn.Identity()
    return net
