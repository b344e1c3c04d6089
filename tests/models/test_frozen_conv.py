"""Frozen convolutions: the same output and input gradient as torch's own, whatever their shape."""

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor, nn

from dreamvid.models import frozen_conv, relu_rules
from dreamvid.models.frozen_conv import PACKED, FrozenConv, is_freezable
from dreamvid.models.same_conv import SameConv2d

CHANNELS = [(8, 8, 8), (3, 6, 1), (1, 4, 1), (8, 4, 1), (8, 8, 2)]  # in, out, groups


def gradient(module: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    """Output and input gradient, for a slope that is the same at every call."""
    x = x.clone().requires_grad_()
    y = module(x)
    slope = torch.randn(y.shape, generator=torch.Generator().manual_seed(1), dtype=y.dtype)
    return y.detach(), torch.autograd.grad(y, x, slope)[0]


def noise(channels: int, height: int, width: int) -> Tensor:
    """Seeded noise of that size, in double precision."""
    generator = torch.Generator().manual_seed(0)
    return 3 * torch.randn(2, channels, height, width, generator=generator, dtype=torch.double)


@given(
    st.sampled_from(CHANNELS),
    st.integers(1, 7),
    st.integers(1, 4),
    st.integers(0, 3),
    st.integers(1, 2),
    st.booleans(),
    st.tuples(st.integers(13, 21), st.integers(13, 21)),
    st.sampled_from([None, nn.ReLU(), nn.ReLU6()]),
)
def test_as_the_convolution_itself(channels, kernel, stride, padding, dilation, same, size, activation) -> None:
    """Kernels, strides, paddings and sizes, odd and even, of depthwise, grouped, first and other layers."""
    inputs, outputs, groups = channels
    assume(padding < kernel)
    torch.manual_seed(0)
    if same:
        conv: nn.Conv2d = SameConv2d(inputs, outputs, kernel, stride, groups)
    else:
        conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, groups)
    conv = conv.double().requires_grad_(False)
    plain = conv if activation is None else nn.Sequential(conv, activation)

    found, wanted = (gradient(each, noise(inputs, *size)) for each in (FrozenConv(conv, activation), plain))

    assert torch.allclose(found[0], wanted[0])
    assert torch.allclose(found[1], wanted[1])


@pytest.mark.parametrize("inputs", [3, 8])
def test_in_bf16_the_gradient_is_that_of_float32_to_its_precision(inputs: int) -> None:
    """A first layer, and a depthwise convolution with a stride: where torch's own bf16 gradient is slow."""
    torch.manual_seed(0)
    conv = nn.Conv2d(inputs, 8, 3, 2, 1, groups=8 if inputs == 8 else 1).requires_grad_(False)
    x = noise(inputs, 20, 23).float()
    _, wanted = gradient(conv, x)
    _, found = gradient(FrozenConv(conv.bfloat16()), x.bfloat16())
    assert float((found.float() - wanted).norm() / wanted.norm()) < 0.01


@pytest.mark.parametrize("rule", ["guided", "deconvnet", "redirected"])
def test_a_replaced_relu_gradient_is_replaced_here_too(rule: relu_rules.Rule) -> None:
    torch.manual_seed(0)
    conv = nn.Conv2d(8, 8, 3, padding=1).double().requires_grad_(False)
    plain = nn.Sequential(conv, nn.ReLU())
    with relu_rules.ruled(rule):
        (_, found), (_, wanted) = (gradient(each, noise(8, 9, 9)) for each in (FrozenConv(conv, nn.ReLU()), plain))
    assert torch.allclose(found, wanted)
    assert not torch.allclose(found, gradient(plain, noise(8, 9, 9))[1])


@pytest.mark.parametrize(
    "part",
    [
        nn.Conv2d(3, 3, 3, padding=1, padding_mode="circular"),
        nn.Conv2d(3, 3, 3, padding="same"),
        nn.ConvTranspose2d(3, 3, 3),
        type("Own", (nn.Conv2d,), {})(3, 3, 3),
    ],
)
def test_what_is_no_plain_convolution_stays(part: nn.Module) -> None:
    assert not is_freezable(part)


@pytest.mark.parametrize("activation", [None, nn.ReLU(), nn.ReLU6()])
@pytest.mark.parametrize(("inputs", "kernel", "groups"), [(16, 1, 1), (16, 3, 1), (16, 3, 16), (3, 3, 1)])
def test_packed_weights_give_the_bits_of_plain_ones_whatever_sizes_were_before(
    inputs: int, kernel: int, groups: int, activation: nn.Module | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    conv = nn.Conv2d(inputs, 16, kernel, 1, kernel // 2, groups=groups).bfloat16().requires_grad_(False)
    sizes = [(5, 7), (9, 12), (1, 2), (24, 40), (3, 3), (5, 7), (64, 48), (9, 12)]
    found = FrozenConv(conv, activation)
    packed = [gradient(found, noise(inputs, *size).bfloat16()) for size in sizes]
    assert all(len(kernel._packed) <= PACKED for kernels in found._kernels.values() for kernel in kernels)
    monkeypatch.setattr(frozen_conv, "_packs", lambda: False)
    plain = FrozenConv(conv, activation)
    for pair, size in zip(packed, sizes, strict=True):
        wanted = gradient(plain, noise(inputs, *size).bfloat16())
        assert all(torch.equal(one, other) for one, other in zip(pair, wanted, strict=True))
