"""The file of a canvas: saved while it is painted, read back where the painting goes on."""

import hashlib
import io
import logging
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from dreamvid.camera.paint import PaintProgress
from dreamvid.core.errors import JobError
from dreamvid.core.types import Image
from dreamvid.media.frame_store import write_file

logger = logging.getLogger(__name__)
DIGEST = 32  # bytes of a sha256


def save_canvas(file: Path, made: PaintProgress) -> None:
    """Save a canvas and how many steps are done; raises JobError where the disk refuses."""
    data = io.BytesIO()
    np.savez(data, layer=made.canvas.layer, done=made.done)
    write_file(file, data.getvalue() + hashlib.sha256(data.getvalue()).digest())


def load_canvas(file: Path, fits: Callable[[int, Image], bool]) -> tuple[int, Image] | None:
    """Return how many steps a saved canvas has, and its layer; None where there is none, or it is damaged.

    `fits`: whether a number of steps and a layer are those of the canvas that is painted.
    """
    try:
        stored = file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise JobError(f"{file} cannot be read: {error.strerror}") from None
    data, digest = stored[:-DIGEST], stored[-DIGEST:]
    if hashlib.sha256(data).digest() == digest and (begun := _unpacked(data)) is not None and fits(*begun):
        return begun
    logger.warning("%s is damaged: the canvas is painted again", file)
    return None


def _unpacked(data: bytes) -> tuple[int, Image] | None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if any(part.compress_type != zipfile.ZIP_STORED for part in archive.infolist()):  # may unfold to any size
                return None
        with np.load(io.BytesIO(data), allow_pickle=False) as kept:
            return int(kept["done"]), kept["layer"]
    except Exception:  # of any class: the readers rely on what the bytes say
        return None
