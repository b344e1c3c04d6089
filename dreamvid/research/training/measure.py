"""L2 attacks, and accuracy with and without them."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


class Normalised(nn.Module):
    """Net with the normalisation of its input: takes RGB in [0, 1], the range in which radii are measured."""

    def __init__(self, net: nn.Module, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.net = net
        self.mean: Tensor
        self.std: Tensor
        for name, three in (("mean", mean), ("std", std)):
            self.register_buffer(name, torch.tensor(three).view(3, 1, 1), persistent=False)

    def forward(self, views: Tensor) -> Tensor:
        """Return the net's logits for views (B, 3, H, W) in [0, 1]."""
        logits: Tensor = self.net((views - self.mean) / self.std)
        return logits


def normalised_step(gradient: Tensor, length: float | Tensor) -> Tensor:
    """Scale each picture's gradient (B, 3, H, W) to the given L2 norm, one for all or (B,)."""
    norms = gradient.flatten(1).norm(dim=1).clamp(min=1e-12)
    return gradient * (length / norms)[:, None, None, None]


def within(perturbation: Tensor, radius: float | Tensor) -> Tensor:
    """Project each picture's perturbation onto the L2 ball of its radius, one for all or (B,)."""
    norms = perturbation.flatten(1).norm(dim=1).clamp(min=1e-12)
    return perturbation * (radius / norms).clamp(max=1)[:, None, None, None]


def attack(net: nn.Module, views: Tensor, labels: Tensor, radius: float, steps: int) -> Tensor:
    """Run projected gradient ascent on the loss in an L2 ball (Madry et al. 2018), from zero; return attacked views."""
    perturbation = torch.zeros_like(views)
    for _ in range(steps):
        perturbation.requires_grad_()
        loss = functional.cross_entropy(net(views + perturbation), labels)
        (gradient,) = torch.autograd.grad(loss, perturbation)
        perturbation = within(perturbation.detach() + normalised_step(gradient, 2.5 * radius / steps), radius)
    return views + perturbation


def accuracy(net: nn.Module, views: Tensor, labels: Tensor, radius: float = 0.0, steps: int = 5) -> float:
    """Return top-1 accuracy on views (N, 3, H, W) in [0, 1]; under an L2 attack where `radius` is above 0.

    `net` takes pictures in [0, 1], as `Normalised` does.
    """
    return float((ranks(net, views, labels, radius, steps) < 1).float().mean())


def ranks(net: nn.Module, views: Tensor, labels: Tensor, radius: float = 0.0, steps: int = 5) -> Tensor:
    """Return how many other classes have a logit at least as high as the right one's, (N,); 0 is correct.

    Arguments are those of `accuracy`.
    """
    found = []
    for some, wanted in zip(views.split(128), labels.split(128), strict=True):
        if radius > 0:
            some = attack(net, some, wanted, radius, steps)
        with torch.no_grad():
            logits = net(some)
        below = logits < logits.gather(1, wanted[:, None])  # False for NaN: a net that diverged is wrong
        found.append(logits.shape[1] - 1 - below.sum(dim=1))
    return torch.cat(found)
