"""A long render seen from outside: memory, open files, threads and time per frame, from its first frame to its last.

    python tests/benchmarks/soak.py [--frames 3000]

A film of 64x48 with sound and two cuts is dreamed with one step, by `python -m dreamvid`. Its process is sampled every
second; what it was while it began (the first tenth of the frames) is left out. Figures: the slope of its memory in kB a
frame (bar 3); the processor time a frame in the last third of the frames over that in the first (bar 0.9 to 1.1; wall
clock beside it, which a busy machine changes); the most open files and threads in the last third over those in the
first (bar: no more). Then the film must have its frames. Exit code 1 where a bar is missed.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dreamvid.media.decode import decode
from dreamvid.media.ffmpeg import executable

ROOT = Path(__file__).parents[2]
PERIOD = 1.0  # seconds between samples
LOOK = ["--model", "dreamnet", "--set", "dream.steps=1", "--threads", "1", "--quiet"]
SLOPE, DRIFT = 3.0, 0.1  # bars: the carried strengths of all frames, kept, were 9 kB a frame
BACKGROUNDS = ("testsrc2", "mandelbrot", "testsrc2")  # the first and the last third cost the same


@dataclass(frozen=True)
class Sample:
    """The process at one moment: frames stored, seconds, processor seconds, kB of memory, open files, threads."""

    frames: int
    clock: float
    processor: float
    memory: int
    files: int
    threads: int


def make_clip(path: Path, frames: int) -> None:
    """Write three shots that move, with a tone beside them; the third is as the first."""
    parts = [frames // 3, frames // 3, frames - 2 * (frames // 3)]
    pictures = [
        part
        for source, count in zip(BACKGROUNDS, parts, strict=True)
        for part in ("-f", "lavfi", "-t", str(count / 24), "-i", f"{source}=s=64x48:r=24")
    ]
    sound = ["-f", "lavfi", "-t", str(frames / 24), "-i", "sine=330"]
    joined = ["-filter_complex", "[0][1][2]concat=n=3,format=yuv420p[v]", "-map", "[v]", "-map", "3:a"]
    codec = ["-c:v", "libx264", "-crf", "12", "-c:a", "aac", "-frames:v", str(frames), str(path)]
    subprocess.run([executable(), "-v", "error", "-y", *pictures, *sound, *joined, *codec], check=True)


def sample(process: int, journals: Path) -> Sample | None:
    """Return what the process is at this moment; None where it has ended."""
    proc = Path("/proc") / str(process)
    try:
        frames = sum(path.read_bytes().count(b"\n") for path in journals.glob("*.jsonl"))
        ticks = (proc / "stat").read_text().rpartition(")")[2].split()[11:13]
        status = dict(line.split(":", 1) for line in (proc / "status").read_text().splitlines())
        processor = sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")
        memory, threads = int(status["VmRSS"].split()[0]), int(status["Threads"])
        return Sample(frames, time.monotonic(), processor, memory, len(list((proc / "fd").iterdir())), threads)
    except (FileNotFoundError, ProcessLookupError, KeyError):
        return None


def watch(command: list[str], journals: Path, total: int) -> tuple[int, list[Sample]]:
    """Run a command; return its exit code and what it was while it rendered, but for its beginning."""
    environment = {**os.environ, "DREAMVID_CONFIG": ""}
    process = subprocess.Popen([sys.executable, "-m", "dreamvid", *command], cwd=ROOT, env=environment)
    samples: list[Sample] = []
    while process.poll() is None:
        found = sample(process.pid, journals)
        if found is not None and total // 10 <= found.frames < total:
            samples.append(found)
        time.sleep(PERIOD)
    return process.returncode, samples


def pace(samples: list[Sample], measure: str) -> float:
    """Return seconds a frame over some samples."""
    seconds = getattr(samples[-1], measure) - getattr(samples[0], measure)
    return float(seconds) / (samples[-1].frames - samples[0].frames)


def report(samples: list[Sample]) -> int:
    """Print the figures and return how many bars are missed."""
    edges = np.linspace(samples[0].frames, samples[-1].frames, 4)
    first, last = ([one for one in samples if edges[at] <= one.frames <= edges[at + 1]] for at in (0, 2))
    missed = 0

    def tell(text: str, good: bool) -> None:
        nonlocal missed
        missed += not good
        print(f"{'ok  ' if good else 'MISS'} {text}")

    frames, memory = ([getattr(one, name) for one in samples] for name in ("frames", "memory"))
    slope = float(np.polyfit(frames, memory, 1)[0])
    print(f"{len(samples)} samples, frames {frames[0]} to {frames[-1]}")
    tell(f"memory {memory[0]} kB to {memory[-1]} kB, {slope:+.2f} kB a frame (bar {SLOPE:g})", slope < SLOPE)
    drift = pace(last, "processor") / pace(first, "processor")
    tell(
        f"processor time {1000 * pace(first, 'processor'):.1f} ms to {1000 * pace(last, 'processor'):.1f} ms a frame, "
        f"x {drift:.3f} (bar {1 - DRIFT:g} to {1 + DRIFT:g})",
        abs(drift - 1) <= DRIFT,
    )
    print(f"     wall clock {1000 * pace(first, 'clock'):.1f} ms to {1000 * pace(last, 'clock'):.1f} ms a frame")
    for name, word in (("files", "open files"), ("threads", "threads")):
        most = [max(getattr(one, name) for one in third) for third in (first, last)]
        tell(f"{word} {most[0]} to {most[1]}", most[1] <= most[0])
    return missed


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--frames", type=int, default=3000)
    total = parser.parse_args().frames
    with tempfile.TemporaryDirectory() as folder:
        clip, output = Path(folder) / "clip.mp4", Path(folder) / "dream.mp4"
        make_clip(clip, total)
        code, samples = watch(["video", str(clip), str(output), *LOOK], Path(f"{output}.dreamvid", "journal"), total)
        if code or len(samples) < 10:
            print(f"exit code {code}, {len(samples)} samples: too few")
            return 1
        missed = report(samples)
        count = len(decode(output).times)
        print(f"{'ok  ' if count == total else 'MISS'} the film has {count} of {total} frames")
    return int(missed > 0 or count != total)


if __name__ == "__main__":
    sys.exit(main())
