"""Photo crops that excite a unit most, next to the picture that gradient ascent makes for it."""

import heapq
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from dreamvid.analysis.contact_sheet import Cell, enlarged, outlined, sheet, slotted, stacked
from dreamvid.core.types import Box, Pixels, to_float
from dreamvid.media import images
from dreamvid.models.prepare import PreparedNet
from dreamvid.research.features import photos
from dreamvid.research.features.feature_session import FeatureSession, beginning, of_unit, picture
from dreamvid.research.features.field import receptive_field
from dreamvid.research.features.finding import Finding
from dreamvid.research.features.units import Unit, map_of, strongest

ACROSS = 5


@dataclass(frozen=True)
class Crop:
    """Place where a unit is strongly active: `value` at `place` (row, column) of its map, with its receptive `field`.

    `photo`: height x width x 3, at the size the net saw, in whose pixels `field` is; `scale`: rows and columns of the
    file per pixel of `photo`.
    """

    file: Path
    photo: Pixels
    value: float
    place: tuple[int, int]
    field: Box
    scale: tuple[float, float]

    @property
    def pixels(self) -> Pixels:
        """Return the pixels of the receptive field."""
        return self.photo[self.field.rows, self.field.columns]


def crops(session: FeatureSession, unit: Unit, folder: Path, *, count: int, side: int) -> Finding:
    """Show a unit's dream next to its `count` strongest crops in the photos of a folder, resized to short side `side`.

    A crop is exactly the unit's receptive field at that place; below it is the photo with the field outlined. Raises
    SourceError for a folder without images or a damaged one.
    """
    found = strongest_crops(session.exact(unit.layer), unit, photos.files_in(folder), count=count, side=side)
    dreamer = session.dreamer(of_unit(unit))
    cells = [Cell(f"{unit} made up", picture(dreamer, beginning(dreamer, side, side)))]
    for crop in found:
        panel = stacked([slotted(enlarged(crop.pixels, side), side), outlined(crop.photo, crop.field)])
        cells.append(Cell(f"{crop.value:.3g}  {crop.file.name}", panel))
    rows = [_row(crop) for crop in found]
    said = (
        f"{row['file']}: {row['value']:.4g}, rows {row['top']} to {row['bottom']}, columns {row['left']} to "
        f"{row['right']}"
        for row in rows
    )
    return Finding({"": sheet(cells, ACROSS)}, tuple(said), {"unit": str(unit), "crops": rows}, rows)


def strongest_crops(net: PreparedNet, unit: Unit, files: Sequence[Path], *, count: int, side: int) -> list[Crop]:
    """Return the `count` places with the highest activation of a unit, highest first, without overlaps in one photo.

    `net`: cut after the unit's layer, float32 on the CPU. A place is skipped where its central pixel lies in the
    receptive field of a stronger one.
    """
    answers = [answer(net, unit, photos.load(file, side)) for file in files]
    queue = [(-float(values.max()), number) for number, values in enumerate(answers)]
    heapq.heapify(queue)
    best: list[Crop] = []
    while queue and len(best) < count:
        value, number = heapq.heappop(queue)
        if value == torch.inf:
            continue  # no place of this photo is left
        crop = _crop(net, unit, files[number], side, answers[number])
        best.append(crop)
        _pass_over(answers[number], crop)
        heapq.heappush(queue, (-float(answers[number].max()), number))
    return best


def _crop(net: PreparedNet, unit: Unit, file: Path, side: int, values: Tensor) -> Crop:
    whole = images.load(file)
    photo = photos.fitted(whole, side)
    height, width = photo.shape[:2]
    place = strongest(values)
    box = receptive_field(net, unit, place, (height, width))
    return Crop(file, photo, float(values[place]), place, box, (whole.shape[0] / height, whole.shape[1] / width))


def _pass_over(values: Tensor, crop: Crop) -> None:
    """Set the places to -inf whose central pixel lies in a crop's field, taken as if no border had clipped it."""
    near = []
    axes = zip(values.shape, crop.photo.shape, crop.place, crop.field.edges[::2], crop.field.edges[1::2], strict=False)
    for cells, edge, at, first, last in axes:
        centres = (torch.arange(cells) + 0.5) * edge / cells
        reach = max(centres[at] - first, last - centres[at])  # at a border the field is clipped on one side
        near.append((centres - centres[at]).abs() <= reach)
    values[near[0][:, None] & near[1][None, :]] = -torch.inf


def answer(net: PreparedNet, unit: Unit, photo: Pixels) -> Tensor:
    """Return a unit's map, (h, w), of a photo."""
    chosen = torch.from_numpy(np.ascontiguousarray(to_float(photo).transpose(2, 0, 1)[None]))
    with torch.no_grad():
        return map_of(net(chosen)[unit.layer], unit.number).clone()


def _row(crop: Crop) -> dict[str, object]:
    """Return a crop as a table row: its field in pixels of the file, and of the photo at the size the net saw."""
    seen = {f"seen_{edge}": pixel for edge, pixel in asdict(crop.field).items()}
    return {
        "file": crop.file.name,
        "value": round(crop.value, 6),
        "map_row": crop.place[0],
        "map_column": crop.place[1],
        **asdict(crop.field.scaled(*crop.scale)),
        **seen,
        "seen_height": crop.photo.shape[0],
        "seen_width": crop.photo.shape[1],
    }
