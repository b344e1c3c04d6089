"""Pictures in memory: shards are decoded once, split by photograph, and sampled by the weights of the recipe."""

import hashlib
import re
import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dreamvid.errors import SourceError
from dreamvid.training.recipe import Source
from dreamvid.video import cv


@dataclass(frozen=True)
class Pictures:
    """Labelled pictures of one source: uint8 (N, 3, side, side) and class numbers (N,)."""

    images: Tensor
    labels: Tensor

    def part(self, chosen: Tensor) -> "Pictures":
        """The pictures at `chosen`: indices or a mask."""
        return Pictures(self.images[chosen], self.labels[chosen])


@dataclass(frozen=True)
class Shard:
    """One source as read: labels number its own `classes`; `photos` names the photograph behind each picture."""

    pictures: Pictures
    classes: tuple[str, ...]
    photos: tuple[str, ...]


def read_shard(folder: Path, source: Source) -> Shard:
    """Decode NAME.npz (`data` concatenated JPEGs, `offsets`, `labels`, `classes`, `names`).

    Raises SourceError that names the file, and the picture where one is broken.
    """
    path = folder / f"{source.shard}.npz"
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            data, offsets, labels = arrays["data"], arrays["offsets"], arrays["labels"]
            classes, names = arrays["classes"].tolist(), arrays["names"].tolist()
    except FileNotFoundError:
        raise SourceError(
            f"{path}: no such shard; check the data folder or take the source out of the recipe"
        ) from None
    except (OSError, ValueError, EOFError, KeyError, NotImplementedError, zipfile.BadZipFile) as error:
        raise SourceError(f"{path}: not a shard of pictures ({error}); fetch or build it again") from None
    _check_labels(path, labels, classes, len(names), len(offsets))
    images = [
        _decode(data[offsets[i] : offsets[i + 1]], f"{path}: picture {i} ({names[i]})") for i in range(len(names))
    ]
    if len({image.shape for image in images}) > 1:
        raise SourceError(f"{path}: its pictures differ in size; build it again with one size")
    pictures = Pictures(torch.from_numpy(np.stack(images)), torch.from_numpy(labels.astype(np.int64)))
    readable = tuple(source.rename.get(name, re.sub("[_-]", " ", name).lower()) for name in classes)
    return Shard(pictures, readable, tuple(name.partition("#")[0] for name in names))


def _check_labels(path: Path, labels: NDArray[np.int16], classes: list[str], names: int, offsets: int) -> None:
    if not (len(labels) == names == offsets - 1) or names == 0:
        raise SourceError(f"{path}: its lists of pictures, names and labels differ in length; build it again")
    empty = sorted(set(range(len(classes))) ^ set(labels.tolist()))
    if empty:
        name = classes[empty[0]] if 0 <= empty[0] < len(classes) else f"number {empty[0]}"
        raise SourceError(f"{path}: class {name} has no pictures or no name; take it out or add pictures")


def _decode(jpeg: NDArray[np.uint8], where: str) -> NDArray[np.uint8]:
    """RGB (3, H, W). A JPEG that does not end with its end marker is truncated, although OpenCV would show it."""
    whole = len(jpeg) > 4 and jpeg[-2:].tolist() == [0xFF, 0xD9]
    cv2 = cv.load()
    picture = cv2.imdecode(jpeg, cv2.IMREAD_COLOR) if whole else None
    if picture is None:
        raise SourceError(f"{where} is truncated or no JPEG; replace it or take it out")
    return np.ascontiguousarray(picture[:, :, ::-1].transpose(2, 0, 1))


def held_out(shard: Shard, share: float) -> Tensor:
    """Mask (N,) of the pictures kept for the figures: a share of each class, at least one photograph of it.

    It goes by the photograph, so that two crops of one never fall on both sides, and by a hash of its name, so that
    it stays the same whatever the seed, the order and the other classes. A class of one photograph is not split.
    """
    chosen: set[str] = set()
    for label in range(len(shard.classes)):
        members = {p for p, own in zip(shard.photos, shard.pictures.labels.tolist(), strict=True) if own == label}
        ordered = sorted(members, key=lambda photo: hashlib.sha256(photo.encode()).digest())
        chosen.update(ordered[: max(1, round(share * len(ordered))) if len(ordered) > 1 else 0])
    return torch.tensor([photo in chosen for photo in shard.photos])


def joined_classes(groups: dict[str, tuple[str, ...]]) -> list[str]:
    """The class names of all groups in order; a name that two groups share is prefixed by its group."""
    counts = Counter(name for names in groups.values() for name in names)
    return [f"{group} {name}" if counts[name] > 1 else name for group, names in groups.items() for name in names]


def sample(sources: list[Pictures], weights: list[float], count: int, generator: torch.Generator) -> Pictures:
    """Draw `count` pictures: a source by its weight, then any picture of it."""
    which = torch.multinomial(torch.tensor(weights), count, replacement=True, generator=generator)
    images, labels = [], []
    for number, source in enumerate(sources):
        wanted = int((which == number).sum())
        rows = torch.randint(len(source.labels), (wanted,), generator=generator)
        images.append(source.images[rows])
        labels.append(source.labels[rows])
    return Pictures(torch.cat(images), torch.cat(labels))
