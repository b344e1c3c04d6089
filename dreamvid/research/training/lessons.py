"""Losses: by the labels of the pictures, or by distillation from the net's own start under attack."""

from collections.abc import Callable
from dataclasses import replace
from types import MethodType
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dreamvid.core.errors import SettingsError, nearest
from dreamvid.models.efficientnet_lite import ConvUnit
from dreamvid.models.net import Net
from dreamvid.research.training.augment import centred
from dreamvid.research.training.dataset import Corpus
from dreamvid.research.training.heads import Heads
from dreamvid.research.training.measure import Normalised
from dreamvid.research.training.recipe import Recipe
from dreamvid.research.training.sampling import Pictures


class Lesson(Protocol):
    """Loss of a batch: `goal` is called once for its clean views, `loss` for every replay under attack."""

    def goal(self, views: Tensor, labels: Tensor) -> Any:
        """Return the target for `views`, (B, 3, H, W) in [0, 1]."""

    def loss(self, logits: Tensor, goal: Any) -> Tensor:
        """Return the loss, a scalar, of the net's latest forward pass, which gave these logits, for the goal."""


class Labels:
    """Cross entropy with smoothed labels, of the net and, with a smaller weight, of each auxiliary head."""

    def __init__(self, recipe: Recipe, heads: Heads) -> None:
        self._recipe, self._heads = recipe, heads

    def goal(self, views: Tensor, labels: Tensor) -> Tensor:
        """Return the labels, (B,)."""
        return labels

    def loss(self, logits: Tensor, goal: Tensor) -> Tensor:
        """Return the cross entropy; with heads, their weighted sum is added."""

        def smoothed(logits: Tensor) -> Tensor:
            return F.cross_entropy(logits, goal, label_smoothing=self._recipe.smoothing)

        heads = (smoothed(head) for head in self._heads())
        return smoothed(logits) + self._recipe.auxiliary * sum(heads, logits.new_zeros(()))


class Answers:
    """Distillation: cross entropy with a teacher's soft labels, and the distance of the activations at some layers.

    The teacher gets the clean picture and the net the attacked one (Goldblum et al. 2020, "Adversarially robust
    distillation", with the net's own start as teacher).
    """

    def __init__(self, recipe: Recipe, net: nn.Module, teacher: nn.Module) -> None:
        assert recipe.teacher is not None
        self._weights = recipe.teacher.layers
        self._teacher = Normalised(teacher, recipe.mean, recipe.std)
        self._wanted, self._found = taps(teacher, self._weights), taps(net, self._weights)

    def to(self, device: torch.device) -> "Answers":
        """Move the teacher to a device and return self."""
        self._teacher.to(device)
        return self

    @torch.no_grad()
    def goal(self, views: Tensor, labels: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the teacher's probabilities, (B, classes), and its activations by layer."""
        answers = self._teacher(views).float().softmax(dim=1)
        return answers, {layer: value.float() for layer, value in self._wanted.items()}

    def loss(self, logits: Tensor, goal: tuple[Tensor, dict[str, Tensor]]) -> Tensor:
        """Return the cross entropy plus, per layer, its weight times its relative squared distance.

        That is the mean squared distance over the mean square of the teacher's activations.
        """
        answers, wanted = goal
        loss = -(answers * logits.float().log_softmax(dim=1)).sum(dim=1).mean()
        for layer, weight in self._weights.items():
            distance = F.mse_loss(self._found[layer].float(), wanted[layer])
            loss = loss + weight * distance / wanted[layer].square().mean().clamp(min=1e-12)
        return loss


def relabelled(corpus: Corpus, recipe: Recipe, teacher: Net) -> Corpus:
    """Return the corpus with the teacher's classes, and the teacher's top-1 answers as labels of held-out pictures."""
    model, held_out = Normalised(teacher.module, recipe.mean, recipe.std), corpus.held_out
    with torch.no_grad():
        answers = [model(some).argmax(dim=1) for some in centred(held_out.images, recipe.size).split(128)]
    labels = torch.cat(answers) if answers else held_out.labels
    return replace(corpus, classes=list(teacher.classes), held_out=Pictures(held_out.images, labels))


def taps(net: nn.Module, layers: "dict[str, float] | tuple[str, ...]") -> dict[str, Tensor]:
    """Return the outputs of some layers by name: a dict that every forward pass of the net refills.

    Raises SettingsError for a layer that the net does not have.
    """
    found: dict[str, Tensor] = {}
    parts = dict(net.named_modules())

    def keep(layer: str) -> Callable[..., None]:
        def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            found[layer] = output

        return hook

    for layer in layers:
        if layer not in parts:
            raise SettingsError(f"teacher.layers: the net has no layer {layer}{nearest(layer, list(parts))}")
        parts[layer].register_forward_hook(keep(layer))
    return found


def norms_joined(net: nn.Module) -> nn.Module:
    """Run each convolution of EfficientNet-Lite and its frozen batch norm as one: the same output, a fifth faster.

    Weights and gradients stay those of both modules. Changes `net` in place and returns it.
    """
    for part in net.modules():
        if isinstance(part, ConvUnit):
            part.forward = MethodType(_joined, part)  # type: ignore[method-assign]
    return net


def _joined(unit: ConvUnit, x: Tensor) -> Tensor:
    conv, norm = unit.conv, unit.bn
    assert norm.running_var is not None and norm.running_mean is not None
    factor = norm.weight * (norm.running_var + norm.eps).rsqrt()
    weight, bias = conv.weight * factor.view(-1, 1, 1, 1), norm.bias - norm.running_mean * factor
    result: Tensor = unit.act(conv.with_weights(x, weight, bias))
    return result
