"""Sources of training pictures: folders of pictures, shards of JPEGs, arrays as in CIFAR."""

import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dreamvid.core.errors import SettingsError, SourceError, nearest
from dreamvid.core.types import Pixels
from dreamvid.media import images, opencv, stills
from dreamvid.models.net import plainly
from dreamvid.research.training.recipe import Source
from dreamvid.research.training.sampling import Pictures, Shard, subset

Arrays = dict[str, NDArray[Any]]


def read_source(folder: Path, source: Source, side: int) -> Shard:
    """Read every picture of a source of the recipe, scaled to short side `side` pixels and cropped at the centre.

    A folder has one sub-folder per class; an .npz holds a shard (`data`: JPEGs one after another, `offsets`, `labels`,
    `classes`, `names`) or arrays (`images` or `data`: (N, H, W, 3), (N, 3, H, W) or CIFAR's (N, 3072) uint8; `labels`:
    (N,); `classes`: names, optional). Raises SourceError that names the file and the picture, and SettingsError for a
    chosen class that does not exist.
    """
    path = folder / source.path
    if path.is_dir():
        pictures, labels, classes, names = _folder(path, side)
    elif path.suffix == ".npz":
        pictures, labels, classes, names = _packed(path, side)
    else:
        raise SourceError(f"{path}: no such folder or .npz; check --data, or take the source out of the recipe")
    _check_labels(path, labels, classes, len(pictures))
    stacked = torch.from_numpy(np.stack(pictures).transpose(0, 3, 1, 2).copy())
    readable = tuple(source.rename.get(name, plainly(name)) for name in classes)
    photos = tuple(name.partition("#")[0] for name in names)
    shard = Shard(Pictures(stacked, torch.tensor(labels)), readable, photos)
    if not source.classes:
        return shard
    wanted = {dict(zip(classes, readable, strict=True)).get(name, name) for name in source.classes}
    return subset(shard, named(wanted, readable, f"{path}: classes"))


def named(wanted: Iterable[str], classes: Sequence[str], where: str) -> set[str]:
    """Return those of `classes` that are wanted (any case, `_` or `-` for space).

    Raises SettingsError that begins with `where` and gives similar names, for one that does not exist.
    """
    known = {plainly(name) for name in classes}
    for name in wanted:
        if plainly(name) not in known:
            raise SettingsError(f"{where}: there is no class {name!r}{nearest(plainly(name), sorted(known))}")
    chosen = {plainly(name) for name in wanted}
    return {name for name in classes if plainly(name) in chosen}


Read = tuple[list[Pixels], list[int], list[str], list[str]]  # pictures, labels, classes, names of the pictures


def _folder(path: Path, side: int) -> Read:
    folders = sorted(entry for entry in path.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    if not folders:
        raise SourceError(f"{path}: no sub-folders; make one for each class, with its pictures in it")
    files = [
        (label, file)
        for label, folder in enumerate(folders)
        for file in sorted(folder.iterdir())
        if file.suffix.lower() in images.READ_SUFFIXES and not file.name.startswith(".")
    ]
    pictures = [fitted(_decoded(f"{file}:", file.read_bytes()), side) for _, file in files]
    labels, names = [label for label, _ in files], [f"{file.parent.name}/{file.name}" for _, file in files]
    return pictures, labels, [folder.name for folder in folders], names


def _packed(path: Path, side: int) -> Read:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as opened:
            arrays = dict(opened)
        return _shard(path, arrays, side) if "offsets" in arrays else _plain(arrays, side)
    except FileNotFoundError:
        raise SourceError(f"{path}: no such file; check --data, or take the source out of the recipe") from None
    except (OSError, ValueError, EOFError, KeyError, IndexError, NotImplementedError, zipfile.BadZipFile) as error:
        reason = f"{error.args[0]} is missing" if isinstance(error, KeyError) else error
        raise SourceError(f"{path}: not a file of pictures ({reason}); fetch or build it again") from None


def _shard(path: Path, arrays: Arrays, side: int) -> Read:
    data, offsets, labels = arrays["data"], arrays["offsets"], arrays["labels"].tolist()
    classes, names = arrays["classes"].tolist(), arrays["names"].tolist()
    if not len(labels) == len(names) == len(offsets) - 1:
        raise SourceError(f"{path}: its lists of pictures, names and labels differ in length; build it again")
    pictures = [
        fitted(_decoded(f"{path}: picture {i} ({name})", data[offsets[i] : offsets[i + 1]].tobytes()), side)
        for i, name in enumerate(names)
    ]
    return pictures, labels, classes, names


def _plain(arrays: Arrays, side: int) -> Read:
    values = arrays["images" if "images" in arrays else "data"]
    labels = arrays["labels"].ravel().tolist()
    if values.dtype != np.uint8 or len(values) != len(labels):
        raise ValueError(f"{len(labels)} labels for {len(values)} pictures of {values.dtype}; uint8 is needed")
    if values.ndim == 2:  # CIFAR: a square picture as its red plane in row-major order, then green, then blue
        edge = round((values.shape[1] / 3) ** 0.5)
        values = values.reshape(-1, 3, edge, edge)
    if values.ndim == 4 and values.shape[1] == 3:
        values = values.transpose(0, 2, 3, 1)
    if values.ndim != 4 or values.shape[3] != 3:
        raise ValueError(f"pictures of shape {values.shape[1:]}; RGB is needed")
    classes = arrays["classes"].tolist() if "classes" in arrays else [f"class {n}" for n in range(max(labels) + 1)]
    pictures = [fitted(np.ascontiguousarray(picture), side) for picture in values]
    return pictures, labels, classes, [str(number) for number in range(len(labels))]


def fitted(picture: Pixels, side: int) -> Pixels:
    """Scale a picture to a short side of `side` pixels and crop the central square."""
    height, width = picture.shape[:2]
    scale = side / min(height, width)
    if scale != 1:
        cv2 = opencv.load()
        size = (max(side, round(width * scale)), max(side, round(height * scale)))
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    top, left = (picture.shape[0] - side) // 2, (picture.shape[1] - side) // 2
    return picture[top : top + side, left : left + side]


def _decoded(where: str, data: bytes) -> Pixels:
    try:
        return stills.decode(data)
    except SourceError as error:
        raise SourceError(f"{where} {error}; replace it or take it out") from None


def _check_labels(path: Path, labels: list[int], classes: list[str], pictures: int) -> None:
    if pictures == 0:
        raise SourceError(f"{path}: contains no pictures; add some")
    odd = sorted(set(range(len(classes))) ^ set(labels))
    if odd:
        name = classes[odd[0]] if 0 <= odd[0] < len(classes) else f"number {odd[0]}"
        raise SourceError(f"{path}: class {name} has no pictures or no name; take it out or add pictures")
