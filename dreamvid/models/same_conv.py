"""Convolution with TensorFlow's "SAME" padding, and the zeros that any convolution adds."""

import torch.nn.functional as F
from torch import Tensor, nn

Pair = tuple[int, int]  # of rows and of columns


class SameConv2d(nn.Conv2d):
    """Convolution with "SAME" padding, without bias: ceil(side / stride) outputs; an odd zero goes after."""

    same = True

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, stride, groups=groups, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Pad and convolve."""
        return self.with_weights(x, self.weight, self.bias)

    def with_weights(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        """Pad and convolve with other weights of the same shape."""
        before, after = paddings(self, *x.shape[-2:])
        if before != after:
            x, after = F.pad(x, (before[1], after[1], before[0], after[0])), (0, 0)
        return F.conv2d(x, weight, bias, self.stride, after, self.dilation, self.groups)


def is_same(conv: nn.Conv2d) -> bool:
    """Return whether a convolution has "SAME" padding."""
    return bool(getattr(conv, "same", False))


def paddings(conv: nn.Conv2d, height: int, width: int) -> tuple[Pair, Pair]:
    """Return the zeros that a convolution adds before and after the rows and columns of an input of that size."""
    if not is_same(conv):
        rows, columns = map(int, conv.padding)
        return (rows, columns), (rows, columns)
    stride, kernel = conv.stride[0], conv.kernel_size[0]
    rows, columns = (max(0, (-(-side // stride) - 1) * stride + kernel - side) for side in (height, width))
    return (rows // 2, columns // 2), (rows - rows // 2, columns - columns // 2)
