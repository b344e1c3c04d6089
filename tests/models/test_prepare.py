"""A net made ready: cut, folded, frozen, laid out; and the original left as it was."""

import copy
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from dreamvid.core.errors import NetError
from dreamvid.models.frozen_conv import RectifiedPool
from dreamvid.models.net import INPUT, OUTPUT, Net, activations
from dreamvid.models.prepare import PreparedNet, prepare
from dreamvid.models.relu_rules import ruled

CPU = torch.device("cpu")


def ready(net: Net, *layers: str, dtype: torch.dtype = torch.float32) -> PreparedNet:
    """The net made ready for these layers."""
    return prepare(net, frozenset(layers), CPU, dtype)


def picture(height: int = 48, width: int = 64) -> Tensor:
    """Seeded noise in [0, 1]."""
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0))


def plain(net: Net, image: Tensor, *layers: str) -> dict[str, Tensor]:
    """What the net as it is makes of a picture."""
    mean, std = (torch.tensor(value).view(1, 3, 1, 1) for value in (net.mean, net.std))
    module = copy.deepcopy(net.module).eval()
    for part in module.modules():
        if hasattr(part, "inplace"):
            part.inplace = False
    with torch.no_grad():
        return activations(module, (image - mean) / std, frozenset(layers))


def norms(module: nn.Module) -> list[str]:
    """The batch norms that are left."""
    return [name for name, part in module.named_modules() if isinstance(part, nn.BatchNorm2d)]


@pytest.mark.parametrize(
    "layers",
    [
        ("first",),
        ("second", "third"),
        ("third.bn",),
        ("third.conv",),
        ("second.conv", "second.bn", "second.relu", "second"),
        (OUTPUT,),
        ("first.conv", OUTPUT),
    ],
    ids=" ".join,
)
def test_folded_is_as_unfolded(tiny_net: Net, layers: tuple[str, ...]) -> None:
    found, wanted = ready(tiny_net, *layers)(picture()), plain(tiny_net, picture(), *layers)
    assert found.keys() == {*layers, INPUT}
    for layer in layers:
        assert float((found[layer] - wanted[layer]).abs().max()) <= 1e-4 * float(wanted[layer].abs().max())


def test_batch_norms_are_folded_except_behind_a_layer_in_use(tiny_net: Net) -> None:
    assert norms(ready(tiny_net, "third").module) == []
    assert norms(ready(tiny_net, "second.conv", "third").module) == ["second.bn"]


def test_a_batch_norm_that_two_convolutions_share_stays() -> None:
    class Shared(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two, self.norm = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)
            self.norm.running_mean.uniform_(-1, 1)
            self.norm.running_var.uniform_(0.5, 2)
            self.sum = nn.Identity()

        def forward(self, x: Tensor) -> Tensor:
            return self.sum(self.norm(self.one(x)) + self.norm(self.two(x)))

    torch.manual_seed(0)
    net = Net("shared", Shared().eval(), (0.5,) * 3, (0.2,) * 3, "sha")
    torch.testing.assert_close(ready(net, "sum")(picture())["sum"], plain(net, picture(), "sum")["sum"])


def test_a_convolution_that_goes_two_ways_is_not_folded() -> None:
    class Fork(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.norm, self.sum = nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Identity()
            self.norm.running_mean.uniform_(-1, 1)

        def forward(self, x: Tensor) -> Tensor:
            x = self.conv(x)
            return self.sum(x + self.norm(x))

    torch.manual_seed(0)
    net = Net("fork", Fork().eval(), (0.5,) * 3, (0.2,) * 3, "sha")
    assert norms(ready(net, "sum").module) == ["norm"]
    torch.testing.assert_close(ready(net, "sum")(picture())["sum"], plain(net, picture(), "sum")["sum"])


def test_the_net_itself_stays_as_it_was(tiny_net: Net) -> None:
    before = copy.deepcopy(tiny_net.module)
    ready(tiny_net, "second", dtype=torch.bfloat16)
    assert repr(tiny_net.module) == repr(before)
    for (name, value), (_, old) in zip(tiny_net.module.state_dict().items(), before.state_dict().items(), strict=True):
        assert torch.equal(value, old) and value.dtype == old.dtype, name
    assert all(part.requires_grad for part in tiny_net.module.parameters())
    assert all(part.inplace for part in tiny_net.module.modules() if isinstance(part, nn.ReLU))


def test_parameters_take_no_gradient_and_pictures_do(tiny_net: Net) -> None:
    net = ready(tiny_net, "second")
    assert not any(part.requires_grad for part in net.module.parameters())
    image = picture().requires_grad_(True)
    net(image)["second"].square().mean().backward()
    assert image.grad is not None and float(image.grad.abs().mean()) > 0


def test_a_net_in_training_is_made_ready_as_for_use(tiny_net: Net) -> None:
    training = replace(tiny_net, module=copy.deepcopy(tiny_net.module).train())
    torch.testing.assert_close(ready(training, "third")(picture()), ready(tiny_net, "third")(picture()))


def test_channels_lie_innermost(tiny_net: Net) -> None:
    net = ready(tiny_net, "second")
    assert net.module.second.conv.weight.is_contiguous(memory_format=torch.channels_last)
    assert net(picture())["second"].is_contiguous(memory_format=torch.channels_last)


def test_nothing_runs_behind_the_last_layer(tiny_net: Net) -> None:
    net = ready(tiny_net, "first", "second")
    ran: list[str] = []
    for name in ("first", "second", "third", "logits"):
        part = net.module.get_submodule(name)
        part.register_forward_hook(lambda *_, name=name: ran.append(name))
    net(picture())
    assert "third" not in ran and "logits" not in ran
    assert ran[0] == "first"


def test_activations_are_float32_in_whatever_precision_they_were_computed(tiny_net: Net) -> None:
    rough, exact = ready(tiny_net, "third", dtype=torch.bfloat16), ready(tiny_net, "third")
    assert rough.module.third.conv.weight.dtype == torch.bfloat16
    seen = rough(picture())["third"]
    assert seen.dtype == torch.float32
    assert float((seen - exact(picture())["third"]).abs().mean()) < 0.05 * float(seen.abs().mean())


def test_the_picture_itself_is_a_layer(tiny_net: Net) -> None:
    image = picture()
    assert ready(tiny_net, "second")(image)[INPUT] is image


def net_from(side: int) -> Net:
    """A net whose first convolution wants this many pixels a side."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 2, side, stride=2), nn.ReLU()).eval()
    return Net("choosy", module, (0.5,) * 3, (0.2,) * 3, "sha")


@pytest.mark.parametrize(("side", "wanted"), [(3, 16), (16, 16), (17, 32), (40, 48), (200, 224)])
def test_the_smallest_side_is_found(side: int, wanted: int) -> None:
    assert ready(net_from(side), "1").min_size == wanted


def test_only_the_layers_in_use_decide_the_smallest_side() -> None:
    module = nn.Sequential(nn.Conv2d(3, 2, 3), nn.Conv2d(2, 2, 60)).eval()
    net = Net("late", module, (0.5,) * 3, (0.2,) * 3, "sha")
    assert ready(net, "0").min_size == 16
    assert ready(net, "0", "1").min_size == 64


@pytest.mark.parametrize(("height", "width"), [(16, 16), (1, 70), (5, 3), (1, 1), (47, 100)])
def test_a_picture_that_is_too_small_is_continued(height: int, width: int) -> None:
    image = picture(height, width).requires_grad_(True)
    seen = ready(net_from(40), "1")(image)["1"]
    assert min(seen.shape[-2:]) >= 1
    seen.square().mean().backward()
    assert image.grad is not None and image.grad.shape == image.shape
    assert bool(torch.isfinite(image.grad).all())


def test_a_picture_that_is_large_enough_is_not_touched() -> None:
    net = net_from(40)
    torch.testing.assert_close(ready(net, "1")(picture())["1"], plain(net, picture(), "1")["1"])


@pytest.mark.parametrize("module", [nn.Sequential(nn.Linear(10, 2)), nn.Sequential(nn.Conv2d(1, 2, 3))])
def test_a_net_that_takes_no_picture_is_refused_in_one_line(module: nn.Module) -> None:
    net = Net("deaf", module, (0.5,) * 3, (0.2,) * 3, "sha")
    with pytest.raises(NetError, match="deaf cannot process RGB pictures") as error:
        ready(net, "0")
    assert "\n" not in str(error.value)


class Fixed(nn.Module):
    """A net that takes pictures of 32 x 32 alone."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 2, 3)

    def forward(self, x: Tensor) -> Tensor:
        assert x.shape[-2:] == (32, 32), f"wrong size {x.shape[-2:]}"
        return self.conv(x)


def test_a_net_for_pictures_of_one_size_takes_smaller_ones_and_refuses_larger_ones_in_one_line() -> None:
    net = ready(Net("fixed", Fixed().eval(), (0.5,) * 3, (0.2,) * 3, "sha"), "conv")
    assert (net.min_size, net.max_size) == (32, 32)
    assert net(picture(20, 32))["conv"].shape == (1, 2, 30, 30)
    with pytest.raises(NetError, match=r"fixed takes only pictures of 32x32: give dream\.tile=32") as error:
        net(picture(32, 33))
    assert "\n" not in str(error.value)


class Pooled(nn.Module):
    """A convolution, rectified, then pooled; `beside`: what is rectified is used beside the pooling as well."""

    def __init__(self, activation: nn.Module, beside: bool = False) -> None:
        super().__init__()
        self.conv, self.relu, self.pool = nn.Conv2d(3, 8, 3, padding=1), activation, nn.MaxPool2d(3, 2, 1)
        self.deep, self.beside = nn.Conv2d(8, 8, 3, padding=1), beside

    def forward(self, x: Tensor) -> Tensor:
        seen = self.relu(self.conv(x))
        pooled = self.pool(seen)
        return self.deep(pooled) + seen[..., ::2, ::2] if self.beside else self.deep(pooled)


def pools(net: PreparedNet) -> bool:
    """Whether pooling comes before the ReLU."""
    return any(isinstance(part, RectifiedPool) for part in net.module.modules())


@pytest.mark.parametrize("activation", [nn.ReLU(), nn.ReLU6()], ids=repr)
@pytest.mark.parametrize(
    ("layers", "beside", "moved"),
    [
        (("deep",), False, True),
        (("pool",), False, True),
        (("relu", "deep"), False, False),
        (("deep", OUTPUT), True, False),
    ],
)
def test_a_relu_goes_behind_the_pooling_where_nothing_else_sees_it(
    activation: nn.Module, layers: tuple[str, ...], beside: bool, moved: bool
) -> None:
    torch.manual_seed(0)
    net = Net("pooled", Pooled(activation, beside).eval(), (0.5,) * 3, (0.05,) * 3, "sha")
    prepared, image = ready(net, *layers), picture().requires_grad_(True)
    assert pools(prepared) == moved
    found, wanted = prepared(image), plain(net, picture(), *layers)
    for layer in layers:
        torch.testing.assert_close(found[layer], wanted[layer], rtol=1e-4, atol=1e-5)
    found[layers[-1]].square().sum().backward()
    before = net.module.requires_grad_(False)
    raw = picture().requires_grad_(True)
    activations(before, (raw - 0.5) / 0.05, frozenset(layers))[layers[-1]].square().sum().backward()
    torch.testing.assert_close(image.grad, raw.grad, rtol=1e-3, atol=1e-3)


def test_with_other_gradients_of_relus_the_order_is_the_nets() -> None:
    torch.manual_seed(0)
    net = Net("pooled", Pooled(nn.ReLU()).eval(), (0.5,) * 3, (0.05,) * 3, "sha")
    prepared = ready(net, "deep")
    assert pools(prepared)
    slopes = []
    for run in (lambda x: prepared(x)["deep"], lambda x: net.module((x - 0.5) / 0.05)):
        image = picture().requires_grad_(True)
        with ruled("guided"):
            run(image).square().sum().backward()
        slopes.append(image.grad)
    torch.testing.assert_close(*slopes, rtol=1e-3, atol=1e-3)
