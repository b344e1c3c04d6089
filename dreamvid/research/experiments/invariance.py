"""Effect of augmentation: accuracy of a net trained with and without it on held-out pictures changed more and more.

A course report (Hasson 2017, 1.2) says that shifted, mirrored and noisy training pictures make a net invariant to these
changes; this experiment measures it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from dreamvid.analysis import plots
from dreamvid.analysis.plots import Curve, Panel
from dreamvid.models import zoo
from dreamvid.models.device import Compute
from dreamvid.research.experiments.small_nets import School, teach
from dreamvid.research.experiments.textures import write_set
from dreamvid.research.features.finding import Finding
from dreamvid.research.training.recipe import Attack, Augment

ON = "augmented"
OFF = "as they are"
SCHOOLS = {ON: Augment(colour=False), OFF: Augment(shift=False, flip=False, colour=False, noise=False)}
UNTROUBLED = Attack(radius=0, last_radius=0)


def shifted(views: Tensor, share: float) -> Tensor:
    """Shift views (N, 3, H, W) right and down by a share of their sides, repeating the border pixels."""
    rows, columns = (round(share * side) for side in views.shape[2:])
    padded = functional.pad(views, (columns, 0, rows, 0), mode="replicate")
    return padded[:, :, : views.shape[2], : views.shape[3]]


def flipped(views: Tensor, share: float) -> Tensor:
    """Mirror that share of the views (N, 3, H, W), evenly chosen, from left to right."""
    places = torch.arange(len(views), device=views.device)
    chosen = ((places + 1) * share).floor() > (places * share).floor()
    return torch.where(chosen[:, None, None, None], views.flip(3), views)


def noisy(views: Tensor, strength: float) -> Tensor:
    """Add Gaussian noise of that standard deviation, the same in every call, to views in [0, 1]; clip to [0, 1]."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.empty(views.shape).normal_(generator=generator)
    return (views + strength * noise.to(views.device)).clamp(0, 1)


@dataclass(frozen=True)
class Change:
    """Change of pictures, (views, amount) -> views, with the amounts that are tried, and their unit."""

    of: Callable[[Tensor, float], Tensor]
    amounts: tuple[float, ...]
    unit: str


CHANGES = {
    "shift": Change(shifted, (0.0, 0.1, 0.2, 0.3, 0.4), "share of the side"),
    "flip": Change(flipped, (0.0, 0.25, 0.5, 0.75, 1.0), "share of the pictures"),
    "noise": Change(noisy, (0.0, 0.05, 0.1, 0.2, 0.3), "standard deviation"),
}


def invariance(folder: Path | None, school: School, compute: Compute) -> Finding:
    """Train a net with augmentation and without; measure accuracy on held-out pictures shifted, flipped, noisy.

    `folder`: a sub-folder for each class; None for the set `posed` of `textures`, whose objects never move. Raises
    SourceError where the folder cannot be used or is too small to hold any pictures out, NetError for an unknown net.
    """
    zoo.untrained(school.net, classes=2)  # raises for an unknown net before any picture is drawn
    with TemporaryDirectory() as work:
        if folder is None:
            folder = Path(work) / "posed"
            write_set("posed", folder, school.per_class, school.side, school.seed)
        scores = {}
        for number, (name, augment) in enumerate(SCHOOLS.items()):
            recipe = school.recipe([folder], held_out=0.25, augment=augment, attack=UNTROUBLED)
            taught = teach(recipe, Path(work) / f"{number}.safetensors", compute)
            scores[name] = {
                what: [taught.right(change.of(taught.views, amount)) for amount in change.amounts]
                for what, change in CHANGES.items()
            }
    panels = [
        Panel({name: Curve(change.amounts, scores[name][what]) for name in scores}, change.unit, "right", title=what)
        for what, change in CHANGES.items()
    ]
    rows = [
        {"trained": name, "change": what, "amount": amount, "accuracy": value}
        for name, of in scores.items()
        for what, values in of.items()
        for amount, value in zip(CHANGES[what].amounts, values, strict=True)
    ]
    kept = {name: {what: _kept(values) for what, values in of.items()} for name, of in scores.items()}
    said = [
        f"{what}: {kept[ON][what]:.0%} of the accuracy is kept by the net trained on augmented pictures, "
        f"{kept[OFF][what]:.0%} by that trained on them as they are"
        for what in CHANGES
    ]
    numbers = {"kept": kept, "gained": {what: kept[ON][what] - kept[OFF][what] for what in CHANGES}}
    unchanged = {name: of["shift"][0] for name, of in scores.items()}
    said.append(f"unchanged pictures: {unchanged[ON]:.0%} right with augmentation, {unchanged[OFF]:.0%} without")
    return Finding({"": plots.curves(panels)}, tuple(said), {**numbers, "unchanged": unchanged}, rows)


def _kept(values: list[float]) -> float:
    """Return mean accuracy on changed pictures / accuracy on unchanged ones; 0 where the latter is 0."""
    return float(np.mean(values[1:])) / values[0] if values[0] else 0.0
