"""What a net is: layers by name, their strides and receptive fields, its classes."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from dreamvid.core.errors import NetError
from dreamvid.models.net import (
    OUTPUT,
    Layer,
    Net,
    activations,
    channels_by_depth,
    check_layer,
    describe,
    layer_shapes,
    outputs,
)


def net_of(module: nn.Module) -> Net:
    """A net around a module."""
    return Net("made", module.eval(), (0.5, 0.5, 0.5), (0.2, 0.2, 0.2), "sha")


def facts(net: Net) -> dict[str, tuple[int | None, int | None]]:
    """Stride and receptive field by layer."""
    return {layer.name: (layer.stride, layer.receptive_field) for layer in describe(net)}


def test_strides_and_receptive_fields_of_a_net_computed_by_hand() -> None:
    module = nn.Sequential(
        nn.Conv2d(3, 4, 7, stride=2, padding=3),  # field 7, stride 2
        nn.ReLU(),
        nn.MaxPool2d(3, stride=2, padding=1),  # 7 + 2 * 2 = 11, stride 4
        nn.Conv2d(4, 4, 3, padding=2, dilation=2),  # 11 + 4 * 4 = 27
        nn.Conv2d(4, 6, 5, stride=2, padding=2),  # 27 + 4 * 4 = 43, stride 8
        nn.Conv2d(6, 6, 1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(6, 5),
    )
    assert facts(net_of(module)) == {
        "0": (2, 7),
        "1": (2, 7),
        "2": (4, 11),
        "3": (4, 27),
        "4": (8, 43),
        "5": (8, 43),
        "6": (2048, None),
        "7": (None, None),
        "8": (None, None),
    }


def test_without_padding_strides_and_receptive_fields_are_exact_too() -> None:
    module = nn.Sequential(
        nn.Conv2d(3, 2, 11, stride=4),  # field 11, stride 4
        nn.MaxPool2d(3, stride=2),  # 11 + 2 * 4 = 19, stride 8
        nn.Conv2d(2, 2, 5, padding=2),  # 19 + 4 * 8 = 51
        nn.MaxPool2d(3, stride=2),  # 51 + 2 * 8 = 67, stride 16
        nn.Conv2d(2, 2, 2),  # 67 + 16 = 83
    )
    assert facts(net_of(module)) == {"0": (4, 11), "1": (8, 19), "2": (8, 51), "3": (16, 67), "4": (16, 83)}


def test_the_tiny_net_is_described_layer_by_layer(tiny_net: Net) -> None:
    layers = {layer.name: layer for layer in describe(tiny_net)}
    assert layers["first"] == Layer("first", (8, 112, 112), 2, 5)
    assert layers["second"] == Layer("second", (12, 56, 56), 4, 9)
    assert layers["third"] == Layer("third", (16, 56, 56), 4, 17)
    assert layers["logits"] == Layer("logits", (5,), None, None)
    assert next(iter(layers)) == "first.conv"


@pytest.mark.parametrize("layer", ["first", "second", "third"])
def test_a_receptive_field_is_what_a_change_of_the_picture_reaches(tiny_net: Net, layer: str) -> None:
    reached = torch.zeros(96, dtype=torch.bool)
    for seed in range(12):  # a ReLU that is shut hides what it sees: not all are shut at once
        image = torch.randn(1, 3, 96, 96, generator=torch.Generator().manual_seed(seed)).requires_grad_(True)
        seen = activations(tiny_net.module, image, frozenset({layer}))[layer]
        (slope,) = torch.autograd.grad(seen[0, :, seen.shape[2] // 2, seen.shape[3] // 2].sum(), image)
        reached |= slope.abs().amax(dim=(0, 1, 2)) > 0
    columns = reached.nonzero().flatten()
    assert int(columns[-1] - columns[0]) + 1 == facts(tiny_net)[layer][1]


def test_branches_count_with_their_widest() -> None:
    class Branches(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.narrow, self.wide = nn.Conv2d(3, 2, 1), nn.Conv2d(3, 2, 9, padding=4)
            self.joined = nn.Identity()

        def forward(self, x: Tensor) -> Tensor:
            return self.joined(torch.cat([self.narrow(x), self.wide(x)], dim=1))

    assert facts(net_of(Branches())) == {"narrow": (1, 1), "wide": (1, 9), "joined": (1, 9)}


def test_a_layer_that_sees_everything_has_no_receptive_field() -> None:
    class Squeezed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3, padding=1)
            self.scaled = nn.Identity()

        def forward(self, x: Tensor) -> Tensor:
            x = self.conv(x)
            return self.scaled(x * x.mean(dim=(2, 3), keepdim=True))

    assert facts(net_of(Squeezed())) == {"conv": (1, 3), "scaled": (1, None)}


def test_a_net_that_wants_larger_pictures_tells_its_strides_and_fields() -> None:
    module = nn.Sequential(
        nn.Conv2d(3, 4, 15, stride=3),  # field 15, stride 3, which divides no power of two
        nn.MaxPool2d(3, stride=2, ceil_mode=True),  # 15 + 2 * 3 = 21, stride 6
        nn.Conv2d(4, 4, 3, stride=4),  # 21 + 2 * 6 = 33, stride 24
        nn.Conv2d(4, 4, 7),  # 33 + 6 * 24 = 177: on 64 rows there is nothing of it
    )
    assert facts(net_of(module)) == {"0": (3, 15), "1": (6, 21), "2": (24, 33), "3": (24, 177)}


def test_a_net_of_one_fixed_size_still_tells_its_shapes() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 16, stride=16), nn.Flatten(), nn.Linear(4 * 14 * 14, 5))
    assert [layer.shape for layer in describe(net_of(module))] == [(4, 14, 14), (784,), (5,)]


def test_a_net_runs_no_further_than_the_last_layer_asked_for(tiny_net: Net) -> None:
    class Guarded(nn.Module):
        def __init__(self, inner: nn.Module) -> None:
            super().__init__()
            self.inner = inner
            self.late = nn.Identity()

        def forward(self, x: Tensor) -> Tensor:
            self.inner(x)
            raise AssertionError("ran on")

    picture = torch.zeros(1, 3, 32, 32)
    seen = activations(Guarded(tiny_net.module), picture, frozenset({"inner.first", "inner.third"}))
    assert seen.keys() == {"inner.first", "inner.third"}
    with pytest.raises(AssertionError, match="ran on"):
        activations(Guarded(tiny_net.module), picture, frozenset({"late"}))


def test_the_output_is_a_layer_and_the_picture_needs_no_run(tiny_net: Net) -> None:
    picture = torch.zeros(1, 3, 32, 32)
    seen = activations(tiny_net.module, picture, frozenset({OUTPUT, "second"}))
    torch.testing.assert_close(seen[OUTPUT], tiny_net.module(picture))
    assert activations(tiny_net.module, picture, frozenset({"input"})) == {}


def test_no_hook_is_left_behind(tiny_net: Net) -> None:
    activations(tiny_net.module, torch.zeros(1, 3, 32, 32), frozenset({"second"}))
    assert not any(part._forward_hooks for part in tiny_net.module.modules())


@pytest.mark.parametrize(
    ("wanted", "index"),
    [("tabby cat", 0), ("Tabby_Cat", 0), ("LIGHTHOUSE", 3), ("0", 0), ("4", 4)],
)
def test_a_class_is_found_by_name_in_any_spelling_and_by_number(tiny_net: Net, wanted: str, index: int) -> None:
    assert tiny_net.class_index(wanted) == index


@pytest.mark.parametrize("wanted", ["cat", "5", "-1", "", "²", "1.0"])
def test_a_class_that_is_not_there_is_refused_in_one_line(tiny_net: Net, wanted: str) -> None:
    with pytest.raises(NetError, match=r"tiny has no class .* \(it has 5\)") as error:
        tiny_net.class_index(wanted)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("wanted", ["5", "-1", "99999999999"])
def test_a_number_beyond_the_classes_is_met_with_their_range(tiny_net: Net, wanted: str) -> None:
    for net in (tiny_net, replace(tiny_net, classes=())):
        with pytest.raises(NetError, match=r"\(it has 5\): give a number from 0 to 4$"):
            net.class_index(wanted)


def test_a_part_of_a_classs_name_finds_it(tiny_net: Net) -> None:
    with pytest.raises(NetError, match="nearest: tabby cat"):
        tiny_net.class_index("tabby")


def test_a_class_without_a_name_is_found_by_its_number(tiny_net: Net) -> None:
    bare = replace(tiny_net, classes=())
    assert [bare.class_index(wanted) for wanted in ("0", "4")] == [0, 4]
    assert bare.class_name(4) == "4" and tiny_net.class_name(3) == "lighthouse"
    with pytest.raises(NetError, match="has no names for its classes: give a number from 0 to 4"):
        bare.class_index("tabby cat")


def test_a_net_whose_output_tells_no_classes_apart_has_none(tiny_net: Net) -> None:
    tokens = nn.Sequential(nn.Conv2d(3, 4, 8, stride=8), nn.Flatten(2))  # (N, channels, places)
    with pytest.raises(NetError, match="has no classes"):
        net_of(tokens).class_index("0")
    assert outputs(net_of(nn.Conv2d(3, 4, 8))) == 4 and outputs(tiny_net) == 5


@pytest.fixture
def worded_net(tiny_net: Net) -> Net:
    """The tiny net with synonyms, one of which is the name of another class, and one of two classes."""
    return replace(tiny_net, synonyms={"Felis catus": (0,), "beacon-light": (3,), "lighthouse": (2,), "thing": (1, 2)})


@pytest.mark.parametrize(("wanted", "index"), [("felis_catus", 0), ("Beacon light", 3), ("lighthouse", 3)])
def test_a_class_is_found_by_a_synonym_but_its_own_name_goes_first(worded_net: Net, wanted: str, index: int) -> None:
    assert worded_net.class_index(wanted) == index


def test_a_word_for_several_classes_is_met_with_these(worded_net: Net) -> None:
    first, second = worded_net.classes[1:3]
    with pytest.raises(
        NetError, match=rf"'Thing' matches several classes of tiny: give {first} \(1\) or {second} \(2\)"
    ):
        worded_net.class_index("Thing")
    with pytest.raises(NetError, match=r"matches several classes of tiny: give tabby cat \(0\) or tabby cat \(1\)"):
        replace(worded_net, classes=("tabby cat", *worded_net.classes[:4])).class_index("tabby cat")


def test_a_synonym_may_be_the_nearest(worded_net: Net) -> None:
    with pytest.raises(NetError, match="nearest: felis catus"):
        worded_net.class_index("felis")


def test_a_layer_has_the_note_on_what_it_dreams(tiny_net: Net) -> None:
    notes = {layer.name: layer.note for layer in describe(replace(tiny_net, notes={"second": "ropes"}))}
    assert notes["second"] == "ropes" and notes["first"] == ""


@pytest.mark.parametrize("module", [nn.Linear(10, 2), nn.Conv2d(1, 2, 3), nn.Conv1d(3, 2, 3), nn.Embedding(4, 2)])
def test_a_net_that_takes_no_picture_is_refused_in_one_line(module: nn.Module) -> None:
    with pytest.raises(NetError, match="cannot process an RGB picture of 224x224") as error:
        layer_shapes(net_of(module))
    assert "\n" not in str(error.value)


def test_a_layer_that_exists_but_never_runs_is_told_apart(tiny_net: Net) -> None:
    class Auxiliary(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.main, self.aux = nn.Conv2d(3, 2, 1), nn.Conv2d(3, 2, 1)

        def forward(self, x: Tensor) -> Tensor:
            return self.main(x)

    net = net_of(Auxiliary())
    with pytest.raises(NetError, match="is not used when it dreams"):
        check_layer(net, "aux", layer_shapes(net))
    with pytest.raises(NetError, match="'mian' of made does not exist; nearest: main"):
        check_layer(net, "mian", layer_shapes(net))
    assert check_layer(net, "main", layer_shapes(net)) == (2, 224, 224)


def test_a_layer_has_its_aliases_and_an_alias_that_is_none_is_met_with_the_nearest(tiny_net: Net) -> None:
    net = replace(tiny_net, aliases={"conv1_1": "first.conv", "1": "first.conv", "conv2_1": "second.conv"})
    assert net.layer_name("conv1_1") == net.layer_name("1") == net.layer_name("first.conv") == "first.conv"
    assert {layer.name: layer.aliases for layer in describe(net)}["first.conv"] == ("conv1_1", "1")
    with pytest.raises(NetError, match=r"'conv2_2' of tiny does not exist; nearest: conv2_1"):
        check_layer(net, net.layer_name("conv2_2"), layer_shapes(net))


def test_a_module_called_twice_means_its_first_call(tiny_net: Net) -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Conv2d(3, 4, 3, padding=1)
            self.second = nn.Conv2d(4, 6, 3, stride=2, padding=1)
            self.relu = nn.ReLU()

        def forward(self, x: Tensor) -> Tensor:
            return self.relu(self.second(self.relu(self.first(x))))

    net = replace(tiny_net, module=Twice().eval())
    assert layer_shapes(net, 32, 32)["relu"] == (4, 32, 32)
    picture = torch.zeros(1, 3, 32, 32)
    alone = activations(net.module, picture, frozenset({"relu"}))["relu"]
    together = activations(net.module, picture, frozenset({"relu", "second"}))["relu"]
    assert alone.shape == together.shape == (1, 4, 32, 32)
    assert {layer.name: layer.stride for layer in describe(net)}["relu"] == 1


@pytest.fixture
def named_net(tiny_net: Net) -> Net:
    """The tiny net with names for some of its channels, in no order."""
    return replace(tiny_net, channel_names={"Sea Eyes": ("third", 10), "sea-foam": ("third", 2), "spots": ("first", 7)})


@pytest.mark.parametrize("wanted", ["sea eyes", "Sea Eyes", "SEA_EYES", "sea-eyes"])
def test_a_channel_is_found_by_name_in_any_spelling(named_net: Net, wanted: str) -> None:
    assert named_net.named_channel(wanted) == ("third", 10)
    assert named_net.named_channel("sea foam") == ("third", 2)


@pytest.mark.parametrize(
    ("wanted", "near"), [("sea eye", "nearest: sea eyes"), ("foam", "nearest: sea foam"), ("", "")]
)
def test_a_channel_of_an_unknown_name_is_refused_with_the_nearest(named_net: Net, wanted: str, near: str) -> None:
    with pytest.raises(NetError, match=f"tiny has no channel named '{wanted}'.*{near}.*LAYER:N") as error:
        named_net.named_channel(wanted)
    assert "\n" not in str(error.value)


def test_a_net_without_names_says_so(tiny_net: Net) -> None:
    with pytest.raises(NetError, match=r"tiny has no channels with names.*give LAYER:N"):
        tiny_net.named_channel("eyes")
    with pytest.raises(NetError, match=r"tiny has no channels with names.*give LAYER:N"):
        channels_by_depth(tiny_net)


def test_channels_with_names_are_told_from_the_first_layer_to_the_last(named_net: Net) -> None:
    assert channels_by_depth(named_net) == [("spots", "first", 7), ("sea-foam", "third", 2), ("Sea Eyes", "third", 10)]
