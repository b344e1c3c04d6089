"""A sheet of looks, each with the line that makes it: as a page, as a picture, or as pictures that move."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Literal

from PIL import Image

from dreamvid.analysis.contact_sheet import Cell, sheet
from dreamvid.analysis.pages import data_uri, render_page
from dreamvid.core.types import Pixels
from dreamvid.media import images

PAGE, STILL, MOVING = ".html", ".png", ".webp"
State = Literal["growing", "done", "stopped"]
QUALITY = 80  # of moving pictures
SHAPE = 1.6  # width over height of a drawn sheet, about


@dataclass(frozen=True)
class View:
    """The pictures of a look so far: one, or several that move, all H x W x 3, `rate` a second; `note`: how sharp."""

    title: str
    pictures: tuple[Pixels, ...]
    rate: Fraction = Fraction(25)
    note: str = ""
    about: str = ""
    command: str = ""
    film: str = ""

    @cached_property
    def address(self) -> str:
        """The pictures as an address that holds them."""
        return data_uri(_webp(self.pictures, self.rate), "image/webp")


@dataclass(frozen=True)
class LookSheet:
    """The source and its looks; `words`: what of the source is shown; `columns`: of a grid, 0 for as many as fit."""

    title: str
    words: str
    source: View
    views: tuple[View, ...]
    columns: int = 0
    state: State = "growing"

    def encoded(self, suffix: str) -> bytes:
        """Return the sheet as a file: PAGE, STILL or MOVING; raise ToolError where it is too large for that."""
        if suffix == PAGE:
            return render_page("preview.html.j2", sheet=self).encode("utf-8")
        count = max(len(view.pictures) for view in self.views) if suffix == MOVING else 1
        drawn = [self._drawn(number) for number in range(count)]
        return images.encode(drawn[0], suffix) if count == 1 else _webp(drawn, self.views[0].rate)

    def _drawn(self, number: int) -> Pixels:
        """Draw the sheet with one of the pictures of each view."""
        views = self.views if self.columns else (self.source, *self.views)
        cells = [Cell(view.title, view.pictures[number % len(view.pictures)], view.command) for view in views]
        height, width = cells[0].picture.shape[:2]
        fits = max(1, round((SHAPE * len(cells) * height / width) ** 0.5))
        return sheet(cells, self.columns or min(fits, len(cells)))


def _webp(pictures: Sequence[Pixels], rate: Fraction) -> bytes:
    """Return pictures of one size as a WebP: a still, or an animation that is repeated."""
    if len(pictures) == 1:
        return images.encode(pictures[0], MOVING)
    first, *others = map(Image.fromarray, pictures)
    file = io.BytesIO()
    lasts = [round(1000 * (at + 1) / rate) - round(1000 * at / rate) for at in range(len(pictures))]
    first.save(file, "WEBP", save_all=True, append_images=others, duration=lasts, loop=0, quality=QUALITY, method=2)
    return file.getvalue()
