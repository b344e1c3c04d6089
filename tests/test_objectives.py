"""Objectives: what they measure, that they can be climbed, and how they are put together."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from dreamvid.errors import NetError, SettingsError
from dreamvid.nets.net import OUTPUT, Net
from dreamvid.nets.prepare import PreparedNet, prepare
from dreamvid.objectives import Objective, channel, class_logit, from_settings, layer_energy, uses_class
from dreamvid.settings import ObjectiveSettings


def picture(height: int = 40, width: int = 56) -> Tensor:
    """Seeded noise around grey."""
    noise = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(1))
    return 0.35 + 0.3 * noise


def prepared(net: Net, objective: Objective) -> PreparedNet:
    """The net made ready for what the objective looks at."""
    return prepare(net, objective.layers, torch.device("cpu"), torch.float32)


def climb(net: Net, objective: Objective, steps: int = 8) -> tuple[float, float]:
    """The score before and after some normalised gradient steps."""
    ready, image = prepared(net, objective), picture()
    before = float(objective(ready(image)))
    for _ in range(steps):
        image.requires_grad_(True)
        (slope,) = torch.autograd.grad(objective(ready(image)), image)
        image = (image.detach() + 0.01 * slope / slope.abs().mean()).clamp(0, 1)
    return before, float(objective(ready(image)))


TERMS = {
    "a layer": {"layer": "second"},
    "a module within a layer": {"layer": "third.conv"},
    "a channel": {"kind": "channel", "layer": "third", "channels": (0,)},
    "several channels": {"kind": "channel", "layer": "first", "channels": (2, 5, 6)},
    "a class by name": {"kind": "class", "class_name": "sea slug"},
    "a class by index": {"kind": "class", "class_name": "4"},
    "the output itself": {"layer": OUTPUT},
}


@pytest.mark.parametrize("term", TERMS.values(), ids=TERMS)
def test_a_few_steps_raise_every_objective(tiny_net: Net, term: dict[str, object]) -> None:
    before, after = climb(tiny_net, from_settings([ObjectiveSettings(**term)], tiny_net))
    assert after > before + 0.02 * abs(before)


def test_a_few_steps_raise_a_weighted_sum_and_lower_what_is_weighted_below_zero(tiny_net: Net) -> None:
    before, after = climb(tiny_net, layer_energy("second") + 0.5 * layer_energy("third"))
    assert after > 1.1 * before
    before, after = climb(tiny_net, -1.0 * layer_energy("second"))
    assert after > before


def test_the_nets_own_layers_are_dreamed_where_none_is_named(tiny_net: Net) -> None:
    objective = from_settings([], tiny_net)
    assert objective.layers == {"second"}
    before, after = climb(tiny_net, objective)
    assert after > before


def test_sums_and_products_are_those_of_the_scores() -> None:
    seen = {"a": torch.full((1, 2, 3, 3), 2.0), "b": torch.full((1, 4, 3, 3), 3.0)}
    total = 2 * layer_energy("a") + layer_energy("b") * 0.5 + channel("b", [1])
    assert total.layers == {"a", "b"}
    assert float(total(seen)) == pytest.approx(2 * 4 + 0.5 * 9 + 3)


def test_every_term_of_the_settings_counts_with_its_weight(tiny_net: Net) -> None:
    terms = [
        ObjectiveSettings(layer="first", weight=2.0),
        ObjectiveSettings(kind="channel", layer="third", channels=(3,), weight=-0.5),
        ObjectiveSettings(kind="class", class_name="volcano", weight=0.25),
    ]
    objective = from_settings(terms, tiny_net)
    seen = prepared(tiny_net, objective)(picture())
    energy = layer_energy("first", tiny_net.statistics["first"])(seen)
    wanted = 2.0 * energy - 0.5 * seen["third"][:, 3].mean() + 0.25 * seen[OUTPUT][0, 4]
    assert float(objective(seen)) == pytest.approx(float(wanted), rel=1e-5)


def test_the_energy_of_a_layer_has_the_layer_as_its_gradient() -> None:
    activations = torch.randn(1, 4, 5, 7, generator=torch.Generator().manual_seed(0), requires_grad=True)
    (slope,) = torch.autograd.grad(layer_energy("a")({"a": activations}), activations)
    torch.testing.assert_close(slope, 2 * activations.detach() / activations.numel())


def test_with_statistics_each_channel_is_measured_against_its_usual() -> None:
    activations = torch.randn(1, 3, 6, 6, generator=torch.Generator().manual_seed(0))
    usual = torch.tensor([1.0, 10.0, 0.0])
    floor = 0.02 * 11 / 3
    per_channel = [activations[0, row].square().mean() / (usual[row] + floor) for row in range(3)]
    energy = layer_energy("a", usual)({"a": activations})
    assert float(energy) == pytest.approx(float(sum(per_channel)) / 3, rel=1e-6)


def test_a_loud_channel_takes_nothing_over_where_statistics_are_known() -> None:
    loud = torch.tensor([1.0, 1000.0]).sqrt().view(1, 2, 1, 1).expand(1, 2, 4, 4).clone().requires_grad_(True)
    energy = layer_energy("a", torch.tensor([1.0, 1000.0]))({"a": loud})
    assert float(energy.detach()) == pytest.approx(0.5 * (1 / (1 + 10.01) + 1000 / (1000 + 10.01)), rel=1e-5)


def test_a_score_does_not_depend_on_the_size_of_the_picture() -> None:
    small, large = ({"a": torch.full((1, 2, side, 2 * side), 1.5)} for side in (4, 40))
    for objective in (layer_energy("a"), channel("a", [1]), layer_energy("a", torch.ones(2))):
        assert float(objective(small)) == pytest.approx(float(objective(large)))


def test_a_class_is_its_logit_before_any_softmax() -> None:
    assert float(class_logit(2)({OUTPUT: torch.tensor([[1.0, -3.0, 7.5]])})) == 7.5


@pytest.mark.parametrize("name", ["Sea eyes", "sea_eyes", "SEA-EYES"])
def test_a_channel_by_name_is_that_of_the_catalogue(tiny_net: Net, name: str) -> None:
    net = replace(tiny_net, catalogue={"spots": ("first", 2), "sea eyes": ("third", 3)})
    objective = from_settings([ObjectiveSettings(kind="channel", name=name, weight=2.0)], net)
    assert objective.layers == {"third"}
    seen = prepared(net, objective)(picture())
    assert float(objective(seen)) == pytest.approx(2.0 * float(seen["third"][:, 3].mean()), rel=1e-5)


def test_a_catalogue_that_does_not_fit_its_net_is_refused(tiny_net: Net) -> None:
    net = replace(tiny_net, catalogue={"deep": ("fourth", 0), "far": ("third", 16)})
    with pytest.raises(NetError, match="layer 'fourth' of tiny does not exist"):
        from_settings([ObjectiveSettings(kind="channel", name="deep")], net)
    with pytest.raises(NetError, match="channels 0 to 15, not 16"):
        from_settings([ObjectiveSettings(kind="channel", name="far")], net)


@pytest.mark.parametrize("term", [{}, {"kind": "channel", "channels": (3,)}])
def test_a_layer_may_be_named_by_its_alias(tiny_net: Net, term: dict) -> None:
    net = replace(tiny_net, aliases={"27": "second"})
    assert from_settings([ObjectiveSettings(layer="27", **term)], net).layers == {"second"}


@pytest.mark.parametrize(
    ("term", "said"),
    [
        ({"kind": "channel", "name": "eyes"}, "tiny has no channels with names.*give LAYER:N"),
        ({"layer": "secnd"}, r"layer 'secnd' of tiny does not exist; nearest: second"),
        ({"layer": "conv"}, r"nearest: .*first\.conv"),
        ({"kind": "channel", "layer": "third", "channels": (16,)}, "channels 0 to 15, not 16"),
        ({"kind": "channel", "layer": "third", "channels": (0, -1)}, "channels 0 to 15, not -1"),
        ({"kind": "class", "class_name": "tabby cats"}, "no class 'tabby cats'.*nearest: tabby cat"),
        ({"kind": "class", "class_name": "5"}, "no class '5'"),
        ({"kind": "class", "class_name": "-1"}, "no class '-1'"),
    ],
)
def test_what_the_net_does_not_have_is_met_with_the_nearest(tiny_net: Net, term: dict, said: str) -> None:
    with pytest.raises(NetError, match=said) as error:
        from_settings([ObjectiveSettings(**term)], tiny_net)
    assert "\n" not in str(error.value)


def test_a_net_without_classes_or_without_layers_of_its_own_says_so(tiny_net: Net) -> None:
    bare = replace(tiny_net, classes=(), default_layers=(), statistics={})
    with pytest.raises(NetError, match="has no classes"):
        from_settings([ObjectiveSettings(kind="class", class_name="tabby cat")], bare)
    with pytest.raises(SettingsError, match="name a layer of tiny with --layer"):
        from_settings([], bare)


def test_statistics_that_do_not_fit_their_layer_are_refused(tiny_net: Net) -> None:
    damaged = replace(tiny_net, statistics={"second": torch.ones(5)})
    with pytest.raises(NetError, match="do not fit layer second"):
        from_settings([ObjectiveSettings(layer="second")], damaged)


def test_whether_a_class_is_dreamed_is_known() -> None:
    layer = ObjectiveSettings(layer="second")
    assert not uses_class([layer]) and not uses_class([])
    assert uses_class([layer, ObjectiveSettings(kind="class", class_name="volcano")])
