"""Whether a long zoom, dreamed frame by frame, stays what it is: its end beside its second second.

    python tests/benchmarks/journey.py [STILL ...]

600 frames, at a zoom by which the still lies in the last 24 frames as it did in frames 24 to 48. The figures: energy of
what is finer than 2 pixels, last over first, bar 0.85 to 1.15; by how many levels the mean of red, green and blue has
moved, bar 6; the share of values at 0 or 255, first and last, bar 0.02 more.
"""

import math
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

import dreamvid
from dreamvid.camera.backdrop import ENOUGH

SAMPLES = Path(__file__).parents[2] / "samples"
FRAMES, RATE, WINDOW = 600, 24, 24
TIMES = 3  # that the still has come again between the two windows
ZOOM = math.exp(TIMES * ENOUGH * RATE / (FRAMES - 2 * WINDOW))


def film(still: str, folder: Path) -> list[np.ndarray]:
    """The frames of the journey, without loss."""
    changes = {"input.size": "320x180", "input.seconds": FRAMES / RATE, "input.fps": str(RATE)}
    changes |= {"camera.mode": "frames", "camera.zoom": ZOOM, "output.codec": "ffv1"}
    file = folder / f"{Path(still).stem}.mkv"
    dreamvid.dream_zoom(still, file, dreamvid.resolve("dream", list(changes.items())))
    reader, found = cv2.VideoCapture(str(file)), []
    while (read := reader.read())[0]:
        found.append(read[1])
    return found


def fine_energy(frame: np.ndarray) -> float:
    grey = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY).astype(np.float32)
    return float(((grey - cv2.GaussianBlur(grey, (0, 0), 2)) ** 2).mean())


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for still in sys.argv[1:] or [str(SAMPLES / f"{name}.jpg") for name in ("chelsea", "coffee", "rocket")]:
            frames = film(still, Path(folder))
            first, last = frames[WINDOW : 2 * WINDOW], frames[-WINDOW:]
            fine, colour, ends = (
                [measure(window) for window in (first, last)]
                for measure in (
                    lambda window: np.mean([fine_energy(frame) for frame in window]),
                    lambda window: np.mean(window, axis=(0, 1, 2))[::-1],
                    lambda window: np.mean([(frame == 0) | (frame == 255) for frame in window]),
                )
            )
            moved = ", ".join(f"{by:+.1f}" for by in colour[1] - colour[0])
            print(
                f"{Path(still).stem}: fine energy {fine[1] / fine[0]:.2f}, mean colour {moved}, "
                f"at the ends of the range {ends[0]:.3f} -> {ends[1]:.3f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
