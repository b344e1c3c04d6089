"""Convolutions with constant weights: rectified in the same pass, with the input gradient in its fastest form.

A dream needs the gradient at the picture alone. That of a convolution with weights w[t], stride s and padding p is
dx[n] = sum over t of w[t] g[(n + p - t) / s], for the t with which s divides. oneDNN, by which torch convolves on a
processor, is slow at it where few channels leave vector lanes empty (the first layer of a net), and where a depthwise
convolution has a stride. With n = B i + r, each r from 0 to B - 1 is an ordinary convolution of g, which is fast: the
polyphase decomposition (Vaidyanathan 1990, "Multirate digital filters, filter banks, polyphase networks").
"""

from collections.abc import Callable, Hashable, Sequence
from functools import cache
from itertools import product
from math import inf
from typing import Any, TypeGuard

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.grad import conv2d_input

from dreamvid.models import relu_rules
from dreamvid.models.same_conv import Pair, SameConv2d, is_same, paddings

FEW = 4  # input channels, at most, whose gradient is computed for blocks of pixels
PACKED = 4  # sizes of pictures for which a kernel is packed at a time
BLOCK = 2  # side of such a block, in pixels; that of a stride where it is longer


class Kernel:
    """Constant weights of a convolution, as torch.conv2d takes them; in bf16 packed once for pictures of a size.

    torch packs the weights of every convolution anew, which takes as long as to convolve a small picture. With packed
    ones, it rectifies in the same pass, too. Either way the result has the same bits.
    """

    def __init__(self, weight: Tensor) -> None:
        self.weight = weight.contiguous(memory_format=torch.channels_last)
        self._packed: dict[tuple[object, ...], Tensor] = {}
        self._led: dict[Pair, Kernel] = {}

    def led(self, zeros: Pair) -> "Kernel":
        """Return a kernel that begins with so many rows and columns of zeros."""
        if not any(zeros):
            return self
        if zeros not in self._led:
            self._led[zeros] = Kernel(F.pad(self.weight, (zeros[1], 0, zeros[0], 0)))
        return self._led[zeros]

    def convolve(
        self,
        x: Tensor,
        bias: Tensor | None = None,
        stride: Pair = (1, 1),
        padding: Pair = (0, 0),
        dilation: Pair = (1, 1),
        groups: int = 1,
        highest: float | None = None,
    ) -> Tensor:
        """Convolve, and clamp to 0 and `highest` where that is given; not to be differentiated."""
        if x.dtype == torch.bfloat16 and x.device.type == "cpu" and _packs():
            how = (padding, stride, dilation, groups)
            fused = "none" if highest is None else "relu" if highest == inf else "hardtanh"
            limits = [0.0, highest] if fused == "hardtanh" else []
            x, packed = x.contiguous(memory_format=torch.channels_last), self._packed_for(x.shape, how)
            y: Tensor = torch.ops.mkldnn._convolution_pointwise(x, packed, bias, *how, fused, limits, "")
            return y
        y = F.conv2d(x, self.weight, bias, stride, padding, dilation, groups)
        return y if highest is None else y.clamp_(0, None if highest == inf else highest)

    def _packed_for(self, size: torch.Size, how: tuple[Any, ...]) -> Tensor:
        """Return the weights as packed for pictures of a size: those for another can be a hundred times slower."""
        packed = self._packed.pop((size, how), None)
        if packed is None:
            packed = torch.ops.mkldnn._reorder_convolution_weight(self.weight, *how, size)
        self._packed[size, how] = packed
        if len(self._packed) > PACKED:
            self._packed.pop(next(iter(self._packed)))
        return packed


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
        self._kernels: dict[tuple[Hashable, torch.dtype], list[Kernel]] = {}  # by what the weights are arranged for

    def forward(self, x: Tensor) -> Tensor:
        """Convolve and rectify."""
        if self.highest == inf and relu_rules.active():
            return F.relu(_Frozen.apply(x, self, None))
        result: Tensor = _Frozen.apply(x, self, self.highest)
        return result

    def output(self, x: Tensor, highest: float | None) -> Tensor:
        """Return the output of the convolution, clamped to 0 and `highest` where that is given.

        torch pads both ends alike: one zero less before is a kernel that begins with one more zero.
        """
        (top, left), (bottom, right) = paddings(self, *x.shape[-2:])
        (kernel,) = self._arranged("as they are", lambda weight: [weight])
        how: Any = (self.stride, (bottom, right), self.dilation, self.groups, highest)
        return kernel.led((bottom - top, right - left)).convolve(x, self.bias, *how)

    def _arranged(self, key: Hashable, arranged: Callable[[Tensor], Sequence[Tensor]]) -> list[Kernel]:
        """Return the weights as `arranged` does it, which is told by `key`."""
        found = self._kernels.get((key, self.weight.dtype))
        if found is None:
            found = self._kernels[key, self.weight.dtype] = [Kernel(each) for each in arranged(self.weight)]
        return found

    def input_gradient(self, slope: Tensor, size: torch.Size) -> Tensor:
        """Return the gradient at an input of `size`, (B, inputs, H, W); `slope`: that at the convolution's output."""
        before, after = paddings(self, *size[-2:])
        depthwise = self.groups == self.in_channels == self.out_channels > 1
        plain = self.dilation == (1, 1) and self.stride[0] == self.stride[1]
        if plain and self.groups == 1 and self.kernel_size == (1, 1) and self.stride == (1, 1) and before == (0, 0):
            return self._arranged("transposed", lambda weight: [weight.transpose(0, 1)])[0].convolve(slope)
        if plain and depthwise:
            return self._by_phase(slope, size, before)
        if plain and self.groups == 1 and (self.stride[0] == 1 or self.in_channels <= FEW):
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
            return correlated(slope, kernels[0], starts, (size[2], size[3]), groups=self.groups)
        result = torch.empty(size, dtype=slope.dtype, device=slope.device, memory_format=torch.channels_last)
        for kernel, (row, column) in zip(kernels, product(range(stride), repeat=2), strict=True):
            place = result[..., row::stride, column::stride]
            count = place.shape[-2], place.shape[-1]
            place.copy_(correlated(slope, kernel, starts, count, groups=self.groups))
        return result

    def _in_blocks(self, slope: Tensor, size: torch.Size, before: Pair) -> Tensor:
        """Return the input gradient with all channels of a block of pixels as the channels of one convolution."""
        stride = self.stride[0]
        block = stride * -(-BLOCK // stride) if self.in_channels <= FEW else stride
        (kernel,), starts = self._phases("ocrs,aer,bfs->caboef", block, before)
        count = -(-size[2] // block), -(-size[3] // block)
        found = correlated(slope, kernel, starts, count, stride=block // stride)
        return found if block == 1 else F.pixel_shuffle(found, block)[..., : size[2], : size[3]]

    def _phases(self, order: str, block: int, before: Pair) -> tuple[list[Kernel], Pair]:
        """Return the weights that each pixel of a block meets, in the `order` of an einsum, and their first offsets.

        Where the pixels, a and b, come first, each has a kernel of its own; else all are the channels of one.
        """
        (rows, top), (columns, left) = (
            taps(kernel, self.stride[0], zeros, block) for kernel, zeros in zip(self.kernel_size, before, strict=True)
        )

        def arranged(weight: Tensor) -> Sequence[Tensor]:
            found = torch.einsum(order, weight, rows.to(weight), columns.to(weight))
            return found.flatten(0, 1).unbind() if order.endswith("abocef") else (found.flatten(0, 2),)

        return self._arranged((order, block, before), arranged), (top, left)


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
    def forward(ctx: Any, x: Tensor, conv: FrozenConv, highest: float | None) -> Tensor:
        y = conv.output(x, highest)
        if highest is not None:
            ctx.save_for_backward(y)
        ctx.conv, ctx.size, ctx.highest = conv, x.shape, highest
        return y

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, None, None]:
        slope = slopes[0]
        if ctx.highest == inf:
            slope = torch.ops.aten.threshold_backward(slope, *ctx.saved_tensors, 0)
        elif ctx.highest is not None:
            slope = torch.ops.aten.hardtanh_backward(slope, *ctx.saved_tensors, 0, ctx.highest)
        return ctx.conv.input_gradient(slope.contiguous(memory_format=torch.channels_last), ctx.size), None, None


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


def correlated(slope: Tensor, kernel: Kernel, starts: Pair, count: Pair, stride: int = 1, groups: int = 1) -> Tensor:
    """Return y[i] = sum over m of kernel[m] slope[stride i + start + m], with zeros outside, for `count` rows, columns.

    `slope`: (B, C, h, w); `starts`: of rows and columns.
    """
    zeros = [
        max(0, -start, stride * (many - 1) + start + length - side)
        for start, many, length, side in zip(starts, count, kernel.weight.shape[-2:], slope.shape[-2:], strict=True)
    ]
    leading = zeros[0] + starts[0], zeros[1] + starts[1]
    found = kernel.led(leading).convolve(slope, None, (stride, stride), (zeros[0], zeros[1]), (1, 1), groups)
    return found[..., : count[0], : count[1]]


@cache
def _packs() -> bool:
    """Return whether this build of torch, on this processor, takes packed weights in bf16."""
    operations = torch.ops.mkldnn
    names = ("_convolution_pointwise", "_reorder_convolution_weight")
    if not torch.backends.mkldnn.is_available() or not all(hasattr(operations, name) for name in names):
        return False
    return bool(operations._is_mkldnn_bf16_supported())
