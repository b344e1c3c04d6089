"""2-D maps of dreams and data, to see whether the dream of a class is at the centre of the class."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dreamvid.analysis import plots
from dreamvid.analysis.contact_sheet import Cell, sheet
from dreamvid.analysis.plots import Cloud
from dreamvid.core.errors import NetError, SettingsError, SourceError, nearest
from dreamvid.core.types import Pixels, to_float
from dreamvid.dream import objectives
from dreamvid.media import images
from dreamvid.models.net import OUTPUT
from dreamvid.models.prepare import PreparedNet
from dreamvid.research.features import photos
from dreamvid.research.features.feature_session import FeatureSession, beginning, picture
from dreamvid.research.features.finding import Finding

Method = Literal["pca", "tsne", "umap"]
METHODS: tuple[Method, ...] = ("pca", "tsne", "umap")
Points = NDArray[np.float64]


@dataclass(frozen=True)
class Sat:
    """Position of a dream in feature space.

    `distance`: to the centre of its class; `spread`: mean distance of the class's own pictures to it; `ratio`: distance
    / spread (below 1: nearer than an average picture); `nearest`: class with the nearest centre.
    """

    distance: float
    spread: float
    ratio: float
    nearest: str


def embed(
    session: FeatureSession, folder: Path, method: Method, *, per_class: int, side: int, dream_side: int
) -> Finding:
    """Draw pictures of a folder, a sub-folder for each class, and the net's dreams of these classes on one map.

    Sub-folders have the names of the net's classes (any case, `_` or `-` for space). Raises SourceError where there are
    no sub-folders with pictures, NetError for one that is no class of the net.
    """
    files = classes_in(folder, per_class)
    indices = {name: session.net.class_index(name) for name in files}
    net = session.exact(OUTPUT)
    data = {name: np.stack([penultimate(net, photos.load(file, side)) for file in of]) for name, of in files.items()}
    prepared = session.prepared(OUTPUT)
    dreams: dict[str, Pixels] = {}
    for name, index in indices.items():
        dreamer = session.dreamer(objectives.class_logit(index), prepared)
        dreams[name] = picture(dreamer, beginning(dreamer, dream_side, dream_side))
    seen = {name: penultimate(net, dream) for name, dream in dreams.items()}
    found = sat(data, seen)
    said = tuple(
        f"{name}: the dream is {at.ratio:.2f} times as far from the centre as a picture is on average; "
        f"nearest centre: {at.nearest}"
        for name, at in found.items()
    )
    title = f"{session.net.name}: penultimate features by {method}"
    map_ = chart(data, seen, method, session.settings.seed, title)
    cells = [Cell(f"{name} {found[name].ratio:.2f}", dream) for name, dream in dreams.items()]
    rows = [{"class": name, **vars(at)} for name, at in found.items()]
    return Finding({"": map_, "-dreams": sheet(cells, 4)}, said, {"method": method, "classes": rows}, rows)


def check_method(text: str) -> Method:
    """Return the method of that name; raise SettingsError where it does not exist, or its library is missing."""
    method = next((name for name in METHODS if name == text), None)
    if method is None:
        raise SettingsError(f"--method {text}: give one of {', '.join(METHODS)}{nearest(text, METHODS)}")
    if method == "umap" and find_spec("umap") is None:
        raise SettingsError("--method umap needs umap-learn: `pip install umap-learn`, or use --method tsne")
    return method


def classes_in(folder: Path, most: int) -> dict[str, list[Path]]:
    """Return sub-folder -> at most `most` of its pictures, evenly chosen; raise SourceError where there are none."""
    if not folder.is_dir():
        raise SourceError(f"there is no folder {images.short_name(folder, whole=True)}")
    inner = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    if not inner:
        raise SourceError(
            f"{images.short_name(folder)} has no sub-folders: make one for each class, with its pictures in it"
        )
    chosen = {}
    for path in inner:
        files = photos.files_in(path)
        if len(files) < 2:
            raise SourceError(f"{images.short_name(path)} has only one picture: give at least two for each class")
        chosen[path.name] = photos.evenly(files, most)
    return chosen


def penultimate(net: PreparedNet, photo: Pixels) -> Points:
    """Return the input of the last layer with weights for a picture, averaged over rows and columns: (features,).

    `net`: cut at OUTPUT. Raises NetError where the net has no such layer.
    """
    taken: list[Tensor] = []

    def take(_module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        taken[:] = [inputs[0]]

    heads = [part for part in net.module.modules() if isinstance(part, nn.Linear | nn.Conv2d)]
    handles = [part.register_forward_pre_hook(take) for part in heads]
    try:
        with torch.inference_mode():
            net(torch.from_numpy(np.ascontiguousarray(to_float(photo).transpose(2, 0, 1)[None])))
    finally:
        for handle in handles:
            handle.remove()
    if not taken:
        raise NetError(f"{net.name} has no layer with weights, so no features to embed: give another net")
    values = taken[0][0].float()
    return (values.mean(dim=(1, 2)) if values.dim() == 3 else values.flatten()).numpy().astype(np.float64)


def sat(data: Mapping[str, Points], dreams: Mapping[str, Points]) -> dict[str, Sat]:
    """Return the position of each class's dream, (features,), among the centres of the data, (N, features) a class."""
    centres = {name: points.mean(axis=0) for name, points in data.items()}
    found = {}
    for name, dream in dreams.items():
        spread = float(np.linalg.norm(data[name] - centres[name], axis=1).mean())
        far = {other: float(np.linalg.norm(dream - centre)) for other, centre in centres.items()}
        ratio = far[name] / spread if spread else float("inf")
        found[name] = Sat(far[name], spread, ratio, min(far, key=lambda other: far[other]))
    return found


def chart(data: Mapping[str, Points], dreams: Mapping[str, Points], method: Method, seed: int, title: str) -> Pixels:
    """Draw the map of the data, (N, features) a class, and of each class's dream, (features,)."""
    return plots.clouds(_clouds(data, dreams, method, seed), title)


def _clouds(data: Mapping[str, Points], dreams: Mapping[str, Points], method: Method, seed: int) -> dict[str, Cloud]:
    """Project data, dreams and centres to the plane together."""
    names = list(data)
    centres = np.stack([data[name].mean(axis=0) for name in names])
    together = np.concatenate([*data.values(), np.stack([dreams[name] for name in names]), centres])
    plane = _plane(together, method, seed)
    ends = np.cumsum([len(points) for points in data.values()])
    parts = np.split(plane, ends)
    last = parts[-1]
    return {name: Cloud(parts[number], last[len(names) + number], last[number]) for number, name in enumerate(names)}


def _plane(points: Points, method: Method, seed: int) -> Points:
    if method == "umap":
        from umap import UMAP

        usual = 15  # neighbours; umap warns about more than there are points
        placed = UMAP(min(usual, len(points) - 1), random_state=seed, n_jobs=1).fit_transform(points)
        return np.asarray(placed, np.float64)
    if method == "tsne":
        from sklearn.manifold import TSNE

        near = min(30.0, max(2.0, (len(points) - 1) / 4))
        return np.asarray(TSNE(perplexity=near, random_state=seed, init="pca").fit_transform(points), np.float64)
    from sklearn.decomposition import PCA

    return np.asarray(PCA(2, random_state=seed).fit_transform(points), np.float64)
