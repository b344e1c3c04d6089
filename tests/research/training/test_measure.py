"""Attacks: they stay in their ball and find the weakness of a net that can be solved by hand."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from dreamvid.research.training.measure import Normalised, accuracy, attack, normalised_step, ranks, within


class Brightness(nn.Module):
    """Says 1 for a mean above one half."""

    def forward(self, views: Tensor) -> Tensor:
        score = (views.mean(dim=(1, 2, 3)) - 0.5) * 10
        return torch.stack([-score, score], dim=1)


def test_steps_have_their_length_and_balls_their_radius() -> None:
    noise = torch.randn(5, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(normalised_step(noise, 0.3).flatten(1).norm(dim=1), torch.full((5,), 0.3))
    assert torch.allclose(within(noise, 0.7).flatten(1).norm(dim=1), torch.full((5,), 0.7))
    assert torch.equal(within(noise * 1e-4, 0.7), noise * 1e-4)
    assert torch.isfinite(normalised_step(torch.zeros(1, 3, 8, 8), 1.0)).all()


def test_an_attack_raises_the_loss_within_its_radius() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 4))
    views, labels = torch.rand(6, 3, 12, 12), torch.tensor([0, 1, 2, 3, 0, 1])
    attacked = attack(net, views, labels, radius=0.8, steps=5)
    assert (attacked - views).flatten(1).norm(dim=1).max() <= 0.8 + 1e-5
    assert functional.cross_entropy(net(attacked), labels) > functional.cross_entropy(net(views), labels) + 0.01


def test_accuracy_falls_exactly_where_the_radius_reaches() -> None:
    # A change of norm r moves the mean of n values by at most r / sqrt(n): n = 192 here, so .4 moves it by .0289.
    levels = torch.tensor([0.44, 0.48, 0.52, 0.56])
    views, labels = levels.view(4, 1, 1, 1).expand(4, 3, 8, 8).contiguous(), torch.tensor([0, 0, 1, 1])
    assert accuracy(Brightness(), views, labels) == 1
    assert accuracy(Brightness(), views, labels, radius=0.2) == 1
    assert accuracy(Brightness(), views, labels, radius=0.4) == 0.5
    assert accuracy(Brightness(), views, 1 - labels) == 0


def test_the_rank_is_the_number_of_classes_before_the_right_one() -> None:
    logits = torch.tensor([[3.0, 2.0, 1.0], [3.0, 2.0, 1.0], [1.0, 2.0, 1.0], [float("nan")] * 3])
    views = logits[:, :, None, None]
    assert ranks(nn.Flatten(), views, torch.tensor([0, 2, 0, 0])).tolist() == [0, 2, 2, 2]


def test_normalised_takes_pictures_in_0_to_1() -> None:
    model = Normalised(nn.Identity(), (0.5, 0.4, 0.3), (0.25, 0.5, 1.0))
    assert model(torch.full((1, 3, 1, 1), 0.8)).flatten().tolist() == pytest.approx([1.2, 0.8, 0.5])
