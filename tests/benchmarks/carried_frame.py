"""What a carried frame costs, as a share of a fresh one: decode, flow, dream, settle and store, as the journal has it.

    python tests/benchmarks/carried_frame.py [ROUNDS] [SOURCE] [SIZE] [FRAMES]

The same frames are dreamed one by one and carried, alternately; the figure is the median over the rounds of the ratio
of means (with all that is uncovered and every new measure of the strength) and of medians (an ordinary frame). Bar for
an ordinary frame: 0.25 at 640x360. A source that stands still shows what a repeated frame costs: bar 0.12.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np

import dreamvid
from dreamvid.jobs.run import Options
from dreamvid.media.frame_store import Journal

CLIP = str(Path(__file__).parents[2] / "samples" / "clip.mp4")


def seconds(source: str, mode: str, size: str, frames: str, folder: Path) -> list[float]:
    """Seconds of every frame in a mode; of the carried ones alone where there are such."""
    film = folder / f"{mode}.mkv"
    changes = [("coherence.mode", mode), ("input.size", size), ("input.frames", frames), ("output.codec", "ffv1")]
    settings = dreamvid.resolve("dream", changes)
    dreamvid.dream_video(source, film, settings, Options(overwrite=True, resume="never", keep_work=True))
    lines = Journal(folder / f"{film.name}.dreamvid" / "journal" / "000000.jsonl").lines()
    return [line["seconds"] for line in lines if mode == "none" or line["valid"] is not None]


def main() -> None:
    rounds, source, size, frames = (*sys.argv[1:], *("3", CLIP, "640x360", "0:30")[len(sys.argv) - 1 :])
    ratios = []
    with tempfile.TemporaryDirectory() as name:
        for number in range(int(rounds)):
            fresh, carried = (seconds(source, mode, size, frames, Path(name)) for mode in ("none", "flow"))
            ratios.append((np.mean(carried) / np.mean(fresh), np.median(carried) / np.median(fresh)))
            print(f"round {number}: fresh {np.median(fresh):.3f} s, carried {np.median(carried):.3f} s a frame")
    mean, ordinary = np.median(ratios, axis=0)
    print(f"carried / fresh: {mean:.3f} in the mean, {ordinary:.3f} an ordinary frame (bar 0.25)")


if __name__ == "__main__":
    main()
