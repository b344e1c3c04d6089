"""Compare the time that is foretold of frames, by their work, with the seconds they took.

    python tests/benchmarks/foretold_work.py [SOURCE SIZE FRAMES PRESET]

Prints, in shares of the first frame of a shot, what a frame took in which little is new, what more one took in which
much is, and, over thirds of the film, the mean seconds foretold by the first frame and the least, and those taken.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np

from dreamvid.config.presets import resolve
from dreamvid.jobs.events import Event
from dreamvid.jobs.run import Options, dream_video
from dreamvid.pipeline import newness
from dreamvid.pipeline.prepare import prepare

CLIP = str(Path(__file__).parents[2] / "samples" / "clip.mp4")


def main() -> None:
    """Measure and print."""
    source, size, frames, preset = (*sys.argv[1:], *(CLIP, "320x180", "0:60", "dream")[len(sys.argv) - 1 :])
    settings = resolve(preset, [("input.size", size), ("input.frames", frames)])
    plan, taken = prepare("video", (source,), settings)[0].plan, list[float]()

    def on_event(event: Event) -> None:
        if event.phase == "render" and event.seconds:
            taken.append(event.seconds)

    with tempfile.TemporaryDirectory() as folder:
        dream_video(source, Path(folder) / "film.mp4", settings, Options(progress=on_event))
    seconds, begins = np.array(taken), np.array([plan.starts_shot(frame) for frame in plan.frames])
    works = np.array(newness.works(plan, range(len(plan.frames)), settings.coherence))
    much, first = (works >= newness.MORE) & ~begins, seconds[begins].mean()
    whole = np.median(seconds[~much & ~begins]) / first if (~much & ~begins).any() else float("nan")
    more = np.median(seconds[much]) / first - whole if much.any() else float("nan")
    print(f"first {first:.2f} s; carried whole {whole:.3f} of it, {more:+.3f} where much is new ({much.mean():.0%})")
    for part in np.array_split(np.flatnonzero(~begins), 3):
        foretold = np.nan_to_num(whole) * first + works[part].mean() * first
        print(f"frames {part[0]:4} to {part[-1]:4}: {foretold:.3f} s foretold, {seconds[part].mean():.3f} s taken")


if __name__ == "__main__":
    main()
