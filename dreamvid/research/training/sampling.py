"""Pictures in memory: split by photograph, sampled by the weights of the recipe."""

import hashlib
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Pictures:
    """Labelled pictures of one source: uint8 (N, 3, side, side) and class indices (N,)."""

    images: Tensor
    labels: Tensor

    def part(self, chosen: Tensor) -> "Pictures":
        """Return the pictures at `chosen`: indices or a mask."""
        return Pictures(self.images[chosen], self.labels[chosen])


@dataclass(frozen=True)
class Shard:
    """One source as read: labels index its own `classes`; `photos` names the photograph behind each picture."""

    pictures: Pictures
    classes: tuple[str, ...]
    photos: tuple[str, ...]


def subset(shard: Shard, chosen: Collection[str]) -> Shard:
    """Return the shard with only those of its classes whose names are in `chosen`, renumbered in their order."""
    kept = [number for number, name in enumerate(shard.classes) if name in chosen]
    numbers = torch.full((len(shard.classes),), -1)
    numbers[kept] = torch.arange(len(kept))
    labels = numbers[shard.pictures.labels]
    rows = labels >= 0
    photos = tuple(photo for photo, stays in zip(shard.photos, rows.tolist(), strict=True) if stays)
    return Shard(Pictures(shard.pictures.images[rows], labels[rows]), tuple(shard.classes[k] for k in kept), photos)


def held_out(shard: Shard, share: float) -> Tensor:
    """Return a mask (N,) of held-out pictures: a share of each class, at least one photograph of it.

    Whole photographs are chosen, so that two crops of one are never on both sides, by a hash of their names, so that
    the choice depends neither on the seed nor on the order or the other classes. A class of one photograph is not
    split.
    """
    chosen: set[str] = set()
    for label in range(len(shard.classes)):
        members = {p for p, own in zip(shard.photos, shard.pictures.labels.tolist(), strict=True) if own == label}
        ordered = sorted(members, key=lambda photo: hashlib.sha256(photo.encode()).digest())
        chosen.update(ordered[: max(1, round(share * len(ordered))) if len(ordered) > 1 else 0])
    return torch.tensor([photo in chosen for photo in shard.photos])


def joined_classes(groups: dict[str, tuple[str, ...]]) -> list[str]:
    """Return the class names of all groups in order; a name in two groups is prefixed by its group."""
    counts = Counter(name for names in groups.values() for name in names)
    return [f"{group} {name}" if counts[name] > 1 else name for group, names in groups.items() for name in names]


def sample(sources: list[Pictures], weights: list[float], count: int, generator: torch.Generator) -> Pictures:
    """Draw `count` pictures: a source by its weight, then any picture of it with equal probability."""
    which = torch.multinomial(torch.tensor(weights), count, replacement=True, generator=generator)
    images, labels = [], []
    for number, source in enumerate(sources):
        wanted = int((which == number).sum())
        rows = torch.randint(len(source.labels), (wanted,), generator=generator)
        images.append(source.images[rows])
        labels.append(source.labels[rows])
    return Pictures(torch.cat(images), torch.cat(labels))
