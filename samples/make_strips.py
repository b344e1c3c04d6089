"""Draw strip.jpg, coherence.jpg and masks.jpg: frames of clip.mp4 and of the films that are made of it.

python samples/make_strips.py [FOLDER]
"""

import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

import dreamvid

HERE = Path(__file__).resolve().parent
LOSSLESS = ("output.codec", "ffv1")
SMALL = ("input.size", "320x180")
UNTOUCHED = (("dream.steps", 0), ("coherence.steps", 0))
STRIP, COHERENCE, MASKS = (0, 10, 20, 30, 45), (1, 9, 17), (5, 15, 25, 35, 50)  # frames


def film(folder: Path, name: str, *changes: tuple[str, object]) -> list[np.ndarray]:
    """The frames of the film that `changes` to the default settings make of the clip."""
    file = folder / f"{name}.mkv"
    dreamvid.dream_video(str(HERE / "clip.mp4"), file, dreamvid.resolve("dream", [LOSSLESS, *changes]))
    reader, frames = cv2.VideoCapture(str(file)), []
    while (read := reader.read())[0]:
        frames.append(read[1])
    return frames


def strip(films: list[list[np.ndarray]], picked: tuple[int, ...], width: int, output: Path) -> None:
    """A row per film, a column per frame picked."""
    rows = [np.hstack([scaled(frames[index], width) for index in picked]) for frames in films]
    cv2.imwrite(str(output), np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, 80])


def scaled(frame: np.ndarray, width: int) -> np.ndarray:
    height = round(frame.shape[0] * width / frame.shape[1])
    return cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)


def main() -> None:
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        strip([film(folder, "source", *UNTOUCHED), film(folder, "dream")], STRIP, 256, out / "strip.jpg")
        short = ("input.frames", f"0:{COHERENCE[-1] + 1}")
        alone = film(folder, "alone", SMALL, short, ("coherence.mode", "none"))
        blend = film(folder, "blend", SMALL, short, ("coherence.mode", "blend"))
        carried = film(folder, "carried", SMALL, short)
        strip([alone, blend, carried], COHERENCE, 320, out / "coherence.jpg")
        masked = [film(folder, kind, SMALL, ("mask.kind", kind)) for kind in ("motion", "luma")]
        strip(masked, MASKS, 256, out / "masks.jpg")


if __name__ == "__main__":
    main()
