"""Objectives: what they measure, that they can be climbed, and how they are put together."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from dreamvid.dream import objectives
from dreamvid.dream.objectives import SOURCE, Objective, before, channel, class_logit, layer_energy
from dreamvid.models.net import INPUT, OUTPUT, Net
from dreamvid.models.prepare import PreparedNet, prepare


def picture(height: int = 40, width: int = 56) -> Tensor:
    """Seeded noise around grey."""
    noise = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(1))
    return 0.35 + 0.3 * noise


def prepared(net: Net, objective: Objective) -> PreparedNet:
    """The net made ready for what the objective looks at."""
    return prepare(net, objective.layers, torch.device("cpu"), torch.float32)


def gradient_step(net: Net, objective: Objective, steps: int = 8) -> tuple[float, float]:
    """The score before and after some normalised gradient steps."""
    ready, image = prepared(net, objective), picture()
    before = float(objective(ready(image)))
    for _ in range(steps):
        image.requires_grad_(True)
        (slope,) = torch.autograd.grad(objective(ready(image)), image)
        image = (image.detach() + 0.01 * slope / slope.abs().mean()).clamp(0, 1)
    return before, float(objective(ready(image)))


def test_a_few_steps_raise_a_weighted_sum_and_lower_what_is_weighted_below_zero(tiny_net: Net) -> None:
    before, after = gradient_step(tiny_net, layer_energy("second") + 0.5 * layer_energy("third"))
    assert after > 1.1 * before
    before, after = gradient_step(tiny_net, -1.0 * layer_energy("second"))
    assert after > before


def test_sums_and_products_are_those_of_the_scores() -> None:
    seen = {"a": torch.full((1, 2, 3, 3), 2.0), "b": torch.full((1, 4, 3, 3), 3.0)}
    total = 2 * layer_energy("a") + layer_energy("b") * 0.5 + channel("b", [1])
    assert total.layers == {"a", "b"}
    assert float(total(seen)) == pytest.approx(2 * 4 + 0.5 * 9 + 3)


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


def test_the_sum_of_squares_has_twice_the_layer_as_its_gradient() -> None:
    """Hasson 2017, 2.1: the gradient that this objective puts on its layer is 2 x, x being the activations."""
    x = maps(seed=4).requires_grad_(True)
    (slope,) = torch.autograd.grad(objectives.layer_sum("a")({"a": x}), x)
    torch.testing.assert_close(slope, 2 * x.detach())
    row = torch.randn(1, 9, generator=torch.Generator().manual_seed(4)).requires_grad_(True)
    (slope,) = torch.autograd.grad(objectives.layer_sum("a")({"a": row}), row)
    torch.testing.assert_close(slope, 2 * row.detach())


def maps(channels: int = 5, height: int = 6, width: int = 7, seed: int = 0) -> Tensor:
    """Seeded activations."""
    return torch.randn(1, channels, height, width, generator=torch.Generator().manual_seed(seed))


def test_ranked_channels_are_the_strongest_or_the_weakest_of_this_very_picture() -> None:
    values = maps() + torch.tensor([0.0, 4.0, -2.0, 3.0, 1.0]).view(1, 5, 1, 1)
    strong, weak = (objectives.ranked_channels("a", 2, strongest)({"a": values}) for strongest in (True, False))
    assert float(strong) == pytest.approx(float(values[:, [1, 3]].mean()), rel=1e-5)
    assert float(weak) == pytest.approx(float(values[:, [0, 2]].mean()), rel=1e-5)
    everything = objectives.ranked_channels("a", 9, strongest=True)({"a": values[:, :, 0, 0]})
    assert float(everything) == pytest.approx(float(values[:, :, 0, 0].mean()), rel=1e-5)


def test_a_neuron_is_one_place_of_one_channel_and_the_last_where_the_map_is_smaller() -> None:
    seen = {"a": maps()}
    assert float(objectives.neuron("a", 3, 2, 5)(seen)) == float(seen["a"][0, 3, 2, 5])
    assert float(objectives.neuron("a", 3, 50, 5)(seen)) == float(seen["a"][0, 3, 5, 5])


def test_a_direction_is_a_dot_product_and_with_the_cosine_it_counts_how_straight() -> None:
    amounts = torch.tensor([3.0, 0.0, 4.0, 0.0, 0.0])
    values = maps()
    along = 0.6 * values[0, 0] + 0.8 * values[0, 2]
    assert float(objectives.direction("a", amounts)({"a": values})) == pytest.approx(float(along.mean()), rel=1e-4)
    straight = amounts.view(1, 5, 1, 1).expand(1, 5, 6, 7)
    assert float(objectives.direction("a", amounts, cosine=True)({"a": straight})) == pytest.approx(5.0, rel=1e-4)
    crooked = straight + torch.tensor([0.0, 5.0, 0.0, 0.0, 0.0]).view(1, 5, 1, 1)
    score = float(objectives.direction("a", amounts, cosine=True)({"a": crooked}))
    assert score == pytest.approx(5.0 / math.sqrt(2), rel=1e-4)


def test_the_forms_of_a_class() -> None:
    logits = torch.tensor([[1.0, -3.0, 2.5]])
    assert float(objectives.class_above_mean(2)({OUTPUT: logits})) == pytest.approx(2.5 - 0.5 / 3)


def test_of_several_classes_any_is_climbed_and_the_nearest_most() -> None:
    logits = torch.tensor([[3.0, -1.0, 0.5, 2.0]], requires_grad=True)
    (slope,) = torch.autograd.grad(objectives.class_logit(0, 3)({OUTPUT: logits}), logits)
    assert slope[0].tolist() == pytest.approx([1 / (1 + math.exp(-1)), 0, 0, 1 / (1 + math.exp(1))])
    seen = {OUTPUT: logits.detach()}
    both = math.log(math.exp(3) + math.exp(2))
    assert float(objectives.class_logit(0, 3)(seen)) == pytest.approx(both)
    assert float(objectives.class_above_mean(0, 3)(seen)) == pytest.approx(both - 1.125)
    assert float(objectives.class_square(0, 3)(seen)) == pytest.approx(both**2)
    probability = float(seen[OUTPUT].softmax(dim=1)[0, [0, 3]].sum())
    assert float(objectives.class_log_probability(0, 3)(seen)) == pytest.approx(math.log(probability))


def test_a_guide_is_met_place_by_place_or_by_what_suits_best() -> None:
    guide = maps(seed=1)
    dot, best = (objectives.guided("a", guide, form) for form in ("dot", "best"))
    assert float(dot({"a": guide})) == pytest.approx(1.0, rel=1e-5)
    mirrored = guide.flip(-1)
    assert float(dot({"a": mirrored})) < 0.5
    assert float(best({"a": mirrored})) == pytest.approx(float(best({"a": guide})), rel=1e-5)
    assert float(best({"a": guide})) >= 1 - 1e-5
    assert float(dot({"a": torch.nn.functional.interpolate(guide, scale_factor=2)})) > 0.6


@pytest.mark.parametrize("form", ["dot", "best", "statistics", "sorted"])
def test_a_guide_through_a_layer_without_places(form: str) -> None:
    guide = maps()[:, :, 0, 0]
    objective = objectives.guided("fc", guide, form)
    assert float(objective({"fc": guide})) > float(objective({"fc": -0.5 * guide.flip(1)}))


def test_statistics_of_a_guide_do_not_care_for_places() -> None:
    guide = maps(seed=1)
    objective = objectives.guided("a", guide, "statistics")
    shuffled = guide.flatten(2)[..., torch.randperm(42, generator=torch.Generator().manual_seed(0))].view_as(guide)
    assert float(objective({"a": shuffled})) == pytest.approx(0.0, abs=1e-5)
    assert float(objective({"a": 1.2 * guide})) == pytest.approx(-((1.44 - 1) ** 2), rel=1e-3)


def test_a_sorted_guide_asks_for_each_channels_values_wherever_they_are() -> None:
    guide = maps(seed=1)
    objective = objectives.guided("a", guide, "sorted")
    order = torch.randperm(42, generator=torch.Generator().manual_seed(0))
    shuffled = torch.cat([guide[:, :2].flatten(2)[..., order].view(1, 2, 6, 7), guide[:, 2:].flip(-1)], dim=1)
    assert float(objective({"a": shuffled})) == pytest.approx(0.0, abs=1e-9)
    assert float(objective({"a": 1.2 * guide})) == pytest.approx(-0.04, rel=1e-4)
    assert float(objective({"a": guide.roll(1, dims=1)})) < -0.01  # each channel has its own


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 99))
def test_a_sorted_guide_is_asked_for_in_any_size(height: int, width: int, seed: int) -> None:
    guide, mine = maps(2, 4, 5, seed), maps(2, height, width, seed + 1)
    (field,) = objectives.guided("a", guide, "sorted").fields({"a": mine})
    assert field.shape == (1, 1, 1, 1) and -50 < float(field) <= 0
    whole = objectives.guided("a", guide, "sorted")({"a": F.interpolate(guide, scale_factor=3)})
    assert float(whole) == pytest.approx(0.0, abs=0.05)


def test_steps_bring_sorted_values_nearer_to_those_of_a_guide(tiny_net: Net) -> None:
    wanted = prepared(tiny_net, layer_energy("first"))(picture(32, 48).pow(2))["first"]
    ready, image = prepared(tiny_net, layer_energy("first")), picture()
    objective = objectives.guided("first", wanted, "sorted")

    def apart(image: Tensor) -> float:
        shares = torch.linspace(0.05, 0.95, 19)
        mine, its = (values.flatten(2)[0].quantile(shares, dim=1) for values in (ready(image)["first"], wanted))
        return float((mine - its).abs().mean())

    before = apart(image)
    for _ in range(12):
        image.requires_grad_(True)
        (slope,) = torch.autograd.grad(objective(ready(image)), image)
        image = (image.detach() + 0.01 * slope / slope.abs().mean()).clamp(0, 1)
    assert apart(image) < 0.6 * before


def test_objectives_of_the_picture_are_highest_where_they_are_meant_to_be() -> None:
    image = picture()
    flat = torch.full_like(image, 0.3)
    variation, contrast = objectives.little_variation(), objectives.little_contrast()
    assert float(variation({INPUT: flat})) == 0 > float(variation({INPUT: image}))
    assert float(contrast({INPUT: flat})) == pytest.approx(-0.04, rel=1e-5)
    change = objectives.little_change()
    assert float(change({INPUT: image, SOURCE: image})) == 0
    assert float(change({INPUT: image, SOURCE: image + 0.1})) == pytest.approx(-0.01, rel=1e-3)


def test_total_variation_counts_both_directions() -> None:
    stripes = torch.zeros(1, 3, 8, 8)
    stripes[..., ::2, :] = 1
    down, across = (objectives.little_variation()({INPUT: each}) for each in (stripes, stripes.transpose(-1, -2)))
    assert float(down) == float(across) == pytest.approx(-7 / 8)


def test_the_change_in_a_layer_is_a_share_of_what_it_sees_of_the_source() -> None:
    values, held = maps(), maps(seed=1)
    change = objectives.little_change_in("a")
    assert (change.of_picture, change.of_source) == ({"a"}, {"a"})
    assert (objectives.little_change().of_picture, objectives.little_change().of_source) == ({INPUT}, {INPUT})
    assert float(change({"a": held, before("a"): held})) == 0
    assert float(change({"a": 1.2 * held, before("a"): held})) == pytest.approx(-0.04, rel=1e-4)
    wanted = -float((values - held).square().mean() / held.square().mean())
    assert float(change({"a": values, before("a"): held})) == pytest.approx(wanted, rel=1e-5)
    assert change.fields({"a": values, before("a"): held})[0].shape == (1, 1, 6, 7)


def test_of_one_net_among_several_the_layers_are_qualified_and_the_picture_is_not() -> None:
    seen = {"1:second": torch.full((1, 2, 3, 3), 3.0), INPUT: torch.ones(1, 3, 4, 4), SOURCE: torch.zeros(1, 3, 4, 4)}
    both = objectives.of_net(layer_energy("second") + objectives.little_change(), "1:")
    assert both.layers == seen.keys()
    assert float(both(seen)) == 9 - 1
    held = objectives.of_net(objectives.little_change_in("second"), "1:")
    assert (held.of_picture, held.of_source) == ({"1:second"}, {"1:second"})
    assert float(held(seen | {before("1:second"): torch.full((1, 2, 3, 3), 2.0)})) == -0.25
