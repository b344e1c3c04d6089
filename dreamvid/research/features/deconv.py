"""Projections of activations to pixels: the parts of a photo that excite a unit."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from dreamvid.analysis.contact_sheet import Cell, enlarged, outlined, sheet
from dreamvid.core.errors import NetError
from dreamvid.core.types import Box, Pixels, to_float, to_pixels
from dreamvid.models.prepare import PreparedNet
from dreamvid.models.relu_rules import Rule, ruled
from dreamvid.research.features.crops import Crop, strongest_crops
from dreamvid.research.features.feature_session import FeatureSession
from dreamvid.research.features.finding import Finding
from dreamvid.research.features.units import Unit, map_of

METHODS: tuple[Rule, ...] = ("guided", "deconvnet")


def deconv(session: FeatureSession, unit: Unit, photo: Path, *, count: int, side: int) -> Finding:
    """Show a unit's strongest crops in a photo, each projected back by guided backpropagation and by a deconvnet.

    The photo is resized to a short side of `side` pixels. Raises SourceError for a photo that cannot be read, NetError
    for a net without ReLUs, to which neither method applies.
    """
    net = session.exact(unit.layer)
    found = strongest_crops(net, unit, [photo], count=count, side=side)
    cells: list[Cell] = []
    for crop in found:
        cells.append(Cell(f"{unit}  {crop.value:.3g}", outlined(crop.photo, crop.field)))
        cells.append(Cell("crop", enlarged(crop.pixels, side)))
        for method in METHODS:
            back = projection(net, unit, crop, method)[crop.field.rows, crop.field.columns]
            cells.append(Cell(method, enlarged(as_picture(back), side)))
    return Finding({"": sheet(cells, 2 + len(METHODS))}, _words(found), {"unit": str(unit), "crops": _numbers(found)})


def projection(
    net: PreparedNet, unit: Unit, crop: Crop, method: Rule
) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Return the gradient of a unit at one place of its map, H x W x 3, with the ReLU gradients replaced by `method`.

    Max pooling passes it to the positions of the maxima, which are the switches of Zeiler and Fergus's deconvnet.
    Raises NetError where no ReLU has run.
    """
    picture = _tensor(crop.photo).requires_grad_(True)
    with ruled(method) as count:
        value = map_of(net(picture)[unit.layer], unit.number)[crop.place]
        (slope,) = torch.autograd.grad(value, picture)
    if not count():
        raise NetError(f"{net.name} has no ReLU up to {unit.layer}, so {method} changes nothing: give a deeper layer")
    return np.ascontiguousarray(slope[0].permute(1, 2, 0).numpy())


def as_picture(slope: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> Pixels:
    """Map a gradient to a picture: 0 is mid-grey, its 99.5th percentile of absolute values is full range."""
    top = float(np.quantile(np.abs(slope), 0.995)) or 1.0
    return to_pixels(0.5 + 0.5 * slope / top)


def _tensor(photo: Pixels) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(to_float(photo).transpose(2, 0, 1)[None]))


def _words(found: Sequence[Crop]) -> tuple[str, ...]:
    return tuple(f"{crop.value:.4g} at {_place(crop.field)} of the photo as it was seen" for crop in found)


def _place(box: Box) -> str:
    return f"rows {box.top} to {box.bottom}, columns {box.left} to {box.right}"


def _numbers(found: Sequence[Crop]) -> list[dict[str, object]]:
    return [{"value": crop.value, "field": crop.field.edges} for crop in found]
