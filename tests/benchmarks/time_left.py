"""Whether the time left that is shown is right: of a film, and of a batch of films of several kinds.

    python tests/benchmarks/time_left.py [--workers N]

A film of 60 frames with two shots, and a batch of eight jobs (two sizes, three looks, a still, a flight) are rendered
from media of its own. The time that is shown, when a tenth, two tenths ... of all the time is over, and again of all
frames, is compared with the time that it then really took until all was done. Bar: within 25 % from two tenths on, or
within two seconds. Exit code 1 where it is missed.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import numpy as np

from dreamvid.batch import run as driver
from dreamvid.batch.orders import JobsFile
from dreamvid.config.presets import resolve
from dreamvid.jobs.local_worker import LocalWorker
from dreamvid.jobs.run import Options, dream_video
from dreamvid.jobs.workers import Workers
from dreamvid.media.images import encode

ROOT = Path(__file__).parents[2]
BAR, SLACK = 0.25, 2.0  # share; seconds, as so few are shown whole
JOBS = """
[defaults]
source = "{clip}"
size = "192x108"
frames = "0:16"
output = "{{index}}.mp4"
[[job]]
preset = "dream"
[[job]]
preset = "whisper"
frames = "20:44"
[[job]]
preset = "tulips"
[[job]]
preset = "dream"
size = "256x144"
[[job]]
preset = "whisper"
size = "128x72"
[[job]]
command = "image"
preset = "delirium"
frames = "7:8"
output = "still.png"
[[job]]
command = "zoom"
source = "{still}"
set = {{"input.seconds" = 0.7}}
frames = "0:14"
[[job]]
preset = "tulips"
frames = "30:50"
"""
Shown = list[tuple[float, float | None, float]]  # moments, seconds that were said to be left, shares of the frames


def report(name: str, began: float, ended: float, shown: Shown) -> bool:
    """Print what was shown at each tenth of the time, and return whether the bar holds."""
    holds, took = True, ended - began
    print(f"{name}: {took:.1f} s; by the time, and by the frames that are done")
    for tenth in range(1, 10):
        words = f"  {10 * tenth:3} %:"
        by_frames = next(at for at, _, share in shown if share >= tenth / 10)
        for moment in (began + took * tenth / 10, by_frames):
            told = next((left for at, left, _ in reversed(shown) if at <= moment), None)
            true = ended - moment
            right = told is not None and (abs(told - true) <= max(BAR * true, SLACK))
            holds &= right or tenth < 2
            said = f"{'?':>28}" if told is None else f"{told:6.1f} s, {told / true:5.2f} of the truth"
            words += f"{said}{'        ' if right or tenth < 2 else '  MISSED'}"
        print(words.rstrip(), flush=True)
    return holds


def timed(name: str, render: Callable[[Shown], object]) -> bool:
    """Render, and report what was shown meanwhile."""
    shown: Shown = []
    began = time.monotonic()
    render(shown)
    return report(name, began, time.monotonic(), shown)


def main() -> int:
    """Measure, print, and return the exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--workers", type=int, default=0)
    count = parser.parse_args().workers
    with (
        tempfile.TemporaryDirectory() as folder,
        Workers([LocalWorker() for _ in range(count)]) if count else nullcontext() as workers,
    ):
        clip, still, jobs = ROOT / "samples" / "clip.mp4", Path(folder) / "grain.png", Path(folder) / "jobs.toml"
        grain = np.random.default_rng(0).integers(60, 200, (9, 16, 3)).astype(np.uint8)
        still.write_bytes(encode(np.kron(grain, np.ones((16, 16, 1), np.uint8)), ".png"))
        jobs.write_text(JOBS.format(clip=clip, still=still))

        def film(shown: Shown) -> None:
            how = Options(
                workers=workers,
                progress=lambda event: shown.append((time.monotonic(), event.seconds_left, event.done / event.total)),
            )
            dream_video(str(clip), Path(folder) / "film.mp4", resolve("dream", [("input.size", "256x144")]), how)

        def batch(shown: Shown) -> None:
            outcomes = driver.run(
                JobsFile(jobs),
                Options(workers=workers),
                lambda whole: shown.append((time.monotonic(), whole.seconds_left, whole.frames_done / whole.frames)),
            )
            assert all(outcome.state == "rendered" for outcome in outcomes), outcomes

        held = [timed("a film of 60 frames", film), timed("a batch of 8 jobs", batch)]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
