"""dreamnet: the small GoogLeNet-like net that ships with dreamvid.

Its architecture follows Szegedy et al. 2015, "Going deeper with convolutions": mixed blocks of 1x1, 3x3, 5x5 and pooled
branches, here with batch norm and about an eighth of the parameters. It has no skip connections on purpose: without
them each layer has features of its own, which is what a dream shows. `dreamvid.research.training` trains it.
"""

from torch import Tensor, cat, nn
from torch.nn import functional

NOTES = {  # layer -> what its channels dream with the shipped weights, in the words of the channel names
    "conv3": "stripes, combs",
    "mixed3a": "scales, lattices, arches",
    "mixed3b": "beads, balls, weaves, seashells",
    "mixed4a": "eyes, bird heads, petals, feathers",
    "mixed4b": "fur, bricks, flowers, horns",
    "mixed4c": "animal faces, spirals, domes",
    "mixed4d": "kittens, waves, snake skin, heaps of fruit",
    "mixed5a": "dogs, herds, bridges, lilies",
    "mixed5b": "puppies, cows, bowls of fruit, daisies",
}


class ConvUnit(nn.Module):
    """Convolution, batch norm, ReLU: (B, inputs, H, W) to (B, outputs, ceil(H / stride), ceil(W / stride)), >= 0."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the three in order; padding is `kernel // 2` on each side."""
        return functional.relu(self.bn(self.conv(x)))


class Mixed(nn.Module):
    """Four parallel branches, concatenated by channel: (B, inputs, H, W) to (B, outputs, H, W).

    Order of the output channels: 1x1 (a quarter), 3x3 (half), 5x5 (an eighth), pooled (the rest).
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.outputs = outputs
        one, three, five = outputs // 4, outputs // 2, outputs // 8
        self.conv1x1 = ConvUnit(inputs, one, 1)
        self.reduce3x3 = ConvUnit(inputs, three // 2, 1)
        self.conv3x3 = ConvUnit(three // 2, three, 3)
        self.reduce5x5 = ConvUnit(inputs, five // 2, 1)
        self.conv5x5 = ConvUnit(five // 2, five, 5)
        self.pool = nn.MaxPool2d(3, stride=1, padding=1)
        self.project = ConvUnit(inputs, outputs - one - three - five, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Concatenate the outputs of the branches in the order that the class gives."""
        branches = (
            self.conv1x1(x),
            self.conv3x3(self.reduce3x3(x)),
            self.conv5x5(self.reduce5x5(x)),
            self.project(self.pool(x)),
        )
        return cat(branches, dim=1)


class DreamNet(nn.Module):
    """Classifier: normalised RGB (B, 3, H, W), sides of at least 32, to logits (B, classes).

    `width` scales the channels of every layer (rounded to multiples of 8). Strides after conv1, conv2, mixed3, mixed4,
    mixed5: 2, 4, 8, 16, 32.
    """

    def __init__(self, classes: int, width: float = 1.0, dropout: float = 0.0) -> None:
        super().__init__()

        def channels(base: int) -> int:
            return max(8, round(base * width / 8) * 8)

        self.conv1 = ConvUnit(3, channels(32), 7, stride=2)
        self.pool1 = nn.MaxPool2d(3, stride=2, padding=1)
        self.conv2 = ConvUnit(channels(32), channels(48), 1)
        self.conv3 = ConvUnit(channels(48), channels(96), 3)
        self.pool2 = nn.MaxPool2d(3, stride=2, padding=1)
        self.mixed3a = Mixed(channels(96), channels(128))
        self.mixed3b = Mixed(channels(128), channels(240))
        self.pool3 = nn.MaxPool2d(3, stride=2, padding=1)
        self.mixed4a = Mixed(channels(240), channels(256))
        self.mixed4b = Mixed(channels(256), channels(256))
        self.mixed4c = Mixed(channels(256), channels(256))
        self.mixed4d = Mixed(channels(256), channels(416))
        self.pool4 = nn.MaxPool2d(3, stride=2, padding=1)
        self.mixed5a = Mixed(channels(416), channels(416))
        self.mixed5b = Mixed(channels(416), channels(512))
        self.dropout = nn.Dropout(dropout)
        self.logits = nn.Linear(channels(512), classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits; the map before `logits` is averaged over rows and columns, so any size fits."""
        x = self.pool1(self.conv1(x))
        x = self.pool2(self.conv3(self.conv2(x)))
        x = self.pool3(self.mixed3b(self.mixed3a(x)))
        x = self.pool4(self.mixed4d(self.mixed4c(self.mixed4b(self.mixed4a(x)))))
        x = self.mixed5b(self.mixed5a(x)).mean(dim=(2, 3))
        logits: Tensor = self.logits(self.dropout(x))
        return logits
