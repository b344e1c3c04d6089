"""Compare the films that two checkouts make, frame by frame, to the byte.

    python tests/benchmarks/same_films.py BEFORE AFTER

BEFORE, AFTER: folders that hold the package `dreamvid`, such as two git worktrees. Each of CASES is rendered by both,
without loss, with the dependencies of this environment. A line per case: the number of frames, of those that differ,
and the largest difference in levels. Exit code 1 if any differs.
"""

import os
import subprocess
import sys
import tempfile
from itertools import zip_longest
from pathlib import Path

import cv2
import numpy as np

SAMPLES = Path(__file__).parents[2] / "samples"
CLIP, PHOTO = str(SAMPLES / "clip.mp4"), str(SAMPLES / "chelsea.jpg")
SMALL = ["--size", "128x72", "--set", "compute.threads=1", "--set", "output.codec=ffv1"]
RANGE = ["--frames", "0:6"]
FLIGHT = ["--seconds", "0.75", "--fps", "12"]
LOOPED = ["--loop", "--seconds", "1.5", "--fps", "8"]
FRAMES = ["--set", "camera.mode=frames"]
CASES = {
    "flow": ["video", CLIP, "OUT.mkv", *RANGE, *SMALL],
    "blend": ["video", CLIP, "OUT.mkv", *RANGE, *SMALL, "--set", "coherence.mode=blend"],
    "none": ["video", CLIP, "OUT.mkv", *RANGE, *SMALL, "--set", "coherence.mode=none"],
    "cadence 3": ["video", CLIP, "OUT.mkv", "--frames", "0:8", *SMALL, "--set", "coherence.cadence=3"],
    "mask": ["video", CLIP, "OUT.mkv", *RANGE, *SMALL, "--mask", "luma"],
    "keyframes": ["video", CLIP, "OUT.mkv", *RANGE, *SMALL, "--set", "dream.step_size=0:0.004, 100%:0.02"],
    "class preset": ["video", CLIP, "OUT.mkv", *RANGE, *SMALL, "--preset", "kennel"],
    "looped video": ["video", CLIP, "OUT.mkv", "--frames", "0:12", *SMALL, "--loop"],
    "zoom, canvas": ["zoom", PHOTO, "OUT.mkv", *FLIGHT, *SMALL],
    "zoom, canvas, loop": ["zoom", PHOTO, "OUT.mkv", *LOOPED, *SMALL],
    "zoom, frames": ["zoom", PHOTO, "OUT.mkv", *FLIGHT, *SMALL, *FRAMES],
    "zoom, frames, loop": ["zoom", PHOTO, "OUT.mkv", *LOOPED, *SMALL, *FRAMES],
    "image": ["image", PHOTO, "OUT.png", *SMALL[:4]],
    "batch": ["batch", "JOBS"],
}
BATCH = f"""
[[job]]
source = '{CLIP}'
output = "batch.mkv"
preset = "whisper"
size = "128x72"
frames = "0:3"
set = {{ "output.codec" = "ffv1", "compute.threads" = 1 }}
"""


def render(tree: Path, case: list[str], folder: Path) -> list[np.ndarray]:
    """Render one case with the package in `tree` and return its frames, BGR uint8."""
    folder.mkdir()
    jobs = folder / "jobs.toml"
    jobs.write_text(BATCH)
    words = [str(jobs) if word == "JOBS" else word.replace("OUT", str(folder / "film")) for word in case]
    environment = {**os.environ, "PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-m", "dreamvid", *words, "--quiet"], env=environment, cwd=folder, check=True)
    (film,) = [path for path in folder.iterdir() if path.suffix in (".mkv", ".png")]
    reader, frames = cv2.VideoCapture(str(film)), []
    while (read := reader.read())[0]:
        frames.append(read[1])
    return frames


def main(before: Path, after: Path) -> int:
    """Render all cases with both trees and return the exit code."""
    differ = False
    for name, case in CASES.items():
        with tempfile.TemporaryDirectory() as folder:
            films = [render(tree, case, Path(folder) / side) for tree, side in ((before, "before"), (after, "after"))]
        pairs = list(zip_longest(*films))
        steps = [
            255 if one is None or other is None else int(cv2.absdiff(one, other).max(initial=0)) for one, other in pairs
        ]
        differ |= any(steps)
        print(f"{name:20} {len(pairs):3} frames, {sum(map(bool, steps))} differ, by {max(steps)} levels", flush=True)
    return int(differ)


if __name__ == "__main__":
    sys.exit(main(*(Path(tree).resolve() for tree in sys.argv[1:3])))
