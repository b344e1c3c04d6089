"""The canvas of a zoom in its job folder, saved while it is painted."""

import hashlib
import io
import logging

import numpy as np

from dreamvid.camera.paint import PaintProgress
from dreamvid.core.errors import JobError
from dreamvid.core.types import Image
from dreamvid.jobs.folder import JobFolder
from dreamvid.media.frame_store import write_file

logger = logging.getLogger(__name__)
DIGEST = 32  # bytes of a sha256


def save_canvas(folder: JobFolder, made: PaintProgress) -> None:
    """Save a canvas and how many steps are done; raises JobError where the disk refuses."""
    data = io.BytesIO()
    np.savez(data, layer=made.canvas.layer, done=made.done)
    write_file(folder.canvas_file, data.getvalue() + hashlib.sha256(data.getvalue()).digest())


def load_canvas(folder: JobFolder) -> tuple[int, Image] | None:
    """Return how many steps a saved canvas has, and its layer; None where there is none, or it is damaged."""
    try:
        stored = folder.canvas_file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise JobError(f"{folder.canvas_file} cannot be read: {error.strerror}") from None
    data, digest = stored[:-DIGEST], stored[-DIGEST:]
    if hashlib.sha256(data).digest() != digest:
        logger.warning("%s is damaged: the canvas is painted again", folder.canvas_file)
        return None
    with np.load(io.BytesIO(data), allow_pickle=False) as kept:
        return int(kept["done"]), kept["layer"]
