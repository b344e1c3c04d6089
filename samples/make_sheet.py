"""Draw presets.jpg: two of the photographs beside this file, dreamed with every preset that ships.

python samples/make_sheet.py [OUTPUT]
"""

import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

import dreamvid
from dreamvid.config import presets

ON_FILM = {"calm", "boil"}  # they differ from `dream` in how it moves: a still shows nothing of it
HERE = Path(__file__).resolve().parent
PHOTOS, SIZE, ACROSS, TITLE = ("chelsea.jpg", "rocket.jpg"), (240, 180), 3, 22  # size as (width, height) of a dream


def titled(name: str, pictures: list[np.ndarray]) -> np.ndarray:
    """The pictures of one preset side by side under its name."""
    row = np.hstack(pictures)
    bar = np.full((TITLE, row.shape[1], 3), 255, np.uint8)
    cv2.putText(bar, name, (4, TITLE - 6), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 1, cv2.LINE_AA)
    return np.pad(np.vstack([bar, row]), ((0, 4), (0, 6), (0, 0)), constant_values=255)


def dreamed(preset: str, photo: str, folder: Path) -> np.ndarray:
    settings = dreamvid.resolve(preset, [("input.size", f"{SIZE[0] * 2}x{SIZE[1] * 2}")])
    file = folder / f"{preset}-{photo}.png"
    dreamvid.dream_image(str(HERE / photo), file, settings)
    return cv2.resize(cv2.imread(str(file)), SIZE, interpolation=cv2.INTER_AREA)


def main() -> None:
    output = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "presets.jpg"
    with tempfile.TemporaryDirectory() as folder:
        cells = [
            titled(name, [dreamed(name, photo, Path(folder)) for photo in PHOTOS])
            for name in presets.names()
            if name not in ON_FILM
        ]
    cells += [np.full_like(cells[0], 255)] * (-len(cells) % ACROSS)
    rows = [np.hstack(cells[first : first + ACROSS]) for first in range(0, len(cells), ACROSS)]
    cv2.imwrite(str(output), np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, 70])


if __name__ == "__main__":
    main()
