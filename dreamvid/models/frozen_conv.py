"""Convolutions with constant weights: rectified in the same pass, with the input gradient in its fastest form.

A dream needs the gradient at the picture alone. That of a convolution with weights w[t], stride s and padding p is
dx[n] = sum over t of w[t] g[(n + p - t) / s], for the t with which s divides. oneDNN, by which torch convolves on a
processor, is slow at it where few channels leave vector lanes empty (the first layer of a net), and where a depthwise
convolution has a stride. With n = B i + r, each r from 0 to B - 1 is an ordinary convolution of g, which is fast: the
polyphase decomposition (Vaidyanathan 1990, "Multirate digital filters, filter banks, polyphase networks").
"""

from functools import cache
from math import inf
from typing import Any, TypeGuard

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.grad import conv2d_input

from dreamvid.models import relu_rules
from dreamvid.models.same_conv import Pair, SameConv2d, is_same, paddings

FEW = 4  # input channels, at most, whose gradient is computed for blocks of pixels
BLOCK = 2  # side of such a block, in pixels; that of a stride where it is longer


class FrozenConv(nn.Conv2d):
    """A convolution of constant weights, with the ReLU or ReLU6 behind it, if any: the same output, a faster gradient.

    (B, inputs, H, W) to what the convolution and its activation make of it.
    """

    def __init__(self, conv: nn.Conv2d, activation: nn.ReLU | nn.ReLU6 | None = None) -> None:
        super().__init__(
            conv.in_channels,
            conv.out_channels,
            conv.kernel_size,  # type: ignore[arg-type]
            conv.stride,  # type: ignore[arg-type]
            conv.padding,  # type: ignore[arg-type]
            conv.dilation,  # type: ignore[arg-type]
            conv.groups,
            device="meta",
        )
        self.weight, self.bias = conv.weight, conv.bias
        self.same = is_same(conv)
        self.activation = activation
        self.highest = None if activation is None else 6.0 if isinstance(activation, nn.ReLU6) else inf
        self._kernels: dict[tuple[object, ...], Tensor] = {}  # rearranged weights, by what they were arranged for

    def forward(self, x: Tensor) -> Tensor:
        """Convolve and rectify."""
        if self.highest == inf and relu_rules.active():
            return F.relu(self.convolved(x))
        result: Tensor = _Frozen.apply(x, self)
        return result

    def convolved(self, x: Tensor) -> Tensor:
        """Return the output of the convolution.

        torch pads both ends alike: one zero less before is a kernel that begins with one more zero.
        """
        (top, left), (bottom, right) = paddings(self, *x.shape[-2:])
        kernel = _led(self.weight, (bottom - top, right - left))
        return F.conv2d(x, kernel, self.bias, self.stride, (bottom, right), self.dilation, self.groups)

    def input_gradient(self, slope: Tensor, size: torch.Size) -> Tensor:
        """Return the gradient at an input of `size`, (B, inputs, H, W); `slope`: that at the convolution's output."""
        before, after = paddings(self, *size[-2:])
        depthwise = self.groups == self.in_channels == self.out_channels > 1
        plain = self.dilation == (1, 1) and self.stride[0] == self.stride[1]
        if plain and self.groups == 1 and self.kernel_size == (1, 1) and self.stride == (1, 1) and before == (0, 0):
            return F.conv2d(slope, self.weight.transpose(0, 1))
        if plain and depthwise:
            return self._by_phase(slope, size, before)
        if plain and self.groups == 1 and self.in_channels <= FEW:
            return self._in_blocks(slope, size, before)
        if before == after:
            return conv2d_input(size, self.weight, slope, self.stride, before, self.dilation, self.groups)
        padded = (*size[:2], size[2] + before[0] + after[0], size[3] + before[1] + after[1])
        whole = conv2d_input(padded, self.weight, slope, self.stride, 0, self.dilation, self.groups)
        return whole[..., before[0] : before[0] + size[2], before[1] : before[1] + size[3]]

    def _by_phase(self, slope: Tensor, size: torch.Size, before: Pair) -> Tensor:
        """Return the input gradient of a depthwise convolution, one pixel of each stride after the other."""
        stride = self.stride[0]
        kernels, starts = self._phases("ocrs,aer,bfs->abocef", stride, before)
        if stride == 1:
            return correlated(slope, kernels[0, 0], starts, (size[2], size[3]), groups=self.groups)
        result = torch.empty(size, dtype=slope.dtype, device=slope.device, memory_format=torch.channels_last)
        for row in range(stride):
            for column in range(stride):
                place = result[..., row::stride, column::stride]
                count = place.shape[-2], place.shape[-1]
                place.copy_(correlated(slope, kernels[row, column], starts, count, groups=self.groups))
        return result

    def _in_blocks(self, slope: Tensor, size: torch.Size, before: Pair) -> Tensor:
        """Return the input gradient with all channels of a block of pixels as the channels of one convolution."""
        stride = self.stride[0]
        block = stride * -(-BLOCK // stride)
        kernels, starts = self._phases("ocrs,aer,bfs->caboef", block, before)
        count = -(-size[2] // block), -(-size[3] // block)
        found = correlated(slope, kernels.flatten(0, 2), starts, count, stride=block // stride)
        return F.pixel_shuffle(found, block)[..., : size[2], : size[3]]

    def _phases(self, order: str, block: int, before: Pair) -> tuple[Tensor, Pair]:
        """Return the weights that each pixel of a block meets, in the `order` of an einsum, and their first offsets."""
        (rows, top), (columns, left) = (
            taps(kernel, self.stride[0], zeros, block) for kernel, zeros in zip(self.kernel_size, before, strict=True)
        )
        weight = self.weight
        key = (order, block, before, weight.dtype)
        if key not in self._kernels:
            self._kernels[key] = torch.einsum(order, weight, rows.to(weight), columns.to(weight)).contiguous()
        return self._kernels[key], (top, left)


class RectifiedPool(nn.Module):
    """Max pooling of what a ReLU or ReLU6 rectifies, which comes to the same behind it, on fewer values."""

    def __init__(self, pool: nn.MaxPool2d, activation: nn.ReLU | nn.ReLU6) -> None:
        super().__init__()
        self.pool, self.highest = pool, 6.0 if isinstance(activation, nn.ReLU6) else inf

    def forward(self, x: Tensor) -> Tensor:
        """Pool and rectify; where the gradients of ReLUs are replaced, in the order of the net."""
        if self.highest == 6:
            return F.relu6(self.pool(x), inplace=True)
        if relu_rules.active():
            return self.pool(F.relu(x))
        return F.relu(self.pool(x), inplace=True)


def is_rectified(part: nn.Module) -> TypeGuard[FrozenConv]:
    """Return whether a part is a FrozenConv with an activation."""
    return isinstance(part, FrozenConv) and part.activation is not None


def is_freezable(part: nn.Module) -> TypeGuard[nn.Conv2d]:
    """Return whether a part is a convolution that a FrozenConv can stand for: of zeros around the picture."""
    plain = type(part) in (nn.Conv2d, SameConv2d)
    return plain and part.padding_mode == "zeros" and not isinstance(part.padding, str)


class _Frozen(torch.autograd.Function):
    """The pass of a FrozenConv; the output tells where its activation is flat."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, conv: FrozenConv) -> Tensor:
        y = conv.convolved(x)
        if conv.highest is not None:
            y = y.clamp_(0, None if conv.highest == inf else conv.highest)
            ctx.save_for_backward(y)
        ctx.conv, ctx.size = conv, x.shape
        return y

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, None]:
        conv, slope = ctx.conv, slopes[0]
        if conv.highest == inf:
            slope = torch.ops.aten.threshold_backward(slope, *ctx.saved_tensors, 0)
        elif conv.highest is not None:
            slope = torch.ops.aten.hardtanh_backward(slope, *ctx.saved_tensors, 0, conv.highest)
        return conv.input_gradient(slope.contiguous(memory_format=torch.channels_last), ctx.size), None


@cache
def taps(kernel: int, stride: int, before: int, block: int) -> tuple[Tensor, int]:
    """Return which weight carries an output's gradient to each input of a block, along one axis.

    Input `block` i + r meets output (`block` / `stride`) i + first + e by weight t where entry (r, e, t) is 1, of a
    tensor (block, offsets, kernel). `before`: zeros before the input; `block`: a multiple of `stride`. Returns the
    tensor and `first`.
    """
    met = [
        (r, (r + before - t) // stride, t)
        for r in range(block)
        for t in range(kernel)
        if (r + before - t) % stride == 0
    ]
    first, last = (side(offset for _, offset, _ in met) for side in (min, max))
    found = torch.zeros(block, last - first + 1, kernel)
    for r, offset, t in met:
        found[r, offset - first, t] = 1
    return found, first


def correlated(slope: Tensor, kernel: Tensor, starts: Pair, count: Pair, stride: int = 1, groups: int = 1) -> Tensor:
    """Return y[i] = sum over m of kernel[m] slope[stride i + start + m], with zeros outside, for `count` rows, columns.

    `slope`: (B, C, h, w); `kernel`: as torch.conv2d takes it; `starts`: of rows and columns.
    """
    zeros = [
        max(0, -start, stride * (many - 1) + start + length - side)
        for start, many, length, side in zip(starts, count, kernel.shape[-2:], slope.shape[-2:], strict=True)
    ]
    leading = zeros[0] + starts[0], zeros[1] + starts[1]
    found = F.conv2d(slope, _led(kernel, leading), None, stride, (zeros[0], zeros[1]), 1, groups)
    return found[..., : count[0], : count[1]]


def _led(kernel: Tensor, zeros: Any) -> Tensor:
    """Return a kernel that begins with so many rows and columns of zeros."""
    return F.pad(kernel, (zeros[1], 0, zeros[0], 0)) if any(zeros) else kernel
